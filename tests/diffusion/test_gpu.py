"""The same numbers on a GPU as on the CPU, within half precision; models larger than it compute block by block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.load import Checkpoint, load_checkpoint

from . import tiny

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]


def outputs(parts: Checkpoint) -> list[torch.Tensor]:
    """Text, one call of the network and a decoded latent, on the CPU."""
    assert parts.model is not None
    assert parts.clip is not None
    assert parts.vae is not None
    generator = torch.Generator().manual_seed(0)
    x, latent = (torch.randn(2, 4, 16, 16, generator=generator) for _ in range(2))
    [[text, options]] = parts.clip.encode_from_tokens_scheduled(parts.clip.tokenize("a (red:1.3) cat"))
    memory.load_models_gpu([parts.model])
    device = parts.model.load_device
    given = parts.model.model.extra_conds(cross_attn=text, width=128, height=128, **options)
    arguments: dict[str, Any] = {name: value.process_cond(2).cond.to(device) for name, value in given.items()}
    with torch.no_grad():
        made = parts.model.model.apply_model(x.to(device), torch.tensor([1.0, 5.0], device=device), **arguments)
    return [text, made.cpu(), parts.vae.decode(latent)]


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
@pytest.mark.parametrize("low", [False, True], ids=["whole", "block by block"])
def test_same_as_on_the_cpu(name: str, low: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny.write(getattr(tiny, name)(), tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(memory.policy, "cpu", True)
    expected = outputs(load_checkpoint(path))
    monkeypatch.setattr(memory.policy, "cpu", False)
    monkeypatch.setattr(memory.policy, "lowvram", low)
    for found, wanted in zip(outputs(load_checkpoint(path)), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-2, atol=2e-2)
    memory.unload_all_models()
