"""The editor around the canvas in a real Chromium, over a real session that listens on a port."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from comfy_notebook.server.editors import EditorState
from tests.double_click import double_click

from . import dev_page
from .looks import CONTRAST

VIEW = "document.querySelector('#editor').comfyNotebook.view"


def node(id_: int, type_: str, pos: tuple[int, int], values: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": type_, "pos": list(pos), "size": [260, 120], "flags": {}, "order": id_, "mode": 0,
            "properties": {}, "widgets_values": values, **more}  # fmt: skip


def document(*nodes: dict[str, Any], links: list[Any] | None = None) -> dict[str, Any]:
    extra = {"ds": {"scale": 1, "offset": [0, 0]}}
    return {"last_node_id": 9, "last_link_id": 9, "nodes": list(nodes), "links": links or [], "groups": [],
            "config": {}, "extra": extra, "version": 0.4}  # fmt: skip


def image_flow() -> dict[str, Any]:
    """A photograph, inverted and shown."""
    socket = {"name": "image", "type": "IMAGE"}
    return document(
        node(1, "LoadImage", (60, 80), ["coffee.jpg", "image"],
             outputs=[{"name": "IMAGE", "type": "IMAGE", "links": [1]}, {"name": "MASK", "type": "MASK"}]),
        node(2, "ImageInvert", (400, 80), [], inputs=[{**socket, "link": 1}],
             outputs=[{"name": "IMAGE", "type": "IMAGE", "links": [2]}]),
        node(3, "PreviewImage", (700, 80), [], inputs=[{"name": "images", "type": "IMAGE", "link": 2}]),
        links=[[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
    )  # fmt: skip


class Editing:
    """A page with one editor, and the session behind it."""

    def __init__(self, page: Page, state: EditorState, session: Any) -> None:
        self.page, self.state, self.session = page, state, session
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def at(self, **place: Any) -> tuple[float, float]:
        point = self.page.evaluate(f"place => {VIEW}.clientPos(place)", place)
        return point["x"], point["y"]

    def nodes(self) -> list[dict[str, Any]]:
        return list(self.page.evaluate(f"{VIEW}.describe()"))

    def widget(self, id_: int, name: str) -> Any:
        return self.page.evaluate(f"{VIEW}.getWidget({id_}, '{name}')")

    def focus(self) -> None:
        self.page.evaluate(f"{VIEW}.focus()")

    def kernel_nodes(self) -> list[dict[str, Any]]:
        """What Python's side of the document holds."""
        return list(self.state.snapshot()[1]["nodes"])

    def eventually(self, question: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + 10
        while not question():
            assert time.monotonic() < end, f"not within 10 s: {what}"
            self.page.wait_for_timeout(50)

    def search_for(self, text: str) -> None:
        """Open the search on empty canvas and type."""
        search = self.page.locator(".cn-search-input")
        double_click(self.page, (500, 520), search.count)
        search.fill(text)


Open = Callable[..., Any]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """A session that listens, and the page's address."""
    if not (dev_page.JS / "node_modules").is_dir() or shutil.which("node") is None:
        pytest.skip("the front end's packages are not installed: npm ci in js/")
    folder = tmp_path_factory.mktemp("editor")
    script = dev_page.build(folder / "editor.js")
    made = dev_page.session_in(folder)
    url = dev_page.server_of(made, script).listen(port=0).url
    yield made, f"{url}dev/editor.html"
    made.close()


@pytest.fixture
def opened(chromium: Browser, session: tuple[Any, str], tmp_path: Path) -> Open:
    """``with opened(document) as editing:`` shows a new editor."""
    made, url = session

    @contextmanager
    def open_editor(source: Any, *, theme: str = "dark", width: int = 1100, height: int = 600) -> Iterator[Editing]:
        state = made.editors.create(source, folder=tmp_path)
        page = chromium.new_page(viewport={"width": width, "height": height})
        editing = Editing(page, state, made)
        try:
            page.goto(f"{url}?editor={state.id}&theme={theme}")
            page.wait_for_function("document.querySelector('#editor').comfyNotebook !== undefined")
            yield editing
            assert editing.errors == []
        finally:
            page.close()
            state.close()

    return open_editor


def test_a_node_is_found_by_search_and_reaches_the_kernel(opened: Open) -> None:
    with opened(document()) as editing:
        editing.search_for("imageinv")
        first = editing.page.locator(".cn-search-row").first
        expect(first).to_contain_text("Invert")
        expect(first.locator("mark").first).to_be_visible()
        editing.page.keyboard.press("Enter")
        expect(editing.page.locator(".cn-search")).to_have_count(0)
        editing.eventually(lambda: [n["type"] for n in editing.kernel_nodes()] == ["ImageInvert"], "node in Python")


def test_a_link_dropped_on_nothing_offers_fitting_nodes_and_connects(opened: Open) -> None:
    with opened(image_flow()) as editing:
        x, y = editing.at(node=1, slot=0, input=False)
        editing.page.mouse.move(x, y)
        editing.page.mouse.down()
        editing.page.mouse.move(450, 480, steps=8)
        editing.page.mouse.up()
        expect(editing.page.locator(".cn-search .cn-chip")).to_contain_text("takes IMAGE")
        editing.page.keyboard.type("blur")
        editing.page.keyboard.press("Enter")
        editing.eventually(lambda: len(editing.nodes()) == 4, "the node")
        made = next(n for n in editing.nodes() if n["type"] == "ImageBlur")
        assert made["inputs"][0]["link"]["node"] == 1


def test_undo_and_redo_reach_the_kernel(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.page.mouse.click(*editing.at(node=2, title=True))
        editing.page.keyboard.press("Delete")
        editing.eventually(lambda: len(editing.kernel_nodes()) == 2, "deleted")
        editing.page.keyboard.press("Control+z")
        editing.eventually(lambda: len(editing.kernel_nodes()) == 3, "undone")
        assert next(n for n in editing.nodes() if n["id"] == 3)["inputs"][0]["link"]["node"] == 2
        editing.page.keyboard.press("Control+y")
        editing.eventually(lambda: len(editing.kernel_nodes()) == 2, "redone")


def test_copy_and_paste_through_the_clipboard(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.page.mouse.click(*editing.at(node=2, title=True))
        editing.page.keyboard.press("Control+c")
        editing.page.mouse.move(500, 480)
        editing.page.keyboard.press("Control+v")
        editing.eventually(lambda: len(editing.kernel_nodes()) == 4, "pasted once")
        editing.page.wait_for_timeout(300)
        assert len(editing.nodes()) == 4
        editing.page.keyboard.press("Control+a")
        editing.page.keyboard.press("Control+m")
        editing.eventually(lambda: {n["mode"] for n in editing.kernel_nodes()} == {2}, "muted")


def test_a_run_shows_the_picture_which_opens_at_full_size(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.focus()
        editing.page.keyboard.press("Control+Enter")
        expect(editing.page.locator(".cn-status")).to_contain_text("Done", timeout=30_000)
        editing.page.mouse.click(*editing.at(node=3, title=True), button="right")
        editing.page.get_by_text("View image", exact=True).click()
        picture = editing.page.locator(".cn-lightbox img")
        expect(picture).to_be_visible()
        editing.page.wait_for_function("document.querySelector('.cn-lightbox img').naturalWidth === 600")
        expect(editing.page.locator(".cn-lightbox-bar")).to_contain_text("600 \u00d7 400")
        editing.page.keyboard.press("Escape")
        expect(picture).to_have_count(0)


def test_progress_and_cancel(opened: Open) -> None:
    with opened(document(node(1, "Steps", (80, 80), [400, 0.05, 3, "increment"]))) as editing:
        editing.focus()
        editing.page.keyboard.press("Control+Enter")
        expect(editing.page.locator(".cn-status")).to_contain_text("/400", timeout=15_000)
        expect(editing.page.locator(".cn-status-main")).to_have_text("Count Steps")
        expect(editing.page.locator(".cn-progress")).to_be_visible()
        editing.page.keyboard.press("Control+Alt+Enter")
        expect(editing.page.locator(".cn-status")).to_contain_text("Cancelled", timeout=5_000)
        expect(editing.page.locator(".cn-problems")).to_be_hidden()
        assert editing.widget(1, "seed") == 4


def test_a_node_that_fails_is_named_with_its_traceback(opened: Open) -> None:
    message = "<img src=x onerror=alert(1)> is too small"
    with opened(document(node(1, "Fails", (80, 80), [message, 1]))) as editing:
        editing.page.locator(".cn-run").click()
        panel = editing.page.locator(".cn-problems")
        expect(panel).to_contain_text("Always Fails", timeout=15_000)
        expect(panel.locator("p")).to_have_text(message)
        panel.locator("summary").click()
        expect(panel.locator("pre")).to_contain_text("raise ValueError(message)")
        assert panel.locator("img").count() == 0
        assert "too small" in editing.nodes()[0]["error"]
        panel.get_by_label("Hide errors").click()
        expect(panel).to_be_hidden()
        editing.page.locator(".cn-chip-error").click()
        expect(panel).to_be_visible()


def test_a_refused_workflow_names_node_and_input(opened: Open) -> None:
    with opened(document(node(3, "PreviewImage", (80, 80), []))) as editing:
        editing.page.locator(".cn-run").click()
        expect(editing.page.locator(".cn-problems p")).to_contain_text("“images” is not connected", timeout=15_000)
    with opened(document(node(2, "ImageInvert", (80, 80), []))) as editing:
        editing.page.locator(".cn-run").click()
        expect(editing.page.locator(".cn-problems p")).to_contain_text("no output node", timeout=15_000)


def test_python_edits_the_open_graph(opened: Open) -> None:
    with opened(image_flow()) as editing:
        changed = next(n for n in editing.kernel_nodes() if n["id"] == 2) | {"title": "Negative"}
        editing.state.apply({"nodes": {"set": [changed]}}, None, None)
        editing.eventually(lambda: any(n["title"] == "Negative" for n in editing.nodes()), "title from Python")


def test_a_new_node_type_is_in_the_open_search(opened: Open) -> None:
    from comfy_notebook.protocol.v1 import definition_from_class

    with opened(document()) as editing:
        editing.search_for("vignet")
        expect(editing.page.locator(".cn-empty")).to_be_visible()
        made = type("Vignette", (dev_page.Steps,), {})
        editing.session.registry.register(definition_from_class("Vignette", made, "Vignette", "__main__"))
        expect(editing.page.locator(".cn-search-row")).to_contain_text("Vignette")
        expect(editing.page.locator(".cn-search-row .cn-badge")).to_have_text("Notebook")
        editing.session.registry.remove("Vignette")


def drop(editing: Editing, name: str, mime: str, data: bytes, at: tuple[float, float]) -> None:
    """Drop a file on the canvas."""
    script = """([name, mime, bytes, x, y]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], name, { type: mime }));
      const target = document.elementFromPoint(x, y);
      for (const type of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(type, {
          dataTransfer: transfer, clientX: x, clientY: y, bubbles: true, cancelable: true }));
    }"""
    editing.page.evaluate(script, [name, mime, list(data), *at])


def png(size: tuple[int, int] = (8, 6)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_dropped_files(opened: Open) -> None:
    with opened(document(node(2, "ImageInvert", (80, 80), []))) as editing:
        drop(editing, "flow.json", "application/json", json.dumps(image_flow()).encode(), (500, 450))
        editing.eventually(lambda: len(editing.nodes()) == 3, "the workflow")
        editing.focus()
        editing.page.keyboard.press("Control+z")
        editing.eventually(lambda: [n["type"] for n in editing.nodes()] == ["ImageInvert"], "the graph before")
        editing.eventually(lambda: len(editing.kernel_nodes()) == 1, "the graph before, in Python")
        drop(editing, "broken.json", "application/json", b'{"nodes": [', (500, 450))
        expect(editing.page.locator(".cn-toast.cn-error")).to_contain_text("broken.json was not opened")
        assert len(editing.nodes()) == 1
        drop(editing, "red.png", "image/png", png(), (500, 450))
        editing.eventually(lambda: any(n["type"] == "LoadImage" for n in editing.nodes()), "a Load Image node")
        load = next(n for n in editing.nodes() if n["type"] == "LoadImage")
        editing.eventually(lambda: str(editing.widget(load["id"], "image")).startswith("red"), "the uploaded file")


def test_no_key_leaves_the_editor_and_text_fields_keep_theirs(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.page.evaluate(
            "window.leaked = []; document.body.addEventListener('keydown', (e) => leaked.push(e.key))"
        )
        editing.focus()
        for key in ["d", "d", "b", "a", "m", "0", "Backspace", "Control+b", "Control+s", "Shift+Enter"]:
            editing.page.keyboard.press(key)
        assert editing.page.evaluate("leaked") == []
        editing.search_for("x")
        editing.page.keyboard.press("Backspace")
        assert len(editing.nodes()) == 3


def test_the_kernel_goes_and_the_graph_stays(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.page.evaluate("host.setKernel('lost')")
        expect(editing.page.locator(".cn-banner")).to_contain_text("Run the cell again")
        assert len(editing.nodes()) == 3
        editing.page.evaluate("host.setKernel('connected')")
        expect(editing.page.locator(".cn-banner")).to_be_hidden()


def test_screen_readers_get_the_graph_as_a_tree(opened: Open) -> None:
    with opened(image_flow()) as editing:
        tree = editing.page.get_by_role("tree", name="Nodes of the workflow")
        expect(tree.get_by_role("treeitem", name="Load Image, LoadImage")).to_be_attached()
        expect(tree).to_contain_text("image: coffee.jpg")
        editing.page.locator("[role=treeitem][tabindex='0']").focus()
        editing.page.keyboard.press("ArrowDown")
        editing.eventually(
            lambda: [n["id"] for n in editing.nodes() if n["selected"]] == [2], "the second node selected"
        )


def test_two_views_stay_in_step(opened: Open, chromium: Browser) -> None:
    with opened(image_flow()) as editing:
        second = chromium.new_page()
        second.goto(editing.page.url)
        second.wait_for_function("document.querySelector('#editor').comfyNotebook !== undefined")
        other = Editing(second, editing.state, editing.session)
        editing.page.mouse.click(*editing.at(node=2, title=True))
        editing.page.keyboard.press("Control+b")
        other.eventually(lambda: [n["mode"] for n in other.nodes() if n["id"] == 2] == [4], "bypass in the other view")
        second.evaluate(f"{VIEW}.setTitle(3, 'Shown')")
        editing.eventually(lambda: any(n["title"] == "Shown" for n in editing.nodes()), "title in the first view")
        assert [n["mode"] for n in editing.nodes() if n["id"] == 2] == [4]
        second.close()


def test_subgraphs_have_a_way_back(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.page.mouse.click(*editing.at(node=2, title=True))
        editing.page.keyboard.press("Control+Shift+e")
        editing.eventually(lambda: {n["id"] for n in editing.nodes()} != {1, 2, 3}, "the subgraph")
        made = next(n["id"] for n in editing.nodes() if n["id"] not in (1, 3))
        editing.page.evaluate(f"{VIEW}.enter({made})")
        trail = editing.page.locator(".cn-breadcrumb")
        expect(trail).to_contain_text("New Subgraph")
        trail.locator("button").first.click()
        expect(trail).to_be_hidden()
        editing.focus()
        editing.page.keyboard.press("Control+z")
        editing.eventually(lambda: {n["id"] for n in editing.kernel_nodes()} == {1, 2, 3}, "undone")


def test_inside_a_subgraph_errors_are_found_and_outputs_run(opened: Open) -> None:
    flow = image_flow()
    flow["nodes"].append(node(4, "Fails", (700, 300), ["the subgraph is cold", 0]))
    with opened(flow) as editing:
        page = editing.page
        page.evaluate(f"{VIEW}.select([3, 4]); {VIEW}.toSubgraph()")
        editing.eventually(lambda: len(editing.nodes()) == 3, "the subgraph")
        page.get_by_role("button", name="Run", exact=True).click()
        problem = page.locator(".cn-problems li", has_text="the subgraph is cold")
        expect(problem.locator(".cn-problem-node")).to_contain_text("Fails", timeout=60_000)  # torch is loaded first
        problem.locator(".cn-problem-node").click()
        expect(page.locator(".cn-breadcrumb")).to_be_visible()
        selected = [n["type"] for n in editing.nodes() if n["selected"]]
        assert selected == ["Fails"]

        shown = next(n["id"] for n in editing.nodes() if n["type"] == "PreviewImage")
        page.evaluate(f"{VIEW}.select([{json.dumps(shown)}])")
        page.get_by_label("Ways to run").click()
        page.get_by_role("menuitem", name="Run selected outputs").click()
        expect(page.locator(".cn-status")).to_contain_text("Done", timeout=60_000)  # the node that fails was not asked


def test_pictures_are_pasted_into_a_node_and_copied_from_it(opened: Open) -> None:
    with opened(image_flow()) as editing:
        page = editing.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.mouse.click(*editing.at(node=1, title=True))
        page.evaluate(
            """bytes => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], 'pasted.png', {type: 'image/png'}));
                document.querySelector('canvas').dispatchEvent(
                    new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
            }""",
            list(png((31, 17))),
        )
        editing.eventually(lambda: str(editing.widget(1, "image")).startswith("pasted"), "the pasted picture")
        assert len(editing.nodes()) == 3
        page.mouse.click(*editing.at(node=1, title=True), button="right")
        page.get_by_text("Copy image", exact=True).click()
        expect(page.locator(".cn-toast")).to_contain_text("Image copied")
        size = page.evaluate(
            """async () => {
                const [item] = await navigator.clipboard.read();
                const bitmap = await createImageBitmap(await item.getType('image/png'));
                return [bitmap.width, bitmap.height];
            }"""
        )
        assert size == [31, 17]


def test_the_toolbar_and_its_menus_work_by_keyboard(opened: Open) -> None:
    with opened(image_flow()) as editing:
        page = editing.page
        page.locator(".cn-run").focus()
        names = []
        while "Menu" not in names and len(names) < 12:
            page.keyboard.press("Tab")
            names.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring == "solid", f"no focus ring on {names[-1]!r}"
        assert names[0] == "Ways to run"
        assert {"Add a node", "Open…", "Download workflow", "Fit view", "Full size", "Menu"} <= set(names)
        page.keyboard.press("Enter")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Menu"


#: Text and what it stands on, as relative luminance: WCAG 2 wants 4.5 to 1.


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_stands_out_from_its_ground(opened: Open, theme: str) -> None:
    flow = image_flow()
    flow["nodes"].append(node(4, "Fails", (700, 300), ["cold", 0]))
    with opened(flow, theme=theme) as editing:
        page = editing.page
        assert page.evaluate(CONTRAST) == []
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator(".cn-problems summary").click()
        page.evaluate("host.setKernel('lost')")
        assert page.evaluate(CONTRAST) == []
        page.evaluate("host.setKernel('connected')")
        editing.focus()
        page.keyboard.press("Space")
        page.locator(".cn-search-input").fill("image")
        assert page.evaluate(CONTRAST) == []
        page.keyboard.press("Escape")
        for name in ("Menu", "Ways to run"):
            page.get_by_label(name, exact=True).click()
            page.locator(".cn-dropdown > button:not(:disabled)").nth(1).hover()
            page.wait_for_timeout(250)  # colours fade
            assert page.evaluate(CONTRAST) == []
            page.keyboard.press("Escape")
        for shown in ("openSettings", "showShortcuts"):
            page.evaluate(f"document.querySelector('#editor').comfyNotebook.editor.{shown}()")
            page.wait_for_timeout(250)
            assert page.evaluate(CONTRAST) == []
            page.keyboard.press("Escape")


def test_workflows_are_downloaded_in_both_forms(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.focus()
        with editing.page.expect_download() as saved:
            editing.page.keyboard.press("Control+Shift+s")
        assert json.loads(saved.value.path().read_text())["nodes"][0]["type"] == "LoadImage"
        editing.page.get_by_label("Menu", exact=True).click()
        with editing.page.expect_download() as saved:
            editing.page.get_by_role("menuitem", name="Download API format").click()
        assert json.loads(saved.value.path().read_text())["3"]["inputs"] == {"images": ["2", 0]}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_theme_and_narrow_cells(opened: Open, theme: str) -> None:
    with opened(image_flow(), theme=theme, width=400, height=420) as editing:
        page = editing.page
        assert page.locator(".cn-editor").get_attribute("data-theme") == theme
        bar = page.locator(".cn-toolbar").bounding_box()
        assert bar is not None
        assert bar["width"] <= 400
        assert page.evaluate("document.querySelector('.cn-toolbar').scrollWidth") <= 400
        page.get_by_label("Menu", exact=True).click()
        page.get_by_role("menuitem", name="Fit view").click()
        expect(page.locator(".cn-dropdown")).to_have_count(0)
        page.evaluate("host.setDark(%s)" % ("false" if theme == "dark" else "true"))
        assert page.locator(".cn-editor").get_attribute("data-theme") != theme


def test_unmounting_leaves_nothing(opened: Open) -> None:
    with opened(image_flow()) as editing:
        editing.page.evaluate("unmount(); host.close()")
        assert editing.page.evaluate("document.querySelector('#editor').childElementCount") == 0
        editing.page.keyboard.press("Delete")
        editing.page.mouse.dblclick(300, 300)
        editing.page.wait_for_timeout(200)
