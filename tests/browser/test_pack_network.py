"""What packs ask for in an editor's frame reaches the kernel with no port open; what the kernel says reaches packs."""

from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from playwright.sync_api import Frame

from comfy_notebook.engine.events import Event
from comfy_notebook.session import Session

from .module_page import OpenPacks, WritePack, complaints

#: ``pictures``, ``requests`` and ``looks``: functions by what they try.
WAYS = Path(__file__).parent / "fixtures" / "packs" / "network.js"


def png(color: tuple[int, int, int], size: tuple[int, int] = (12, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


#: Ways in which packs name a picture of the kernel; each ends with what was seen.
FINE = [12, 8]


EXPECTED = {
    "property": [False, FINE, True], "innerHTML": [FINE, 0, True], "table": [1, FINE],
    "read back": ["red.png", "/view?filename=red.png&type=input&rand=1", True], "changed": [0, 255, 0, 255],
    "data": ["error", "data:,"], "gone": "error", "decode": 12, "video poster": "/view", "svg": "blob",
}  # fmt: skip


@pytest.fixture
def pictures(packs_session: Session) -> None:
    packs_session.folders.input.mkdir(parents=True, exist_ok=True)
    (packs_session.folders.input / "red.png").write_bytes(png((255, 0, 0)))
    (packs_session.folders.input / "green.png").write_bytes(png((0, 255, 0)))


def tried(frame: Frame, group: str, way: str) -> Any:
    """What one function of ``WAYS`` gives; fails when that takes too long."""
    late = "new Promise((_, fail) => setTimeout(() => fail(new Error('took too long')), 10000))"
    return frame.evaluate(f"([group, way]) => Promise.race([window[group][way](), {late}])", [group, way])


def ways(frame: Frame, group: str) -> list[str]:
    frame.evaluate(WAYS.read_text("utf-8"))
    return list(frame.evaluate(f"Object.keys({group})"))


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("variant", ["plain", "colab"])
def test_pictures_of_the_kernel_are_seen_however_they_are_named(
    packs_session: Session, packs_page: OpenPacks, variant: str
) -> None:
    with packs_page(variant) as (page, frame):
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        for way in ways(frame, "pictures"):
            assert tried(frame, "pictures", way) == EXPECTED.get(way, FINE), way
        assert [url for url in requests if "comfy.invalid" in url] == []  # nothing was asked of a server
        assert [url for url in requests if "/view" in url] == []
        assert page.errors == []
        assert complaints(page) == []


def add_odd_routes(packs_session: Session) -> list[bytes]:
    """Routes of a pack; returns what ``/pack/beacon`` receives."""
    table = packs_session.packs.routes.table
    received: list[bytes] = []

    @table.post("/pack/echo")
    async def echo(request: web.Request) -> web.Response:
        if request.content_type == "multipart/form-data":
            form = await request.post()
            file = form["image"]
            assert isinstance(file, web.FileField)
            return web.json_response({"name": file.filename, "size": len(file.file.read()), "more": form["more"]})
        body = await request.text()
        told = {"body": body, "type": request.content_type, "x": request.headers.get("X-Own"), "q": dict(request.query)}
        return web.json_response(told, status=201, headers={"X-Answer": "yes"})

    @table.get("/pack/away")
    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound("/pack/there?a=1")

    @table.get("/pack/there")
    async def there(request: web.Request) -> web.Response:
        return web.Response(text="there " + request.query["a"])

    @table.get("/pack/lines")
    async def lines(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(3):
            await response.write(f"line {number}\n".encode())
            await asyncio.sleep(0.1)
        return response

    @table.post("/pack/beacon")
    async def beacon(request: web.Request) -> web.Response:
        received.append(await request.read())
        return web.Response()

    return received


HEAD_STATUS = [200, ""]


ANSWERS = {
    "fetch": [201, "Created", True, "https://comfy.invalid/pack/echo?a=1", "yes",
              {"body": '{"b":2}', "type": "text/plain", "x": "o", "q": {"a": "1"}}, True, True],
    "fetchApi": "text", "request": "application/x-www-form-urlencoded",
    "form": {"name": "ä b.png", "size": 5, "more": "x"}, "redirect": ["there 1", True, "/pack/there"], "manual": 302,
    "missing": [False, 404], "head": HEAD_STATUS, "blob": ["image/png", True],
    "stream": [True, "line 0\nline 1\nline 2\n"], "abort": "AbortError", "aborted": "AbortError", "data": "hello",
    "blob url": "mine",
    "xhr": [[1, "loadstart", 2, 3, "progress", 4, "load", "loadend"], 201, "Created", "body", "o", "yes", True, True],
    "xhr text": ["there 2", "there 2", "/pack/there"], "xhr bytes": [80, 78, 71], "xhr abort": [["abort"], 0],
    "xhr timeout": "timeout", "xhr elsewhere": ["far", 4, 200], "beacon": True,
    "upload": {"name": "copy.png", "subfolder": "", "type": "input"},
}  # fmt: skip


@pytest.mark.usefixtures("pictures")
def test_requests_of_every_kind_reach_the_kernel(packs_session: Session, packs_page: OpenPacks) -> None:
    received = add_odd_routes(packs_session)
    with packs_page() as (page, frame):
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        for way in ways(frame, "requests"):
            assert tried(frame, "requests", way) == ANSWERS[way], way
        assert (packs_session.folders.input / "copy.png").is_file()
        assert received == [b"gone"]
        assert [url for url in requests if url.startswith("http")] == []
        assert page.errors == []
        assert complaints(page) == []


STYLES: dict[str, str | bytes] = {
    "look.css": "@import './more.css';\n.look { color: rgb(1, 2, 3); background: url(\"red.png\") }",
    "more.css": "@import url(look.css); /* url(no.png) */\n"
    ".more { background-image: url(../js/red.png), url(gone.png) }",
    "red.png": png((255, 0, 0)),
    "classic.js": "window.order = [...(window.order ?? []), 'classic'];\n"
    "window.here = document.currentScript !== null;",
    "second.js": "window.order = [...(window.order ?? []), 'second'];",
    "module.mjs": "import { app } from '../../scripts/app.js';\nwindow.asModule = app === window.app && "
    "import.meta.url;",
}


LOOKED = {
    "link": ["rgb(1, 2, 3)", True, 2, "/extensions/my-pack/look.css"], "missing link": "error", "style element": "blob",
    "style property": ["red", "1px 2px"], "style attribute": "blob", "rules": "blob",
    "scripts": [["classic", "second"], True], "module script": "https://comfy.invalid/extensions/my-pack/module.mjs",
    "inline module": True,
    "sound": ["played", True, True, "/sound.wav"],
}  # fmt: skip


def wav() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(b"\x80" * 800)
    return buffer.getvalue()


@pytest.mark.usefixtures("pictures")
def test_styles_scripts_and_sounds_come_from_the_kernel(
    packs_session: Session, write_pack: WritePack, packs_page: OpenPacks
) -> None:
    write_pack("my-pack", STYLES)

    @packs_session.packs.routes.table.get("/sound.wav")
    async def sound(request: web.Request) -> web.Response:
        return web.Response(body=wav(), content_type="audio/wav")

    with packs_page() as (page, frame):
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        frame.evaluate("delete window.order; delete window.here")  # every .js was evaluated at the start
        for way in ways(frame, "looks"):
            assert tried(frame, "looks", way) == LOOKED[way], way
            assert [url for url in requests if url.startswith("http")] == [], way
        assert page.errors == []


@pytest.mark.usefixtures("pictures")
def test_files_are_saved_and_opened_from_links(packs_session: Session, packs_page: OpenPacks) -> None:
    with packs_page() as (page, frame):
        click = """([name, connected, download]) => {
            const a = document.createElement("a"); a.href = `/view?filename=${name}&type=input`; a.target = "_blank";
            if (download) a.download = download === true ? "" : download;
            if (connected) document.body.append(a);
            a.click(); a.remove();
        }"""
        for connected in (True, False):
            for name, download, saved in (("red.png", "mine.png", "mine.png"), ("green.png", True, "green.png")):
                with page.page.expect_download() as download_info:
                    frame.evaluate(click, [name, connected, download])
                assert download_info.value.suggested_filename == saved
                assert (
                    Path(download_info.value.path()).read_bytes() == (packs_session.folders.input / name).read_bytes()
                )
        for code in ("window.open('/view?filename=red.png&type=input', '_blank', 'noopener')", None):
            with page.page.expect_popup() as popup:
                frame.evaluate(code) if code else frame.evaluate(click, ["red.png", True, None])
            popup.value.wait_for_url("blob:**")
            assert popup.value.locator("img").evaluate("image => image.naturalWidth") == 12
        assert page.errors == []


def test_websockets_need_no_port(packs_session: Session, packs_page: OpenPacks) -> None:
    closed: list[int | None] = []

    @packs_session.packs.routes.table.get("/pack/socket")
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["own"])
        await socket.prepare(request)
        await socket.send_str("hello " + request.query["name"])
        async for message in socket:
            if message.data == "bye":
                await socket.close(code=4001, message=b"as you wish")
            elif isinstance(message.data, bytes):
                await socket.send_bytes(message.data[::-1])
            else:
                await socket.send_str(message.data.upper())
        closed.append(socket.close_code)
        return socket

    talk = """async (end) => {
        const socket = new WebSocket(`ws://${location.host}/pack/socket?name=me`, ["own"]);
        const heard = [socket instanceof WebSocket, socket.readyState];
        socket.binaryType = "arraybuffer";
        socket.onopen = () => {
            heard.push(socket.protocol); socket.send("ä".repeat(3)); socket.send(new Uint8Array([1, 2, 3]));
        };
        await new Promise((done) => {
            socket.onmessage = ({data}) => {
                heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
                if (heard.length === 6) end === "theirs" ? socket.send("bye") : socket.close(4000);
            };
            socket.onclose = ({code, reason, wasClean}) => done(heard.push(code, reason, wasClean));
        });
        return [...heard, socket.readyState === WebSocket.CLOSED];
    }"""
    refused = """() => new Promise((done) => {
        const socket = new WebSocket("/pack/none"); const heard = [];
        socket.onerror = () => heard.push("error"); socket.onclose = ({code}) => done([...heard, code]);
    })"""
    comfy = """() => new Promise((done) => {
        const socket = api.socket; const types = [];
        socket.onopen = () => socket.send(JSON.stringify({type: "feature_flags", data: {}}));
        socket.onmessage = ({data}) => { types.push(JSON.parse(data).type); if (types.length === 2) done(types); };
    })"""
    with packs_page() as (page, frame):
        sockets: list[str] = []
        page.page.on("websocket", lambda socket: sockets.append(socket.url))
        start = [True, 0, "own", "hello me", "ÄÄÄ", [3, 2, 1]]
        assert frame.evaluate(talk, "theirs") == [*start, 4001, "as you wish", True, True]
        assert frame.evaluate(talk, "ours") == [*start, 1000, "", True, True]  # what the server closes with
        assert closed[1] == 4000
        assert frame.evaluate(refused) == ["error", 1006]
        assert frame.evaluate(comfy) == ["status", "feature_flags"]
        assert sockets == []
        assert page.errors == []


def test_messages_of_the_kernel_are_events(packs_session: Session, packs_page: OpenPacks) -> None:
    listen = """() => {
        window.heard = [];
        for (const type of ["status", "executing", "executed", "pack.ask", "b_preview", "b_preview_with_metadata"]) {
            api.addEventListener(type, ({detail}) => heard.push([type, detail instanceof Blob ? detail.type : detail]));
        }
        api.addEventListener("pack.ask", () => { throw new Error("a listener that fails"); });
        api.addEventListener("pack.ask", () => heard.push("the next one"));
    }"""
    with packs_page() as (page, frame):
        frame.evaluate(listen)
        metadata = {"node_id": "1", "prompt_id": "p", "display_node_id": "2", "image_type": "image/png"}
        for event in (
            Event("status", {"status": {"exec_info": {"queue_remaining": 1}}}),
            Event("executing", {"node": "5", "display_node": "4", "prompt_id": "p"}, "e1"),
            Event("executing", {"node": "9", "prompt_id": "p"}, "another editor"),
            Event("b_preview_with_metadata", metadata, "e1", (png((1, 2, 3)),)),
            Event("pack.ask", {"node": "4"}, "e1"),
            Event("executing", {"node": None, "prompt_id": "p"}, "e1"),
        ):
            packs_session.bus.publish(event)
        frame.wait_for_function("heard.at(-1)?.[0] === 'executing' && heard.at(-1)[1] === null")
        heard = frame.evaluate("heard")
        preview = next(item[1] for item in heard if item[0] == "b_preview_with_metadata")
        assert (preview["nodeId"], preview["displayNodeId"], preview["promptId"]) == ("1", "2", "p")
        assert [item for item in heard if item[0] != "b_preview_with_metadata"] == [
            ["status", {"exec_info": {"queue_remaining": 1}}], ["executing", "4"], ["b_preview", "image/png"],
            ["pack.ask", {"node": "4"}], "the next one", ["executing", None],
        ]  # fmt: skip
        assert page.errors == ["a listener that fails"]
        code = """async () => {
            const seen = []; api.addEventListener('status', ({detail}) => seen.push(detail)); await api.init();
            return [seen, api.serverFeatureFlags];
        }"""
        asked = frame.evaluate(code)
        assert asked[0] == [{"exec_info": {"queue_remaining": 0}}]
        assert asked[1]["supports_preview_metadata"] is True
