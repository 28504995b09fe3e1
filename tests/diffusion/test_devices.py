"""Every network on a device that is not the CPU: nothing it is given or makes lies elsewhere, also when its weights
come and go. The device is torch's ``meta``, which computes shapes and refuses to mix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint, model_from_weights, without_prefix
from comfy_notebook.diffusion.patch_state import state_of
from comfy_notebook.diffusion.sampling.conditioning import process_conds
from comfy_notebook.diffusion.vae_files import load_vae

from . import tiny
from .pictures import latent_of, same_picture

META = torch.device("meta")


def unet_of(checkpoint: Callable[[], dict[str, Tensor]]) -> Callable[[], dict[str, Tensor]]:
    return lambda: without_prefix(checkpoint(), "model.diffusion_model.")


#: Weights, channels of the latent, width of the text, and of the vector beside it.
NETWORKS: dict[str, tuple[Callable[[], dict[str, Tensor]], int, int, int]] = {
    "sd1": (unet_of(tiny.sd1), 4, 64, 0),
    "sdxl": (unet_of(tiny.sdxl), 4, 128, 64 + 6 * 256),
    "sd3": (tiny.sd3, 16, 48, 40),
    "flux": (tiny.flux, 16, 48, 64),
    "chroma": (lambda: tiny.flux(guidance=False, chroma=True), 16, 48, 0),
    "auraflow": (tiny.auraflow, 4, 48, 0),
    "z-image": (tiny.z_image, 16, 48, 0),
    "qwen-image": (tiny.qwen_image, 16, 48, 0),
}


@pytest.mark.parametrize("low", [False, True], ids=["whole", "block by block"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_where_its_input_is(name: str, low: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, channels, text, vector = NETWORKS[name]
    monkeypatch.setattr(memory.policy, "lowvram", low)
    model = model_from_weights(weights(), name)
    model.load_device = META
    model.load()
    assert (state_of(model.model).streamed_to == META) == low
    assert {parameter.device.type for parameter in model.model.parameters()} == {"cpu" if low else "meta"}
    frames = (1,) if name == "qwen-image" else ()
    given: dict[str, Any] = {"c_crossattn": torch.empty(2, 9, text, device=META)}
    if vector:
        given["y"] = torch.empty(2, vector, device=META)
    x = torch.empty(2, channels, *frames, 8, 8, device=META)
    with torch.no_grad():
        made = model.model.apply_model(x, torch.empty(2, device=META), **given)
    assert made.device == META
    assert made.shape == x.shape
    model.load_device = torch.device("cpu")


def test_conditionings_go_to_the_device_once() -> None:
    """Not at every step, which would wait for them."""
    model = model_from_weights(unet_of(tiny.sdxl)(), "x").model
    text = {"cross_attn": torch.zeros(1, 9, 128), "pooled_output": torch.zeros(1, 64), "model_conds": {}}
    noise = torch.empty(1, 4, 8, 8, device=META)
    ready = process_conds(model, noise, {"positive": [dict(text)], "negative": [dict(text)]}, META)
    for entries in ready.values():
        values = entries[0]["model_conds"]
        assert set(values) == {"c_crossattn", "y"}
        assert {value.cond.device for value in values.values()} == {META}


@pytest.mark.parametrize("low", [False, True], ids=["whole", "block by block"])
def test_an_autoencoder_computes_where_its_input_is(low: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.policy, "lowvram", low)
    vae = load_vae(without_prefix(tiny.sd1(), "first_stage_model."), "x")
    vae.patcher.load_device = META
    vae.patcher.load()
    with torch.no_grad():
        latent = vae.coder.encode(torch.empty(1, 3, 32, 32, device=META))
        assert vae.coder.decode(latent).device == META


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
def test_half_precision_makes_the_same_picture(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a GPU would compute: text and network in float16, the autoencoder in bfloat16."""
    path = tiny.write(getattr(tiny, name)(), tmp_path / f"{name}.safetensors")
    full = load_checkpoint(path)
    assert full.vae is not None
    expected = full.vae.decode(latent_of(full))

    def best(stored: Any, supported: Any = (), device: Any = None) -> Any:
        return supported[0] if supported else torch.float16

    monkeypatch.setattr(memory, "compute_dtype", best)
    half = load_checkpoint(path)
    assert half.model is not None
    assert half.vae is not None
    assert half.model.model_dtype() == torch.float16
    assert half.vae.vae_dtype == torch.bfloat16
    same_picture(half, latent_of(half), expected)
