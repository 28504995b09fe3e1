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

from comfy_notebook import folders
from comfy_notebook.engine import Engine
from tests import parity

from .capture import ParityUNet, relative_difference

DATA = parity.PARITY / "sd15"
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
    base = tmp_path_factory.mktemp("parity")
    own = folders.Folders(base=base, input=parity.PARITY / "image" / "input", models=models)
    with parity.engine_for(own, ParityUNet=ParityUNet) as engine:
        yield engine


@pytest.mark.parametrize("name", sorted(CASES))
def test_recorded_case(name: str, engine: Engine) -> None:
    found = parity.outputs(engine, CASES[name], timeout=1700)
    recorded = np.load(DATA / "out" / f"{name}.npz")
    allowed = 1e-3 if name.startswith("lora-clip") else 1e-4
    for key in recorded.files:
        assert relative_difference(found[key], recorded[key]) <= allowed, key
