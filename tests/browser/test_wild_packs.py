"""Real packs in the editor, as their people get them: run where ``$COMFY_NOTEBOOK_WILD`` names a folder whose
``custom_nodes`` holds them (and, in ``site``, the packages they need)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.server import bundle
from comfy_notebook.session import Session

from .harness import OpenPage
from .packs import PackPage, shown

WILD = os.environ.get("COMFY_NOTEBOOK_WILD", "")

pytestmark = pytest.mark.skipif(not WILD, reason="COMFY_NOTEBOOK_WILD names no folder of packs")
SHOWN = ["ComfyUI-Custom-Scripts", "rgthree-comfy", "ComfyUI-KJNodes", "cg-use-everywhere"]
EMPTY: dict[str, Any] = {
    "last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "config": {},
    "extra": {"ds": {"scale": 1, "offset": [0, 0]}}, "version": 0.4,
}  # fmt: skip


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """All packs, loaded once; their folder is used as it is, results go elsewhere."""
    if not bundle.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    folder = tmp_path_factory.mktemp("wild")
    sys.path.insert(0, str(Path(WILD) / "site"))
    before = sessions._current
    made = sessions.use(Session(Folders(folder, temp=folder / "temp")))
    made.load_packs([Path(WILD) / "custom_nodes"])
    yield made
    made.close()
    sessions._current = before
    sys.path.remove(str(Path(WILD) / "site"))


@pytest.fixture
def wild(session: Session, editor_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """``with wild(document) as page:``; a pack that is not there skips the test that needs it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def opened(*packs: str, document: dict[str, Any] | None = None, **options: Any) -> Any:
        missing = [pack for pack in packs if pack not in session.pack_loader.reports]
        if missing:
            pytest.skip(f"not in {WILD}: {', '.join(missing)}")
        return shown(editor_page, document or EMPTY, (), **options)

    return opened


def screenshot(page: PackPage, name: str) -> None:
    """Kept where ``$COMFY_NOTEBOOK_SHOTS`` names a folder."""
    folder = os.environ.get("COMFY_NOTEBOOK_SHOTS")
    if folder:
        page.page.screenshot(Path(folder) / f"{name}.png")


def settle(page: PackPage) -> None:
    """Wait until the scripts have run and ``setup`` hooks have had their time."""
    page.until("() => window.app?.extensions?.length > 3", seconds=60)
    page.page.page.wait_for_timeout(2500)


def test_every_pack_loads(session: Session) -> None:
    reports = session.pack_loader.reports.values()
    assert [str(report) for report in reports if not report.ok] == []


def test_every_script_loads_without_a_word_of_error(wild: Any) -> None:
    with wild() as page:
        settle(page)
        screenshot(page, "wild")
        assert page.problems() == []


MAKE = """const make = (type, x, y) => {
  const node = LiteGraph.createNode(type);
  if (!node) throw new Error(`no ${type}`);
  node.pos = [x, y];
  app.graph.add(node);
  return node;
};"""


def build(page: PackPage, code: str) -> Any:
    """Run ``code`` with ``make(type, x, y)``, the way people's nodes come into the graph."""
    return page.js(f"() => {{ {MAKE} {code} }}")


def prompt(page: PackPage) -> dict[str, Any]:
    """What ``app.graphToPrompt`` gives."""
    output: dict[str, Any] = page.js("() => app.graphToPrompt().then(answer => answer.output)")
    return output


CANVAS_MENU = {
    "rgthree-comfy": "rgthree-comfy",
    "ComfyUI-Custom-Scripts": "Arrange (float right)",
    "ComfyUI-KJNodes": "KJNodes",
    "cg-use-everywhere": "Hide UE links",
}
NODE_MENU = {
    "rgthree-comfy": "Queue Selected Output Nodes (rgthree)",
    "ComfyUI-Custom-Scripts": "Swap width/height",
    "ComfyUI-KJNodes": "Add SetNode",
    "cg-use-everywhere": "Reject UE Links",
}


def test_their_entries_are_in_the_context_menus(wild: Any) -> None:
    with wild(*CANVAS_MENU) as page:
        settle(page)
        node = build(
            page,
            """
            const node = make("EmptyImage", 300, 60);
            node.widgets.find((widget) => widget.name === "width").value = 640;
            return node.id;""",
        )
        for where, entries in ((None, CANVAS_MENU), (node, NODE_MENU)):
            page.menu(node=where)
            for pack, entry in entries.items():
                assert page.realm.get_by_text(entry, exact=True).count() == 1, (pack, entry)
            screenshot(page, f"wild-menu-{where}")
            page.page.page.keyboard.press("Escape")
        page.menu(node=node)
        page.pick("Swap width/height")
        page.until(
            "id => app.graph.getNodeById(id).widgets.slice(0, 2).map(one => one.value).join() === '512,640'", node
        )
        page.menu()
        page.pick("Go to node")
        page.realm.get_by_text("EmptyImage", exact=True).last.wait_for()
        page.page.page.keyboard.press("Escape")
        assert page.problems() == []


def test_set_and_get_nodes_run(wild: Any) -> None:
    with wild("ComfyUI-KJNodes") as page:
        settle(page)
        ids = build(page, """
            const image = make("EmptyImage", 40, 60), set = make("SetNode", 340, 60);
            const get = make("GetNode", 340, 260), shown = make("PreviewImage", 640, 60);
            image.connect(0, set, 0);
            set.widgets[0].value = "picture"; set.widgets[0].callback?.("picture");
            get.widgets[0].value = "picture"; get.widgets[0].callback?.("picture");
            get.connect(0, shown, 0);
            return [image, set, get, shown].map((node) => String(node.id));""")  # fmt: skip
        page.until("id => app.graph.getNodeById(id).outputs[0].type === 'IMAGE'", ids[2])
        made = prompt(page)
        assert set(made) == {ids[0], ids[3]}
        assert made[ids[3]]["inputs"]["images"] == [ids[0], 0]
        page.run()
        page.status("Done")
        page.until("id => app.graph.getNodeById(id).imgs?.[0]?.naturalWidth === 512", ids[3])
        assert page.editor.results[int(ids[3])].image.size == (512, 512)
        screenshot(page, "wild-set-get")
        run = page.editor.run({f"{ids[0]}.width": 256})
        assert run.result()[int(ids[3])].image.size == (256, 512)
        assert page.problems() == []


def test_unconnected_inputs_are_filled_at_queue_time(wild: Any) -> None:
    with wild("cg-use-everywhere") as page:
        settle(page)
        ids = build(page, """
            const image = make("EmptyImage", 40, 60), everywhere = make("Anything Everywhere", 340, 60);
            const invert = make("ImageInvert", 340, 260), shown = make("PreviewImage", 640, 60);
            image.connect(0, everywhere, 0);
            invert.connect(0, shown, 0);
            return [image, everywhere, invert, shown].map((node) => node.id);""")  # fmt: skip
        page.page.page.wait_for_timeout(500)
        page.run()
        page.status("Done")
        page.until("id => app.graph.getNodeById(id).imgs?.[0]?.naturalWidth === 512", ids[3])
        assert page.editor.results[ids[3]].image.getpixel((0, 0)) == (255, 255, 255)
        assert page.js("id => app.graph.getNodeById(id).inputs[0].link", ids[2]) is None
        screenshot(page, "wild-everywhere")
        assert page.problems() == []


def test_a_text_is_shown_and_kept(wild: Any) -> None:
    with wild("ComfyUI-Custom-Scripts") as page:
        settle(page)
        ids = build(page, """
            const text = make("StringFunction|pysssss", 40, 60), shown = make("ShowText|pysssss", 400, 60);
            text.widgets.find((widget) => widget.name === "text_a").value = "hello there";
            text.connect(0, shown, 0);
            return [text.id, shown.id];""")  # fmt: skip
        page.run()
        page.status("Done")
        shows = "id => app.graph.getNodeById(id).widgets?.some(widget => widget.value === 'hello there')"
        page.until(shows, ids[1])
        area = page.realm.locator("textarea").filter(visible=True)
        assert "hello there" in [area.nth(index).input_value() for index in range(area.count())]
        screenshot(page, "wild-show-text")
        page.page.page.wait_for_timeout(500)
        saved = page.editor.document
        assert page.problems() == []
    with wild("ComfyUI-Custom-Scripts", document=saved) as page:
        settle(page)
        page.until(shows, ids[1])
        assert page.problems() == []


def test_a_seed_that_is_drawn_in_the_browser(wild: Any) -> None:
    with wild("rgthree-comfy") as page:
        settle(page)
        ids = build(page, """
            const seed = make("Seed (rgthree)", 40, 60), any = make("Any Switch (rgthree)", 340, 60);
            const shown = make("Display Any (rgthree)", 640, 60);
            seed.connect(0, any, 0);
            any.connect(0, shown, 0);
            return [seed.id, any.id, shown.id];""")  # fmt: skip
        assert prompt(page)[str(ids[0])]["inputs"]["seed"] == -1
        page.run()
        page.status("Done")
        page.until("id => app.graph.getNodeById(id).lastSeed > 0", ids[0])
        page.until("id => app.graph.getNodeById(id).widgets[0].value === -1", ids[0])
        drawn = page.js("id => String(app.graph.getNodeById(id).lastSeed)", ids[0])
        page.until("([id, text]) => app.graph.getNodeById(id).widgets[0].value === text", [ids[2], drawn])
        assert page.js("id => app.graph.getNodeById(id).inputs.length", ids[1]) == 5
        screenshot(page, "wild-seed")
        assert page.problems() == []
