"""The image and mask nodes against outputs recorded from ComfyUI (``../shared/parity/image``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comfy_notebook import folders, nodes
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

PARITY = Path(__file__).parents[3] / "shared" / "parity" / "image"
CASES: dict[str, dict[str, Any]] = json.loads((PARITY / "cases.json").read_text()) if PARITY.exists() else {}
OTHER_SUBJECTS = ("Latent", "Sigmas", "Scheduler")
IMAGE_CASES = [
    name
    for name, prompt in CASES.items()
    if not any(subject in node["class_type"] for node in prompt.values() for subject in OTHER_SUBJECTS)
]
THROUGH_8_BIT = ("lanczos", "ImageQuantize", "ImageStitch")

pytestmark = pytest.mark.skipif(not CASES, reason=f"the recorded data is not here: {PARITY}")


class ParityCapture:
    """The output node in which the recorded prompts end: keeps the list of values that reaches it."""

    RETURN_TYPES = ()
    FUNCTION = "capture"
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    captured: dict[str, list[Any]] = {}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("*",), "tag": ("STRING", {"default": "out"})}}

    def capture(self, value: list[Any], tag: list[str]) -> dict[str, Any]:
        self.captured[tag[0]] = list(value)
        return {"ui": {"n": [len(value)]}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    registry = Registry()
    nodes.register_all(registry)
    registry.register(definition_from_class("ParityCapture", ParityCapture))
    before = folders.current()
    own = folders.Folders(base=tmp_path_factory.mktemp("parity"), input=PARITY / "input")
    folders.use(own)
    engine = Engine(registry, EventBus(), own)
    yield engine
    engine.shutdown()
    folders.use(before)


def run(engine: Engine, prompt: dict[str, Any]) -> dict[str, Any]:
    """What reaches each ParityCapture, as arrays named by tag (and index, where there are several)."""
    ParityCapture.captured.clear()
    engine.free()
    submission = engine.submit(prompt)
    assert submission.node_errors == {}
    status = engine.wait(submission.prompt_id, timeout=60)["status"]
    assert status["status_str"] == "success", status["messages"]
    arrays = {}
    for tag, values in ParityCapture.captured.items():
        for index, value in enumerate(values):
            arrays[tag if len(values) == 1 else f"{tag}[{index}]"] = np.asarray(value)
    return arrays


@pytest.mark.parametrize("name", IMAGE_CASES)
def test_same_as_recorded(name: str, engine: Engine) -> None:
    recorded = np.load(PARITY / "out" / f"{name}.npz")
    seen = run(engine, CASES[name])
    assert sorted(seen) == sorted(recorded.files)
    eight_bit = any(word in json.dumps(CASES[name]) for word in THROUGH_8_BIT)
    for key, array in seen.items():
        assert array.shape == recorded[key].shape
        difference = np.abs(array.astype(np.float64) - recorded[key])
        if eight_bit:
            assert np.mean(difference <= 1 / 255 + 1e-6) >= 0.999
        else:
            assert difference.max() <= 1e-6


def test_the_recorded_cases_are_there() -> None:
    assert len(IMAGE_CASES) > 100
