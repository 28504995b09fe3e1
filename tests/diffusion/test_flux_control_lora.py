"""Black Forest Labs' LoRAs that make Flux look at edges or depth: the model they stand for is merged by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.checkpoints.load import load_diffusion_model
from comfy_notebook.diffusion.lora.files import load_lora_for_models

from . import tiny

LAYERS = ("img_in", "double_blocks.0.img_attn.qkv", "single_blocks.1.linear1", "final_layer.linear")
NORM = "double_blocks.1.txt_attn.norm.key_norm.scale"


def control_lora(base: dict[str, Tensor], strength: float) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A file in Black Forest Labs' layout, and the whole model that it makes of ``base`` at ``strength``."""
    generator = torch.Generator().manual_seed(0)
    file, merged = {}, dict(base)
    for layer in LAYERS:
        weight = base[f"{layer}.weight"]
        columns = 128 if layer == "img_in" else weight.shape[1]
        up, down = (torch.randn(*shape, generator=generator) * 0.2 for shape in ((weight.shape[0], 4), (4, columns)))
        bias = torch.randn(weight.shape[0], generator=generator) * 0.2
        file |= {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up, f"{layer}.lora_B.bias": bias}
        wide = torch.nn.functional.pad(weight, (0, columns - weight.shape[1]))
        merged[f"{layer}.weight"] = wide + strength * (up @ down)
        merged[f"{layer}.bias"] = base[f"{layer}.bias"] + strength * bias
    file[NORM] = merged[NORM] = torch.rand(base[NORM].shape, generator=generator)
    return file, merged


def loaded(weights: dict[str, Tensor], path: Path) -> Any:
    write_weights(weights, path)
    return load_diffusion_model(path)


def answer(patcher: Any, x: Tensor, picture: Tensor) -> Tensor:
    memory.load_models_gpu([patcher])
    model = patcher.model
    given = {"noise": x, "cross_attn": torch.ones(1, 5, 48), "pooled_output": torch.ones(1, 64)}
    found = model.extra_conds(**given, concat_latent_image=picture)
    arguments = {key: value.process_cond(1).cond for key, value in found.items()}
    with torch.no_grad():
        made: Tensor = model.apply_model(x, torch.tensor([0.5]), **arguments)
    return made


def test_the_model_becomes_the_one_the_lora_stands_for_and_is_itself_again(tmp_path: Path) -> None:
    base = tiny.flux()
    file, merged = control_lora(base, 0.8)
    model, whole = loaded(base, tmp_path / "base.safetensors"), loaded(merged, tmp_path / "canny.safetensors")
    generator = torch.Generator().manual_seed(1)
    x, picture = torch.randn(1, 16, 6, 8, generator=generator), torch.randn(1, 16, 6, 8, generator=generator)
    before = answer(model, x, picture)
    changed, _ = load_lora_for_models(model, None, file, 0.8, 0.0, "canny.safetensors")
    torch.testing.assert_close(answer(changed, x, picture), answer(whole, x, picture), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(answer(changed, x, picture), answer(changed, x, picture * 0), atol=1e-3)
    assert torch.equal(answer(model, x, picture), before)
    for name, value in base.items():
        assert torch.equal(model.weights.get(f"diffusion_model.{name}"), value)


def test_other_layers_may_not_grow(tmp_path: Path) -> None:
    model = loaded(tiny.flux(), tmp_path / "base.safetensors")
    layer = "txt_in"
    file = {f"{layer}.lora_A.weight": torch.ones(4, 96), f"{layer}.lora_B.weight": torch.ones(64, 4)}
    with pytest.raises(WeightsError, match="for a model of another family"):
        load_lora_for_models(model, None, file, 1.0, 0.0, "other.safetensors")
