"""The notebook of the tiny model, executed headless: every way from noise, a sketch or a mask to a picture."""

from __future__ import annotations

import base64
import io
import time
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import comfy_notebook

CHECKPOINT = Path(comfy_notebook.__file__).parent / "models" / "checkpoints" / "emoji.safetensors"
SEEDS = 2


@pytest.fixture(scope="module")
def executed(folder: Path) -> dict[str, Any]:
    pytest.importorskip("diffusers")
    if not CHECKPOINT.is_file():
        pytest.skip("the tiny model is not in comfy_notebook/models/checkpoints: see training/README.md")
    book = nbformat.read(folder / "text_to_image.ipynb", as_version=4)
    cells = {cell["id"]: cell for cell in book.cells}
    cells["parameters"]["source"] = f"prompt, seeds = 'evergreen tree', {SEEDS}"
    begun = time.monotonic()
    NotebookClient(
        book, timeout=240, kernel_name="this-python", resources={"metadata": {"path": str(folder)}}
    ).execute()
    print(f"text_to_image.ipynb with {SEEDS} seeds: {time.monotonic() - begun:.0f} s")
    return cells


def picture(cell: dict[str, Any]) -> Image.Image:
    """The one picture that the cell shows."""
    (encoded,) = [o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {})]
    return Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")


def tiles(sheet: Image.Image, columns: int, rows: int = 1) -> list[np.ndarray[Any, Any]]:
    """What is side by side in a sheet, row by row."""
    width, height = sheet.width // columns, sheet.height // rows
    boxes = [(x * width, y * height, (x + 1) * width, (y + 1) * height) for y in range(rows) for x in range(columns)]
    return [np.asarray(sheet.crop(box), np.float32) for box in boxes]


def printed(cell: dict[str, Any]) -> str:
    return "".join(o["text"] for o in cell["outputs"] if o["output_type"] == "stream" and o["name"] == "stdout")


def difference(one: Any, other: Any) -> float:
    return float(np.abs(one - other).mean())


def test_the_editors_leave_pictures_of_their_graphs(executed: dict[str, Any]) -> None:
    for cell in ("editor", "image-to-image", "inpaint", "upscale"):
        (output,) = executed[cell]["outputs"]
        assert output["data"]["image/svg+xml"].startswith("<svg")
    assert "KSampler" in executed["editor"]["outputs"][0]["data"]["image/svg+xml"]


def test_results_are_images_and_latents(executed: dict[str, Any]) -> None:
    assert printed(executed["run"]) == "latent (1, 48, 16, 16) image (1, 64, 64, 3)\n"
    assert picture(executed["run"]).size == (256, 256)


def test_each_seed_has_its_picture(executed: dict[str, Any]) -> None:
    first, second, *unused = tiles(picture(executed["seeds"]), 5)
    assert difference(first, second) > 2
    assert all(difference(one, 255) == 0 for one in unused)
    shown = np.asarray(picture(executed["run"]).resize((110, 110)), np.float32)
    assert difference(second, shown) < 2, "seed 1 in the sheet is seed 1 of the cell before"


def test_a_sweep_shows_each_value_for_each_seed(executed: dict[str, Any]) -> None:
    weak, _, strong = tiles(picture(executed["sweep"]), 1, 3)
    assert weak.shape[:2] == (110, 110 * SEEDS)
    assert difference(weak, strong) > 2


def test_denoise_says_how_much_of_the_sketch_stays(executed: dict[str, Any]) -> None:
    sketch, *made = tiles(picture(executed["denoise"]), 5)
    apart = [difference(one, sketch) for one in made]
    assert apart[0] < apart[2] < apart[3], apart
    red, green, _ = np.asarray(made[0]).reshape(110, 110, 3)[60, 55]
    assert red > green + 60, "the sketch's apple is still red where little is painted anew"


def test_only_what_is_masked_is_painted_anew(executed: dict[str, Any]) -> None:
    inside, outside = (int(word) for word in printed(executed["inpainted"]).split() if word.isdigit())
    assert outside == 0
    assert 200 < inside <= 56 * 20  # the band that the notebook masks


def test_the_large_picture_is_the_small_one(executed: dict[str, Any]) -> None:
    large = picture(executed["upscaled"])
    assert large.size == (256, 256)
    small = tiles(picture(executed["inpainted"]), 2)[1]
    assert difference(np.asarray(large.resize((192, 192)), np.float32), small) < 14
    assert "(256, 256) emoji_00001_.png" in printed(executed["upscaled"])
