"""Packs' JavaScript in an editor's frame: modules, addresses of files, requests and events, without a graph."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from playwright.sync_api import Frame

from comfy_notebook import session as sessions
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
