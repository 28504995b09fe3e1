"""Packs' JavaScript modules in an editor's frame: how they find each other, and what a broken one costs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Frame

from comfy_notebook.server import bundle, extension_sources
from comfy_notebook.session import Session
from comfy_notebook.widget.view import BridgedWidget

from .module_page import OpenPacks, WritePack, complaints


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
    "lib/helper.mjs": b"\xef\xbb\xbfexport default 'f\xc3\xbcr';\r\n"
    b"export function twice(n) {\r\n  return 2 * n;\r\n}\r\n",
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


def add_routes(packs_session: Session) -> None:
    table = packs_session.packs.routes.table

    @table.get("/route/common/{name}")
    async def common(request: web.Request) -> web.Response:
        text = "import { deep } from './deep.js'; export const route = 'route ' + deep + import.meta.url;"
        if request.match_info["name"] == "deep.js":
            text = "export const deep = 'deep ';"
        return web.Response(text=text, content_type="text/javascript")

    @table.get("/route/config.js")
    async def config(request: web.Request) -> web.Response:
        return web.Response(text="export const config = {answer: 42};", content_type="application/javascript")


def test_modules_find_each_other(packs_session: Session, write_pack: WritePack, packs_page: OpenPacks) -> None:
    write_pack("my pack", MODULES)
    add_routes(packs_session)
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
    "good.js": "import { app } from '../../scripts/app.js'; export const good = 1; "
    "app.registerExtension({name: 'good'});",
}


def test_a_broken_module_costs_itself(packs_session: Session, write_pack: WritePack, packs_page: OpenPacks) -> None:
    write_pack("broken", BROKEN)

    @packs_session.packs.routes.table.get("/route/page.html")
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


def test_the_views_of_a_page_share_sources_and_nothing_else(
    packs_session: Session, write_pack: WritePack, packs_page: OpenPacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[int] = []
    describe = extension_sources.describe

    def counted(packs: Any, have: Any) -> Any:
        answer = describe(packs, have)
        if have is not None:
            carried.append(len(answer["sources"]))
        return answer

    monkeypatch.setattr(extension_sources, "describe", counted)
    pack = write_pack("shared", {"a.js": "import './b.js'; state.seen.a = 1;", "b.js": "state.seen.b = 1;"})
    widget = BridgedWidget(editor_id="e2", endpoint=packs_session.server, bus=packs_session.bus, bundle=bundle.digest)
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
    packs_session: Session, write_pack: WritePack, packs_page: OpenPacks, merges: bool
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


LINK = """const link = document.createElement("link"); link.rel = "stylesheet"; document.head.append(link);
link.href = new URL("look.css", import.meta.url);"""


def test_views_that_go_leave_no_frame(packs_session: Session, write_pack: WritePack, packs_page: OpenPacks) -> None:
    write_pack("my pack", MODULES)
    write_pack("styles", {"look.css": ".look { color: red }", "link.js": LINK})
    add_routes(packs_session)
    with packs_page() as (page, _frame):
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


def test_modules_are_evaluated_in_their_order(write_pack: WritePack, packs_page: OpenPacks) -> None:
    count = 40
    sizes = [200_000 if number % 7 == 0 else 10 for number in range(count)]  # as long to come as they like
    text = "/* {} */ state.seen.order = [...(state.seen.order ?? []), {}];"
    write_pack("order", {f"{number:02}.js": text.format("x" * size, number) for number, size in enumerate(sizes)})
    with packs_page() as (_page, frame):
        assert frame.evaluate("state.seen.order") == list(range(count))
