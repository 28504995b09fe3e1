"""What packs bring to the server: routes, events, files, and nodes that wait for the browser."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from comfy_notebook.engine import Event
from comfy_notebook.packs.loader import PackLoader

from .conftest import EXAMPLES, WritePack, node_source


@pytest.fixture
async def http(loader: PackLoader) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the application, which runs before any pack is loaded."""
    address = loader.session.server.listen(port=0)
    async with aiohttp.ClientSession(address.url) as client:
        yield client


def load_examples(loader: PackLoader, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "custom_nodes")
    reports = loader.load_all()
    assert all(report.ok for report in reports), reports


async def in_thread(work: Any, *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)


async def test_files_of_the_four_kinds_are_served(
    http: aiohttp.ClientSession, loader: PackLoader, tmp_path: Path
) -> None:
    await in_thread(load_examples, loader, tmp_path)
    scripts = await (await http.get("/extensions")).json()
    expected = {"recolour/recolour", "recolour/colours", "swatch/swatch", "picker/picker", "picker/lib/dialog"}
    assert {f"/extensions/{name}.js" for name in expected} == set(scripts)
    script = await http.get("/extensions/recolour/recolour.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert await script.text() == (EXAMPLES / "recolour/js/recolour.js").read_text()
    assert (await (await http.get("/i18n")).json())["en"]["recolour"] == {"paint": "Paint"}
    assert await (await http.get("/workflow_templates")).json() == {"swatch": ["orange"]}
    [subgraph] = (await (await http.get("/global_subgraphs")).json()).values()
    assert (subgraph["name"], subgraph["info"]) == ("two_colours", {"node_pack": "swatch"})
    assert (await (await http.get("/extensions/swatch/docs/ColourSwatch.md")).text()).startswith("# Colour swatch")
    assert (await (await http.get("/swatch/names")).json())["#ff8000"] == "orange"
    info = await (await http.get("/object_info/ColourSwatch")).json()
    assert info["ColourSwatch"]["input"]["required"]["colour"] == ["SWATCH", {"default": "#ff8000"}]
    assert info["ColourSwatch"]["python_module"] == "custom_nodes.swatch"


async def test_a_swatch_is_painted_and_inverted(
    http: aiohttp.ClientSession, loader: PackLoader, tmp_path: Path
) -> None:
    await in_thread(load_examples, loader, tmp_path)
    prompt = {
        "1": {"class_type": "ColourSwatch", "inputs": {"colour": "#ff8000", "size": 4}},
        "2": {"class_type": "InvertPicture", "inputs": {"image": ["1", 0], "strength": 1.0}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    engine = loader.session.engine
    prompt_id = engine.submit(prompt).prompt_id
    await in_thread(engine.wait, prompt_id, 60)
    values = engine.values(prompt_id, "2")
    assert values is not None
    assert [round(value * 255) for value in values[0][0][0, 0, 0].tolist()] == [0, 127, 255]


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_node_waits_for_the_answer_of_the_browser(
    prefix: str, http: aiohttp.ClientSession, loader: PackLoader, tmp_path: Path
) -> None:
    await in_thread(load_examples, loader, tmp_path)
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 4, "batch_size": 3, "color": 255}},
        "2": {"class_type": "PickOne", "inputs": {"images": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    async with http.ws_connect("/ws?clientId=browser") as socket:
        sent = await http.post("/prompt", json={"prompt": prompt, "client_id": "browser"})
        prompt_id = (await sent.json())["prompt_id"]
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT and (event := json.loads(message.data))["type"] == "picker.ask":
                break
        assert event["data"]["node"] == "2"
        assert [image["type"] for image in event["data"]["images"]] == ["temp"] * 3
        shown = await http.get("/view", params=event["data"]["images"][1])
        assert shown.headers["Content-Type"] == "image/png"
        answer = await http.post(f"{prefix}/picker/choose", data=json.dumps({"node": "2", "index": 1}))
        assert await answer.json() == {"ok": True}
    entry = await in_thread(loader.session.engine.wait, prompt_id, 60)
    assert entry["status"]["status_str"] == "success"
    assert len(entry["outputs"]["3"]["images"]) == 1


ROUTES = """
import os
from aiohttp import web
from server import PromptServer
import folder_paths, nodes

server = PromptServer.instance
routes = server.routes

@routes.get("/mine/plain")
def plain(request):
    return web.Response(text="plain " + request.query.get("q", ""))

@routes.post("/mine/item/{name}")
async def item(request):
    name, body = request.match_info["name"], await request.json()
    return web.json_response({"name": name, "body": body, "app": request.app is not None})

@routes.get("/mine/fails")
async def fails(request):
    raise RuntimeError("the pack is ill")

@routes.get("/queue")
async def not_yours(request):
    return web.Response(text="stolen")

@routes.post("/object_info")
async def other_method(request):
    return web.Response(text="mine")

@web.middleware
async def mark(request, handler):
    response = await handler(request)
    response.headers["X-Mine"] = "1"
    return response

server.app.middlewares.append(mark)
server.app.router.add_get("/mine/direct", plain)
server.app.router.add_static("/mine/files", os.path.dirname(__file__))
server.app.add_routes([web.static("/extensions/other_name", os.path.dirname(__file__))])
nodes.EXTENSION_WEB_DIRS["third_name"] = os.path.dirname(__file__)
NODE_CLASS_MAPPINGS = {}
WEB_DIRECTORY = "."
"""


async def test_routes_added_to_the_running_application(
    http: aiohttp.ClientSession, loader: PackLoader, write_pack: WritePack
) -> None:
    assert (await http.get("/mine/plain")).status == 404
    write_pack("mine", ROUTES, {"data.txt": "content", "x.js": "export {};"})
    [report] = await in_thread(loader.load_all)
    assert report.ok, report
    for prefix in ("", "/api"):
        assert await (await http.get(f"{prefix}/mine/plain?q=1")).text() == "plain 1"
        assert await (await http.get(f"{prefix}/mine/direct")).text() == "plain "
        assert await (await http.get(f"{prefix}/mine/files/data.txt")).text() == "content"
        assert await (await http.get(f"{prefix}/extensions/other_name/data.txt")).text() == "content"
        answer = await http.post(f"{prefix}/mine/item/a%20b", json=[1])
        assert await answer.json() == {"name": "a b", "body": [1], "app": True}
    assert (await http.get("/mine/fails")).status == 500
    assert (await http.get("/mine/nothing")).status == 404
    assert "queue_running" in await (await http.get("/queue")).json()
    assert await (await http.post("/object_info")).text() == "mine"
    assert (await http.get("/queue")).headers["X-Mine"] == "1"
    assert "/extensions/third_name/x.js" in await (await http.get("/extensions")).json()
    assert (await http.get("/extensions/mine/../../x")).status in (403, 404)


async def test_pack_routes_stand_behind_the_gate(
    http: aiohttp.ClientSession, loader: PackLoader, write_pack: WritePack
) -> None:
    write_pack("mine", ROUTES)
    await in_thread(loader.load_all)
    refused = await http.get("/mine/plain", headers={"Origin": "http://evil.example"})
    assert refused.status == 403


WEB_BY_PROJECT = '[project]\nname = "project-name"\n[tool.comfy]\nweb = "client"\n'


async def test_the_web_folder_of_pyproject(
    http: aiohttp.ClientSession, loader: PackLoader, write_pack: WritePack
) -> None:
    files = {"pyproject.toml": WEB_BY_PROJECT, "client/a.js": "1", "client/docs/N.md": "# N"}
    write_pack("declared", "NODE_CLASS_MAPPINGS = {}", files)
    await in_thread(loader.load_all)
    assert await (await http.get("/extensions")).json() == ["/extensions/project-name/a.js"]
    assert await (await http.get("/extensions/project-name/docs/N.md")).text() == "# N"


async def test_events_from_any_thread(http: aiohttp.ClientSession, loader: PackLoader, write_pack: WritePack) -> None:
    source = """
import threading
from server import PromptServer
PromptServer.instance.send_sync("too.early", {"nobody": "listens"})
def talk():
    PromptServer.instance.send_sync("mine.all", {"n": 1})
    PromptServer.instance.send_sync("mine.one", {"n": 2}, "browser")
    PromptServer.instance.send_sync("mine.other", {"n": 3}, "somebody else")
    PromptServer.instance.loop.call_soon_threadsafe(PromptServer.instance.send_sync, "mine.loop", {"n": 4})
NODE_CLASS_MAPPINGS = {}
WEB_DIRECTORY = "."
threading.Timer(0.2, talk).start()
"""
    write_pack("talks", source)
    seen: list[tuple[str, Any]] = []
    async with http.ws_connect("/ws?clientId=browser") as socket:
        await in_thread(loader.load_all)
        async for message in socket:
            event = json.loads(message.data)
            if event["type"].startswith("mine."):
                seen.append((event["type"], event["data"]["n"]))
            if event["type"] == "mine.loop":
                break
    assert seen == [("mine.all", 1), ("mine.one", 2), ("mine.loop", 4)]


async def test_clients_hear_of_packs_and_of_changes(
    http: aiohttp.ClientSession, loader: PackLoader, write_pack: WritePack
) -> None:
    loader.session.editors  # noqa: B018 - tells clients of changed nodes
    events: list[Event] = []
    loader.session.bus.subscribe(events.append)

    async def heard(kind: str, key: str, value: str) -> bool:
        for _ in range(200):
            if any(event.type == kind and value in event.data[key] for event in list(events)):
                return True
            await asyncio.sleep(0.05)
        return False

    folder = write_pack("changing", node_source("First"))
    write_pack("ill", "import nobody_has_it")
    await in_thread(loader.load_all)
    assert await heard("cn.nodes_changed", "set", "First")
    assert await heard("cn.notice", "detail", "ill: needs")
    (folder / "__init__.py").write_text(node_source("Second"))
    await in_thread(loader.reload_changed)
    assert await heard("cn.nodes_changed", "remove", "First")
    fine, ill = await (await http.get("/cn/packs")).json()
    assert (fine["name"], fine["status"], fine["nodes"]) == ("changing", "loaded", ["Second"])
    assert (ill["status"], ill["remedy"]) == ("failed", "pip install nobody_has_it")


CHANGING = """
import os
from aiohttp import web
from server import PromptServer

app = PromptServer.instance.app
async def version(request):
    return web.Response(text=str(VERSION))
@web.middleware
async def mark(request, handler):
    response = await handler(request)
    response.headers.add("X-Version", str(VERSION))
    return response
app.router.add_get("/changing/version", version)
app.router.add_static("/changing/files", os.path.join(os.path.dirname(__file__), f"files{VERSION}"))
app.middlewares.append(mark)
NODE_CLASS_MAPPINGS = {}
WEB_DIRECTORY = "."
"""


async def test_what_a_pack_added_to_the_application_goes_with_its_code(
    http: aiohttp.ClientSession, loader: PackLoader, write_pack: WritePack
) -> None:
    async def seen() -> tuple[str, str, list[str]]:
        answer = await http.get("/changing/version")
        file = await http.get("/changing/files/a.txt")
        return await answer.text(), await file.text(), answer.headers.getall("X-Version")

    folder = write_pack("changing", "VERSION = 1\n" + CHANGING, {"files1/a.txt": "one", "files2/a.txt": "two"})
    write_pack("other", ROUTES)
    await in_thread(loader.load_all)
    assert await seen() == ("1", "one", ["1"])
    (folder / "__init__.py").write_text("VERSION = 2\n" + CHANGING)
    assert (await in_thread(loader.reload_changed))[0].ok
    assert await seen() == ("2", "two", ["2"])
    (folder / "__init__.py").write_text("VERSION = 3\n" + CHANGING + "import nobody_has_it\n")
    assert not (await in_thread(loader.reload_changed))[0].ok
    assert await seen() == ("2", "two", ["2"])
    assert await (await http.get("/mine/direct")).text() == "plain "
