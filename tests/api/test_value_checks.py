"""What a widget and an override can take: refused values are named by node and input, and change nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

import comfy_notebook as cn
from comfy_notebook import Editor, RunError, Workflow
from comfy_notebook.session import Session

from .conftest import INVERT

PROMPT: dict[str, Any] = {
    **INVERT,
    "5": {
        "class_type": "ImageScale",
        "inputs": {"image": ["1", 0], "upscale_method": "bilinear", "width": 4, "height": 4, "crop": "disabled"},
        "_meta": {"title": "Scale"},
    },
    "6": {"class_type": "ImageBlur", "inputs": {"image": ["5", 0], "blur_radius": 1, "sigma": 1.0}},
    "7": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "Load"}},
}

HUGE = 10**5000
REFUSED: list[tuple[str, str, Any, str]] = [
    ("Scale", "width", math.nan, "Scale.width takes a finite number, not nan"),
    ("Scale", "width", "abc", "Scale.width takes a number, not str 'abc'"),
    ("Scale", "width", None, "takes a number, not NoneType"),
    ("Scale", "width", True, "takes a number, not bool"),
    ("Scale", "width", 3.5, "takes a whole number, not 3.5"),
    ("Scale", "width", -1, "Scale.width: -1 is smaller than the minimum"),
    ("Scale", "width", 10**9, "Scale.width: 1000000000 is bigger than the maximum"),
    ("Scale", "width", HUGE, "a number of about 5001 digits"),
    ("Scale", "width", object(), "takes a number, not object"),
    ("ImageBlur", "sigma", math.inf, "sigma takes a finite number"),
    ("ImageBlur", "sigma", "nan", "sigma takes a finite number"),
    ("Scale", "upscale_method", "bilinaer", "did you mean 'bilinear'"),
    ("Scale", "upscale_method", 3, "no option of Scale.upscale_method called '3'"),
    ("SaveImage", "filename_prefix", 3, "takes a text"),
    ("Load", "image", Image.new("RGB", (2, 2)), "give pictures to a run"),
]


@pytest.mark.parametrize(("node", "name", "value", "message"), REFUSED, ids=[f"{c[1]}-{c[3]}" for c in REFUSED])
def test_refused_values(session: Session, node: str, name: str, value: Any, message: str) -> None:
    workflow = Workflow(PROMPT, session=session)
    node = {"SaveImage": "3", "ImageBlur": "6"}.get(node, node)
    before = json.dumps(workflow.document)
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        workflow[node][name] = value
    assert json.dumps(workflow.document) == before


TAKEN: list[tuple[str, str, Any, Any]] = [
    ("5", "width", "9", 9),
    ("5", "width", 9.0, 9),
    ("5", "width", numpy.int64(9), 9),
    ("5", "width", torch.tensor(9), 9),
    ("6", "sigma", "0.5", 0.5),
    ("6", "sigma", 2, 2),
    ("5", "crop", "center", "center"),
    ("7", "image", "sub/other.png [output]", "sub/other.png [output]"),
    ("7", "image", Path("a.png"), "a.png"),
]


@pytest.mark.parametrize(("node", "name", "value", "expected"), TAKEN)
def test_taken_values(session: Session, node: str, name: str, value: Any, expected: Any) -> None:
    workflow = Workflow(PROMPT, session=session)
    workflow[node][name] = value
    assert workflow[node][name] == expected
    assert type(workflow.to_api()[node]["inputs"][name]) is type(expected)


def test_the_editor_refuses_them_too(session: Session) -> None:
    editor = Editor(PROMPT, session=session)
    with pytest.raises(ValueError, match=r"Scale\.width takes a finite number"):
        editor["Scale"].width = math.nan
    assert editor["Scale"].width == 4
    editor.close()


@pytest.mark.parametrize(
    ("value", "message"),
    [(math.nan, "takes a finite number, not nan"), (HUGE, "5001 digits"), (-math.inf, "finite number, not -inf")],
    ids=["nan", "huge", "-inf"],
)
def test_overrides_are_finite(session: Session, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Workflow(PROMPT, session=session).run({"Scale.width": value})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Image.new("F", (3, 4)), "mode 'F'"),
        ([Image.new("RGB", (3, 3))] * 2, "one image is needed, the list holds 2"),
        (torch.rand(3, 8, 8), r"\[B,H,W,C\].*\[3, 8, 8\] looks like channels first.*permute\(1, 2, 0\)"),
        (torch.rand(1, 3, 8, 8), r"permute\(0, 2, 3, 1\)"),
        (torch.rand(2, 8, 8, 3), "the batch holds 2"),
    ],
)
def test_pictures_that_cannot_be_loaded(session: Session, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"Load\.image: .*{message}"):
        Workflow(PROMPT, session=session).prepare({"Load.image": value})


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I", "I;16", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
def test_pictures_of_every_other_mode(session: Session, mode: str) -> None:
    prompt, _ = Workflow(PROMPT, session=session).prepare({"Load.image": [Image.new(mode, (3, 4))]})
    with Image.open(session.folders.input / prompt["7"]["inputs"]["image"]) as image:
        assert image.size == (3, 4)


def test_nan_in_a_file_is_named_before_the_run(session: Session) -> None:
    text = json.dumps(INVERT).replace('"width": 8', '"width": NaN')
    workflow = Workflow(text, session=session)
    assert any("NaN" in warning for warning in workflow.warnings)
    with pytest.raises(RunError, match=r"input 'width' \[node 1\]: The value is empty; it takes a value of type INT"):
        workflow.run()


def test_nan_for_an_optional_number_is_its_default_with_a_warning(session: Session) -> None:
    @cn.node
    def Wait(seconds: float = 0.25) -> str:
        return str(seconds)

    prompt = {
        "1": {"class_type": "Wait", "inputs": {"seconds": math.nan}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    workflow = Workflow(prompt, session=session)
    assert workflow.run().result()["Wait"].value == "0.25"
    assert workflow.warnings == ["Input 'seconds' of node 1 (Wait) is empty; its default 0.25 is used."]
