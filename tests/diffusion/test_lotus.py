"""U-Nets under diffusers' names, and Lotus, which makes depth or normals in one step: against diffusers' U-Net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders
from comfy_notebook.diffusion.checkpoints.files import WeightsError
from comfy_notebook.diffusion.text import empty_prompt, files
from comfy_notebook.nodes.guiders import BasicGuider
from comfy_notebook.nodes.lotus import LotusConditioning
from comfy_notebook.nodes.sampler_select import KSamplerSelect
from comfy_notebook.nodes.sampling_custom import DisableNoise, SamplerCustomAdvanced
from comfy_notebook.nodes.schedulers import BasicScheduler
from comfy_notebook.nodes.sigmas import SetFirstSigma

from . import tiny
from .test_families_flux import loaded


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    yield tmp_path
    folders.use(before)


UNETS: dict[str, Callable[[], dict[str, tuple[int, ...]]]] = {
    "Stable Diffusion 1": lambda: tiny.ldm_unet((32, 64, 64), (1, 1, 0), 1, 64),
    "Stable Diffusion 2": lambda: tiny.ldm_unet((64, 128), (1, 0), 1, 64, linear=True),
    "Stable Diffusion XL": lambda: tiny.ldm_unet((64, 64, 128), (0, 1, 2), 2, 128, True, vector=64 + 6 * 256),
}


@pytest.mark.parametrize("title", UNETS)
def test_a_unet_under_diffusers_names_is_the_same_model(title: str, tmp_path: Path) -> None:
    weights = tiny.random_weights(UNETS[title]())
    first = loaded(weights, tmp_path)
    named = first.model.diffusion_model.module.state_dict()
    again = loaded(named, tmp_path, "diffusers")
    assert again.model.family.title == title
    found = again.model.diffusion_model.module.state_dict()
    assert found.keys() == named.keys()
    for name, value in named.items():
        assert torch.equal(found[name], value)
    for name, value in weights.items():
        assert torch.equal(again.weights.get(f"diffusion_model.{name}"), value)


def lotus() -> Any:
    """diffusers' U-Net as Lotus configures it, small."""
    import diffusers

    classes: Any = diffusers
    unet = classes.UNet2DConditionModel(
        block_out_channels=(64, 128), layers_per_block=1, cross_attention_dim=48, attention_head_dim=(1, 2),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        use_linear_projection=True, class_embed_type="projection", projection_class_embeddings_input_dim=4,
    ).eval()  # fmt: skip
    unet.load_state_dict(tiny.random_weights({name: tuple(v.shape) for name, v in unet.state_dict().items()}))
    return unet


def test_one_step_is_that_of_the_pipeline(tmp_path: Path) -> None:
    """Lotus' pipeline calls the U-Net once: the picture's latent at timestep 999 with sine and cosine of the task."""
    unet = lotus()
    model = loaded(unet.state_dict(), tmp_path)
    assert model.model.family.title == "Lotus"
    generator = torch.Generator().manual_seed(0)
    latent, text = torch.randn(2, 4, 8, 8, generator=generator), torch.randn(1, 2, 48, generator=generator)
    [sigmas] = SetFirstSigma().set_first_sigma(BasicScheduler().get_sigmas(model, "normal", 1, 1.0)[0], 999.0)
    found: Tensor = SamplerCustomAdvanced().sample(
        DisableNoise().get_noise()[0], BasicGuider().get_guider(model, [[text, {}]])[0],
        KSamplerSelect().get_sampler("euler")[0], sigmas, {"samples": latent},
    )[0]["samples"]  # fmt: skip
    task = torch.tensor([[1.0, 0.0]] * 2)
    with torch.no_grad():
        made = unet(
            latent * 0.18215, torch.tensor(999), encoder_hidden_states=text.expand(2, -1, -1),
            class_labels=torch.cat([task.sin(), task.cos()], dim=1), return_dict=False,
        )[0]  # fmt: skip
    torch.testing.assert_close(found, made / 0.18215, rtol=1e-4, atol=1e-3)


def test_the_conditioning_is_an_empty_prompt(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    with pytest.raises(WeightsError, match=r"text encoder of Stable Diffusion 2 .*models/text_encoders"):
        LotusConditioning().encode()
    monkeypatch.setattr(empty_prompt, "_WIDTH", 64)
    weights = tiny.sd2()
    tiny.write(weights, base / "models" / "checkpoints" / "sd2.safetensors")
    [[found, options]] = LotusConditioning().encode()[0]
    classes: Any = transformers
    config = classes.CLIPTextConfig(
        hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=1, hidden_act="gelu"
    )
    theirs = classes.CLIPTextModel(config).eval()
    prefix = "cond_stage_model.model."
    inside = {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}
    named = {name: value.half().float() for name, value in files.clip_h(inside).transformer.state_dict().items()}
    wanted = theirs.state_dict()
    prefixed = {name: named[name if name in named else f"text_model.{name}"] for name in wanted}
    theirs.load_state_dict(prefixed)
    with torch.no_grad():
        expected = theirs(torch.tensor([[49406, 49407]])).last_hidden_state
    assert options == {}
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("layers", "chosen"), [(23, -1), (24, -2)], ids=["diffusers", "whole"])
def test_the_layer_before_the_last_of_24_counts(layers: int, chosen: int) -> None:
    shapes = tiny.clip(16, layers)
    assert files.clip_h({name: torch.zeros(shape) for name, shape in shapes.items()}).size.default_layer == chosen
