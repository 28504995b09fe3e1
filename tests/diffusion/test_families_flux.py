"""Flux.1 and Chroma from small files, against diffusers' pipelines and conversion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.load import load_diffusion_model
from comfy_notebook.diffusion.patcher import ModelPatcher

from . import tiny


def loaded(weights: Mapping[str, Tensor], folder: Path, name: str = "flux") -> ModelPatcher:
    """The model of a full-precision file."""
    from comfy_notebook.diffusion.checkpoints.files import write_weights

    write_weights(dict(weights), folder / f"{name}.safetensors")
    return load_diffusion_model(folder / f"{name}.safetensors")


def converted(weights: Mapping[str, Tensor], converter: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """The weights as diffusers converts them; its converters know one hidden size only, so it is told this one."""
    import inspect
    import textwrap

    from diffusers.loaders import single_file_utils

    source = textwrap.dedent(inspect.getsource(getattr(single_file_utils, converter)))
    scope: dict[str, Any] = dict(vars(single_file_utils))
    exec(source.replace("inner_dim = 3072", "inner_dim = 64"), scope)
    found: dict[str, Tensor] = scope[converter](dict(weights))
    return found


CASES = {
    "dev": ({"guidance": True}, "convert_flux_transformer_checkpoint_to_diffusers", "Flux.1", "FLUX"),
    "schnell": ({"guidance": False}, "convert_flux_transformer_checkpoint_to_diffusers", "Flux.1", "FLOW"),
    "chroma": ({"chroma": True}, "convert_chroma_transformer_checkpoint_to_diffusers", "Chroma", "FLOW"),
}


@pytest.mark.parametrize("name", CASES)
def test_weights_go_where_diffusers_puts_them(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, converter, title, sampling = CASES[name]
    weights = tiny.flux(**options)
    model = loaded(weights, tmp_path)
    assert model.model.family.title == title
    assert model.model.model_type.name == sampling
    theirs = converted(weights, converter, monkeypatch)
    ours = model.model.diffusion_model.module.state_dict()
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        torch.testing.assert_close(ours[key], value, rtol=0, atol=0)
    for key, value in weights.items():
        torch.testing.assert_close(model.weights.get(f"diffusion_model.{key}"), value, rtol=0, atol=0)


def prepared(latent: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens and their places as diffusers' pipeline makes them."""
    from diffusers import FluxPipeline

    batch, channels, height, width = latent.shape
    pipeline: Any = FluxPipeline
    tokens = pipeline._pack_latents(latent, batch, channels, height, width)
    ids = pipeline._prepare_latent_image_ids(batch, height // 2, width // 2, "cpu", torch.float32)
    return tokens, ids


@pytest.mark.parametrize("guidance", [True, False], ids=["dev", "schnell"])
def test_a_call_is_that_of_the_pipeline(guidance: bool, tmp_path: Path) -> None:
    from diffusers import FluxPipeline

    model = loaded(tiny.flux(guidance=guidance), tmp_path)
    memory.load_models_gpu([model])
    generator = torch.Generator().manual_seed(0)
    x, text = torch.randn(2, 16, 12, 20, generator=generator), torch.randn(2, 9, 48, generator=generator)
    pooled, sigma = torch.randn(2, 64, generator=generator), torch.tensor([0.7, 0.2])
    tokens, ids = prepared(x)
    strength = torch.full((2,), 2.5) if guidance else None
    with torch.no_grad():
        made = model.model.diffusion_model.module(
            hidden_states=tokens,
            encoder_hidden_states=text,
            pooled_projections=pooled,
            timestep=sigma,
            img_ids=ids,
            txt_ids=torch.zeros(9, 3),
            guidance=strength,
            return_dict=False,
        )[0]
        pipeline: Any = FluxPipeline
        velocity = pipeline._unpack_latents(made, 12 * 8, 20 * 8, 8)
        found = model.model.apply_model(x, sigma, c_crossattn=text, y=pooled, guidance=strength)
    torch.testing.assert_close(found, x - velocity * sigma[:, None, None, None], rtol=1e-5, atol=1e-5)


def test_without_guidance_its_embedding_adds_nothing(tmp_path: Path) -> None:
    model = loaded(tiny.flux(guidance=True), tmp_path)
    memory.load_models_gpu([model])
    generator = torch.Generator().manual_seed(0)
    x, text = torch.randn(1, 16, 8, 8, generator=generator), torch.randn(1, 9, 48, generator=generator)
    pooled, sigma = torch.randn(1, 64, generator=generator), torch.tensor([0.7])
    given: dict[str, Any] = {"noise": x, "cross_attn": text, "pooled_output": pooled, "device": "cpu"}
    assert "guidance" in model.model.extra_conds(**given)
    assert "guidance" not in model.model.extra_conds(**given, guidance=None)  # as FluxDisableGuidance leaves it

    def predicted(guidance: Any) -> Any:
        with torch.no_grad():
            return model.model.apply_model(x, sigma, c_crossattn=text, y=pooled, guidance=guidance)

    without, with_it = predicted(None), predicted(torch.tensor([3.5]))
    assert not torch.allclose(without, with_it, atol=1e-3)
    last = model.model.diffusion_model.module.time_text_embed.guidance_embedder.linear_2
    last.weight.data.zero_()
    last.bias.data.zero_()
    torch.testing.assert_close(predicted(torch.tensor([3.5])), without)


def test_four_euler_steps_are_those_of_the_pipeline(tmp_path: Path) -> None:
    """The whole of diffusers' pipeline, given the text encodings, noise and our sigmas."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline

    model = loaded(tiny.flux(), tmp_path)
    memory.load_models_gpu([model])
    generator = torch.Generator().manual_seed(3)
    noise, text = torch.randn(1, 16, 12, 16, generator=generator), torch.randn(1, 8, 48, generator=generator)
    pooled = torch.randn(1, 64, generator=generator)
    sigmas = [1.0, 0.8, 0.5, 0.25]
    classes: Any = (FluxPipeline, AutoencoderKL, FlowMatchEulerDiscreteScheduler)
    vae = classes[1](block_out_channels=(32,) * 4, down_block_types=("DownEncoderBlock2D",) * 4,
                     up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=16)  # fmt: skip
    pipeline = classes[0](
        scheduler=classes[2](shift=1.0), vae=vae, text_encoder=None, tokenizer=None, text_encoder_2=None,
        tokenizer_2=None, transformer=model.model.diffusion_model.module,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(
        prompt_embeds=text, pooled_prompt_embeds=pooled, height=96, width=128, num_inference_steps=4, sigmas=sigmas,
        guidance_scale=3.5, latents=prepared(noise)[0], output_type="latent",
    ).images  # fmt: skip
    expected = classes[0]._unpack_latents(made, 96, 128, 8)
    x = noise
    with torch.no_grad():
        for sigma, after in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
            given = model.model.extra_conds(cross_attn=text, pooled_output=pooled, guidance=3.5)
            arguments = {key: value.process_cond(1).cond for key, value in given.items()}
            denoised = model.model.apply_model(x, torch.tensor([sigma]), **arguments)
            x = x + (x - denoised) / sigma * (after - sigma)
    torch.testing.assert_close(x, expected, rtol=1e-4, atol=1e-4)


def test_kontext_looks_at_a_picture_beside_the_one_it_makes(tmp_path: Path) -> None:
    model = loaded(tiny.flux(), tmp_path)
    memory.load_models_gpu([model])
    generator = torch.Generator().manual_seed(0)
    x, text = torch.randn(1, 16, 8, 12, generator=generator), torch.randn(1, 7, 48, generator=generator)
    reference, pooled = torch.randn(1, 16, 6, 10, generator=generator), torch.zeros(1, 64)
    given = model.model.extra_conds(cross_attn=text, pooled_output=pooled, guidance=2.5, reference_latents=[reference])
    arguments = {key: value.process_cond(1).cond for key, value in given.items()}
    seen = (reference - 0.1159) * 0.3611
    tokens, ids = prepared(x)
    more, more_ids = prepared(seen)
    more_ids[..., 0] = 1
    with torch.no_grad():
        made = model.model.diffusion_model.module(
            hidden_states=torch.cat([tokens, more], dim=1), encoder_hidden_states=text, pooled_projections=pooled,
            timestep=torch.tensor([0.6]), img_ids=torch.cat([ids, more_ids]), txt_ids=torch.zeros(7, 3),
            guidance=torch.tensor([2.5]), return_dict=False,
        )[0][:, : tokens.shape[1]]  # fmt: skip
        found = model.model.apply_model(x, torch.tensor([0.6]), **arguments)
    from diffusers import FluxPipeline

    pipeline: Any = FluxPipeline
    torch.testing.assert_close(found, x - 0.6 * pipeline._unpack_latents(made, 64, 96, 8), rtol=1e-5, atol=1e-5)


def test_fill_gets_the_picture_and_a_mask_of_64_channels(tmp_path: Path) -> None:
    from diffusers import FluxFillPipeline

    model = loaded(tiny.flux(channels=384), tmp_path)
    assert model.model.concat_keys == ("image", "mask")
    noise, image = torch.randn(1, 16, 8, 12), torch.randn(1, 16, 8, 12)
    mask = (torch.rand(1, 1, 64, 96) > 0.5).float()
    found = model.model.extra_conds(noise=noise, concat_latent_image=image, concat_mask=mask)["c_concat"].cond
    pipeline: Any = FluxFillPipeline
    squares = mask[:, 0].view(1, 8, 8, 12, 8).permute(0, 2, 4, 1, 3).reshape(1, 64, 8, 12)
    expected = pipeline._pack_latents(squares, 1, 64, 8, 12)
    tokens = pipeline._pack_latents(found[:, 16:], 1, 64, 8, 12)
    torch.testing.assert_close(tokens, expected)
    torch.testing.assert_close(found[:, :16], (image - 0.1159) * 0.3611)


def test_chroma_is_that_of_diffusers(tmp_path: Path) -> None:
    model = loaded(tiny.flux(chroma=True), tmp_path)
    memory.load_models_gpu([model])
    x, text, sigma = torch.randn(1, 16, 8, 8), torch.randn(1, 5, 48), torch.tensor([0.4])
    tokens, ids = prepared(x)
    with torch.no_grad():
        made = model.model.diffusion_model.module(
            hidden_states=tokens, encoder_hidden_states=text, timestep=sigma, img_ids=ids,
            txt_ids=torch.zeros(5, 3), return_dict=False,
        )[0]  # fmt: skip
        found = model.model.apply_model(x, sigma, c_crossattn=text)
    from diffusers import FluxPipeline

    pipeline: Any = FluxPipeline
    torch.testing.assert_close(found, x - 0.4 * pipeline._unpack_latents(made, 64, 64, 8), rtol=1e-5, atol=1e-5)
