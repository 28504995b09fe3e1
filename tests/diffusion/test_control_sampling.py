"""A whole run with control networks, against diffusers' pipeline: guidance, a part of sampling, an autoencoder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import write_weights
from comfy_notebook.diffusion.checkpoints.load import load_diffusion_model
from comfy_notebook.diffusion.control.files import load_controlnet
from comfy_notebook.diffusion.sampling.guiders import CFGGuider
from comfy_notebook.diffusion.sampling.samplers import sampler_object
from comfy_notebook.diffusion.vae_files import load_vae_file
from comfy_notebook.nodes.controlnet import ControlNetApplyAdvanced, ControlNetApplySD3

from . import tiny, tiny_control

SIGMAS = [1.0, 0.8, 0.5, 0.25]


def loaded(weights: dict[str, Tensor], path: Path, load: Any) -> Any:
    write_weights(weights, path)
    return load(path)


def sampled(model: Any, positive: Any, negative: Any, noise: Tensor) -> Tensor:
    guider = CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(3.0)
    made: Tensor = guider.sample(
        noise, torch.zeros_like(noise), sampler_object("euler"), torch.tensor([*SIGMAS, 0.0]), disable_pbar=True
    )
    return made


def pipeline_of(model: Any, vae: Any, control: Any) -> Any:
    """diffusers' pipeline around the same networks; its autoencoder answers with means, as the graph's does."""
    from diffusers import FlowMatchEulerDiscreteScheduler, StableDiffusion3ControlNetPipeline

    classes: Any = (StableDiffusion3ControlNetPipeline, FlowMatchEulerDiscreteScheduler)
    module = vae.first_stage_model
    encode = module.encode

    def means(pixels: Tensor) -> Any:
        return SimpleNamespace(latent_dist=SimpleNamespace(sample=encode(pixels).latent_dist.mode))

    module.encode = means
    module.register_to_config(scaling_factor=1.5305, shift_factor=0.0609)
    made = classes[0](
        transformer=model.model.diffusion_model.module, scheduler=classes[1](shift=1.0), vae=module,
        text_encoder=None, tokenizer=None, text_encoder_2=None, tokenizer_2=None, text_encoder_3=None,
        tokenizer_3=None, controlnet=control.control_model.module,
    )  # fmt: skip
    made.set_progress_bar_config(disable=True)
    return made


def test_a_run_is_that_of_the_pipeline_and_leaves_nothing_behind(tmp_path: Path) -> None:
    model = loaded(tiny.sd3(), tmp_path / "sd3.safetensors", load_diffusion_model)
    control = loaded(tiny_control.sd3(), tmp_path / "control.safetensors", load_controlnet)
    vae_weights = tiny.random_weights(tiny.ldm_vae(latent=16, quant=False))
    vae = loaded(vae_weights, tmp_path / "vae.safetensors", load_vae_file)
    generator = torch.Generator().manual_seed(4)
    noise, picture = torch.randn(1, 16, 8, 12, generator=generator), torch.rand(1, 64, 96, 3, generator=generator)
    texts = torch.randn(2, 1, 7, 48, generator=generator)
    pooled = torch.randn(2, 1, 40, generator=generator)
    plain = [[[text, {"pooled_output": vector}]] for text, vector in zip(texts, pooled, strict=True)]
    before = sampled(model, *plain, noise)
    steered = ControlNetApplySD3().apply_controlnet(*plain, control, picture, 0.7, 0.0, 0.5, vae)
    found = sampled(model, *steered, noise)
    assert any(entry.holds(control.control_model_wrapped) for entry in memory.current_loaded_models)
    assert steered[0][0][1]["control"].cond_hint is None
    assert torch.equal(sampled(model, *plain, noise), before)

    pipeline = pipeline_of(model, vae, control)
    expected = pipeline(
        prompt_embeds=texts[0], negative_prompt_embeds=texts[1], pooled_prompt_embeds=pooled[0],
        negative_pooled_prompt_embeds=pooled[1], height=64, width=96, num_inference_steps=4, sigmas=SIGMAS,
        guidance_scale=3.0, latents=noise, output_type="latent", control_image=picture.movedim(-1, 1) * 2 - 1,
        controlnet_conditioning_scale=0.7, control_guidance_end=0.5,
    ).images  # fmt: skip
    processed = model.model.process_latent_in(found)
    torch.testing.assert_close(processed, expected, rtol=1e-3, atol=1e-3)
    assert float((found - before).abs().max()) > 1e-2


def test_conditionings_with_networks_of_their_own_share_a_run(tmp_path: Path) -> None:
    """Two prompts, each on its half of the picture, one steered, and none of it on the negative."""
    model = loaded(tiny.flux(), tmp_path / "flux.safetensors", load_diffusion_model)
    control = loaded(tiny_control.xlabs(), tmp_path / "control.safetensors", load_controlnet)
    generator = torch.Generator().manual_seed(4)
    noise, picture = torch.randn(2, 16, 8, 8, generator=generator), torch.rand(1, 64, 64, 3, generator=generator)
    text = [torch.randn(1, 7, 48, generator=generator) for _ in range(3)]
    left, right = torch.zeros(1, 64, 64), torch.zeros(1, 64, 64)
    left[..., :32], right[..., 32:] = 1.0, 1.0
    halves = [[[one, {"mask": mask, "mask_strength": 1.0}]] for one, mask in zip(text, (left, right), strict=False)]
    negative = [[text[2], {}]]
    node = ControlNetApplyAdvanced()
    steered = node.apply_controlnet(halves[0], [], control, picture, 1.0, 0.0, 1.0)[0]
    one = CFGGuider(model)
    one.set_conds([*steered, *halves[1]], negative)
    one.set_cfg(2.0)
    x, sigma = noise, torch.tensor([1.0, 0.0])
    found = one.sample(noise, torch.zeros_like(noise), sampler_object("euler"), sigma, disable_pbar=True)
    parts = []
    for positive in (steered, halves[1]):
        alone = CFGGuider(model)
        alone.set_conds(positive, negative)
        alone.set_cfg(2.0)
        parts.append(alone.sample(x, torch.zeros_like(x), sampler_object("euler"), sigma, disable_pbar=True))
    torch.testing.assert_close(found[..., :4], parts[0][..., :4], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[..., 4:], parts[1][..., 4:], rtol=1e-4, atol=1e-4)


def test_a_text_of_its_own_reaches_the_control_network_alone(tmp_path: Path) -> None:
    model = loaded(tiny.flux(), tmp_path / "flux.safetensors", load_diffusion_model)
    control = loaded(tiny_control.xlabs(), tmp_path / "control.safetensors", load_controlnet)
    seen: list[Tensor] = []
    control.control_model.module.context_embedder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    generator = torch.Generator().manual_seed(4)
    noise, picture = torch.randn(1, 16, 8, 8, generator=generator), torch.rand(1, 64, 64, 3, generator=generator)
    text, own = torch.randn(1, 7, 48, generator=generator), torch.randn(1, 5, 48, generator=generator)
    apply = ControlNetApplyAdvanced().apply_controlnet
    results = []
    for options in ({}, {"cross_attn_controlnet": text}, {"cross_attn_controlnet": own}):
        conditioning = apply([[text, options]], [[text, options]], control, picture, 1.0, 0.0, 1.0)
        results.append(sampled(model, *conditioning, noise))
    assert torch.equal(results[0], results[1])
    assert float((results[0] - results[2]).abs().max()) > 1e-4
    assert {tuple(value.shape[1:]) for value in seen} == {(7, 48), (5, 48)}
    torch.testing.assert_close(seen[-1][:1], own)
