"""Control networks of Stable Diffusion 3, Flux.1 and Qwen-Image from small files, against diffusers' modules called as
its pipelines call them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion.checkpoints.files import write_weights
from comfy_notebook.diffusion.checkpoints.load import load_diffusion_model
from comfy_notebook.diffusion.control.files import load_controlnet
from comfy_notebook.nodes.controlnet import ControlNetApplyAdvanced, ControlNetInpaintingAliMamaApply
from comfy_notebook.nodes.controlnet import SetUnionControlNetType as SetType

from . import tiny, tiny_control

close = torch.testing.assert_close


class PoolingVAE:
    """Latents of 16 channels are means of 8 × 8 pixels."""

    latent_channels = 16

    def __init__(self, video: bool = False) -> None:
        self.latent_dim = 3 if video else 2

    def spacial_compression_encode(self) -> int:
        return 8

    def encode(self, images: Tensor) -> Tensor:
        means = functional.avg_pool2d(images.movedim(-1, 1), 8)
        latents = torch.cat([means * factor for factor in (1, -2, 3, -1, 2, 1)], dim=1)[:, :16]
        return latents.unsqueeze(2) if self.latent_dim == 3 else latents


def loaded(weights: dict[str, Tensor], folder: Path, name: str, load: Callable[[Path], Any]) -> Any:
    write_weights(weights, folder / f"{name}.safetensors")
    return load(folder / f"{name}.safetensors")


def steered(model: Any, conditioning: Any, x: Tensor, sigma: float, cond: dict[str, Any]) -> tuple[Any, Tensor]:
    """The residuals of the control network in ``conditioning``, and the model's answer with them."""
    control, base = conditioning[0][1]["control"], model.model
    control.pre_run(base, base.model_sampling.percent_to_sigma)
    sigmas = torch.full((x.shape[0],), sigma)
    found = control.get_control(x, sigmas, cond, 1)
    arguments = {"context": cond["c_crossattn"], "y": cond.get("y"), "guidance": cond.get("guidance")}
    with torch.no_grad():
        time = base.model_sampling.timestep(sigmas).float()
        answer = base.diffusion_model(x, time, control=found, **{k: v for k, v in arguments.items() if v is not None})
    control.cleanup()
    return found, answer


def inputs(channels: int = 16, **more: int) -> tuple[Tensor, dict[str, Any], Tensor]:
    """A latent of 8 × 12, what a conditioning gives, and a picture that fits it."""
    generator = torch.Generator().manual_seed(3)
    cond = {"c_crossattn": torch.randn(2, 7, 48, generator=generator)}
    cond |= {name: torch.randn(2, width, generator=generator) for name, width in more.items()}
    return torch.randn(2, channels, 8, 12, generator=generator), cond, torch.rand(1, 64, 96, 3, generator=generator)


def apply(control: Any, picture: Tensor, vae: Any = None, strength: float = 0.6) -> Any:
    empty: Any = [[torch.zeros(1, 1, 1), {}]]
    return ControlNetApplyAdvanced().apply_controlnet(empty, empty, control, picture, strength, 0.0, 1.0, vae)[0]


def inpaint(control: Any, picture: Tensor, vae: Any) -> tuple[Any, Tensor, Tensor]:
    """The conditioning of AliMama's node; the picture without its masked half, and what is left of it in latents."""
    empty: Any = [[torch.zeros(1, 1, 1), {}]]
    mask = torch.zeros(1, 64, 96)
    mask[:, :, 48:] = 1.0
    node = ControlNetInpaintingAliMamaApply()
    made = node.apply_inpaint_controlnet(empty, empty, control, vae, picture, mask, 0.6, 0.0, 1.0)[0]
    kept = (1.0 - mask)[..., None]
    return made, picture * kept, functional.interpolate(kept[..., 0][None], size=(8, 12))


def packed(latent: Tensor) -> Tensor:
    from diffusers import FluxPipeline

    pipeline: Any = FluxPipeline
    found: Tensor = pipeline._pack_latents(latent, *latent.shape)
    return found


@pytest.mark.parametrize("kind", ["instantx", "alimama", "stability", "stability-edges"])
def test_sd3(kind: str, tmp_path: Path) -> None:
    model = loaded(tiny.sd3(), tmp_path, "model", load_diffusion_model)
    large = kind.startswith("stability")
    weights = tiny_control.sd35_large() if large else tiny_control.sd3(1 if kind == "alimama" else 0)
    file = weights | ({"control_type": torch.ones(1)} if kind == "stability-edges" else {})
    control = loaded(file, tmp_path, "control", load_controlnet)
    x, cond, picture = inputs(y=40)
    vae = PoolingVAE()
    module, transformer = control.control_model.module, model.model.diffusion_model.module
    given = picture * 255 * 0.5 + 0.5 if kind == "stability-edges" else picture * 2 - 1
    if kind == "alimama":
        conditioning, holed, mask = inpaint(control, picture, vae)
        given = holed * 2 - 1
    else:
        conditioning = apply(control, picture, vae)
    # The autoencoder of the pipeline takes -1…1, that of the graph 0…1.
    seen = (vae.encode((given + 1) / 2) - (0.0 if kind == "instantx" else 0.0609)) * 1.5305
    if kind == "alimama":
        seen = torch.cat([seen, mask], dim=1)
    time = torch.tensor([400.0, 400.0])
    with torch.no_grad():
        samples = module(
            hidden_states=transformer.pos_embed(x) if large else x, controlnet_cond=seen, conditioning_scale=0.6,
            encoder_hidden_states=None if large else cond["c_crossattn"], timestep=time,
            pooled_projections=cond["y"] if large else torch.zeros_like(cond["y"]), return_dict=False,
        )[0]  # fmt: skip
        expected = transformer(
            hidden_states=x, timestep=time, encoder_hidden_states=cond["c_crossattn"], pooled_projections=cond["y"],
            block_controlnet_hidden_states=samples, return_dict=False,
        )[0]  # fmt: skip
    close(steered(model, conditioning, x, 0.4, cond)[1], expected, rtol=1e-4, atol=1e-4)


def test_stability_weights_go_where_the_conversion_puts_them(tmp_path: Path) -> None:
    weights = tiny_control.sd35_large()
    state = loaded(weights, tmp_path, "control", load_controlnet).control_model.module.state_dict()
    query, key, value = weights["transformer_blocks.1.attn.qkv.weight"].chunk(3)
    wanted = {"attn.to_q": query, "attn.to_k": key, "attn.to_v": value}
    for ours, theirs in (
        ("attn.to_out.0", "attn.proj"),
        ("ff.net.0.proj", "mlp.fc1"),
        ("norm1.linear", "adaLN_modulation.1"),
    ):
        wanted[ours] = weights[f"transformer_blocks.1.{theirs}.weight"]
    for name, expected in wanted.items():
        close(state[f"transformer_blocks.1.{name}.weight"], expected, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["instantx", "no-single", "union-depth", "union-auto", "xlabs", "alimama"])
def test_flux(kind: str, tmp_path: Path) -> None:
    model = loaded(tiny.flux(), tmp_path, "model", load_diffusion_model)
    union = kind.startswith("union")
    xlabs = kind == "xlabs"
    weights = tiny_control.xlabs() if xlabs else tiny_control.flux(int(kind != "no-single"), 7 if union else None)
    if kind == "alimama":
        weights |= tiny.random_weights({"controlnet_x_embedder.weight": (64, 68)})
    control = loaded(weights, tmp_path, "control", load_controlnet)
    module, transformer = control.control_model.module, model.model.diffusion_model.module
    if union:
        control = SetType().set_controlnet_type(control, kind.removeprefix("union-"))[0]
    x, cond, picture = inputs(y=64)
    cond["guidance"] = torch.tensor([3.0, 3.0])
    vae = None if xlabs else PoolingVAE()
    conditioning = apply(control, picture, vae)
    seen = picture.movedim(-1, 1) * 2 - 1 if xlabs else packed((PoolingVAE().encode(picture) - 0.1159) * 0.3611)
    if kind == "alimama":
        conditioning, holed, mask = inpaint(control, picture, vae)
        seen = packed(torch.cat([(PoolingVAE().encode(holed) - 0.1159) * 0.3611, mask], dim=1))
    from diffusers import FluxPipeline

    pipeline: Any = FluxPipeline
    ids = {"img_ids": pipeline._prepare_latent_image_ids(2, 4, 6, "cpu", torch.float32), "txt_ids": torch.zeros(7, 3)}
    common = {
        "hidden_states": packed(x), "timestep": torch.tensor([0.4, 0.4]), "guidance": cond["guidance"],
        "pooled_projections": cond["y"], "encoder_hidden_states": cond["c_crossattn"], "return_dict": False, **ids,
    }  # fmt: skip
    module.union = kind == "union-depth"
    with torch.no_grad():
        double, single = module(
            controlnet_cond=seen.expand(2, *seen.shape[1:]), conditioning_scale=0.6,
            controlnet_mode=torch.full((2, 1), 2) if kind == "union-depth" else None, **common,
        )  # fmt: skip
        tokens = transformer(
            controlnet_block_samples=double, controlnet_single_block_samples=single,
            controlnet_blocks_repeat=xlabs, **common,
        )[0]  # fmt: skip
    expected = pipeline._unpack_latents(tokens, 64, 96, 8)
    close(steered(model, conditioning, x, 0.4, cond)[1], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_qwen_image(masked: bool, tmp_path: Path) -> None:
    model = loaded(tiny.qwen_image(), tmp_path, "model", load_diffusion_model)
    control = loaded(tiny_control.qwen_image(4 if masked else 0), tmp_path, "control", load_controlnet)
    x, cond, picture = inputs()
    vae = PoolingVAE(video=True)
    module, transformer = control.control_model.module, model.model.diffusion_model.module
    conditioning = apply(control, picture, vae)
    if masked:
        conditioning, picture, mask = inpaint(control, picture, vae)
    seen = model.model.latent_format.process_in(vae.encode(picture))[:, :, 0]
    seen = torch.cat([seen, mask], dim=1) if masked else seen
    common = {
        "hidden_states": packed(x), "timestep": torch.tensor([0.4, 0.4]), "img_shapes": [[(1, 4, 6)]] * 2,
        "encoder_hidden_states": cond["c_crossattn"], "encoder_hidden_states_mask": torch.ones(2, 7, dtype=torch.long),
        "return_dict": False,
    }  # fmt: skip
    with torch.no_grad():
        samples = module(controlnet_cond=packed(seen).expand(2, -1, -1), conditioning_scale=0.6, **common)
        tokens = transformer(controlnet_block_samples=samples, **common)[0]
    from diffusers import FluxPipeline

    pipeline: Any = FluxPipeline
    answer = steered(model, conditioning, x.unsqueeze(2), 0.4, cond)[1]
    close(answer[:, :, 0], pipeline._unpack_latents(tokens, 64, 96, 8), rtol=1e-4, atol=1e-4)


def test_chained_networks_add_up_in_every_block_and_batches_are_their_samples(tmp_path: Path) -> None:
    model = loaded(tiny.flux(), tmp_path, "model", load_diffusion_model)
    first = loaded(tiny_control.flux(0), tmp_path, "first", load_controlnet)
    second = loaded(tiny_control.xlabs(), tmp_path, "second", load_controlnet)
    x, cond, picture = inputs(y=64)
    pictures = torch.cat([picture, picture.flip(2)])
    node = ControlNetApplyAdvanced()
    one, other = apply(first, pictures, PoolingVAE()), apply(second, pictures)
    both = node.apply_controlnet(one, one, second, pictures, 0.6, 0.0, 1.0)[0]
    alone = [steered(model, entry, x, 0.4, cond)[0] for entry in (one, other)]
    together, answer = steered(model, both, x, 0.4, cond)
    for index, value in enumerate(together["input"]):
        close(value, alone[0]["input"][index] + alone[1]["input"][index])
    assert len(together["input"]) == 2
    for sample in range(2):
        single = node.apply_controlnet(
            apply(first, pictures[sample : sample + 1], PoolingVAE()),
            [],
            second,
            pictures[sample : sample + 1],
            0.6,
            0,
            1,
        )[0]
        part = {name: value[sample : sample + 1] for name, value in cond.items()}
        close(
            steered(model, single, x[sample : sample + 1], 0.4, part)[1],
            answer[sample : sample + 1],
            rtol=1e-4,
            atol=1e-4,
        )


@pytest.mark.parametrize("kind", ["sd3", "flux", "qwen_image"])
def test_models_of_half_precision_take_residuals(kind: str, tmp_path: Path) -> None:
    """Samplers work in float32 whatever the networks compute in."""
    model = loaded(getattr(tiny, kind)(), tmp_path, "model", load_diffusion_model)
    control = loaded(getattr(tiny_control, kind)(), tmp_path, "control", load_controlnet)
    base = model.model
    base.diffusion_model.bfloat16()
    base._dtype = torch.bfloat16
    control.control_model.bfloat16()
    x, cond, picture = inputs(y={"sd3": 40, "flux": 64}.get(kind, 1))
    network = apply(control, picture, PoolingVAE(video=kind == "qwen_image"))[0][1]["control"]
    network.pre_run(base, base.model_sampling.percent_to_sigma)
    sigma = torch.tensor([0.4, 0.4])
    found = network.get_control(x, sigma, cond, 1)
    answers = [base.apply_model(x, sigma, control=residuals, **cond) for residuals in (found, None)]
    assert answers[0].dtype == torch.float32
    assert bool(torch.isfinite(answers[0]).all())
    assert float((answers[0] - answers[1]).abs().max()) > 1e-3


def test_chroma_is_steered_as_flux_and_pictures_that_are_looked_at_are_left_alone(tmp_path: Path) -> None:
    control = loaded(tiny_control.flux(), tmp_path, "control", load_controlnet)
    x, cond, picture = inputs(y=64)
    chroma = loaded(tiny.flux(chroma=True, guidance=False), tmp_path, "chroma", load_diffusion_model)
    residuals, answer = steered(
        chroma, apply(control, picture, PoolingVAE()), x, 0.4, {"c_crossattn": cond["c_crossattn"]}
    )
    tokens = packed(x)
    from diffusers import FluxPipeline

    pipeline: Any = FluxPipeline
    with torch.no_grad():
        made = chroma.model.diffusion_model.module(
            hidden_states=tokens, encoder_hidden_states=cond["c_crossattn"], timestep=torch.tensor([0.4, 0.4]),
            img_ids=pipeline._prepare_latent_image_ids(2, 4, 6, "cpu", torch.float32), txt_ids=torch.zeros(7, 3),
            controlnet_block_samples=residuals["input"], controlnet_single_block_samples=residuals["output"],
            return_dict=False,
        )[0]  # fmt: skip
    close(answer, pipeline._unpack_latents(made, 64, 96, 8), rtol=1e-4, atol=1e-4)
    flux = loaded(tiny.flux(), tmp_path, "flux", load_diffusion_model).model.diffusion_model
    told = {"context": cond["c_crossattn"], "y": cond["y"], "ref_latents": [x.flip(3)]}
    wide = {side: [torch.cat([value, value * 0], dim=1) for value in values] for side, values in residuals.items()}
    with torch.no_grad():
        beside = flux(x, torch.full((2,), 0.4), control=residuals, **told)
        close(beside, flux(x, torch.full((2,), 0.4), control=wide, **told))


def test_what_does_not_belong_together_is_told(tmp_path: Path) -> None:
    model = loaded(tiny.sd3(), tmp_path, "model", load_diffusion_model)
    x, cond, picture = inputs(y=64)
    flux = loaded(tiny_control.flux(modes=7), tmp_path, "flux", load_controlnet)
    with pytest.raises(ValueError, match=r"made for Flux\.1 or Chroma and can't steer Stable Diffusion 3"):
        steered(model, apply(flux, picture, PoolingVAE()), x, 0.4, cond)
    right = loaded(tiny.flux(), tmp_path, "right", load_diffusion_model)
    with pytest.raises(ValueError, match="connect the model's VAE"):
        steered(right, apply(flux, picture), x, 0.4, cond)
    normals = SetType().set_controlnet_type(flux, "normal")[0]
    with pytest.raises(ValueError, match="know these kinds of pictures: openpose, depth"):
        steered(right, apply(normals, picture, PoolingVAE()), x, 0.4, cond)
    wrong = PoolingVAE()
    wrong.latent_channels = 4
    with pytest.raises(ValueError, match="latents of 4 channels"):
        steered(right, apply(flux, picture, wrong), x, 0.4, cond)
