"""What steers Stable Diffusion's U-Nets beside plain control networks: union networks, T2I adapters, control LoRAs and
differences, from small files, against diffusers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint
from comfy_notebook.diffusion.control.files import load_controlnet
from comfy_notebook.diffusion.sampling.model_sampling import model_sampling
from comfy_notebook.nodes.controlnet import ControlNetApplyAdvanced, SetUnionControlNetType

from . import tiny, tiny_control

close = torch.testing.assert_close


def loaded(weights: dict[str, Tensor], folder: Path, name: str = "control", model: Any = None) -> Any:
    write_weights(weights, folder / f"{name}.safetensors")
    return load_controlnet(folder / f"{name}.safetensors", model)


def unet(weights: dict[str, Tensor], folder: Path) -> Any:
    write_weights(weights, folder / "model.safetensors")
    return load_checkpoint(folder / "model.safetensors", want_clip=False, want_vae=False).model


def inputs(width: int, vector: int = 0) -> tuple[Tensor, dict[str, Any], Tensor]:
    generator = torch.Generator().manual_seed(5)
    cond: dict[str, Any] = {"c_crossattn": torch.randn(2, 77, width, generator=generator)}
    if vector:
        cond["y"] = torch.randn(2, vector, generator=generator)
    return torch.randn(2, 4, 16, 16, generator=generator), cond, torch.rand(1, 96, 128, 3, generator=generator)


def steer(control: Any, picture: Tensor, base: Any, strength: float = 0.7) -> Any:
    empty: Any = [[torch.zeros(1, 1, 1), {}]]
    made = ControlNetApplyAdvanced().apply_controlnet(empty, empty, control, picture, strength, 0.0, 1.0)
    control = made[0][0][1]["control"]
    control.pre_run(base, base.model_sampling.percent_to_sigma)
    return control


def answers(model: Any, control: Any, x: Tensor, time: int, cond: dict[str, Any]) -> Tensor:
    """The network's answer with what ``control`` adds to it."""
    base = model.model
    sigma = base.model_sampling.sigma(torch.full((2,), float(time)))
    # The latents a control network is asked about are those before the scaling of their noise level.
    noisy = x * (sigma.reshape(-1, 1, 1, 1) ** 2 + 1) ** 0.5
    found = control.get_control(noisy, sigma, cond, 1) if control is not None else None
    with torch.no_grad():
        made: Tensor = base.diffusion_model(
            x, torch.full((2,), time), context=cond["c_crossattn"], y=cond.get("y"), control=found
        )
    return made


def square(picture: Tensor, size: int = 128) -> Tensor:
    """The picture as the sampled latent of 16 × 16 needs it: its middle, scaled without new colours."""
    side = picture.shape[1]
    cut = (picture.shape[2] - side) // 2
    pixels = picture[:, :, cut : cut + side].movedim(-1, 1)
    return torch.nn.functional.interpolate(pixels, size=(size, size), mode="nearest-exact")


@pytest.mark.parametrize("kind", ["depth", "repaint", "auto"])
def test_union_residuals_are_those_of_diffusers(kind: str, tmp_path: Path) -> None:
    control = loaded(tiny_control.union(), tmp_path)
    module = control.control_model.module
    control = SetUnionControlNetType().set_controlnet_type(control, kind)[0]
    base = SimpleNamespace(model_sampling=model_sampling("EPS"))
    x, cond, picture = inputs(128, 64 + 6 * 256)
    control = steer(control, picture, base)
    sigma = base.model_sampling.sigma(torch.tensor([500.0, 500.0]))
    found = control.get_control(x, sigma, cond, 1)
    number = {"depth": 1, "repaint": 7, "auto": -1}[kind]
    kinds = torch.zeros(1, 8)
    kinds[:, [] if number < 0 else [number]] = 1.0
    module.add_time_proj = torch.nn.Identity()  # its embedding of sizes: the vector holds it already
    if number < 0:  # a picture of no kind is added as it is
        module.spatial_ch_projs = _Nothing()
    for sample in range(2):  # one by one: diffusers mixes the samples of a batch
        given = base.model_sampling.calculate_input(sigma, x)[sample : sample + 1]
        with torch.no_grad():
            down, middle = module(
                given, torch.tensor([500]), cond["c_crossattn"][sample : sample + 1], [square(picture)],
                control_type=kinds, control_type_idx=[max(number, 0)], conditioning_scale=0.7,
                added_cond_kwargs={
                    "text_embeds": cond["y"][sample : sample + 1, :64], "time_ids": cond["y"][sample, 64:],
                },
                return_dict=False,
            )  # fmt: skip
        for ours, expected in zip([*found["output"], *found["middle"]], [*down, middle], strict=True):
            assert (ours[sample : sample + 1] - expected).abs().max() < 1e-5 * expected.abs().max()


class _Nothing(torch.nn.Module):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * 0.0


def test_a_union_network_tells_what_it_knows(tmp_path: Path) -> None:
    control = loaded(tiny_control.union(6), tmp_path)
    base = SimpleNamespace(model_sampling=model_sampling("EPS"))
    x, cond, picture = inputs(128, 64 + 6 * 256)
    tiles = steer(SetUnionControlNetType().set_controlnet_type(control, "tile")[0], picture, base)
    with pytest.raises(ValueError, match=r"knows these kinds of pictures: openpose, .*segment"):
        tiles.get_control(x, torch.tensor([5.0, 5.0]), cond, 1)


@pytest.mark.parametrize("kind", ["full", "light", "xl", "diffusers"])
def test_adapters_change_the_answer_as_in_diffusers(kind: str, tmp_path: Path) -> None:
    from diffusers import T2IAdapter

    xl = kind == "xl"
    model = unet(tiny.sdxl() if xl else tiny.sd1(), tmp_path)
    file = tiny_control.t2i_adapter((64, 64, 128, 128), True) if xl else tiny_control.t2i_adapter()
    control = loaded(tiny_control.light_adapter() if kind == "light" else file, tmp_path)
    network = control.t2i_model.module
    if kind == "diffusers":
        control = loaded(network.state_dict(), tmp_path, "converted")
    classes: Any = T2IAdapter
    config = {
        "xl": {"channels": [64, 64, 128, 128], "adapter_type": "full_adapter_xl", "downscale_factor": 16},
        "light": {"channels": [32, 64], "adapter_type": "light_adapter"},  # its last level is as wide as the one before
    }.get(kind, {"channels": [32, 64, 64]})
    theirs = classes(num_res_blocks=2, **config)
    theirs.load_state_dict(network.state_dict())
    x, cond, picture = inputs(128 if xl else 64, 64 + 6 * 256 if xl else 0)
    control = steer(control, picture, model.model)
    ours = answers(model, control, x, 400, cond)
    module = model.model.diffusion_model.module
    added = None
    if xl:
        module.add_time_proj = torch.nn.Identity()
        added = {"text_embeds": cond["y"][:, :64], "time_ids": cond["y"][:, 64:]}
    with torch.no_grad():
        features = [feature * 0.7 for feature in theirs(square(picture).expand(2, -1, -1, -1))]
        expected = module(
            x, torch.tensor([400, 400]), cond["c_crossattn"], down_intrablock_additional_residuals=list(features),
            added_cond_kwargs=added, return_dict=False,
        )[0]  # fmt: skip
    close(ours, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(ours, answers(model, None, x, 400, cond), atol=1e-3)


def control_lora(whole: dict[str, Tensor], base: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A control LoRA of rank 2 in Stability's layout, and the control network it stands for."""
    file, merged = {"lora_controlnet": torch.zeros(1)}, dict(whole)
    for name, value in whole.items():
        below = base.get(f"model.diffusion_model.{name}")
        if below is None:
            file[name] = value
        elif value.ndim > 1:
            rows, columns = value.shape[0], value[0].numel()
            up, down = torch.randn(rows, 2) * 0.1, torch.randn(2, columns) * 0.1
            layer = name.removesuffix(".weight")
            file[f"{layer}.up"], file[f"{layer}.down"] = up, down.reshape(2, *value.shape[1:])
            merged[name] = below + (up @ down).reshape(value.shape)
        elif name.endswith(".bias"):
            file[name] = value
        else:
            merged[name] = below
    return file, merged


@pytest.mark.parametrize("xl", [False, True], ids=["sd1", "sdxl"])
def test_control_loras_and_differences_are_the_networks_they_stand_for(xl: bool, tmp_path: Path) -> None:
    checkpoint = tiny.sdxl() if xl else tiny.sd1()
    model = unet(checkpoint, tmp_path)
    torch.manual_seed(1)
    whole = tiny.controlnet(xl)
    file, merged = control_lora(whole, checkpoint)
    differences: dict[str, Tensor] = {"difference": torch.zeros(1)}
    for name, value in merged.items():
        differences[name] = value - checkpoint.get(f"model.diffusion_model.{name}", torch.zeros(()))
    x, cond, picture = inputs(128 if xl else 64, 64 + 6 * 256 if xl else 0)
    expected = answers(model, steer(loaded(merged, tmp_path, "whole"), picture, model.model), x, 300, cond)
    lora = steer(loaded(file, tmp_path, "lora"), picture, model.model)
    close(answers(model, lora, x, 300, cond), expected, rtol=1e-4, atol=1e-4)
    lora.cleanup()
    assert lora.control_model is None
    added = steer(loaded(differences, tmp_path, "difference", model), picture, model.model)
    close(answers(model, added, x, 300, cond), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(WeightsError, match="which takes the model"):
        loaded(differences, tmp_path, "difference")


def test_what_does_not_belong_together_is_told(tmp_path: Path) -> None:
    xl, sd1 = unet(tiny.sdxl(), tmp_path), unet(tiny.sd1(), tmp_path)
    picture = inputs(64)[2]
    with pytest.raises(ValueError, match="made for Stable Diffusion 1 and can't steer Stable Diffusion XL"):
        steer(loaded(tiny.controlnet(), tmp_path), picture, xl.model)
    with pytest.raises(ValueError, match="made for Stable Diffusion XL and can't steer Stable Diffusion 1"):
        steer(loaded(tiny_control.union(), tmp_path), picture, sd1.model)
    with pytest.raises(ValueError, match="adapter was made for Stable Diffusion 1 and 2"):
        steer(loaded(tiny_control.t2i_adapter(), tmp_path), picture, xl.model)
    lora = control_lora(tiny.controlnet(True), tiny.sdxl())[0]
    with pytest.raises(ValueError, match="was made for another model"):
        steer(loaded(lora, tmp_path), picture, sd1.model)
