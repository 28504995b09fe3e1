"""Control networks from small files, against diffusers' conversion and network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint
from comfy_notebook.diffusion.control.files import load_controlnet
from comfy_notebook.diffusion.sampling.model_sampling import model_sampling

from . import tiny


def theirs(config: dict[str, Any], weights: dict[str, torch.Tensor]) -> Any:
    from diffusers import ControlNetModel
    from diffusers.loaders import single_file_utils

    converters: Any = single_file_utils
    classes: Any = ControlNetModel
    module = classes(**config).eval()
    converted = converters.convert_controlnet_checkpoint(dict(weights), module.config)
    for number in (1, 2):  # the one thing that converter leaves out
        for kind in ("weight", "bias"):
            if (old := f"label_emb.0.{2 * number - 2}.{kind}") in weights:
                converted[f"add_embedding.linear_{number}.{kind}"] = weights[old]
    module.load_state_dict(converted)
    return module


@pytest.mark.parametrize("layout", ["original", "diffusers"])
@pytest.mark.parametrize("xl", [False, True], ids=["sd1", "sdxl"])
def test_residuals_are_those_of_diffusers(xl: bool, layout: str, tmp_path: Path) -> None:
    weights = tiny.controlnet(xl)
    write_weights(weights, tmp_path / "control.safetensors")
    control = load_controlnet(tmp_path / "control.safetensors")
    config = {key: value for key, value in control.control_model.module.config.items() if not key.startswith("_")}
    expected_module = theirs(config, weights)
    if layout == "diffusers":
        write_weights(expected_module.state_dict(), tmp_path / "control.safetensors")
        control = load_controlnet(tmp_path / "control.safetensors")
    generator = torch.Generator().manual_seed(0)
    x, hint = torch.randn(2, 4, 16, 8, generator=generator), torch.rand(1, 3, 128, 64, generator=generator)
    context = torch.randn(2, 77, 128 if xl else 64, generator=generator)
    added, y = None, None
    if xl:
        ids, pooled = torch.tensor([[128.0, 64.0, 0, 0, 128, 64]] * 2), torch.randn(2, 64, generator=generator)
        added = {"text_embeds": pooled, "time_ids": ids}
        y = torch.cat([pooled, expected_module.add_time_proj(ids.flatten()).reshape(2, -1)], dim=-1)
    sampling = model_sampling("EPS")
    sigma = sampling.sigma(torch.tensor([500.0, 500.0]))
    control.set_cond_hint(hint, 0.7).pre_run(SimpleNamespace(model_sampling=sampling), sampling.percent_to_sigma)
    with torch.no_grad():
        down, middle = expected_module(
            sampling.calculate_input(sigma, x), torch.tensor([500, 500]), context, hint.expand(2, -1, -1, -1), 0.7,
            added_cond_kwargs=added, return_dict=False,
        )  # fmt: skip
    found = control.get_control(x, sigma, {"c_crossattn": context, "y": y}, 1)
    assert found is not None
    for ours, expected in zip(found["output"], down, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found["middle"][0], middle, rtol=1e-4, atol=1e-4)


def test_residuals_reach_the_network_where_diffusers_adds_them(tmp_path: Path) -> None:
    write_weights(tiny.controlnet(), tmp_path / "control.safetensors")
    control = load_controlnet(tmp_path / "control.safetensors")
    model = load_checkpoint(tiny.write(tiny.sd1(), tmp_path / "sd1.safetensors"), want_clip=False, want_vae=False).model
    assert model is not None
    x, context, t = torch.randn(1, 4, 16, 16), torch.randn(1, 77, 64), torch.tensor([300])
    with torch.no_grad():
        made = control.control_model(x, t, context, torch.rand(1, 3, 128, 128))
        network = model.model.diffusion_model
        expected = network.module(
            x, t, context, down_block_additional_residuals=tuple(made["output"]),
            mid_block_additional_residual=made["middle"][0], return_dict=False,
        )[0]  # fmt: skip
        found = network(x, t, context=context, control={side: list(values) for side, values in made.items()})
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_two_networks_add_up_and_each_steers_in_its_own_part(tmp_path: Path) -> None:
    write_weights(tiny.controlnet(), tmp_path / "control.safetensors")
    network = load_controlnet(tmp_path / "control.safetensors")
    sampling = model_sampling("EPS")
    hint = torch.rand(1, 3, 64, 64)
    early = network.copy().set_cond_hint(hint, 1.0, (0.0, 0.5))
    both = network.copy().set_cond_hint(hint, 1.0, (0.0, 1.0)).set_previous_controlnet(early)
    both.pre_run(SimpleNamespace(model_sampling=sampling), sampling.percent_to_sigma)
    x, cond = torch.randn(1, 4, 8, 8), {"c_crossattn": torch.randn(1, 77, 64)}
    for percent, times in ((0.2, 2.0), (0.8, 1.0)):
        sigma = torch.tensor([sampling.percent_to_sigma(percent)])
        alone = network.copy().set_cond_hint(hint)
        alone.pre_run(SimpleNamespace(model_sampling=sampling), sampling.percent_to_sigma)
        found, one = both.get_control(x, sigma, cond, 1), alone.get_control(x, sigma, cond, 1)
        assert found is not None
        assert one is not None
        expected = one["middle"][0]
        assert expected is not None
        torch.testing.assert_close(found["middle"][0], expected * times, rtol=1e-4, atol=1e-4)


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    tiny.write(tiny.flux(), tmp_path / "flux.safetensors")
    with pytest.raises(WeightsError, match=r"flux\.safetensors is no control network"):
        load_controlnet(tmp_path / "flux.safetensors")
