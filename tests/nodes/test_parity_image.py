"""The image and mask nodes against outputs recorded from ComfyUI (``../shared/parity/image``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comfy_notebook import folders, nodes
from comfy_notebook.protocol.registry import Registry

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


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = Registry()
    nodes.register_all(registry)
    return registry


@pytest.fixture(autouse=True)
def input_folder(tmp_path: Path) -> Any:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path, input=PARITY / "input"))
    yield
    folders.use(before)


def run(prompt: dict[str, Any], registry: Registry) -> dict[str, list[Any]]:
    """What reaches each ParityCapture, by its tag, as the list of values that a node with INPUT_IS_LIST sees."""
    done: dict[str, list[list[Any]]] = {}

    def value(node_id: str) -> list[list[Any]]:
        if node_id not in done:
            done[node_id] = call(registry, prompt[node_id], value)
        return done[node_id]

    captures = [node["inputs"] for node in prompt.values() if node["class_type"] == "ParityCapture"]
    return {inputs["tag"]: value(inputs["value"][0])[inputs["value"][1]] for inputs in captures}


def call(registry: Registry, node: dict[str, Any], value: Any) -> list[list[Any]]:
    definition = registry.get(node["class_type"])
    assert definition is not None, f"there is no node {node['class_type']}"
    arguments = {
        name: value(given[0])[given[1]] if isinstance(given, list) else [given]
        for name, given in node["inputs"].items()
    }
    function = getattr(definition.node_class(), definition.function)
    if definition.input_is_list:
        calls = [function(**arguments)]
    else:
        count = max((len(items) for items in arguments.values()), default=1)
        calls = [
            function(**{name: items[min(index, len(items) - 1)] for name, items in arguments.items()})
            for index in range(count)
        ]
    slots = range(len(definition.outputs))
    return [
        [item for result in calls for item in (result[slot] if definition.outputs[slot].is_list else [result[slot]])]
        for slot in slots
    ]


@pytest.mark.parametrize("name", IMAGE_CASES)
def test_same_as_recorded(name: str, registry: Registry) -> None:
    recorded = np.load(PARITY / "out" / f"{name}.npz")
    seen: dict[str, Any] = {}
    for tag, values in run(CASES[name], registry).items():
        for index, item in enumerate(values):
            seen[tag if len(values) == 1 else f"{tag}[{index}]"] = np.asarray(item)
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
