"""What packs bring for clients, what the log tells them, and what is switched off."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from comfy_notebook.packs.files import PackFiles
from comfy_notebook.session import Session

from .conftest import SAY_SHOW


@pytest.fixture
def pack(session: Session, tmp_path: Path) -> PackFiles:
    folder = tmp_path / "my-pack"
    files = {
        "js/main.js": "export const a = 1;",
        "js/sub/more.js": "export const b = 2;",
        "js/style.css": "a {}",
        "js/icon.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
        "js/page.html": "<script>1</script>",
        "example_workflows/start.json": '{"nodes": []}',
        "example_workflows/start.jpg": "no picture",
        "locales/en/main.json": '{"greeting": "hello", "nodeDefs": {"A": {"display_name": "a"}}}',
        "locales/en/nodeDefs.json": '{"B": {"display_name": "b"}}',
        "locales/de/commands.json": '{"go": "los"}',
        "locales/fr/main.json": "{broken",
        "subgraphs/Blur.json": '{"definitions": {}}',
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    pack = PackFiles("my-pack", folder, folder / "js")
    session.packs.add(pack)
    return pack


async def test_scripts_templates_translations_and_subgraphs(pair: aiohttp.ClientSession, pack: PackFiles) -> None:
    scripts = await (await pair.get("/extensions")).json()
    assert scripts == ["/extensions/my-pack/main.js", "/extensions/my-pack/sub/more.js"]
    async with pair.get(scripts[1]) as response:
        assert (response.content_type, await response.text()) == ("text/javascript", "export const b = 2;")
    async with pair.get("/extensions/my-pack/page.html") as response:
        assert response.content_type == "application/octet-stream"
    assert (await pair.get("/extensions/my-pack/style.css")).content_type == "text/css"
    assert (await pair.get("/extensions/my-pack/icon.svg")).content_type == "image/svg+xml"
    assert await (await pair.get("/workflow_templates")).json() == {"my-pack": ["start"]}
    async with pair.get("/api/workflow_templates/my-pack/start.json") as response:
        assert await response.json() == {"nodes": []}
    assert await (await pair.get("/i18n")).json() == {
        "de": {"commands": {"go": "los"}},
        "en": {"greeting": "hello", "nodeDefs": {"A": {"display_name": "a"}, "B": {"display_name": "b"}}},
    }
    subgraphs = await (await pair.get("/global_subgraphs")).json()
    ((name, entry),) = subgraphs.items()
    assert entry == {"source": "custom_node", "name": "Blur", "info": {"node_pack": "my-pack"}}
    detail = await (await pair.get(f"/global_subgraphs/{name}")).json()
    assert json.loads(detail["data"]) == {"definitions": {}}
    for path, status in [
        ("/extensions/other/main.js", 404),
        ("/extensions/my-pack/none.js", 404),
        ("/extensions/my-pack/..%2flocales%2fen%2fmain.json", 403),
        ("/extensions/my-pack/%00", 400),
        ("/workflow_templates/my-pack/..%2fjs%2fmain.js", 403),
        ("/global_subgraphs/x", 404),
    ]:
        assert (await pair.get(path)).status == status, path


async def test_replaced_nodes_are_listed(pair: aiohttp.ClientSession, session: Session) -> None:
    assert await (await pair.get("/node_replacements")).json() == {}
    told = {"new_node_id": "New", "old_node_id": "Old", "old_widget_ids": [], "input_mapping": [], "output_mapping": []}
    session.registry.replacements.register(told)
    assert await (await pair.get("/node_replacements")).json() == {"Old": [told]}


async def test_the_log_can_be_read_and_followed(pair: aiohttp.ClientSession, session: Session) -> None:
    logger = logging.getLogger("comfy_notebook")
    before = list(logger.handlers)
    assert session.logs.entries() == []
    assert len(logger.handlers) == len(before) + 1
    async with pair.ws_connect("/ws?clientId=me") as socket:
        await socket.receive_json()
        assert (await pair.patch("/internal/logs/subscribe", json={"clientId": "me", "enabled": True})).status == 200
        logging.getLogger("comfy_notebook.test").warning("look here")
        told = await socket.receive_json()
        assert told["type"] == "logs"
        assert told["data"]["entries"][0]["m"] == "look here\n"
        await pair.patch("/internal/logs/subscribe", json={"clientId": "me", "enabled": False})
        logging.getLogger("comfy_notebook.test").warning("and here")
        await pair.post("/prompt", json={"prompt": SAY_SHOW, "client_id": "me"})
        assert (await socket.receive_json())["type"] == "status"
    raw = await (await pair.get("/internal/logs/raw")).json()
    assert [entry["m"] for entry in raw["entries"]] == ["look here\n", "and here\n"]
    assert raw["size"].keys() == {"cols", "rows"}
    assert "look here" in await (await pair.get("/internal/logs")).json()
    wrong: list[Any] = [{}, {"clientId": 1, "enabled": True}, {"clientId": "me", "enabled": "yes"}, []]
    for body in wrong:
        assert (await pair.patch("/internal/logs/subscribe", json=body)).status == 400
    session.close()
    assert logger.handlers == before


async def test_files_by_type_newest_first(pair: aiohttp.ClientSession, session: Session) -> None:
    assert await (await pair.get("/internal/files/input")).json() == []
    session.folders.input.mkdir(parents=True)
    for age, name in enumerate(["new.png", "old.png", ".hidden"]):
        (session.folders.input / name).write_bytes(b"")
        os.utime(session.folders.input / name, (1000 - age, 1000 - age))
    assert await (await pair.get("/internal/files/input")).json() == ["new.png", "old.png"]
    assert (await pair.get("/internal/files/models")).status == 400


@pytest.mark.parametrize("path", ["/assets", "/api/assets/x/y", "/api/tags", "/assets/upload"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_assets_say_that_they_are_off(pair: aiohttp.ClientSession, method: str, path: str) -> None:
    async with pair.request(method, path) as response:
        assert response.status == 503
        assert (await response.json())["error"]["code"] == "SERVICE_DISABLED"


async def test_modules_of_all_packs_come_in_one_answer(
    pair: aiohttp.ClientSession, pack: PackFiles, tmp_path: Path, session: Session
) -> None:
    assert pack.web is not None
    odd = pack.web / "ö #1.mjs"
    odd.write_bytes(b"\xef\xbb\xbfexport const c = '\xff';")  # a byte order mark, and a byte that is no UTF-8
    listed = await (await pair.get("/cn/extensions")).json()
    assert listed["importing"] == []
    by_path = {module["path"]: module for module in listed["modules"]}
    assert list(by_path) == [
        "/extensions/my-pack/main.js",
        "/extensions/my-pack/sub/more.js",
        "/extensions/my-pack/%C3%B6%20%231.mjs",
    ]
    assert [module["entry"] for module in listed["modules"]] == [True, True, False]
    assert "sources" not in listed

    main, more, third = (module["hash"] for module in listed["modules"])
    full = await (await pair.post("/cn/extensions", json={"have": [more, "other"]})).json()
    assert full["modules"] == listed["modules"]
    assert full["sources"] == {main: "export const a = 1;", third: "export const c = '\ufffd';"}
    for path in by_path:  # the same files answer one by one
        assert (await pair.get(path)).status == 200

    (pack.web / "main.js").write_text("export const a = 2; // changed")
    again = await (await pair.post("/cn/extensions", json={"have": [main, more, third]})).json()
    assert list(again["sources"].values()) == ["export const a = 2; // changed"]
    for wrong in ([], {"have": 1}):
        assert (await pair.post("/cn/extensions", json=wrong)).status == 400


async def test_a_listing_follows_packs_that_go(pair: aiohttp.ClientSession, pack: PackFiles, session: Session) -> None:
    session.packs.remove("my-pack")
    assert (await (await pair.get("/cn/extensions")).json())["modules"] == []


async def test_what_a_file_carries_can_be_asked(pair: aiohttp.ClientSession) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0110] = 'prompt:{"1": {}}'
    Image.new("RGB", (4, 4)).save(buffer, "WEBP", exif=exif)
    async with pair.post("/cn/metadata", data=buffer.getvalue()) as response:
        assert await response.json() == {"texts": {"prompt": '{"1": {}}'}}
    for wrong in (b"", b"no picture", buffer.getvalue()[:30]):
        assert (await pair.post("/cn/metadata", data=wrong)).status == 400
