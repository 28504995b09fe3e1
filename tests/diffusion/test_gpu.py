"""The same numbers on a GPU as on the CPU, within half precision; models larger than it compute block by block."""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.load import Checkpoint, load_checkpoint
from comfy_notebook.diffusion.compilation import compiled
from comfy_notebook.diffusion.patch_state import state_of

from . import tiny
from .pictures import encoded, latent_of, same_picture

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]


def outputs(parts: Checkpoint) -> list[torch.Tensor]:
    """Text, and one call of the network, on the CPU."""
    assert parts.model is not None
    [[text, options]] = encoded(parts, "a (red:1.3) cat")
    memory.load_models_gpu([parts.model])
    device = parts.model.load_device
    given = parts.model.model.extra_conds(cross_attn=text, width=128, height=128, **options)
    arguments: dict[str, Any] = {name: value.process_cond(2).cond.to(device) for name, value in given.items()}
    x = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        made = parts.model.model.apply_model(x.to(device), torch.tensor([1.0, 5.0], device=device), **arguments)
    return [text, made.cpu()]


def on_the_cpu(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """What is expected: text and one call, a sampled latent, and its picture."""
    with monkeypatch.context() as patch:
        patch.setattr(memory.policy, "cpu", True)
        parts = load_checkpoint(path)
        assert parts.vae is not None
        latent = latent_of(parts)
        return outputs(parts), latent, parts.vae.decode(latent)


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
@pytest.mark.parametrize("way", ["whole", "block by block", "as much as fits"])
def test_same_as_on_the_cpu(name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny.write(getattr(tiny, name)(), tmp_path / f"{name}.safetensors")
    expected, _, picture = on_the_cpu(path, monkeypatch)
    parts = load_checkpoint(path)
    assert parts.model is not None
    assert parts.vae is not None
    monkeypatch.setattr(memory.policy, "lowvram", way == "block by block")
    if way == "as much as fits":
        monkeypatch.setattr(memory, "MINIMUM_INFERENCE", 0)
        monkeypatch.setattr(memory, "free_bytes", lambda device: parts.model.model_size() // 2)
    for found, wanted in zip(outputs(parts), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-2, atol=2e-2)
    state = state_of(parts.model.model)
    assert (state.streamed_to is None) == (way == "whole")
    assert (state.resident > 0) == (way == "as much as fits")
    same_picture(parts, latent_of(parts), picture)
    memory.unload_all_models()


def test_the_compiled_picture_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed")
    path = tiny.write(tiny.sd1(), tmp_path / "sd1.safetensors")
    _, _, picture = on_the_cpu(path, monkeypatch)
    parts = load_checkpoint(path)
    assert parts.model is not None
    faster = parts._replace(model=compiled(parts.model, "inductor"))
    same_picture(parts, latent_of(faster), picture)
    memory.unload_all_models()


def test_the_memory_comes_back(tmp_path: Path) -> None:
    path = tiny.write(tiny.sd1(), tmp_path / "sd1.safetensors")
    gc.collect()
    before = torch.cuda.memory_allocated()
    parts: Any = load_checkpoint(path)
    parts.vae.decode(latent_of(parts))
    assert torch.cuda.memory_allocated() > before
    memory.unload_all_models()
    gc.collect()
    assert torch.cuda.memory_allocated() - before < 32 * 1024**2, "beside the workspaces of libraries"
    assert {parameter.device.type for parameter in parts.model.model.parameters()} == {"cpu"}
