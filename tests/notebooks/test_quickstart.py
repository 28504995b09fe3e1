"""The quickstart, executed headless: by nbclient as it is, by papermill with another parameter."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import papermill
import pytest
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def executed(folder: Path) -> dict[str, Any]:
    book = nbformat.read(folder / "quickstart.ipynb", as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(book, timeout=240, kernel_name="this-python", resources=resources).execute()
    return {cell["id"]: cell for cell in book.cells}


def picture(cell: dict[str, Any]) -> Image.Image:
    """The one picture that the cell shows."""
    (encoded,) = [o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {})]
    return Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")


def distinct_colors(image: Image.Image) -> int:
    return len(np.unique(np.asarray(image).reshape(-1, 3), axis=0))


def test_the_editor_cell_leaves_a_picture_and_the_document(executed: dict[str, Any]) -> None:
    """Nobody watches a headless run, so there is no live view; GitHub and nbconvert show the picture."""
    (output,) = executed["editor"]["outputs"]
    assert "Poster colours" in output["data"]["image/svg+xml"]
    assert "Cup on poster" in output["data"]["image/svg+xml"]
    kept = output["data"]["application/vnd.comfyui.workflow+json"]
    original = json.loads((NOTEBOOKS / "quickstart.json").read_text())
    assert [(node["id"], node["type"]) for node in kept["nodes"]] == [
        (node["id"], node["type"]) for node in original["nodes"]
    ]
    assert WIDGET not in output["data"]


def test_the_result_is_the_cup_on_a_poster(executed: dict[str, Any], folder: Path) -> None:
    shown = picture(executed["run"])
    assert shown.size == (720, 480)
    table = shown.crop((600, 0, 720, 100))  # far from the cup: nothing but the poster's colours
    assert distinct_colors(table) <= 12
    cup = shown.crop((240, 40, 440, 200))
    assert distinct_colors(cup) > 1_000
    photograph = Image.open(folder / "input" / "coffee.jpg").convert("RGB").resize((768, 512)).crop((24, 16, 744, 496))
    difference = np.abs(np.asarray(shown, np.float32) - np.asarray(photograph, np.float32)).mean()
    assert 3 < difference < 40


def test_the_tensor_is_described(executed: dict[str, Any]) -> None:
    printed = "".join(o["text"] for o in executed["results"]["outputs"] if o["output_type"] == "stream")
    shape, mean = printed.split(" mean ")
    assert shape == "(1, 512, 768, 3) torch.float32"
    assert 0.2 < float(mean) < 0.8


def test_values_of_one_run_change_its_result(executed: dict[str, Any]) -> None:
    assert distinct_colors(picture(executed["values"]).crop((600, 0, 720, 100))) <= 4


def test_the_saved_picture_brings_its_graph_back(executed: dict[str, Any], folder: Path) -> None:
    printed = "".join(o["text"] for o in executed["png"]["outputs"] if o["output_type"] == "stream")
    assert printed == "coffee_00001_.png holds 20 nodes, with 12 poster colours\n"
    with Image.open(folder / "output" / "quickstart" / "coffee_00001_.png") as saved:
        embedded = json.loads(saved.text["workflow"])
    original = json.loads((NOTEBOOKS / "quickstart.json").read_text())
    assert {node["id"]: node["type"] for node in embedded["nodes"]} == {
        node["id"]: node["type"] for node in original["nodes"]
    }
    assert {tuple(link) for link in embedded["links"]} == {tuple(link) for link in original["links"]}


def test_the_function_node_darkens_the_corners(executed: dict[str, Any], folder: Path) -> None:
    shown = np.asarray(picture(executed["api"]), np.float32)
    photograph = np.asarray(Image.open(folder / "input" / "coffee.jpg").convert("RGB"), np.float32)
    assert np.abs(shown[199:201, 299:301] - photograph[199:201, 299:301]).max() <= 2  # the middle keeps its light
    assert np.abs(shown[0, 0] - 0.1 * photograph[0, 0]).max() <= 2  # a corner loses 0.9 of it


def test_papermill_sets_the_parameter(folder: Path) -> None:
    output = folder / "run-by-papermill.ipynb"
    papermill.execute_notebook(
        folder / "quickstart.ipynb",
        output,
        parameters={"colors": 3},
        cwd=folder,
        kernel_name="this-python",
        progress_bar=False,
    )
    cells = {cell["id"]: cell for cell in nbformat.read(output, as_version=4).cells}
    assert distinct_colors(picture(cells["run"]).crop((600, 0, 720, 100))) <= 3
    assert "with 3 poster colours" in str(cells["png"]["outputs"])
