"""The latent and sigma nodes against outputs recorded from ComfyUI (``../shared/parity/image``)."""

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

torch = pytest.importorskip("torch")

PARITY = Path(__file__).parents[3] / "shared" / "parity" / "image"
CASES: dict[str, dict[str, Any]] = json.loads((PARITY / "cases.json").read_text()) if PARITY.exists() else {}
SUBJECTS = ("Latent", "Sigmas", "Scheduler", "SetFirstSigma")
#: Its table of learned levels is not here.
NOT_HERE = ("GITSScheduler",)
OURS = [
    name
    for name, prompt in CASES.items()
    if any(subject in node["class_type"] for node in prompt.values() for subject in SUBJECTS)
    and not any(node["class_type"] in NOT_HERE for node in prompt.values())
]

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


def arrays(tag: str, values: list[Any]) -> dict[str, Any]:
    """What was captured under the names of the recording."""
    found: dict[str, Any] = {}
    for index, value in enumerate(values):
        key = tag if len(values) == 1 else f"{tag}[{index}]"
        if isinstance(value, dict):
            for name, part in value.items():
                if torch.is_tensor(part) or (isinstance(part, (list, tuple)) and part):
                    found[f"{key}.{name}"] = np.asarray(part)
        else:
            found[key] = np.asarray(value)
    return found


def run(engine: Engine, prompt: dict[str, Any]) -> dict[str, Any]:
    ParityCapture.captured.clear()
    engine.free()
    submission = engine.submit(prompt)
    assert submission.node_errors == {}
    status = engine.wait(submission.prompt_id, timeout=60)["status"]
    assert status["status_str"] == "success", status["messages"]
    return {key: array for tag, values in ParityCapture.captured.items() for key, array in arrays(tag, values).items()}


@pytest.mark.parametrize("name", OURS)
def test_same_as_recorded(name: str, engine: Engine) -> None:
    recorded = np.load(PARITY / "out" / f"{name}.npz")
    seen = run(engine, CASES[name])
    assert sorted(seen) == sorted(recorded.files)
    for key, array in seen.items():
        assert array.shape == recorded[key].shape
        assert np.abs(array.astype(np.float64) - recorded[key]).max(initial=0.0) <= 1e-6


def test_latents_come_back_from_files(engine: Engine, tmp_path: Path) -> None:
    prompt = {
        "1": {"class_type": "LoadLatent", "inputs": {"latent": "lat_5d.latent"}},
        "2": {"class_type": "SaveLatent", "inputs": {"samples": ["1", 0], "filename_prefix": "kept/here"}},
    }
    submission = engine.submit(prompt)
    entry = engine.wait(submission.prompt_id, timeout=60)
    (file,) = entry["outputs"]["2"]["latents"]
    path = folders.current().output / file["subfolder"] / file["filename"]
    from safetensors.torch import load_file

    original = load_file(str(PARITY / "input" / "lat_5d.latent"))["latent_tensor"]
    assert (file["filename"], file["subfolder"], file["type"]) == ("here_00001_.latent", "kept", "output")
    assert torch.equal(load_file(str(path))["latent_tensor"], original)
