"""Uploads and views: whole files or none, and never outside their folder."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfy_notebook.session import Session

from .conftest import png_bytes


def form(data: bytes, name: str, **fields: str) -> aiohttp.FormData:
    made = aiohttp.FormData()
    made.add_field("image", data, filename=name, content_type="image/png")
    for key, value in fields.items():
        made.add_field(key, value)
    return made


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def upload(http: aiohttp.ClientSession, *args: Any, **fields: Any) -> dict[str, Any]:
    async with http.post("/upload/image", data=form(*args, **fields)) as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def test_upload_keeps_reuses_numbers_and_overwrites(client: aiohttp.ClientSession, session: Session) -> None:
    red, blue = png_bytes((255, 0, 0)), png_bytes((0, 0, 255))
    assert await upload(client, red, "a.png") == {"name": "a.png", "subfolder": "", "type": "input"}
    assert (await upload(client, red, "a.png"))["name"] == "a.png"
    assert (await upload(client, blue, "a.png"))["name"] == "a (1).png"
    assert (await upload(client, blue, "a.png"))["name"] == "a (1).png"
    assert files_below(session.folders.input) == ["a (1).png", "a.png"]
    assert (await upload(client, blue, "a.png", overwrite="true"))["name"] == "a.png"
    assert (session.folders.input / "a.png").read_bytes() == blue
    assert await upload(client, red, "b.png", type="temp", subfolder="x/y") == {
        "name": "b.png", "subfolder": "x/y", "type": "temp"}  # fmt: skip
    assert (session.folders.temp / "x/y/b.png").read_bytes() == red


async def test_ten_uploads_of_one_name_at_once_all_arrive(pair: aiohttp.ClientSession, session: Session) -> None:
    pictures = [png_bytes((number, 0, 0)) for number in range(10)]
    answers = await asyncio.gather(*(upload(pair, data, "same.png") for data in pictures))
    stored = {answer["name"]: (session.folders.input / answer["name"]).read_bytes() for answer in answers}
    assert len(stored) == 10
    assert sorted(stored.values()) == sorted(pictures)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (form(b"x", "../../evil.png", subfolder="../.."), 403),
        (form(b"x", "e.png", subfolder="/etc"), 403),
        (form(b"x", "e.png", type="nowhere"), 400),
        (form(b"x", ".."), 400),
        (form(b"x", "n" * 300), 400),
        (form(b"x" * (1024 * 1024 + 1), "big.png"), 413),
        (b"no form", 415),
    ],
)
async def test_bad_uploads_are_refused_and_leave_nothing(
    pair: aiohttp.ClientSession, session: Session, data: Any, status: int
) -> None:
    before = files_below(session.folders.base)
    async with pair.post("/upload/image", data=data) as response:
        assert response.status == status, await response.text()
        assert (await response.json())["error"]["message"]
    assert files_below(session.folders.base) == before


async def test_uploaded_name_loses_its_folders(pair: aiohttp.ClientSession, session: Session) -> None:
    made = aiohttp.FormData(quote_fields=False)
    made.add_field("image", b"1", filename="../../c.png")
    async with pair.post("/upload/image", data=made) as response:
        assert (await response.json())["name"] == "c.png"
    assert files_below(session.folders.input) == ["c.png"]


@pytest.mark.parametrize("ending", ["cut", "broken boundary"])
async def test_upload_broken_off_midway_leaves_no_file(
    session: Session, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = session.server.listen(port=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
    body = b'--b\r\nContent-Disposition: form-data; name="image"; filename="half.png"\r\n\r\n' + b"x" * 300_000
    head = f"POST /upload/image HTTP/1.1\r\nHost: 127.0.0.1:{address.port}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\n"
    length = len(body) if ending == "broken boundary" else len(body) * 2
    writer.write(f"{head}Content-Length: {length}\r\n\r\n".encode() + body)
    await writer.drain()
    for _ in range(200):
        if files_below(session.folders.base):
            break
        await asyncio.sleep(0.01)
    if ending == "broken boundary":
        assert b" 400 " in await reader.readline()
    writer.close()
    for _ in range(200):
        if not files_below(session.folders.base):
            break
        await asyncio.sleep(0.01)
    assert files_below(session.folders.base) == []
    await asyncio.sleep(0.05)
    assert "Error handling request" not in caplog.text, "a client that leaves is nothing to worry about"


async def test_view_serves_previews_and_channels(client: aiohttp.ClientSession, session: Session) -> None:
    folder = session.folders.output / "sub"
    folder.mkdir(parents=True)
    original = png_bytes((255, 128, 0, 64))
    (folder / "a.png").write_bytes(original)
    query = "/view?filename=a.png&subfolder=sub"
    async with client.get(query) as response:
        assert response.content_type == "image/png"
        assert await response.read() == original

    async def shown(extra: str) -> Image.Image:
        async with client.get(query + extra) as response:
            assert response.status == 200, await response.text()
            return Image.open(io.BytesIO(await response.read()))

    assert (await shown("&preview=webp;80")).format == "WEBP"
    assert (await shown("&preview=jpeg;50")).format == "JPEG"
    assert (await shown("&preview=jpeg;nonsense")).format == "JPEG"
    rgb = await shown("&channel=rgb")
    assert (rgb.mode, rgb.getpixel((0, 0))) == ("RGB", (255, 128, 0))
    alpha = await shown("&channel=a")
    assert alpha.getpixel((0, 0)) == (0, 0, 0, 64)
    async with client.get(
        "/view", params={"filename": "a.png [output]", "subfolder": "sub", "type": "input"}
    ) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "name", ["a.html", "a.js", "a.svg", "a.xml", "a.xhtml", "a.css", "a.htm", "a", "a.SVG", "a.mjs"]
)
async def test_active_content_is_a_download(pair: aiohttp.ClientSession, session: Session, name: str) -> None:
    session.folders.output.mkdir(parents=True)
    (session.folders.output / name).write_text("<script>alert(1)</script>")
    async with pair.get("/view", params={"filename": name}) as response:
        assert response.status == 200
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"filename": "../secret.png"}, 400),
        ({"filename": "..\\secret.png"}, 400),
        ({"filename": "/etc/passwd"}, 400),
        ({"filename": "secret.png", "subfolder": ".."}, 403),
        ({"filename": "passwd", "subfolder": "/etc"}, 403),
        ({"filename": "a\0.png"}, 400),
        ({"filename": "link/secret.png"}, 403),
        ({"filename": "missing.png"}, 404),
        ({"filename": "x.png", "type": "models"}, 400),
        ({"filename": "text.png", "preview": "webp"}, 415),
    ],
)
async def test_view_refuses(pair: aiohttp.ClientSession, session: Session, query: dict[str, str], status: int) -> None:
    session.folders.output.mkdir(parents=True)
    (session.folders.base / "secret.png").write_bytes(png_bytes())
    (session.folders.output / "link").symlink_to(session.folders.base)
    (session.folders.output / "text.png").write_text("no image")
    async with pair.get("/view", params=query) as response:
        assert response.status == status
        assert (await response.json())["error"]["message"]


async def test_mask_goes_into_the_alpha_of_the_original_with_its_texts(
    pair: aiohttp.ClientSession, session: Session
) -> None:
    info = PngInfo()
    info.add_text("workflow", '{"nodes": []}')
    await upload(pair, png_bytes((10, 20, 30), pnginfo=info), "photo.png")
    mask = form(
        png_bytes((0, 0, 0, 99)), "mask.png", original_ref=json.dumps({"filename": "photo.png", "type": "input"})
    )
    async with pair.post("/upload/mask", data=mask) as response:
        assert (await response.json())["name"] == "mask.png"
    with Image.open(session.folders.input / "mask.png") as image:
        assert image.getpixel((1, 1)) == (10, 20, 30, 99)
        assert image.text == {"workflow": '{"nodes": []}'}
    bad = form(b"no image", "m.png", original_ref=json.dumps({"filename": "photo.png", "type": "input"}))
    assert (await pair.post("/upload/mask", data=bad)).status == 415
    lost = form(png_bytes(), "m.png", original_ref=json.dumps({"filename": "gone.png"}))
    assert (await pair.post("/upload/mask", data=lost)).status == 404
    assert files_below(session.folders.input) == ["mask.png", "photo.png"]


async def test_a_picture_on_its_side_is_masked_as_it_is_shown(pair: aiohttp.ClientSession, session: Session) -> None:
    """EXIF orientation 6: the first row of the file is the right edge of what browsers and LoadImage show."""
    picture = Image.new("RGB", (4, 2))
    picture.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = io.BytesIO()
    picture.save(data, "PNG", exif=exif)
    await upload(pair, data.getvalue(), "side.png")
    alpha = Image.new("RGBA", (2, 4), (0, 0, 0, 255))
    alpha.putpixel((1, 0), (0, 0, 0, 0))
    mask = io.BytesIO()
    alpha.save(mask, "PNG")
    fields = {"original_ref": json.dumps({"filename": "side.png", "type": "input"}), "subfolder": "clipspace"}
    async with pair.post("/upload/mask", data=form(mask.getvalue(), "m.png", **fields)) as response:
        assert await response.json() == {"name": "m.png", "subfolder": "clipspace", "type": "input"}
    with Image.open(session.folders.input / "clipspace/m.png") as image:
        assert image.size == (2, 4)
        assert image.getpixel((1, 0)) == (255, 0, 0, 0)
        assert image.getpixel((0, 0)) == (0, 0, 0, 255)
        assert not image.getexif()
    for how in ({"channel": "rgb"}, {"preview": "webp"}):
        async with pair.get("/view", params={"filename": "side.png", "type": "input", **how}) as response:
            with Image.open(io.BytesIO(await response.read())) as shown:
                assert shown.size == (2, 4)
