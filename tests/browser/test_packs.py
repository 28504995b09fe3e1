"""Packs of each kind in the editor, driven by pointer and keys: the four of tests/packs/examples, and ill ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.server import bundle
from comfy_notebook.session import Session

from .harness import OpenPage
from .packs import EXAMPLES, PackPage, install, shown

KINDS = ("invert", "recolour", "swatch", "picker")
EXTENSIONS = ("example.recolour", "example.swatch", "example.picker")


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    if not bundle.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path, temp=tmp_path / "temp")))
    yield made
    made.close()
    sessions._current = before


def node(id_: int, type_: str, x: int, values: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": type_, "pos": [x, 60], "size": [240, 140], "widgets_values": values, **more}


def document(nodes: list[dict[str, Any]], links: list[Any]) -> dict[str, Any]:
    return {"last_node_id": 9, "last_link_id": 9, "nodes": nodes, "links": links, "groups": [], "config": {},
            "extra": {"ds": {"scale": 1, "offset": [0, 0]}}, "version": 0.4}  # fmt: skip


def out(name: str, type_: str, *links: int) -> dict[str, Any]:
    return {"name": name, "type": type_, "links": list(links)}


def into(name: str, type_: str, link: int) -> dict[str, Any]:
    return {"name": name, "type": type_, "link": link}


def swatch_flow() -> dict[str, Any]:
    """A swatch, inverted and shown."""
    return document(
        [
            node(1, "ColourSwatch", 40, ["#ff8000", 32], outputs=[out("IMAGE", "IMAGE", 1), out("SWATCH", "SWATCH")]),
            node(2, "InvertPicture", 340, [1.0],
                 inputs=[into("image", "IMAGE", 1)], outputs=[out("inverted", "IMAGE", 2)]),
            node(3, "PreviewImage", 640, [], inputs=[into("images", "IMAGE", 2)]),
        ],
        [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
    )  # fmt: skip


def picker_flow() -> dict[str, Any]:
    """Three grey pictures, one of which goes on; the index it has."""
    return document(
        [
            node(1, "EmptyImage", 40, [32, 16, 3, 8421504], outputs=[out("IMAGE", "IMAGE", 1)]),
            node(2, "PickOne", 340, [], inputs=[into("images", "IMAGE", 1)],
                 outputs=[out("picture", "IMAGE", 2), out("index", "INT", 3)]),
            node(3, "PreviewImage", 640, [], inputs=[into("images", "IMAGE", 2)]),
            node(4, "PreviewAny", 900, [], inputs=[into("source", "*", 3)]),
        ],
        [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"], [3, 2, 1, 4, 0, "INT"]],
    )  # fmt: skip


Packed = Callable[..., Any]


@pytest.fixture
def packed(session: Session, editor_page: OpenPage) -> Packed:
    """``with packed(document) as page:`` — the four packs are loaded, their scripts have run."""
    install(session, [EXAMPLES / name for name in KINDS])
    return lambda document, **options: shown(editor_page, document, EXTENSIONS, **options)


def screenshot(page: PackPage, name: str) -> None:
    """Kept where ``$COMFY_NOTEBOOK_SHOTS`` names a folder."""
    folder = os.environ.get("COMFY_NOTEBOOK_SHOTS")
    if folder:
        page.page.screenshot(Path(folder) / f"{name}.png")


def test_scripts_load_and_nothing_is_said(packed: Packed) -> None:
    with packed(swatch_flow()) as page:
        page.until("() => app.swatchNames?.['#0080ff'] === 'azure'")
        screenshot(page, "four-packs")
        assert page.problems() == []


def test_a_client_only_pack_paints_nodes_from_their_menu(packed: Packed) -> None:
    with packed(swatch_flow()) as page:
        page.menu(node=2)
        page.realm.get_by_text("Paint", exact=True).last.hover()
        screenshot(page, "node-menu")
        page.pick("Paint", "red")
        page.until("() => app.graph.getNodeById(2).color === '#733'")
        page.until("() => app.graph.getNodeById(2).bgcolor === '#533'")
        screenshot(page, "painted")
        kernel_sees(page, lambda nodes: nodes[1].get("color") == "#733")
        page.menu(node=3)
        page.pick("Paint what leads here")
        page.until("() => app.graph._nodes.map(node => node.color).join() === '#337,#337,#373'")
        page.menu()
        page.pick("Take all colours away")
        page.until("() => app.graph._nodes.every(node => node.color === undefined)")
        kernel_sees(page, lambda nodes: not any("color" in node for node in nodes))
        assert page.problems() == []


def kernel_sees(page: PackPage, question: Callable[[list[dict[str, Any]]], bool]) -> None:
    """Wait until Python's document is as expected."""
    for _ in range(200):
        if question(page.editor.document["nodes"]):
            return
        page.page.page.wait_for_timeout(50)
    raise AssertionError(f"the kernel's document stays at {page.editor.document['nodes']}")


def inverted(page: PackPage) -> Any:
    """The colour that the run showed."""
    return page.editor.results[3].image.getpixel((5, 5))


def test_a_widget_of_a_pack_sets_what_the_node_gets(packed: Packed, session: Session) -> None:
    with packed(swatch_flow()) as page:
        swatch = page.realm.locator(".example-swatch")
        swatch.wait_for(state="visible")
        assert page.js("() => getComputedStyle(document.querySelector('.example-swatch')).display") == "flex"
        swatch.get_by_title("#0080ff").click()
        kernel_sees(page, lambda nodes: nodes[0]["widgets_values"][0] == "#0080ff")
        page.run()
        page.status("Done")
        page.until("() => app.graph.getNodeById(1).title === 'Swatch of azure'")
        kernel_sees(page, lambda nodes: nodes[0].get("title") == "Swatch of azure")
        screenshot(page, "swatch")
        assert inverted(page) == pytest.approx((255, 127, 0), abs=1)
        assert page.editor.workflow[1].colour == "#0080ff"
        page.editor[1].colour = "#20a040"
        page.until("() => document.querySelector('.example-swatch input').value === '#20a040'")
        assert page.problems() == []


def test_a_node_asks_in_the_middle_of_a_run(packed: Packed) -> None:
    with packed(picker_flow()) as page:
        page.run()
        dialog = page.realm.locator(".example-picker")
        dialog.wait_for(state="visible")
        page.until("() => [...document.querySelectorAll('.example-picker img')].every(i => i.naturalWidth === 32)")
        assert dialog.locator("img").count() == 3
        screenshot(page, "picker")
        dialog.get_by_alt_text("Picture 2").click()
        page.status("Done")
        dialog.wait_for(state="hidden")
        assert page.editor.results[4].text == "1"
        assert page.editor.results[3].image.size == (32, 16)
        assert page.problems() == []


def test_a_question_is_answered_by_an_interrupt(packed: Packed) -> None:
    with packed(picker_flow()) as page:
        page.run()
        dialog = page.realm.locator(".example-picker")
        dialog.wait_for(state="visible")
        dialog.get_by_role("button", name="Close").click()
        page.status("Cancel")
        dialog.wait_for(state="hidden")


def test_pack_nodes_are_saved_and_come_back(packed: Packed, session: Session, tmp_path: Path) -> None:
    with packed(swatch_flow(), name="first") as page:
        page.realm.locator(".example-swatch").get_by_title("#20a040").click()
        kernel_sees(page, lambda nodes: nodes[0]["widgets_values"][0] == "#20a040")
        saved = page.editor.document
    with packed(saved, name="second") as page:
        page.until("() => app.graph.getNodeById(1).widgets[0].value === '#20a040'")
        page.until("() => document.querySelector('.example-swatch input').value === '#20a040'")


ILL = {
    "a_syntax_error": "import { app } from '../../scripts/app.js';\nfunction (",
    "b_throws": "import { app } from '../../scripts/app.js';\nthrow new Error('the script is ill');",
    "c_never_settles": "await new Promise(() => {});",
    "d_missing_import": "import { nothing } from './gone.js';",
    "e_bad_hooks": """
import { app } from "../../scripts/app.js";
const fail = (where) => () => { throw new Error(`ill in ${where}`); };
app.registerExtension({
  name: "ill.hooks", init: fail("init"), setup: fail("setup"), addCustomNodeDefs: fail("defs"),
  getCustomWidgets: fail("widgets"), beforeRegisterNodeDef: fail("register"), registerCustomNodes: fail("nodes"),
  beforeConfigureGraph: fail("before"), afterConfigureGraph: fail("after"), nodeCreated: fail("created"),
  loadedGraphNode: fail("loaded"),
});
""",
}


def test_scripts_that_fail_cost_nobody_else_anything(session: Session, editor_page: OpenPage) -> None:
    folder = session.folders.base / "custom_nodes"
    for name, script in ILL.items():
        (folder / name / "js").mkdir(parents=True)
        (folder / name / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\nWEB_DIRECTORY = 'js'\n")
        (folder / name / "js" / f"{name}.js").write_text(script)
    install(session, [EXAMPLES / name for name in KINDS])
    with shown(editor_page, swatch_flow(), EXTENSIONS) as page:
        page.realm.locator(".example-swatch").get_by_title("#0080ff").click()
        page.run()
        page.status("Done")
        page.until("() => app.graph.getNodeById(1).title === 'Swatch of azure'")
        assert inverted(page) == pytest.approx((255, 127, 0), abs=1)
        said = " ".join(page.page.console)
        for name in ("a_syntax_error", "b_throws", "d_missing_import", "ill.hooks"):
            assert name in said, (name, page.page.console)
        screenshot(page, "ill-packs")


LATE = """
import os, time
while not os.path.exists(__file__ + ".go"):
    time.sleep(0.05)
class LateSwatch:
    INPUT_TYPES = classmethod(lambda cls: {"required": {"tone": ("TONE", {"default": "low"}), "size": ("INT", {})}})
    RETURN_TYPES = ()
    FUNCTION = "go"
    OUTPUT_NODE = True
    def go(self, tone, size):
        return {"ui": {"text": [f"{tone} {size}"]}}
NODE_CLASS_MAPPINGS = {"LateSwatch": LateSwatch}
WEB_DIRECTORY = "js"
"""
LATE_SCRIPT = """
import { app } from "../../scripts/app.js";
app.registerExtension({
  name: "example.late",
  getCustomWidgets: () => ({
    TONE(node, name, data) {
      const element = document.createElement("input");
      element.className = "late-tone";
      element.value = data[1].default;
      const setValue = (value) => { element.value = value; };
      return { widget: node.addDOMWidget(name, "TONE", element, { getValue: () => element.value, setValue }) };
    },
  }),
});
"""


def test_a_pack_that_comes_late_joins_the_open_editor(session: Session, editor_page: OpenPage) -> None:
    """Its import blocks while the editor opens; its node is kept meanwhile, and gets its values when it is there."""
    late = session.folders.base / "custom_nodes" / "late"
    (late / "js").mkdir(parents=True)
    (late / "__init__.py").write_text(LATE)
    (late / "js" / "late.js").write_text(LATE_SCRIPT)
    session.pack_loader.limit = 0.2
    install(session, [EXAMPLES / "recolour"])
    flow = document([node(1, "LateSwatch", 40, ["high", 7])], [])
    with shown(editor_page, flow, ["example.recolour"]) as page:
        assert page.js("() => app.extensions.some((one) => one.name === 'example.late')") is False
        page.until("() => app.graph.getNodeById(1).type === 'LateSwatch'")
        (late / "__init__.py.go").touch()
        page.until("() => app.extensions.some((one) => one.name === 'example.late')", seconds=40)
        page.until("() => document.querySelector('.late-tone')?.value === 'high'")
        page.until("() => app.graph.getNodeById(1).widgets.map((one) => one.value).join() === 'high,7'")
        page.run()
        page.status("Done")
        assert page.editor.results[1].text == "high 7"
        screenshot(page, "late-pack")
        assert page.problems() == []
