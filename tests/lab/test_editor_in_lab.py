"""The editor in a real JupyterLab, used as a person uses it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.double_click import double_click

from .conftest import OpenNotebook
from .driver import EditorDriver
from .lab import LabServer, Notebook

NODES = '''
import time
from typing import Annotated, Literal
import comfy_notebook as cn

@cn.node(category="test")
def everything(count: int = 3, amount: float = 0.5, mode: Literal["add", "multiply", "screen"] = "add",
               name: str = "cup", prompt: Annotated[str, cn.Multiline()] = "hello", flip: bool = False,
               strength: Annotated[float, cn.Slider(0, 1, step=0.05)] = 0.5, seed: int = 7) -> str:
    """Every kind of widget."""
    return f"{count}|{amount}|{mode}|{name}|{prompt}|{flip}|{strength}"

@cn.node(category="test", output_node=True)
def slow(steps: int = 3, fail: bool = False, text: str = "", image: cn.Image | None = None):
    """Takes its time."""
    for step in range(steps):
        cn.context().progress(step + 1, steps)
        time.sleep(0.1)
    if fail:
        raise ValueError("the kettle is cold")
    return {"ui": {"text": [text or "done"]}}
'''


def graph(**slow: object) -> dict[str, object]:
    """``everything`` (1) beside ``slow`` (2), not connected, both fully visible in a cell."""
    values = {"steps": 3, "fail": False, "text": "", **slow}
    return {
        "last_node_id": 2,
        "last_link_id": 0,
        "nodes": [
            {
                "id": 1,
                "type": "everything",
                "pos": [40, 60],
                "size": [300, 330],
                "widgets_values": [3, 0.5, "add", "cup", "hello", False, 0.5, 7, "fixed"],
            },
            {"id": 2, "type": "slow", "pos": [480, 60], "size": [300, 160], "widgets_values": list(values.values())},
        ],
        "links": [],
        "groups": [],
        "config": {},
        "extra": {"ds": {"scale": 1, "offset": [0, 0]}},
        "version": 0.4,
    }


def show(name: str, **slow: object) -> str:
    return f"import json\ned = cn.Editor(json.loads({json.dumps(graph(**slow))!r}), name={name!r})\ned"


def opened(book: Notebook, cell: int = 1, index: int = 0) -> EditorDriver:
    """Scroll the cell's editor into view and take hold of it."""
    driver = EditorDriver(book, index)
    driver.frame.frame_element().scroll_into_view_if_needed()
    return driver


def test_quickstart_is_shown_run_and_read(notebook: OpenNotebook, lab: LabServer, quickstart: str) -> None:
    cells = [
        f"import comfy_notebook as cn\ned = cn.Editor({quickstart!r})\ned",
        "results = ed.results\nimage, tensor = results['Result'].image, results['Result'].tensor\n"
        "print(type(image).__module__, image.size, tuple(tensor.shape), str(tensor.dtype))",
    ]
    with notebook(cells) as book:
        book.run(0)
        editor = opened(book)
        assert len(editor.nodes()) >= 12
        editor.button("Run")
        editor.until_status("Done")
        for title in ("Mask", "Result", "Save"):
            editor.until("view.raw.graph._nodes.find(n => n.title === arg)?.imgs?.[0]?.naturalWidth > 100", title)
        book.run(1)
        module, *rest = book.text(1).split(maxsplit=1)
        assert module.startswith("PIL")
        assert "(1, " in rest[0]
        assert "torch.float32" in rest[0]


def test_every_kind_of_widget_is_edited_and_undone(notebook: OpenNotebook) -> None:
    with notebook(
        [NODES, show("widgets"), "print(ed.workflow['everything'].prompt, ed.workflow['everything'].count)"]
    ) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        keyboard = editor.page.keyboard

        editor.click(editor.at(1, widget="count"))
        keyboard.type("12")
        keyboard.press("Enter")
        assert editor.widget(1, "count") == 12

        editor.click(editor.at(1, widget="amount"))
        keyboard.type("0.25")
        keyboard.press("Enter")
        assert editor.widget(1, "amount") == 0.25

        editor.click(editor.at(1, widget="mode"))
        keyboard.type("scr")
        keyboard.press("Enter")
        assert editor.widget(1, "mode") == "screen"

        editor.click(editor.at(1, widget="name"))
        keyboard.press("Control+A")
        keyboard.type("BdDm")  # letters that are JupyterLab commands outside of text
        keyboard.press("Enter")
        assert editor.widget(1, "name") == "BdDm"

        area = editor.frame.locator("textarea").first
        area.click()
        keyboard.press("Control+A")
        keyboard.type("line one\nline two")
        assert editor.widget(1, "prompt") == "line one\nline two"

        editor.click(editor.at(1, widget="flip"))
        assert editor.widget(1, "flip") is True

        x, y = editor.at(1, widget="strength")
        editor.drag((x, y), (x + 60, y))
        assert 0.5 < editor.widget(1, "strength") <= 1

        editor.click(editor.at(1, widget="seed"))
        keyboard.type("99")
        keyboard.press("Enter")
        assert editor.widget(1, "seed") == 99

        book.page.wait_for_timeout(600)  # the edits travel in one patch
        book.run(2)
        assert book.text(2) == "line one\nline two 12\n"

        editor.click(editor.blank())
        keyboard.press("Control+z")
        assert editor.widget(1, "seed") == 7
        keyboard.press("Control+y")
        assert editor.widget(1, "seed") == 99
        assert book.cell_count() == 3


def test_links_are_dragged_and_keys_stay_in_the_editor(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("links"), "1 + 1"]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        output = editor.node(1)["outputs"][0]["name"]
        start, end = editor.at(1, slot=output, input=False), editor.at(2, slot="text")
        editor.drag(start, end)
        linked = "view.describe().find(n => n.id === 2)?.inputs.find(i => i.name === 'text').link?.node === 1"
        editor.until(linked)

        editor.click(editor.at(1, title=True))
        for key in ("d", "d", "b", "a", "m", "x", "0", "0"):
            editor.page.keyboard.press(key)
        assert book.cell_count() == 3
        assert len(editor.nodes()) == 2

        editor.page.keyboard.press("Delete")
        editor.until("view.describe().map(n => n.id).join() === '2'")
        assert book.cell_count() == 3
        editor.page.keyboard.press("Control+z")
        editor.until("view.describe().length === 2")
        editor.until(linked)

        before = editor.view("view.boxes().find(b => b.id == 2)")
        x, y = editor.at(2, title=True)
        editor.drag((x, y), (x + 30, y + 50))
        after = editor.view("view.boxes().find(b => b.id == 2)")
        scale = editor.view("view.getScale()")
        assert (after["x"] - before["x"]) * scale == pytest.approx(30, abs=4)  # a drag begins after three pixels
        assert (after["y"] - before["y"]) * scale == pytest.approx(50, abs=4)

        editor.drag(editor.at(2, slot="text"), editor.blank())  # a link dropped on nothing is taken off
        editor.page.keyboard.press("Escape")
        editor.until(f"!({linked})")


def test_wheel_zooms_the_graph_and_not_the_notebook(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("wheel"), "\n" * 60]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        scroller = "() => document.querySelector('.jp-WindowedPanel-outer, .jp-Notebook').scrollTop"
        top, scale = book.page.evaluate(scroller), editor.view("view.getScale()")
        editor.click(editor.blank())
        book.page.mouse.wheel(0, -240)
        editor.until("view.getScale() > arg", scale)
        assert book.page.evaluate(scroller) == top


def test_progress_error_and_cancel(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("runs", steps=15, fail=True), "ed.workflow"]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        editor.button("Run")
        editor.until_status("/15")
        editor.until_status("1 problem")
        assert "the kettle is cold" in (editor.node(2)["error"] or "")

        editor.click(editor.at(2, widget="fail"))
        editor.click(editor.at(2, widget="steps"))
        editor.page.keyboard.type("300")
        editor.page.keyboard.press("Enter")
        editor.button("Run")
        editor.until_status("/300")
        started = time.monotonic()
        editor.button("Cancel")
        editor.until_status("Cancelled")
        assert time.monotonic() - started < 10, "the rest of the run would take 30 s"


def test_cells_and_runs_do_not_wait_for_each_other(notebook: OpenNotebook) -> None:
    cells = [
        NODES,
        show("busy", steps=30),
        "import time; t = time.time(); print('quick')",
        "run = ed.run()\nfor _ in range(25): time.sleep(0.1)\nprint('cell done')",
    ]
    with notebook(cells) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        editor.button("Run")
        editor.until_status("/30")
        started = time.monotonic()
        book.run(2)  # another cell runs while the graph does
        assert time.monotonic() - started < 2
        assert "/30" in editor.status()
        editor.until_status("Done")

        editor.click(editor.at(2, widget="steps"))
        editor.page.keyboard.type("20")
        editor.page.keyboard.press("Enter")
        book.page.wait_for_timeout(600)
        book.run(3, wait=False)  # progress arrives while a cell holds the kernel
        editor.until_status("/20", timeout=2.5)
        assert "cell done" not in book.text(3)
        editor.until_status("Done")


def test_a_function_replaced_in_a_cell_marks_its_results_stale(notebook: OpenNotebook) -> None:
    new = NODES + "\n@cn.node(category='test')\ndef brand_new(text: str = 'x') -> str:\n    return text\n"
    with notebook([NODES, show("stale"), new.replace("'done'", "'finished'").replace('"done"', '"finished"')]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        editor.button("Run")
        editor.until_status("Done")
        book.run(2)
        double_click(editor.page, editor.blank(), editor.frame.locator(".cn-search-input").count)
        editor.page.keyboard.type("brand")
        editor.frame.get_by_role("option").filter(has_text="brand").first.wait_for()
        editor.page.keyboard.press("Enter")
        editor.until("view.describe().some(n => n.type === 'brand_new')")
        editor.until("view.describe().some(n => n.id === 2 && n.stale === true)")
        editor.button("Run")
        editor.until("view.describe().every(n => !n.stale)")


def test_two_views_stay_in_step_and_two_editors_apart(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("one"), "ed", show("two")]) as book:
        for cell in range(4):
            book.run(cell)
        first, second, other = (opened(book, index=i) for i in range(3))
        first.frame.frame_element().scroll_into_view_if_needed()
        first.click(first.at(1, widget="count"))
        first.page.keyboard.type("41")
        first.page.keyboard.press("Enter")
        second.until("view.getWidget(1, 'count') === 41")
        assert other.widget(1, "count") == 3


def test_theme_follows_the_notebook(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("theme")]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        for name, dark in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
            book.theme(name)
            editor.frame.wait_for_selector(f".cn-editor[data-theme={dark}]")


def test_a_kernel_restart_keeps_the_graph_and_brings_the_edits_back(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("restart"), "print(ed.workflow['everything'].count)"]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        editor.click(editor.at(1, widget="count"))
        editor.page.keyboard.type("77")
        editor.page.keyboard.press("Enter")
        book.page.wait_for_timeout(1500)
        book.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        editor.frame.get_by_text("Run the cell again", exact=False).first.wait_for(timeout=30_000)
        assert editor.widget(1, "count") == 77
        book.wait_connected()
        book.run(0)
        book.run(1)
        book.run(2)
        assert book.text(2) == "77\n"
        assert opened(book).widget(1, "count") == 77


def test_reruns_of_a_cell_leak_no_frame(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("leak")]) as book:
        book.run(0)
        book.run(1)
        opened(book)
        before = book.frame_count()
        for _ in range(4):
            book.run(1)
            opened(book)
        deadline = time.monotonic() + 10
        while book.frame_count() > before and time.monotonic() < deadline:
            book.page.wait_for_timeout(250)
        assert book.frame_count() <= before


def test_scrolling_away_and_back_keeps_the_editor(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("scroll"), *["\n" * 40] * 3]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        editor.click(editor.at(1, widget="flip"))
        book.select(4)
        book.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.scrollToItem(4)")
        book.page.wait_for_timeout(500)
        book.select(1)
        book.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.scrollToItem(1)")
        assert opened(book).widget(1, "flip") is True


def test_full_size_and_back(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("full")]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        small = editor.frame.frame_element().bounding_box()
        editor.button("Full size")
        book.page.wait_for_timeout(400)
        large = editor.frame.frame_element().bounding_box()
        assert small is not None
        assert large is not None
        assert large["width"] >= 1390
        assert large["height"] >= 990
        editor.page.keyboard.press("Escape")
        book.page.wait_for_timeout(400)
        assert editor.frame.frame_element().bounding_box() == pytest.approx(small, abs=2)


def test_the_saved_notebook_shows_the_graph(notebook: OpenNotebook, tmp_path: Path) -> None:
    with notebook([NODES, show("saved")]) as book:
        book.run(0)
        book.run(1)
        opened(book)
        saved = book.save()
        data = next(o["data"] for o in saved["cells"][1]["outputs"] if "data" in o)
        assert ">everything</text>" in "".join(data["image/svg+xml"])
        document = data["application/vnd.comfyui.workflow+json"]
        assert [node["type"] for node in document["nodes"]] == ["everything", "slow"]


def test_a_picture_is_uploaded_and_shown_on_its_node(notebook: OpenNotebook, lab: LabServer, tmp_path: Path) -> None:
    picture = tmp_path / "rött & blått.png"
    Image.new("RGB", (40, 30), (200, 30, 30)).save(picture)
    document = {
        "nodes": [{"id": 1, "type": "LoadImage", "pos": [40, 40], "size": [280, 320]}],
        "links": [],
        "version": 0.4,
    }
    cells = [
        f"import comfy_notebook as cn\ned = cn.Editor({document!r}, name='upload')\ned",
        "print(ed.workflow[1].image)",
    ]
    with notebook(cells) as book:
        book.run(0)
        editor = opened(book)
        with book.page.expect_file_chooser() as chooser:
            editor.click(editor.at(1, widget="upload"))
        chooser.value.set_files(picture)
        editor.until("view.getWidget(1, 'image') === arg", picture.name)
        assert (lab.folder / "input" / picture.name).read_bytes() == picture.read_bytes()
        book.page.wait_for_timeout(600)
        book.run(1)
        assert book.text(1) == f"{picture.name}\n"


def test_the_stop_button_cancels_a_run_that_a_cell_waits_for(notebook: OpenNotebook) -> None:
    with notebook([NODES, show("stop", steps=300), "ed.run().result()", "print('alive')"]) as book:
        book.run(0)
        book.run(1)
        editor = opened(book)
        book.run(2, wait=False)
        editor.until_status("/300")
        book.command("notebook:interrupt-kernel")
        editor.until_status("Cancelled", timeout=5)
        book.wait_connected()
        book.page.wait_for_timeout(500)  # cells that were queued with the interrupted one are dropped until then
        book.run(3)
        assert book.text(3) == "alive\n"
