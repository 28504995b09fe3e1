"""The notebook of the tiny model in a real JupyterLab: previews while it samples, and a mask drawn by hand.

``UPDATE_SCREENSHOT=1`` also stores the editor after the run as ``docs/text-to-image.png``.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from PIL import Image

import comfy_notebook

from .conftest import OpenNotebook
from .driver import EditorDriver
from .lab import LabServer

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHECKPOINT = Path(comfy_notebook.__file__).parent / "models" / "checkpoints" / "emoji.safetensors"
#: The ids of nodes in the notebook's graphs.
SAMPLER, PICTURE, LOADER = 5, 7, 8
#: Notes each picture that the page makes a URL of, by type and size.
WATCH = """() => {
  const own = URL.createObjectURL;
  window.madeOf = [];
  URL.createObjectURL = (blob) => { window.madeOf.push([blob.type, blob.size]); return own.call(URL, blob); };
}"""
CHANGED = """
source = results["Picture and mask"]
changed = ((source["IMAGE"] - results["Picture"].tensor).abs() > 1 / 255).any(dim=-1)[0]
drawn = source["MASK"][0] > 0
ys, xs = drawn.nonzero().T
box = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
print(int(changed[~drawn].sum()), int(changed.sum()), *(int(side) for side in box))
"""


def cells() -> dict[str, str]:
    """The notebook's code by the ids of its cells."""
    book = nbformat.read(NOTEBOOKS / "text_to_image.ipynb", as_version=4)
    return {cell["id"]: cell["source"] for cell in book.cells if cell["cell_type"] == "code"}


def test_text_to_image_with_previews_and_a_mask_drawn_by_hand(notebook: OpenNotebook, lab: LabServer) -> None:
    if not CHECKPOINT.is_file():
        pytest.skip("the tiny model is not in comfy_notebook/models/checkpoints: see training/README.md")
    for graph in NOTEBOOKS.glob("*.json"):
        shutil.copy(graph, lab.folder)
    code = cells()
    before = [code["editor"], "seeds = 1\n" + code["seeds"] + "\n" + code["sketch"] + "\n" + code["mask"]]
    with notebook([*before, code["inpaint"], code["inpainted"] + CHANGED], name="text_to_image.ipynb") as book:
        book.run(0)
        editor = EditorDriver(book)
        editor.until("view.describe().length === 7")
        editor.frame.frame_element().scroll_into_view_if_needed()
        _watch_a_run(editor)

        book.run(1)
        book.run(2)
        inpaint = EditorDriver(book, index=1)
        inpaint.until("view.describe().length === 10")
        inpaint.frame.frame_element().scroll_into_view_if_needed()
        _draw_mask(inpaint, (0.25, 0.5), (0.75, 0.875))
        inpaint.until("view.getWidget(arg, 'image').startsWith('clipspace/')", LOADER)
        inpaint.button("Run")
        inpaint.until_status("Done", timeout=60)
        inpaint.until("view.raw.graph.getNodeById(arg).imgs?.[0]?.naturalWidth === 64", PICTURE)
        inpaint.screenshot("out/inpaint-in-lab.png")
        book.run(3)
        outside, changed, *box = (int(word) for word in book.text(3).splitlines()[-1].split())
        assert outside == 0
        assert changed > 100
        assert box == pytest.approx([16, 48, 32, 56], abs=1), "the mask is the rectangle that was drawn"


def _watch_a_run(editor: EditorDriver) -> None:
    """Run the text-to-image graph by its button: progress, previews of the steps, the picture."""
    editor.frame.evaluate(WATCH)
    editor.button("Run")
    editor.until_status("/20", timeout=120)  # torch and the libraries are imported first
    editor.screenshot("out/text-to-image-running.png")
    editor.until_status("Done", timeout=60)
    editor.until("view.raw.graph.getNodeById(arg).imgs?.[0]?.naturalWidth === 64", PICTURE)
    previews = [size for type_, size in editor.frame.evaluate("() => window.madeOf") if type_ == "image/jpeg"]
    print(f"{len(previews)} previews of up to {max(previews, default=0)} bytes")
    assert len(previews) >= 3
    assert max(previews) < 60_000
    editor.page.wait_for_timeout(300)
    editor.screenshot("out/text-to-image-in-lab.png")
    if os.environ.get("UPDATE_SCREENSHOT"):
        editor.frame.frame_element().screenshot(path=NOTEBOOKS.parent / "docs" / "text-to-image.png")
    x, y = editor.at(SAMPLER, widget="denoise")
    below = {"x": x - 50, "y": y + 30, "width": 100, "height": 60}
    shown = Image.open(io.BytesIO(editor.page.screenshot(clip=below))).convert("RGB")
    assert len(shown.getcolors(6000) or []) > 50, "the last preview is on the sampler"


def _draw_mask(editor: EditorDriver, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a rectangle in the mask editor, corners as fractions of the picture, in place of the mask there was."""
    editor.click(editor.at(LOADER, title=True), button="right")
    editor.frame.get_by_text("Open in MaskEditor", exact=True).last.click()
    editor.frame.wait_for_selector("[data-testid=mask-editor][data-state=ready]")
    editor.frame.get_by_test_id("mask-clear").click()
    editor.frame.get_by_test_id("mask-tool-rectangle").click()
    canvas = editor.frame.get_by_test_id("mask-canvas").bounding_box()
    assert canvas is not None
    corners = [(canvas["x"] + fx * canvas["width"], canvas["y"] + fy * canvas["height"]) for fx, fy in (start, end)]
    editor.drag(*corners)
    editor.screenshot("out/mask-in-lab.png")
    editor.frame.get_by_test_id("mask-save").click()
    editor.frame.get_by_test_id("mask-editor").wait_for(state="detached")
