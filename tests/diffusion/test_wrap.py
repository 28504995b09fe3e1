"""Networks of diffusers as MODEL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint, load_diffusion_model
from comfy_notebook.diffusion.lora.files import load_lora_for_models
from comfy_notebook.diffusion.wrap import wrap_model

from . import tiny


@pytest.mark.parametrize("name", ["sd1", "sdxl", "flux", "sd3", "z_image"])
def test_a_wrapped_network_is_the_loaded_one(name: str, tmp_path: Path) -> None:
    path = tiny.write(getattr(tiny, name)(), tmp_path / f"{name}.safetensors")
    loaded = (load_checkpoint(path, False, False).model if name.startswith("sd") and name != "sd3" else None) or (
        load_diffusion_model(path)
    )
    module: Any = loaded.model.diffusion_model.module
    wrapped = wrap_model(module)
    assert wrapped.model.family.title == loaded.model.family.title
    assert wrapped.model.model_type.name == loaded.model.model_type.name
    assert wrapped.model.diffusion_model.module is module
    channels, width = (4, 64) if name == "sd1" else (4, 128) if name == "sdxl" else (16, 48)
    given: dict[str, Any] = {"cross_attn": torch.randn(1, 7, width), "width": 64, "height": 64}
    given["pooled_output"] = torch.randn(1, 40 if name == "sd3" else 64)
    x, sigma = torch.randn(1, channels, 8, 8), torch.tensor([0.5])
    made = []
    with torch.no_grad():
        for model in (loaded, wrapped):
            memory.load_models_gpu([model])
            arguments = {key: value.process_cond(1).cond for key, value in model.model.extra_conds(**given).items()}
            made.append(model.model.apply_model(x, sigma, **arguments))
    torch.testing.assert_close(*made)


def test_a_lora_fits_a_wrapped_network(tmp_path: Path) -> None:
    path = tiny.write(tiny.sd1(), tmp_path / "sd1.safetensors")
    loaded = load_checkpoint(path, False, False).model
    assert loaded is not None
    wrapped = wrap_model(loaded.model.diffusion_model.module, sampling="V_PREDICTION", zsnr=True)
    assert wrapped.model.model_sampling.zsnr
    layer = "unet.up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    file = {f"{layer}.lora_B.weight": torch.ones(64, 2), f"{layer}.lora_A.weight": torch.ones(2, 64)}
    patched, _ = load_lora_for_models(wrapped, None, file, 1.0, 0)
    assert patched is not None
    name = "diffusion_model.up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    before = wrapped.weights.get(name).clone()
    memory.load_models_gpu([patched])
    torch.testing.assert_close(wrapped.weights.get(name), before + 2)
    memory.load_models_gpu([wrapped])
    assert torch.equal(wrapped.weights.get(name), before)


def test_other_modules_are_refused() -> None:
    with pytest.raises(TypeError, match="a Linear can't be used as MODEL"):
        wrap_model(torch.nn.Linear(2, 2))
