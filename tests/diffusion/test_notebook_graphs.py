"""The graphs of ``notebooks/real_checkpoints.ipynb`` run as they stand, on small random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

import comfy_notebook as cn
from comfy_notebook import folders
from comfy_notebook import session as sessions
from comfy_notebook.diffusion.checkpoints.files import write_weights
from comfy_notebook.folders import Folders
from comfy_notebook.session import Session

from . import tiny
from .test_text import t5_weights, word_tokenizer

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The models folder of the session."""
    base = tmp_path_factory.mktemp("real_checkpoints")
    models = base / "models"
    before, folders_before = sessions._current, folders._current
    session = sessions.use(Session(Folders(base)))
    yield models
    session.close()
    sessions._current, folders._current = before, folders_before


def painted(graph: str, **values: int) -> torch.Tensor:
    """What the graph makes, at 64 px."""
    results = cn.Workflow.load(NOTEBOOKS / graph).run(width=64, height=64, **values).result(timeout=200)
    picture = results["Picture"].tensor
    assert picture.shape == (1, 64, 64, 3)
    assert float(picture.std()) > 0.01
    assert results["Picture"].files[0].is_file()
    return picture


def test_stable_diffusion_xl(models: Path) -> None:
    (models / "checkpoints").mkdir(parents=True)
    tiny.write(tiny.sdxl(), models / "checkpoints" / "sd_xl_base_1.0.safetensors")
    first = painted("sdxl.json", steps=2)
    assert not torch.equal(first, painted("sdxl.json", steps=2, seed=1))


def test_flux_schnell(models: Path) -> None:
    pytest.importorskip("tokenizers")
    pooled = tiny.random_weights({"vector_in.in_layer.weight": (64, 768)})
    write_weights(tiny.flux(guidance=False) | pooled, models / "diffusion_models" / "flux1-schnell.safetensors")
    write_weights(tiny.random_weights(tiny.clip(768, 1)), models / "text_encoders" / "clip_l.safetensors")
    write_weights(t5_weights(), models / "text_encoders" / "t5xxl_fp16.safetensors")
    autoencoder = tiny.random_weights(tiny.ldm_vae(latent=16, quant=False))
    write_weights(autoencoder, models / "vae" / "ae.safetensors")
    word_tokenizer(models / "tokenizers" / "t5", ["<pad>", "</s>", "<unk>", "a", "cup", "of", "coffee"])
    first = painted("flux.json")
    assert not torch.equal(first, painted("flux.json", noise_seed=1))
