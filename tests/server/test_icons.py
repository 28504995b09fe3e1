"""The icon fonts that packs name by class."""

from __future__ import annotations

import aiohttp
import pytest

from comfy_notebook.server import icons


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(
    ("name", "kind", "start"),
    [
        ("pi.css", "text/css", b""),
        ("mdi.css", "text/css", b""),
        ("pi.woff2", "font/woff2", b"wOF2"),  # WOFF2's magic number
        ("mdi.woff2", "font/woff2", b"wOF2"),
    ],
)
async def test_fonts_and_their_rules(
    client: aiohttp.ClientSession, prefix: str, name: str, kind: str, start: bytes
) -> None:
    if not (icons.FOLDER / name).is_file():
        pytest.skip("the front end is not built: run `make install`")
    async with client.get(f"{prefix}/cn/icons/{name}") as response:
        assert response.status == 200
        assert response.content_type == kind
        body = await response.read()
        assert body.startswith(start)
        assert len(body) > 10_000
        assert b"@font-face" not in body  # the page has the font from the answer itself


@pytest.mark.parametrize("name", ["other.css", "pi.ttf", "..%2Feditor.js", "%2e%2e%2f%2e%2e%2fapp.py"])
async def test_nothing_else_is_there(client: aiohttp.ClientSession, name: str) -> None:
    async with client.get(f"/cn/icons/{name}") as response:
        assert response.status == 404
