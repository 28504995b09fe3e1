"""Prompts as clients send them: inputs with dotted names, lists, saved files, readable refusals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from node_prompts import node, run
from PIL import Image

from comfy_notebook.engine import Engine, PromptRejected


def empty(**changes: Any) -> dict[str, Any]:
    return node("EmptyImage", **{"width": 40, "height": 20, "batch_size": 1, "color": 0xFF0000, **changes})


def test_dotted_inputs_reach_the_nodes(engine: Engine, tmp_path: Path) -> None:
    prompt = {
        "1": empty(),
        "2": node(
            "ResizeImageMaskNode",
            input=["1", 0],
            scale_method="area",
            **{"resize_type": "scale longer dimension", "resize_type.longer_size": 20},
        ),
        "3": node(
            "BatchImagesNode", **{"images.image0": ["2", 0], "images.image1": ["1", 0], "images.image7": ["1", 0]}
        ),
        "4": node(
            "SaveImageAdvanced",
            images=["3", 0],
            filename_prefix="deep/x",
            **{"format": "png", "format.bit_depth": "16-bit", "format.input_color_space": "sRGB"},
        ),
    }
    entry = run(engine, prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]
    saved = entry["outputs"]["4"]["images"]
    assert [image["filename"] for image in saved] == [f"x_{number:05}_.png" for number in (1, 2, 3)]
    path = tmp_path / "output" / "deep" / saved[0]["filename"]
    assert path.read_bytes()[24] == 16
    with Image.open(path) as picture:
        assert picture.size == (20, 10)
        assert picture.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"resize_type": "scale width", "resize_type.height": 8}, "resize_type.width"),
        ({"resize_type": "scale width", "resize_type.width": 9000}, "resize_type.width"),
        ({"resize_type": "by magic"}, "by magic"),
    ],
)
def test_only_what_the_choice_asks_for_is_checked(engine: Engine, choice: dict[str, Any], words: str) -> None:
    resize = {"input": ["1", 0], "scale_method": "area"}
    good = {"resize_type": "scale width", "resize_type.width": 10, "resize_type.multiplier": "never read"}
    shown = node("PreviewImage", images=["2", 0])
    entry = run(engine, {"1": empty(), "2": node("ResizeImageMaskNode", **resize, **good), "3": shown})
    assert entry["status"]["status_str"] == "success", entry["status"]
    with pytest.raises(PromptRejected, match=re.escape(words)):
        engine.submit({"1": empty(), "2": node("ResizeImageMaskNode", **resize, **choice), "3": shown})


def test_every_tile_is_saved(engine: Engine, tmp_path: Path) -> None:
    prompt = {
        "1": empty(width=200, height=100),
        "2": node("SplitImageToTileList", image=["1", 0], tile_width=128, tile_height=128, overlap=0),
        "3": node("PreviewImage", images=["2", 0]),
    }
    entry = run(engine, prompt)
    assert len(entry["outputs"]["3"]["images"]) == 2
    assert len(list((tmp_path / "temp").iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "words"), [("gone.png", "there is no file 'gone.png'"), ("../x.png", "lies outside"), ([1, 2, 3], "image")]
)
def test_a_missing_file_is_refused_before_the_run(engine: Engine, name: Any, words: str) -> None:
    with pytest.raises(PromptRejected, match=words):
        engine.submit({"1": node("LoadImage", image=name), "2": node("PreviewImage", images=["1", 0])})


def test_a_missing_file_is_refused_with_names_like_it(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir(exist_ok=True)
    for name in ("Coffee.JPG", "other.png"):
        (tmp_path / "input" / name).write_bytes(b"")
    with pytest.raises(PromptRejected) as caught:
        engine.submit({"1": node("LoadImage", image="cofee.jpg"), "2": node("PreviewImage", images=["1", 0])})
    said = str(caught.value.node_errors)
    assert "like it: Coffee.JPG" in said
    assert "other.png" not in said


def test_a_failing_node_says_why(engine: Engine) -> None:
    prompt = {
        "1": empty(),
        "2": node("ImageToMask", image=["1", 0], channel="alpha"),
        "3": node("MaskPreview", mask=["2", 0]),
    }
    messages = dict(run(engine, prompt)["status"]["messages"])
    assert messages["execution_error"]["node_id"] == "2"
    assert "no alpha channel" in messages["execution_error"]["exception_message"]


def test_saving_outside_the_output_folder_fails(engine: Engine, tmp_path: Path) -> None:
    entry = run(engine, {"1": empty(), "2": node("SaveImage", images=["1", 0], filename_prefix="../../x")})
    assert entry["status"]["status_str"] == "error"
    assert not list(tmp_path.parent.glob("x*"))
