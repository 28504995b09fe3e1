"""The real editor through the real widget: it shows the graph, runs it, follows Python, in every kind of host."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.protocol.context import context
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.server import bundle
from comfy_notebook.session import Session
from comfy_notebook.widget import Editor

from ..widget.test_editor import GRAPH
from .harness import ROOT, VARIANTS, OpenPage
from .kernel import FakeKernel

VIEW = f"{ROOT}.comfyNotebook.view"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    if not bundle.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path)))
    yield made
    made.close()
    sessions._current = before


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_graph_appears_and_python_reaches_it(session: Session, editor_page: OpenPage, variant: str) -> None:
    editor = Editor(GRAPH, name=variant)
    with editor_page(editor, variant=variant) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        editor["Red"].width = 64
        realm.wait_for_function(f"{VIEW}.serialize().nodes[0].widgets_values[0] === 64")
        assert page.errors == []


def test_a_run_from_python_shows_its_picture_in_the_view(
    session: Session, editor_page: OpenPage, tmp_path: Path
) -> None:
    editor = Editor(GRAPH, name="run")
    with editor_page(editor) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        results = editor.run().result(timeout=60)
        assert results["Seen"].image.size == (32, 16)
        page.page.wait_for_timeout(1000)
        page.screenshot(tmp_path / "run.png")
        x, y = page.client_pos(node=3)
        assert (x, y) != (0, 0)


def test_two_editors_on_a_page_keep_to_themselves(session: Session, editor_page: OpenPage) -> None:
    first, second = Editor(GRAPH, name="one"), Editor(json.loads(json.dumps(GRAPH)), name="two")
    with editor_page(first, second) as page:
        realms = [page.editor(0), page.editor(1)]
        for realm in realms:
            realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        first["Red"].width = 100
        realms[0].wait_for_function(f"{VIEW}.serialize().nodes[0].widgets_values[0] === 100")
        assert realms[1].evaluate(f"{VIEW}.serialize().nodes[0].widgets_values[0]") == 32


def test_eight_runs_of_a_cell_leave_one_frame_of_the_real_editor(session: Session, editor_page: OpenPage) -> None:
    with editor_page(Editor(GRAPH, name="n")) as page:
        page.editor()
        before = page.frame_count()
        for _ in range(8):
            fresh = Editor(GRAPH, name="n")
            page.page.evaluate("for (const model of notebook.models.values()) model.close()")
            page.display(fresh)
            page.editor()
        page.page.wait_for_timeout(500)
        assert page.frame_count() <= before
        assert page.errors == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_person_works_in_it(session: Session, editor_page: OpenPage, variant: str) -> None:
    editor = Editor(GRAPH, name=f"work {variant}")
    with editor_page(editor, variant=variant) as page:
        realm, keys = page.editor(), page.page.keyboard
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")

        page.click(page.client_pos(node=1, widget="width"))  # a value by hand
        keys.type("64")
        keys.press("Enter")
        realm.get_by_role("button", name="Run", exact=True).click()
        realm.get_by_text("Done", exact=False).first.wait_for()
        assert editor["Red"].width == 64
        assert editor.results["Seen"].image.width == 64

        keys.press("Space")  # a node by search, without the pointer
        keys.type("invert")
        keys.press("Enter")
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 4")
        keys.press("Control+z")
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")

        page.click(page.client_pos(node=3, title=True))  # an error leads to its node
        keys.press("Escape")
        realm.evaluate(f"{VIEW}.disconnectInput(3, 0)")
        realm.get_by_role("button", name="Run", exact=True).click()
        realm.get_by_text("is not connected", exact=False).wait_for()
        realm.get_by_role("button", name="Seen", exact=False).first.click()
        assert realm.evaluate(f"{VIEW}.selection().map(String)") == ["3"]
        assert page.errors == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_settings_outlive_the_page(session: Session, editor_page: OpenPage, variant: str) -> None:
    for opened_before in (False, True):
        with editor_page(Editor(GRAPH, name="settings"), variant=variant) as page:
            realm = page.editor()
            realm.get_by_role("button", name="Menu", exact=True).click()
            realm.get_by_role("menuitem", name="Settings").click()
            links = realm.get_by_label("Links")
            assert links.input_value() == ("linear" if opened_before else "spline")
            links.select_option("linear")
            page.page.wait_for_timeout(300)


def test_a_picture_stands_in_until_the_kernel_answers(
    session: Session, editor_page: OpenPage, fake_kernel: FakeKernel
) -> None:
    editor = Editor(GRAPH, name="still")
    editor._repr_mimebundle_()
    with fake_kernel.busy(), editor_page(editor) as page:
        assert "as soon as the kernel answers" in page.notice()
        image = page.box().wait_for_selector(".comfy-notebook-notice img")
        assert image is not None
        page.page.wait_for_function("() => document.querySelector('.comfy-notebook-notice img').naturalWidth > 50")
        fake_kernel._free.set()
        page.editor().wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        assert page.box().query_selector(".comfy-notebook-notice") is None


def test_a_picture_that_a_node_sends_stays_on_it(session: Session, editor_page: OpenPage, tmp_path: Path) -> None:
    graph = json.loads(json.dumps(GRAPH))
    graph["nodes"][2]["type"] = "SaveImageWebsocket"
    editor = Editor(graph, name="sent")
    with editor_page(editor) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        realm.get_by_role("button", name="Run", exact=True).click()
        realm.get_by_text("Done", exact=False).first.wait_for()
        page.page.wait_for_timeout(300)
        shown = Image.open(page.screenshot(tmp_path / "sent.png")).convert("RGB")
        cyan = {color: count for count, color in shown.getcolors(2**24) or []}.get((0, 255, 255), 0)
        assert cyan > 100, "the inverted red is not to be seen"


class Paints:
    """Shows a magenta preview while it works."""

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"steps": ("INT", {"default": 40})}}

    def run(self, steps: int) -> dict[str, Any]:
        for step in range(steps):
            time.sleep(0.05)
            context().progress(step + 1, steps, Image.new("RGB", (64, 64), (255, 0, 255)))
        return {}


@pytest.mark.parametrize("variant", VARIANTS)
def test_previews_are_seen_while_a_node_works_and_the_last_one_after(
    session: Session, editor_page: OpenPage, tmp_path: Path, variant: str
) -> None:
    session.registry.register(definition_from_class("Paints", Paints, "Paints", "custom_nodes.testing"))
    paints = {"id": 1, "type": "Paints", "pos": [40, 40], "size": [240, 100], "widgets_values": [40]}
    editor = Editor({"nodes": [paints], "links": [], "version": 0.4}, name=f"previews {variant}")
    with editor_page(editor, variant=variant) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 1")

        def magenta() -> int:
            shown = Image.open(page.screenshot(tmp_path / "preview.png")).convert("RGB")
            return sum(count for count, (r, g, b) in shown.getcolors(2**24) or [] if r > 240 and g < 20 and b > 240)

        realm.get_by_role("button", name="Run", exact=True).click()
        realm.get_by_text("/40").first.wait_for()
        page.page.wait_for_timeout(400)
        assert magenta() > 500
        realm.get_by_text("Done", exact=False).first.wait_for()
        page.page.wait_for_timeout(200)
        assert magenta() > 500, "what the node showed last stays until it runs again"
        assert realm.evaluate(f"{VIEW}.serialize().nodes[0].size") == [240, 100]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_large_picture_goes_up_in_parts_and_says_how_far(
    session: Session, editor_page: OpenPage, variant: str
) -> None:
    load = {"id": 1, "type": "LoadImage", "pos": [40, 40], "size": [240, 300], "widgets_values": ["", "image"]}
    editor = Editor({"nodes": [load], "links": [], "version": 0.4}, name=f"upload {variant}")
    picture = BytesIO()
    Image.effect_noise((2500, 2500), 80).save(picture, "PNG")
    with editor_page(editor, variant=variant) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 1")
        realm.evaluate(
            """() => {
                window.widths = [];
                const bar = document.querySelector('.cn-upload > div > div');
                new MutationObserver(() => widths.push(parseFloat(bar.style.width)))
                    .observe(bar, {attributes: true});
            }"""
        )
        with page.page.expect_file_chooser() as chooser:
            page.click(page.client_pos(node=1, widget="upload"))
        chooser.value.set_files({"name": "noise.png", "mimeType": "image/png", "buffer": picture.getvalue()})
        realm.wait_for_function(f"{VIEW}.getWidget(1, 'image') === 'noise.png'")
        widths = realm.evaluate("widths")
        assert len(widths) >= 4
        assert widths == sorted(widths)
        assert (session.folders.input / "noise.png").read_bytes() == picture.getvalue()
