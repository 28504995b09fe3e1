"""The README's screenshot is what a person sees: taken here, in a real JupyterLab, after a real run.

``UPDATE_SCREENSHOT=1`` also stores it as ``docs/screenshot.png``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "tools" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return module


def test_screenshot_shows_the_graph_and_its_pictures(demo: ModuleType, tmp_path: Path) -> None:
    with demo.working_copy() as folder:
        lab = demo.start_lab(folder)
        try:
            editor, _ = demo.photograph(lab, tmp_path)
        finally:
            lab.stop()
    pixels = np.asarray(Image.open(editor).convert("RGB"))
    assert pixels.shape[0] > 400
    assert pixels.shape[1] > 900
    # The pictures on the nodes: the cup's red stands on the first node and, made by the run, on the result nodes.
    red = (pixels[..., 0] > 120) & (pixels[..., 1] < 60) & (pixels[..., 2] < 40)
    left, right = np.hsplit(red, [pixels.shape[1] // 2])
    assert left.sum() > 300, "the photograph is not on its node"
    assert right.sum() > 2 * left.sum(), "the results are not on their nodes"
    if os.environ.get("UPDATE_SCREENSHOT"):
        shutil.copy(editor, ROOT / "docs" / "screenshot.png")
