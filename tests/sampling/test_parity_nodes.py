"""The latent and sigma nodes against outputs recorded from ComfyUI (``../shared/parity/image``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comfy_notebook import folders
from comfy_notebook.engine import Engine
from tests import parity

torch = pytest.importorskip("torch")

PARITY = parity.PARITY / "image"
CASES: dict[str, dict[str, Any]] = json.loads((PARITY / "cases.json").read_text()) if PARITY.exists() else {}
SUBJECTS = ("Latent", "Sigmas", "Scheduler", "SetFirstSigma")
OURS = [
    name
    for name, prompt in CASES.items()
    if any(subject in node["class_type"] for node in prompt.values() for subject in SUBJECTS)
]

pytestmark = pytest.mark.skipif(not CASES, reason=f"the recorded data is not here: {PARITY}")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    own = folders.Folders(base=tmp_path_factory.mktemp("parity"), input=PARITY / "input")
    with parity.engine_for(own) as engine:
        yield engine


@pytest.mark.parametrize("name", OURS)
def test_same_as_recorded(name: str, engine: Engine) -> None:
    recorded = np.load(PARITY / "out" / f"{name}.npz")
    seen = parity.outputs(engine, CASES[name])
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
