"""Stable Diffusion 2.1 unCLIP from a small checkpoint, against diffusers' pipeline and network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.clip_vision import ClipVisionOutput
from comfy_notebook.diffusion.families.unclip import NoiseAugmentor
from comfy_notebook.diffusion.unclip import load_unclip_checkpoint
from comfy_notebook.nodes.unclip import UnCLIPConditioning

from . import tiny
from .tiny import below, layer, random_weights

close = torch.testing.assert_close
WIDTH = 32


def checkpoint() -> dict[str, Tensor]:
    """Small; the image encoder in OpenCLIP's names, with the statistics of its encodings."""
    width = 64
    vision: dict[str, tuple[int, ...]] = {"class_embedding": (width,), "positional_embedding": (5, width)}
    vision |= {"conv1.weight": (width, 3, 14, 14), "proj": (width, WIDTH)} | layer("ln_pre", width)
    for number in range(2):
        name = f"transformer.resblocks.{number}"
        vision |= {f"{name}.attn.in_proj_weight": (3 * width, width), f"{name}.attn.in_proj_bias": (3 * width,)}
        vision |= layer(f"{name}.attn.out_proj", width, width)
        vision |= layer(f"{name}.mlp.c_fc", width * 4, width) | layer(f"{name}.mlp.c_proj", width, width * 4)
        vision |= layer(f"{name}.ln_1", width) | layer(f"{name}.ln_2", width)
    vision |= layer("ln_post", width)
    unet = tiny.ldm_unet((64, 128), (1, 0), 1, 64, linear=True, vector=2 * WIDTH)
    statistics = {"mean": torch.linspace(-1, 1, WIDTH), "std": torch.linspace(1, 2, WIDTH)}
    return (
        below("model.diffusion_model.", random_weights(unet))
        | below("cond_stage_model.model.", random_weights(tiny.open_clip()))
        | below("first_stage_model.", random_weights(tiny.ldm_vae()))
        | below("embedder.model.visual.", random_weights(vision))
        | below("noise_augmentor.data_", statistics)
    )


def seen(*pictures: Tensor) -> ClipVisionOutput:
    embeds = torch.stack(pictures)
    return ClipVisionOutput(embeds, embeds[:, None], embeds[:, None], [])


def test_the_network_gets_what_the_pipeline_gives_it(tmp_path: Path) -> None:
    from diffusers import DDPMScheduler, StableUnCLIPImg2ImgPipeline, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer

    weights = checkpoint()
    write_weights(weights, tmp_path / "unclip.safetensors")
    found, vision = load_unclip_checkpoint(tmp_path / "unclip.safetensors")
    assert found.model is not None
    assert found.clip is not None
    assert found.vae is not None
    model = found.model.model
    assert model.model_type.name == "V_PREDICTION"
    picture = torch.rand(1, 28, 28, 3, generator=torch.Generator().manual_seed(0))
    output = vision.encode_image(picture)
    assert output.image_embeds.shape == (1, WIDTH)

    classes: Any = (StableUnCLIPImageNormalizer, DDPMScheduler, StableUnCLIPImg2ImgPipeline, UNet2DConditionModel)
    normalizer = classes[0](embedding_dim=WIDTH)
    normalizer.load_state_dict({name: weights[f"noise_augmentor.data_{name}"][None] for name in ("mean", "std")})
    pipeline = classes[2].__new__(classes[2])
    parts = {"image_normalizer": normalizer, "image_noising_scheduler": classes[1](beta_schedule="squaredcos_cap_v2")}
    pipeline.__dict__.update(parts)
    noise = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(90))
    with torch.no_grad():
        expected = pipeline.noise_image_embeddings(output.image_embeds, noise_level=300, noise=noise)

    conditioning = UnCLIPConditioning().apply_adm([[torch.zeros(1, 7, 64), {}]], output, 1.0, 300 / 999)[0]
    x, text = torch.randn(1, 4, 8, 8), torch.randn(1, 7, 64)
    vector = model.extra_conds(noise=x, cross_attn=text, seed=100, **conditioning[0][1])["y"].cond
    close(vector, expected, rtol=1e-4, atol=1e-4)

    config = {key: value for key, value in model.family.config.items() if not key.startswith("addition")}
    theirs = classes[3](**config | {"class_embed_type": "projection"}).eval()
    state = model.diffusion_model.module.state_dict()
    theirs.load_state_dict({name.replace("add_embedding", "class_embedding"): value for name, value in state.items()})
    with torch.no_grad():
        answer = theirs(x, torch.tensor([400]), text, class_labels=expected, return_dict=False)[0]
        close(model.diffusion_model(x, torch.tensor([400]), context=text, y=vector), answer, rtol=1e-4, atol=1e-4)


def test_several_pictures_are_summed_by_strength_and_noised_a_little() -> None:
    augment = NoiseAugmentor(WIDTH)
    first, second = torch.randn(WIDTH), torch.randn(WIDTH)
    node = UnCLIPConditioning()
    once = node.apply_adm([[torch.zeros(1, 1, 1), {}]], seen(first), 0.5, 0.0)[0]
    assert node.apply_adm(once, seen(first), 0.0, 0.0)[0] is once
    pictures = node.apply_adm(once, seen(second), -1.0, 0.2)[0][0][1]["unclip_conditioning"]
    total = augment(first[None], 0.0, 3)[:, :WIDTH] * 0.5 - augment(second[None], 0.2, 3)[:, :WIDTH]
    close(augment.merged(pictures, 3), augment(total, 0.05, 3))
    close(augment.merged(pictures[:1], 3), augment(first[None], 0.0, 3) * 0.5)
    with pytest.raises(ValueError, match="reads pictures as 32 numbers and got 16"):
        augment.merged([{"clip_vision_output": seen(torch.zeros(16)), "strength": 1, "noise_augmentation": 0}], 3)


def test_without_a_picture_the_vector_is_zero_and_other_checkpoints_are_told(tmp_path: Path) -> None:
    write_weights(checkpoint(), tmp_path / "unclip.safetensors")
    model = load_unclip_checkpoint(tmp_path / "unclip.safetensors").checkpoint.model
    assert model is not None
    made = model.model.extra_conds(noise=torch.zeros(1, 4, 8, 8), cross_attn=torch.zeros(1, 7, 64))
    assert not made["y"].cond.any()
    write_weights(tiny.sd2(), tmp_path / "sd2.safetensors")
    with pytest.raises(WeightsError, match="use Load Checkpoint"):
        load_unclip_checkpoint(tmp_path / "sd2.safetensors")
