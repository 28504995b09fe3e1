"""Stable Diffusion 3.5, AuraFlow, Z-Image and Qwen-Image from small files, against diffusers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import WeightsError
from comfy_notebook.diffusion.checkpoints.load import load_diffusion_model
from comfy_notebook.diffusion.patcher import ModelPatcher

from . import tiny
from .test_families_flux import loaded


def same_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return dict(weights)


def converter(name: str) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    """diffusers' own converter."""

    def convert(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        from diffusers.loaders import single_file_utils

        found: dict[str, Tensor] = getattr(single_file_utils, name)(dict(weights))
        return found

    return convert


FAMILIES: dict[str, tuple[Callable[[], dict[str, Tensor]], Any, float]] = {
    "Stable Diffusion 3": (tiny.sd3, converter("convert_sd3_transformer_checkpoint_to_diffusers"), 3.0),
    "AuraFlow": (tiny.auraflow, converter("convert_auraflow_transformer_checkpoint_to_diffusers"), 1.73),
    "Z-Image": (tiny.z_image, converter("convert_z_image_transformer_checkpoint_to_diffusers"), 3.0),
    "Qwen-Image": (tiny.qwen_image, same_names, 1.15),
}


@pytest.mark.parametrize("title", FAMILIES)
def test_weights_go_where_diffusers_puts_them_and_come_back(title: str, tmp_path: Path) -> None:
    maker, convert, shift = FAMILIES[title]
    weights = maker()
    model = loaded(weights, tmp_path)
    assert model.model.family.title == title
    assert model.model.model_sampling.shift == shift
    theirs, ours = convert(weights), model.model.diffusion_model.module.state_dict()
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        torch.testing.assert_close(ours[key], value, rtol=0, atol=0)
    for key, value in weights.items():
        if not key.startswith("norm_final"):
            torch.testing.assert_close(model.weights.get(f"diffusion_model.{key}"), value, rtol=0, atol=0)


def ready(title: str, folder: Path) -> ModelPatcher:
    model = loaded(FAMILIES[title][0](), folder)
    memory.load_models_gpu([model])
    return model


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_stable_diffusion_3_as_its_pipeline_calls_it(tmp_path: Path) -> None:
    model = ready("Stable Diffusion 3", tmp_path)
    x, text, pooled, sigma = numbers(2, 16, 12, 20), numbers(2, 9, 48), numbers(2, 40), torch.tensor([0.9, 0.3])
    with torch.no_grad():
        velocity = model.model.diffusion_model.module(x, text, pooled, sigma * 1000, return_dict=False)[0]
        found = model.model.apply_model(x, sigma, c_crossattn=text, y=pooled)
    torch.testing.assert_close(found, x - velocity * sigma[:, None, None, None], rtol=1e-5, atol=1e-5)


def test_auraflow_as_its_pipeline_calls_it(tmp_path: Path) -> None:
    model = ready("AuraFlow", tmp_path)
    x, text, sigma = numbers(2, 4, 12, 20), numbers(2, 9, 48), torch.tensor([0.9, 0.3])
    with torch.no_grad():
        velocity = model.model.diffusion_model.module(x, text, sigma, return_dict=False)[0]
        found = model.model.apply_model(x, sigma, c_crossattn=text)
    torch.testing.assert_close(found, x - velocity * sigma[:, None, None, None], rtol=1e-5, atol=1e-5)


def test_z_image_as_its_pipeline_calls_it(tmp_path: Path) -> None:
    """Time is 1 - sigma, the output negated, pictures and texts are lists."""
    model = ready("Z-Image", tmp_path)
    x, text, sigma = numbers(2, 16, 12, 20), numbers(2, 9, 48), torch.tensor([0.9, 0.3])
    with torch.no_grad():
        pictures = list(x.unsqueeze(2).unbind(0))
        made = model.model.diffusion_model.module(pictures, 1 - sigma, list(text), return_dict=False)[0]
        velocity = -torch.stack(list(made)).squeeze(2)
        found = model.model.apply_model(x, sigma, c_crossattn=text)
    torch.testing.assert_close(found, x - velocity * sigma[:, None, None, None], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("edit", [False, True], ids=["image", "edit"])
def test_qwen_image_as_its_pipeline_calls_it(edit: bool, tmp_path: Path) -> None:
    from diffusers import QwenImagePipeline

    model = ready("Qwen-Image", tmp_path)
    x, text, sigma, seen = numbers(1, 16, 1, 12, 20), numbers(1, 9, 48), torch.tensor([0.6]), numbers(1, 16, 1, 8, 10)
    pipeline: Any = QwenImagePipeline
    packed, shapes = [pipeline._pack_latents(x[:, :, 0], 1, 16, 12, 20)], [(1, 6, 10)]
    given: dict[str, Any] = {"cross_attn": text}
    if edit:
        packed.append(pipeline._pack_latents(model.model.process_latent_in(seen)[:, :, 0], 1, 16, 8, 10))
        shapes.append((1, 4, 5))
        given["reference_latents"] = [seen]
    with torch.no_grad():
        made = model.model.diffusion_model.module(
            torch.cat(packed, dim=1), text, torch.ones(1, 9, dtype=torch.long), sigma, [shapes], return_dict=False
        )[0][:, :60]
        velocity = pipeline._unpack_latents(made, 96, 160, 8)
        arguments = {key: value.process_cond(1).cond for key, value in model.model.extra_conds(**given).items()}
        found = model.model.apply_model(x, sigma, **arguments)
    torch.testing.assert_close(found, x - velocity * 0.6, rtol=1e-5, atol=1e-5)


def test_latents_of_odd_sides_come_back_at_their_size(tmp_path: Path) -> None:
    for title in FAMILIES:
        model = ready(title, tmp_path)
        shape = (1, 4, 7, 9) if title == "AuraFlow" else (1, 16, 7, 9)
        with torch.no_grad():
            pooled = {"y": numbers(1, 40)} if title == "Stable Diffusion 3" else {}
            made = model.model.apply_model(
                numbers(*shape), torch.tensor([0.5]), c_crossattn=numbers(1, 5, 48), **pooled
            )
        assert made.shape == shape


def test_a_file_of_no_known_family_is_described(tmp_path: Path) -> None:
    from comfy_notebook.diffusion.checkpoints.files import write_weights

    write_weights({"blocks.0.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"other\.safetensors .*Flux\.1.*blocks\.0\.weight"):
        load_diffusion_model(tmp_path / "other.safetensors")
