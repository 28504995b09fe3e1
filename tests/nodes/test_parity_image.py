"""The image and mask nodes against outputs recorded from ComfyUI (``../shared/parity/image``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from comfy_notebook import folders
from comfy_notebook.engine import Engine
from tests import parity

PARITY = parity.PARITY / "image"
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
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    own = folders.Folders(base=tmp_path_factory.mktemp("parity"), input=PARITY / "input")
    with parity.engine_for(own) as engine:
        yield engine


@pytest.mark.parametrize("name", IMAGE_CASES)
def test_same_as_recorded(name: str, engine: Engine) -> None:
    recorded = np.load(PARITY / "out" / f"{name}.npz")
    seen = parity.outputs(engine, CASES[name])
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
