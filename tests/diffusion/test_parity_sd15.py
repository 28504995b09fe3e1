"""Stable Diffusion 1.5 with seeded random weights against arrays recorded from ComfyUI (``../shared/parity/sd15``).

Making the 2.1 GB checkpoint takes a minute; set ``COMFY_NOTEBOOK_PARITY_MODELS`` to a models folder that has it to
use that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders, nodes
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

from .capture import ParityCapture, ParityUNet, arrays_of, relative_difference

PARITY = Path(__file__).parents[3] / "shared" / "parity"
DATA = PARITY / "sd15"
CASES: dict[str, dict[str, Any]] = json.loads((DATA / "cases.json").read_text()) if DATA.exists() else {}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CASES, reason=f"the recorded data is not here: {DATA}"),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("COMFY_NOTEBOOK_PARITY_MODELS")
    if given:
        return Path(given)
    root = tmp_path_factory.mktemp("models")
    checkpoint = root / "checkpoints" / "sd15_random.safetensors"
    subprocess.run([sys.executable, DATA / "make_checkpoint.py", checkpoint], check=True, timeout=600)
    (root / "loras").mkdir()
    made = checkpoint.with_name("sd15_random_lora.safetensors")
    made.rename(root / "loras" / made.name)
    return root


@pytest.fixture(scope="module")
def engine(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    registry = Registry()
    nodes.register_all(registry)
    registry.register(definition_from_class("ParityCapture", ParityCapture))
    registry.register(definition_from_class("ParityUNet", ParityUNet))
    before = folders.current()
    own = folders.Folders(base=tmp_path_factory.mktemp("parity"), input=PARITY / "image" / "input", models=models)
    folders.use(own)
    engine = Engine(registry, EventBus(), own)
    yield engine
    engine.shutdown()
    folders.use(before)


@pytest.mark.parametrize("name", sorted(CASES))
def test_recorded_case(name: str, engine: Engine) -> None:
    ParityCapture.captured.clear()
    submission = engine.submit(CASES[name])
    assert submission.node_errors == {}
    status = engine.wait(submission.prompt_id, timeout=1700)["status"]
    assert status["status_str"] == "success", status["messages"]
    found: dict[str, Any] = {}
    for tag, values in ParityCapture.captured.items():
        found |= arrays_of(tag, values)
    recorded = np.load(DATA / "out" / f"{name}.npz")
    allowed = 1e-3 if name.startswith("lora-clip") else 1e-4
    for key in recorded.files:
        assert relative_difference(found[key], recorded[key]) <= allowed, key
