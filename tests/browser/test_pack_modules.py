"""Packs' JavaScript in an editor's frame: modules, addresses of files, requests and events, without a graph."""

from __future__ import annotations

import asyncio
import io
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from playwright.sync_api import Frame

from comfy_notebook import session as sessions
from comfy_notebook.engine.events import Event
from comfy_notebook.folders import Folders
from comfy_notebook.packs.files import PackFiles
from comfy_notebook.server import bundle
from comfy_notebook.session import Session
from comfy_notebook.widget.view import BridgedWidget

from .harness import EditorPage, OpenPage

JS = Path(__file__).parents[2] / "js"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the loader, the network and ``api`` alone."""
    out = tmp_path_factory.mktemp("modules") / "editor.js"
    flags = ["--bundle", "--format=iife", "--global-name=comfyNotebookEditor", "--target=es2022", "--log-level=error"]
    command = [str(JS / "node_modules/.bin/esbuild"), "dev/modules.ts", *flags, f"--outfile={out}"]
    subprocess.run(command, cwd=JS, check=True)
    return out


@pytest.fixture
def session(tmp_path: Path, script: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(bundle, "PATH", script)
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path)))
    yield made
    made.close()
    sessions._current = before


WritePack = Callable[[str, dict[str, "str | bytes"]], PackFiles]


@pytest.fixture
def write_pack(session: Session, tmp_path: Path) -> WritePack:
    """``write_pack(name, {file: content})``: a pack whose front-end folder holds these files."""

    def write(name: str, files: dict[str, str | bytes]) -> PackFiles:
        folder = tmp_path / "custom_nodes" / name
        for file, content in files.items():
            path = folder / "js" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        pack = PackFiles(name, folder, folder / "js")
        session.packs.add(pack)
        return pack

    return write


OpenPacks = Callable[..., Any]


@pytest.fixture
def packs_page(session: Session, editor_page: OpenPage) -> OpenPacks:
    """A page that has loaded the session's packs: ``with packs_page() as (page, frame): …``."""

    @contextmanager
    def opened(variant: str = "plain") -> Iterator[tuple[EditorPage, Frame]]:
        widget = BridgedWidget(editor_id="e1", endpoint=session.server, bus=session.bus, bundle=bundle.digest)
        with editor_page(widget, variant=variant) as page:
            frame = page.editor()
            frame.wait_for_function("window.report", timeout=30_000)
            yield page, frame

    return opened


#: The notebook page of these tests has no icon.
NO_ICON = "error: Failed to load resource: the server responded with a status of 404 (Not Found)"


def run(frame: Frame, code: str) -> Any:
    """What the body of an async function gives; fails when that takes too long."""
    late = "new Promise((_, fail) => setTimeout(() => fail(new Error('took too long')), 10000))"
    return frame.evaluate(f"() => Promise.race([(async () => {{{code}}})(), {late}])")


def complaints(page: EditorPage) -> list[str]:
    """Warnings and errors in the console."""
    return [line for line in page.console if line.startswith(("warning", "error")) and line != NO_ICON]


def problems(frame: Frame) -> dict[str, str]:
    """Path → message."""
    return {one["path"]: one["message"] for one in frame.evaluate("report.problems")}


MODULES: dict[str, str | bytes] = {
    "main.js": """
        import { app } from "../../scripts/app.js";
        import { api } from '../../scripts/api.js';
        import * as cycle from "./cycle/a.js";
        import text, { twice } from "./lib/helper.mjs";
        export * from "./lib/helper.mjs";
        import data from "./data.json" with { type: "json" };
        import { route } from "../../route/common/x.js?v=1";
        const note = "import { x } from './not-there.js'"; // import './neither.js'
        state.seen.main = {
            same: app === window.app && api === window.comfyAPI.api.api,
            cycle: cycle.isEven(10), text, twice: twice(4), data, note, route, url: import.meta.url,
            resolved: import.meta.resolve("./x.js"), meta: import.meta === import.meta,
        };
        const lazy = await import("./lazy/lazy.js");
        const other = "other";
        const computed = await import(`./lazy/${other}.js`);
        const fromRoute = await import("/route/config.js");
        const absolute = await import(new URL("./lazy/lazy.js", import.meta.url));
        state.seen.dynamic = [lazy.name, computed.name, fromRoute.config.answer, absolute === lazy];
        state.seen.gone = await import("./lazy/gone.js").catch((error) => `${error.name}: ${error.message}`);
        state.seen.bare = await import("three").catch((error) => `${error.name}: ${error.message}`);
        state.seen.json = (await import("./data.json", { with: { type: "json" } })).default;
        app.registerExtension({ name: "main" });
    """,
    "cycle/a.js": 'import { isOdd } from "./b.js"; export const isEven = (n) => n === 0 || isOdd(n - 1);',
    "cycle/b.js": 'import { isEven } from "./a.js"; export const isOdd = (n) => n !== 0 && isEven(n - 1);',
    "lib/helper.mjs": b"\xef\xbb\xbfexport default 'f\xc3\xbcr';\r\nexport function twice(n) {\r\n  return 2 * n;\r\n}\r\n",
    "lazy/lazy.js": "export const name = 'lazy'; state.seen.lazyRuns = (state.seen.lazyRuns ?? 0) + 1;",
    "lazy/other.js": "export const name = 'other';",
    "data.json": '{"a": [1, "</script>"]}',
    "top-level-await.js": "await new Promise((done) => setTimeout(done, 50)); state.seen.awaited = true; export {};",
    "query.js": """
        import { count as one } from "./counter.js?v=1"; import { count as two } from "./counter.js?v=2";
        import { count as again } from "./counter.js?v=1";
        state.seen.query = [one() + one(), two(), again()];
    """,
    "counter.js": "let n = 0; export const count = () => ++n;",
    "ä ö#1.js": "state.seen.oddName = import.meta.url;",
    "global-code.js": "LiteGraphTest = 1;".replace("LiteGraphTest", "window.LiteGraphTest"),
    "hashbang.js": "#!/usr/bin/env node\nstate.seen.hashbang = true;",
    "crlf.js": "import {\r\n  app\r\n} from\r\n  '../../scripts/app.js';\r\nstate.seen.crlf = !!app;\r\n",
}


def add_routes(session: Session) -> None:
    table = session.packs.routes.table

    @table.get("/route/common/{name}")
    async def common(request: web.Request) -> web.Response:
        text = "import { deep } from './deep.js'; export const route = 'route ' + deep + import.meta.url;"
        if request.match_info["name"] == "deep.js":
            text = "export const deep = 'deep ';"
        return web.Response(text=text, content_type="text/javascript")

    @table.get("/route/config.js")
    async def config(request: web.Request) -> web.Response:
        return web.Response(text="export const config = {answer: 42};", content_type="application/javascript")


def test_modules_find_each_other(session: Session, write_pack: WritePack, packs_page: OpenPacks) -> None:
    write_pack("my pack", MODULES)
    add_routes(session)
    with packs_page() as (page, frame):
        assert problems(frame) == {}
        seen = frame.evaluate("state.seen")
        base = "https://comfy.invalid/extensions/my%20pack"
        assert seen["main"] == {
            "same": True, "cycle": True, "text": "für", "twice": 8, "data": {"a": [1, "</script>"]},
            "note": "import { x } from './not-there.js'",
            "route": "route deep https://comfy.invalid/route/common/x.js?v=1",
            "url": f"{base}/main.js", "resolved": f"{base}/x.js", "meta": True,
        }  # fmt: skip
        assert seen["dynamic"] == ["lazy", "other", 42, True]
        assert "/extensions/my pack/lazy/gone.js is not there: the kernel answered 404" in seen["gone"]
        assert seen["gone"].startswith("TypeError")
        assert 'imports "three" by name' in seen["bare"]
        assert seen["json"] == {"a": [1, "</script>"]}
        assert (seen["awaited"], seen["lazyRuns"], seen["query"]) == (True, 1, [3, 1, 3])
        assert seen["oddName"] == f"{base}/%C3%A4%20%C3%B6%231.js"
        assert (seen["hashbang"], seen["crlf"]) == (True, True)
        assert frame.evaluate("registered") == ["main"]
        assert len(frame.evaluate("report.loaded")) == sum(name.endswith(".js") for name in MODULES)
        assert page.errors == []
        assert complaints(page) == []


BROKEN: dict[str, str | bytes] = {
    "syntax.js": "import { app } from '../../scripts/app.js';\n\nconst = 3;\n",
    "needs-syntax.js": "import './syntax.js';",
    "also-needs-syntax.js": "import './syntax.js';",
    "throws.js": "\nfunction inner() {\n  throw new Error('no such luck');\n}\ninner();",
    "not-an-error.js": "throw 'a text';",
    "missing-import.js": "import gone, { other } from './gone.js'; state.seen.never = true;",
    "missing-export.js": "import { nothing } from './good.js';",
    "bare.js": "import * as THREE from 'three';",
    "no-script.js": "import '../../route/page.html';",
    "bad-json.js": "import data from './bad.json' with { type: 'json' };",
    "bad.json": "{broken",
    "never.js": "await new Promise(() => undefined);",
    "new-name.js": "import { app, brandNew } from '../../scripts/app.js'; state.seen.brandNew = typeof brandNew;",
    "old-host.js": "import { x } from '../../scripts/nobodyKnows.js'; state.seen.oldHost = typeof x;",
    "good.js": "import { app } from '../../scripts/app.js'; app.registerExtension({name: 'good'}); export const good = 1;",
}


def test_a_broken_module_costs_itself(session: Session, write_pack: WritePack, packs_page: OpenPacks) -> None:
    write_pack("broken", BROKEN)

    @session.packs.routes.table.get("/route/page.html")
    async def page_route(request: web.Request) -> web.Response:
        return web.Response(text="<p>", content_type="text/html")

    with packs_page() as (page, frame):
        told = problems(frame)
        at = "/extensions/broken/"
        expected = {
            f"{at}syntax.js": "SyntaxError: Unexpected token '=' (line 3)",
            f"{at}throws.js": "no such luck (line 3)",
            f"{at}not-an-error.js": "a text",
            f"{at}gone.js": "/extensions/broken/gone.js is not there: the kernel answered 404 (imported by "
            "/extensions/broken/missing-import.js).",
            f"{at}missing-export.js": "does not provide an export named 'nothing' (line 1)",
            "three": '/extensions/broken/bare.js imports "three" by name',
            "/route/page.html": "is no JavaScript: the kernel sent text/html",
            f"{at}bad.json": "is no JSON",
            f"{at}never.js": "is still not ready",
        }
        for path, message in expected.items():
            assert message in told.pop(path, str(told)), path
        assert told == {}
        by_path = {one["path"]: one for one in frame.evaluate("report.problems")}
        assert sorted(by_path[f"{at}syntax.js"]["dependants"]) == [f"{at}also-needs-syntax.js", f"{at}needs-syntax.js"]
        assert by_path["three"]["pack"] == "broken"
        assert frame.evaluate("registered") == ["good"]
        assert frame.evaluate("state.seen") == {"brandNew": "undefined", "oldHost": "undefined"}
        lacking = {(one["module"], one["name"]): one["packs"] for one in frame.evaluate("report.lacking")}
        assert lacking == {("/scripts/app.js", "brandNew"): ["broken"], ("/scripts/nobodyKnows.js", "x"): ["broken"]}
        assert page.errors == []


def png(color: tuple[int, int, int], size: tuple[int, int] = (12, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


#: In JavaScript: ``[width, height]`` of a picture once it is there, "error" when it fails.
LOADED = """
    window.loaded = (element) => new Promise((done) => {
        element.addEventListener("load", () => done([element.naturalWidth, element.naturalHeight]));
        element.addEventListener("error", () => done("error"));
    });
    const address = "/view?filename=red.png&type=input";
"""

#: Ways in which packs name a picture of the kernel; each ends with what was seen.
PICTURES = {
    "property": 'const i = new Image(); i.src = address; return [i.complete, await loaded(i), i.complete];',
    "absolute": 'const i = new Image(); i.src = new URL(address, location.origin); return loaded(i);',
    "page": 'const i = new Image(); i.src = location.origin + api.apiURL(address); return loaded(i);',
    "attribute": 'const i = document.createElement("img"); i.setAttribute("src", address); return loaded(i);',
    "innerHTML": """const box = document.createElement("div"); document.body.append(box); let tried = 0;
        box.innerHTML = `<p>x<img src="${address}" onerror="window.tried = 1"></p><tr>`;
        return [await loaded(box.querySelector("img")), window.tried ?? 0, box.innerHTML.startsWith("<p>x<img")];""",
    "table": """const body = document.createElement("tbody");
        body.innerHTML = `<tr><td><img src="${address}"></td></tr>`;
        return [body.rows.length, await loaded(body.querySelector("img"))];""",
    "outerHTML": """const box = document.createElement("div"); box.append(document.createElement("b"));
        box.firstChild.outerHTML = `<img src="${address}">`; return loaded(box.querySelector("img"));""",
    "adjacent": """document.body.insertAdjacentHTML("beforeend", `<img id="adj" src="${address}">`);
        return loaded(document.getElementById("adj"));""",
    "fragment": """document.body.append(document.createRange().createContextualFragment(`<img id=fra src="${address}">`));
        return loaded(document.getElementById("fra"));""",
    "parser": """const parsed = new DOMParser().parseFromString(`<img id="par" src="${address}">`, "text/html");
        document.body.append(...parsed.body.childNodes); return loaded(document.getElementById("par"));""",
    "template": """const t = document.createElement("template"); t.innerHTML = `<img id="tem" src="${address}">`;
        document.body.append(t.content.cloneNode(true)); return loaded(document.getElementById("tem"));""",
    "shadow": """const host = document.createElement("div"); document.body.append(host);
        const root = host.attachShadow({mode: "open"}); root.innerHTML = `<img src="${address}">`;
        return loaded(root.querySelector("img"));""",
    "srcset": 'const i = new Image(); i.srcset = `${address} 1x, ${address}&x=2 2x`; return loaded(i);',
    "read back": """const i = new Image(); i.src = address + "&rand=1"; await loaded(i);
        return [new URL(i.src).searchParams.get("filename"), i.getAttribute("src"), i.cloneNode().src === i.src];""",
    "changed": """const i = new Image(); i.src = address; i.src = "/view?filename=green.png&type=input"; await loaded(i);
        const c = document.createElement("canvas").getContext("2d"); c.drawImage(i, 0, 0);
        return [...c.getImageData(1, 1, 1, 1).data];""",
    "data": 'const i = new Image(); i.src = address; i.src = "data:,"; return [await loaded(i), i.src];',
    "gone": 'const i = new Image(); i.src = "/view?filename=none.png"; return loaded(i);',
    "decode": 'const i = new Image(); i.src = address; await i.decode(); return i.naturalWidth;',
    "video poster": """const v = document.createElement("video"); v.poster = address; document.body.append(v);
        await until(() => v.outerHTML.includes("blob:")); return new URL(v.poster).pathname;""",
    "svg": """document.body.insertAdjacentHTML("beforeend", `<svg><image id="svg" href="${address}"/></svg>`);
        return (await until(() => document.getElementById("svg").href.baseVal.startsWith("blob:"))) ?? "blob";""",
}  # fmt: skip
FINE = [12, 8]
EXPECTED = {
    "property": [False, FINE, True], "innerHTML": [FINE, 0, True], "table": [1, FINE],
    "read back": ["red.png", "/view?filename=red.png&type=input&rand=1", True], "changed": [0, 255, 0, 255],
    "data": ["error", "data:,"], "gone": "error", "decode": 12, "video poster": "/view", "svg": "blob",
}  # fmt: skip
UNTIL = """
    window.until = async (test) => {
        for (let count = 0; !test(); count++) {
            if (count > 200) throw new Error(`never: ${test}`);
            await new Promise((done) => setTimeout(done, 20));
        }
    };
"""


@pytest.fixture
def pictures(session: Session) -> None:
    session.folders.input.mkdir(parents=True, exist_ok=True)
    (session.folders.input / "red.png").write_bytes(png((255, 0, 0)))
    (session.folders.input / "green.png").write_bytes(png((0, 255, 0)))


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("variant", ["plain", "colab"])
def test_pictures_of_the_kernel_are_seen_however_they_are_named(
    session: Session, packs_page: OpenPacks, variant: str
) -> None:
    with packs_page(variant) as (page, frame):
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        frame.evaluate(f"() => {{{UNTIL}}}")
        for way, code in PICTURES.items():
            assert run(frame, LOADED + code) == EXPECTED.get(way, FINE), way
        assert [url for url in requests if "comfy.invalid" in url] == []  # nothing was asked of a server
        assert [url for url in requests if "/view" in url] == []
        assert page.errors == []
        assert complaints(page) == []


def add_odd_routes(session: Session) -> list[bytes]:
    """Routes of a pack; returns what ``/pack/beacon`` receives."""
    table = session.packs.routes.table
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


REQUESTS = {
    "fetch": """const r = await fetch("/pack/echo?a=1", {method: "POST", body: JSON.stringify({b: 2}), headers: {"X-Own": "o"}});
        const j = await r.json();
        return [r.status, r.statusText, r.ok, r.url, r.headers.get("x-answer"), j, r instanceof Response, j.constructor === Object];""",
    "fetchApi": """const r = await api.fetchApi("/pack/echo", {method: "POST", body: "text"}); return (await r.json()).body;""",
    "request": """const r = await fetch(new Request("/pack/echo", {method: "POST", body: new URLSearchParams({a: "b"})}));
        return (await r.json()).type;""",
    "form": """const form = new FormData(); form.append("image", new File([new Uint8Array(5)], "ä b.png", {type: "image/png"}));
        form.append("more", "x"); return (await fetch("/pack/echo", {method: "POST", body: form})).json();""",
    "redirect": 'const r = await fetch("/pack/away"); return [await r.text(), r.redirected, new URL(r.url).pathname];',
    "manual": 'return (await fetch("/pack/away", {redirect: "manual"})).status;',
    "missing": 'const r = await fetch("/pack/none"); return [r.ok, r.status];',
    "head": 'const r = await fetch("/pack/there?a=1", {method: "HEAD"}); return [r.status, await r.text()];',
    "blob": 'const b = await (await fetch("/view?filename=red.png&type=input")).blob(); return [b.type, b instanceof Blob];',
    "stream": """const reader = (await fetch("/pack/lines")).body.getReader(); const parts = [];
        for (let part; !(part = await reader.read()).done; ) parts.push(new TextDecoder().decode(part.value));
        return [parts.length > 1, parts.join("")];""",
    "abort": """const control = new AbortController(); const asked = fetch("/pack/lines", {signal: control.signal});
        control.abort(); return asked.catch((error) => error.name);""",
    "aborted": 'return fetch("/x", {signal: AbortSignal.abort()}).catch((error) => error.name);',
    "data": 'return (await fetch("data:text/plain,hello")).text();',
    "blob url": 'return (await fetch(URL.createObjectURL(new Blob(["mine"])))).text();',
    "xhr": """const x = new XMLHttpRequest(); const events = [];
        for (const type of ["loadstart", "progress", "load", "loadend"]) x.addEventListener(type, () => events.push(type));
        x.onreadystatechange = () => events.push(x.readyState); x.responseType = "json";
        x.open("POST", "/pack/echo"); x.setRequestHeader("X-Own", "o"); x.send("body");
        await new Promise((done) => { x.onloadend = done; });
        return [events, x.status, x.statusText, x.response.body, x.response.x, x.getResponseHeader("X-Answer"),
            x.getAllResponseHeaders().includes("x-answer: yes"), x instanceof XMLHttpRequest];""",
    "xhr text": """const x = new XMLHttpRequest(); x.open("GET", "/pack/there?a=2"); x.send();
        await new Promise((done) => { x.onload = done; }); return [x.responseText, x.response, new URL(x.responseURL).pathname];""",
    "xhr bytes": """const x = new XMLHttpRequest(); x.open("GET", "/view?filename=red.png&type=input"); x.responseType = "arraybuffer";
        x.send(); await new Promise((done) => { x.onload = done; }); return [...new Uint8Array(x.response, 1, 3)];""",
    "xhr abort": """const x = new XMLHttpRequest(); const events = []; x.onabort = () => events.push("abort");
        x.onerror = () => events.push("error"); x.open("GET", "/pack/lines"); x.send(); x.abort(); return [events, x.readyState];""",
    "xhr timeout": """const x = new XMLHttpRequest(); x.open("GET", "/pack/lines"); x.timeout = 50; x.send();
        return new Promise((done) => { x.ontimeout = () => done("timeout"); x.onload = () => done("load"); });""",
    "xhr elsewhere": """const x = new XMLHttpRequest(); x.open("GET", "data:text/plain,far"); x.send();
        await new Promise((done) => { x.onload = done; }); return [x.responseText, x.readyState, x.status];""",
    "beacon": 'return navigator.sendBeacon("/pack/beacon", "gone");',
    "upload": """const form = new FormData(); const image = await (await fetch("/view?filename=red.png&type=input")).blob();
        form.append("image", image, "copy.png"); form.append("overwrite", "true");
        return (await api.fetchApi("/upload/image", {method: "POST", body: form})).json();""",
}  # fmt: skip
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
def test_requests_of_every_kind_reach_the_kernel(session: Session, packs_page: OpenPacks) -> None:
    received = add_odd_routes(session)
    with packs_page() as (page, frame):
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        for way, code in REQUESTS.items():
            assert run(frame, code) == ANSWERS[way], way
        assert (session.folders.input / "copy.png").is_file()
        assert received == [b"gone"]
        assert [url for url in requests if url.startswith("http")] == []
        assert page.errors == []
        assert complaints(page) == []


STYLES: dict[str, str | bytes] = {
    "look.css": "@import './more.css';\n.look { color: rgb(1, 2, 3); background: url(\"red.png\") }",
    "more.css": "@import url(look.css); /* url(no.png) */ .more { background-image: url(../js/red.png), url(gone.png) }",
    "red.png": png((255, 0, 0)),
    "classic.js": "window.order = [...(window.order ?? []), 'classic']; window.here = document.currentScript !== null;",
    "second.js": "window.order = [...(window.order ?? []), 'second'];",
    "module.mjs": "import { app } from '../../scripts/app.js'; window.asModule = app === window.app && import.meta.url;",
}

LOOKS = {
    "link": """const link = document.createElement("link"); link.href = new URL("/extensions/my-pack/look.css", location.href);
        link.rel = "stylesheet"; document.head.append(link);
        await new Promise((done, fail) => { link.onload = done; link.onerror = fail; });
        const box = document.createElement("div"); box.className = "look more"; document.body.append(box);
        const style = getComputedStyle(box);
        return [style.color, style.backgroundImage.startsWith('url("blob:'), link.sheet.cssRules.length, new URL(link.href).pathname];""",
    "missing link": """document.head.insertAdjacentHTML("beforeend", '<link id=l rel=stylesheet href="/extensions/my-pack/no.css">');
        return new Promise((done) => { document.getElementById("l").onerror = () => done("error"); });""",
    "style element": """const style = document.createElement("style"); document.head.append(style);
        style.textContent = "#s { background: no-repeat url('/extensions/my-pack/red.png') red } @media all { #t { background: url(/extensions/my-pack/red.png) } }";
        document.body.insertAdjacentHTML("beforeend", "<i id=s></i><i id=t></i>");
        const seen = (id) => getComputedStyle(document.getElementById(id)).backgroundImage;
        await until(() => seen("s").includes("blob:") && seen("t").includes("blob:")); return "blob";""",
    "style property": """const box = document.createElement("p"); box.style.backgroundImage = "url(/view?filename=red.png&type=input)";
        box.style.color = "red"; document.body.append(box);
        await until(() => box.style.backgroundImage.includes("blob:"));
        box.style.setProperty("background", "url(/extensions/my-pack/red.png) 1px 2px");
        await until(() => box.style.backgroundImage.includes("blob:")); return [box.style.color, box.style.backgroundPosition];""",
    "style attribute": """document.body.insertAdjacentHTML("beforeend", `<p id=sa style="background: url('/view?filename=red.png&type=input')"></p>`);
        await until(() => document.getElementById("sa").style.backgroundImage.includes("blob:")); return "blob";""",
    "rules": """const sheet = new CSSStyleSheet(); sheet.replaceSync("#r { background: url(/extensions/my-pack/red.png) }");
        document.adoptedStyleSheets = [sheet]; document.body.insertAdjacentHTML("beforeend", "<i id=r></i>");
        await until(() => getComputedStyle(document.getElementById("r")).backgroundImage.includes("blob:")); return "blob";""",
    "scripts": """for (const name of ["classic", "second"]) {
            const script = document.createElement("script"); script.async = false; script.src = `/extensions/my-pack/${name}.js`;
            document.head.append(script);
        }
        await until(() => window.order?.length === 2); return [window.order, window.here];""",
    "module script": """const script = document.createElement("script"); script.src = "/extensions/my-pack/module.mjs"; script.type = "module";
        document.head.append(script); await until(() => window.asModule); return window.asModule;""",
    "inline module": """const script = document.createElement("script"); script.type = "module";
        script.textContent = 'import { app } from "/scripts/app.js"; window.inline = app === window.app;';
        document.head.append(script); await until(() => "inline" in window); return window.inline;""",
    "sound": """const audio = new Audio("/sound.wav"); const played = await audio.play().then(() => "played", (error) => error.name);
        return [played, audio.duration > 0, audio instanceof HTMLAudioElement, new URL(audio.src).pathname];""",
}  # fmt: skip
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
    session: Session, write_pack: WritePack, packs_page: OpenPacks
) -> None:
    write_pack("my-pack", STYLES)

    @session.packs.routes.table.get("/sound.wav")
    async def sound(request: web.Request) -> web.Response:
        return web.Response(body=wav(), content_type="audio/wav")

    with packs_page() as (page, frame):
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        frame.evaluate("delete window.order; delete window.here")  # every .js was evaluated at the start
        frame.evaluate(f"() => {{{UNTIL}}}")
        for way, code in LOOKS.items():
            assert run(frame, LOADED + code) == LOOKED[way], way
            assert [url for url in requests if url.startswith("http")] == [], way
        assert page.errors == []


@pytest.mark.usefixtures("pictures")
def test_files_are_saved_and_opened_from_links(session: Session, packs_page: OpenPacks) -> None:
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
                assert Path(download_info.value.path()).read_bytes() == (session.folders.input / name).read_bytes()
        for code in ("window.open('/view?filename=red.png&type=input', '_blank', 'noopener')", None):
            with page.page.expect_popup() as popup:
                frame.evaluate(code) if code else frame.evaluate(click, ["red.png", True, None])
            popup.value.wait_for_url("blob:**")
            assert popup.value.locator("img").evaluate("image => image.naturalWidth") == 12
        assert page.errors == []


def test_websockets_need_no_port(session: Session, packs_page: OpenPacks) -> None:
    closed: list[int | None] = []

    @session.packs.routes.table.get("/pack/socket")
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
        socket.onopen = () => { heard.push(socket.protocol); socket.send("ä".repeat(3)); socket.send(new Uint8Array([1, 2, 3])); };
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


def test_messages_of_the_kernel_are_events(session: Session, packs_page: OpenPacks) -> None:
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
            session.bus.publish(event)
        frame.wait_for_function("heard.at(-1)?.[0] === 'executing' && heard.at(-1)[1] === null")
        heard = frame.evaluate("heard")
        preview = next(item[1] for item in heard if item[0] == "b_preview_with_metadata")
        assert (preview["nodeId"], preview["displayNodeId"], preview["promptId"]) == ("1", "2", "p")
        assert [item for item in heard if item[0] != "b_preview_with_metadata"] == [
            ["status", {"exec_info": {"queue_remaining": 1}}], ["executing", "4"], ["b_preview", "image/png"],
            ["pack.ask", {"node": "4"}], "the next one", ["executing", None],
        ]  # fmt: skip
        assert page.errors == ["a listener that fails"]
        asked = frame.evaluate("async () => { const seen = []; api.addEventListener('status', ({detail}) => "
                               "seen.push(detail)); await api.init(); return [seen, api.serverFeatureFlags]; }")  # fmt: skip
        assert asked[0] == [{"exec_info": {"queue_remaining": 0}}]
        assert asked[1]["supports_preview_metadata"] is True


def test_the_views_of_a_page_share_sources_and_nothing_else(
    session: Session, write_pack: WritePack, packs_page: OpenPacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comfy_notebook.server import extension_sources

    carried: list[int] = []
    describe = extension_sources.describe

    def counted(packs: Any, have: Any) -> Any:
        answer = describe(packs, have)
        if have is not None:
            carried.append(len(answer["sources"]))
        return answer

    monkeypatch.setattr(extension_sources, "describe", counted)
    pack = write_pack("shared", {"a.js": "import './b.js'; state.seen.a = 1;", "b.js": "state.seen.b = 1;"})
    widget = BridgedWidget(editor_id="e2", endpoint=session.server, bus=session.bus, bundle=bundle.digest)
    with packs_page() as (page, first):
        page.display(widget)
        second = page.editor(1)
        second.wait_for_function("window.report")
        assert carried == [2]  # the second view asked for nothing
        assert second.evaluate("[state.seen, report.loaded.length]") == [{"a": 1, "b": 1}, 2]
        first.evaluate("state.seen.a = 'mine'; app.own = 1")
        assert second.evaluate("[state.seen.a, app.own]") == [1, None]

        assert pack.web is not None
        (pack.web / "b.js").write_text("state.seen.b = 'new';")
        (pack.web / "c.js").write_text("import './a.js'; state.seen.c = 1;")
        again = (
            "async () => { const list = await loader.list(); return [loader.outdated(list), await loader.load(list)]; }"
        )
        outdated, report = first.evaluate(again)
        assert (outdated, report["loaded"]) == (["/extensions/shared/b.js"], ["/extensions/shared/c.js"])
        assert first.evaluate("state.seen") == {"a": "mine", "b": 1, "c": 1}  # what runs already stays
        assert carried == [2, 1]
        page.display(widget)
        third = page.editor(2)
        third.wait_for_function("window.report")
        assert third.evaluate("state.seen.b") == "new"
        assert carried == [2, 1, 1]
        assert page.errors == []
    widget.close()


LATE: dict[str, str | bytes] = {
    "main.js": "import { add } from './lib.js'; import { app } from '../../scripts/app.js';"
    "state.seen.late = [add(1), app === window.app, import.meta.url];",
    "lib.js": "import { one } from './deep/one.js'; export const add = (n) => n + one;",
    "deep/one.js": "export const one = 1; export const lazy = () => import('../../early/early.js');",
    "lazy.js": "state.seen.lazy = (await import('./deep/one.js').then(({ lazy }) => lazy())).early;",
    "broken.js": "const = 1",
}
CIRCLE: dict[str, str | bytes] = {
    "a.js": "import { b } from './b.js'; export const a = 1; state.seen.circle = b();",
    "b.js": "import { a } from './a.js'; export const b = () => a;",
}


@pytest.mark.parametrize("merges", [True, False])
def test_packs_that_come_late_are_loaded_beside_the_others(
    session: Session, write_pack: WritePack, packs_page: OpenPacks, merges: bool
) -> None:
    """``merges``: whether the browser takes another import map; older ones don't."""
    write_pack("early", {"early.js": "export const early = 'early';"})
    with packs_page() as (page, frame):
        if not merges:
            frame.evaluate("loader.maps.forbidMerging()")
        write_pack("late", LATE)
        report = frame.evaluate("async () => loader.load(await loader.list())")
        assert [one["path"] for one in report["problems"]] == ["/extensions/late/broken.js"]
        seen = frame.evaluate("state.seen")
        assert seen == {"late": [2, True, "https://comfy.invalid/extensions/late/main.js"], "lazy": "early"}
        write_pack("circle", CIRCLE)
        report = frame.evaluate("async () => loader.load(await loader.list())")
        if merges:
            assert (report["problems"], frame.evaluate("state.seen.circle")) == ([], 1)
        else:
            assert "Reload the editor's view" in report["problems"][0]["message"]
        assert page.errors == []


def test_views_that_go_leave_no_frame(session: Session, write_pack: WritePack, packs_page: OpenPacks) -> None:
    write_pack("my pack", MODULES)
    write_pack("styles", STYLES)
    add_routes(session)
    with packs_page() as (page, frame):
        before = page.frame_count()
        for _ in range(4):
            shown = page.page.evaluate_handle("() => notebook.display([...notebook.models.keys()][0])")
            view = page.editor(1)
            view.wait_for_function("window.report")
            view.evaluate("() => { const image = new Image(); image.src = '/view?filename=x.png'; "
                          "window.socket = api.socket; document.body.append(image); }")  # fmt: skip
            page.page.wait_for_timeout(300)
            shown.evaluate("view => view.remove()")
            shown.dispose()
        deadline = time.monotonic() + 20
        while page.frame_count() > before and time.monotonic() < deadline:
            page.page.wait_for_timeout(300)
        assert page.frame_count() <= before
