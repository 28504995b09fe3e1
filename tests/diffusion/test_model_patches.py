"""Model patches: DiffSynth's control of Qwen-Image against its formula, Z-Image's control against diffusers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders
from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.coders import VideoCoder
from comfy_notebook.diffusion.vae import VAE
from comfy_notebook.nodes.model_patch_files import ModelPatchLoader, QwenImageDiffsynthControlnet, USOStyleReference

from . import tiny
from .test_families_flux import loaded


def weights(values: int = 64) -> dict[str, Tensor]:
    """A control network for :func:`tiny.qwen_image`, in DiffSynth's layout."""
    shapes = tiny.layer("img_in", 64, values)
    for number in range(2):
        block = f"controlnet_blocks.{number}"
        shapes |= {f"{block}.{norm}.weight": (64,) for norm in ("x_rms", "y_rms")}
        shapes |= tiny.layer(f"{block}.input_proj", 64, 64) | tiny.layer(f"{block}.output_proj", 64, 64)
    return tiny.random_weights(shapes)


def added(control: dict[str, Tensor], tokens: Tensor, strength: float) -> Callable[..., Any]:
    """A hook that adds to the picture's tokens what DiffSynth's formula says."""

    def hook(module: Any, _given: Any, made: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        text, picture = made
        block = f"controlnet_blocks.{module.number}."
        seen = functional.linear(tokens, control["img_in.weight"], control["img_in.bias"])
        own = picture[:, : tokens.shape[1]]
        mixed = functional.rms_norm(own, (64,), control[block + "x_rms.weight"], 1e-6)
        mixed = mixed + functional.rms_norm(seen, (64,), control[block + "y_rms.weight"], 1e-6)
        mixed = functional.linear(mixed, control[block + "input_proj.weight"], control[block + "input_proj.bias"])
        mixed = functional.gelu(mixed)
        mixed = functional.linear(mixed, control[block + "output_proj.weight"], control[block + "output_proj.bias"])
        return text, torch.cat([own + mixed * strength, picture[:, tokens.shape[1] :]], dim=1)

    return hook


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    yield tmp_path
    folders.use(before)


def patch_of(values: dict[str, Tensor], base: Path) -> Any:
    write_weights(values, base / "models" / "model_patches" / "qwen_control.safetensors")
    return ModelPatchLoader().load_model_patch("qwen_control.safetensors")[0]


def packed(latent: Tensor) -> Tensor:
    from diffusers import QwenImagePipeline

    pipeline: Any = QwenImagePipeline
    made: Tensor = pipeline._pack_latents(latent, *latent.shape)
    return made


@pytest.mark.parametrize("inpaint", [False, True], ids=["canny", "inpaint"])
def test_every_block_adds_what_the_formula_says(inpaint: bool, base: Path) -> None:
    import diffusers

    classes: Any = diffusers
    vae = VAE(VideoCoder(classes.AutoencoderKLQwenImage(base_dim=8, z_dim=16).eval(), 16))
    model = loaded(tiny.qwen_image(), base)
    control = weights(68 if inpaint else 64)
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 64, 96, 3, generator=generator)
    mask = torch.zeros(1, 64, 96)
    mask[:, 16:40, 24:64] = 1.0
    [changed] = QwenImageDiffsynthControlnet().diffsynth_controlnet(
        model, patch_of(control, base), vae, image, 0.7, mask if inpaint else None
    )
    x, text = torch.randn(1, 16, 1, 8, 12, generator=generator), torch.randn(1, 5, 48, generator=generator)
    reference = torch.randn(1, 16, 1, 4, 4, generator=generator)
    memory.load_models_gpu([changed])
    given = changed.model.extra_conds(cross_attn=text, reference_latents=[reference])
    arguments = {key: value.process_cond(1).cond for key, value in given.items()}
    options = changed.model_options["transformer_options"]
    with torch.no_grad():
        found = changed.model.apply_model(x, torch.tensor([0.5]), transformer_options=options, **arguments)
        plain = changed.model.apply_model(x, torch.tensor([0.5]), **arguments)
        pixels = image * (1 - mask[..., None]) if inpaint else image
        latent = changed.model.process_latent_in(vae.encode(pixels))[:, :, 0]
        if inpaint:
            latent = torch.cat([latent, 1 - mask[:, None, ::8, ::8]], dim=1)
        for number, block in enumerate(changed.model.diffusion_model.module.transformer_blocks):
            block.number = number
            block.register_forward_hook(added(control, packed(latent), 0.7))
        expected = changed.model.apply_model(x, torch.tensor([0.5]), **arguments)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, plain, atol=1e-3)


def test_what_does_not_belong_together_is_told(base: Path) -> None:
    with pytest.raises(WeightsError, match=r"no model patch that is known: DiffSynth.*Flux are.*such as a, b"):
        patch_of({"a": torch.zeros(1), "b": torch.zeros(1)}, base)
    model = loaded(tiny.flux(), base)
    with pytest.raises(ValueError, match=r"made for Qwen-Image and can't steer Flux\.1"):
        QwenImageDiffsynthControlnet().diffsynth_controlnet(
            model, patch_of(weights(), base), None, torch.zeros(1, 8, 8, 3), 1.0
        )


#: Version → layers, values of a token (without and with a mask and what is inpainted), the kind of its first blocks.
Z_IMAGE = {
    "1": (6, 16, None),
    "2.0": (15, 33, "control_layers"),
    "2.1": (15, 33, "control_noise_refiner"),
}


def z_image_control(version: str) -> Any:
    """diffusers' control network for :func:`tiny.z_image`."""
    import diffusers

    layers, values, refiner = Z_IMAGE[version]
    classes: Any = diffusers
    return classes.ZImageControlNetModel(
        control_layers_places=list(range(0, 30, 30 // layers)), control_refiner_layers_places=[0],
        control_in_dim=values, add_control_noise_refiner=refiner, dim=64, n_refiner_layers=1, n_heads=2, n_kv_heads=2,
    ).eval()  # fmt: skip


@pytest.mark.parametrize("version", Z_IMAGE)
def test_z_image_is_steered_as_by_diffusers(version: str, base: Path) -> None:
    import diffusers

    from comfy_notebook.diffusion.vae_files import load_vae

    model = loaded(tiny.z_image(), base)
    theirs = z_image_control(version)
    values = tiny.random_weights({name: tuple(value.shape) for name, value in theirs.state_dict().items()})
    theirs.load_state_dict(values)
    if version == "2.0":
        values |= {"control_noise_refiner.0.before_proj.weight": torch.zeros(64, 64)}
    vae = load_vae(tiny.random_weights(tiny.ldm_vae(latent=16, quant=False)), "vae")
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 64, 64, 3, generator=generator)
    [changed] = QwenImageDiffsynthControlnet().diffsynth_controlnet(model, patch_of(values, base), vae, image, 0.7)
    memory.load_models_gpu([changed])
    x, text = torch.randn(2, 16, 8, 8, generator=generator), torch.randn(2, 5, 48, generator=generator)
    sigma = torch.tensor([0.6, 0.6])
    module = changed.model.diffusion_model.module
    classes: Any = diffusers
    with torch.no_grad():
        options = changed.model_options["transformer_options"]
        found = changed.model.apply_model(x, sigma, c_crossattn=text, transformer_options=options)
        plain = changed.model.apply_model(x, sigma, c_crossattn=text)
        seen = changed.model.process_latent_in(vae.encode(image)).unsqueeze(2)
        seen = torch.cat([seen, torch.zeros(1, Z_IMAGE[version][1] - 16, 1, 8, 8)], dim=1).expand(2, -1, -1, -1, -1)
        classes.ZImageControlNetModel.from_transformer(theirs, module)
        pictures = list(x.unsqueeze(2))
        samples = theirs(pictures, 1 - sigma, list(text), list(seen), conditioning_scale=0.7)
        made = module(pictures, 1 - sigma, list(text), controlnet_block_samples=samples, return_dict=False)[0]
    velocity = -torch.stack(list(made)).squeeze(2)
    torch.testing.assert_close(found, x - velocity * 0.6, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, plain, atol=1e-3)
    network: Any = changed.get_additional_models_with_key("model_patch")[0].model
    assert "t_embedder" not in dict(network.named_children())
    assert network.t_embedder is None


def uso() -> dict[str, Tensor]:
    """USO's projector for :func:`tiny.flux`: of 9 tokens of 24 numbers, 4 of 64 for each of three levels."""
    shapes: dict[str, tuple[int, ...]] = {}
    for level in ("high", "mid", "low"):
        shapes |= tiny.layer(f"{level}_embedding_linear.0", 4, 9) | tiny.layer(f"{level}_layer_norm", 24)
        shapes |= tiny.layer(f"{level}_projection", 64, 24)
    return tiny.random_weights(shapes)


def seen_by_siglip(pictures: int = 1) -> Any:
    """What a SigLIP of 21 layers saw: 9 tokens of 24 numbers."""
    import transformers

    from comfy_notebook.diffusion.clip_vision import ClipVision

    classes: Any = transformers
    config = classes.SiglipVisionConfig(
        hidden_size=24, intermediate_size=32, num_hidden_layers=21, num_attention_heads=2, image_size=42, patch_size=14
    )
    torch.manual_seed(0)
    return ClipVision(classes.SiglipVisionModel(config).eval(), 42).encode_image(torch.rand(pictures, 42, 42, 3))


def test_a_style_goes_before_the_prompt(base: Path) -> None:
    """Flux called with the tokens of USO's formula before its text, at no place."""
    model = loaded(tiny.flux(), base)
    values, output = uso(), seen_by_siglip()
    patch = patch_of(tiny.below("feature_embedder.", values), base)
    [changed] = USOStyleReference().apply_patch(model, patch, output)
    style = []
    for level, place in (("high", -2), ("mid", -11), ("low", -20)):
        part = {name.removeprefix(f"{level}_"): value for name, value in values.items() if name.startswith(level)}
        hidden = output.all_hidden_states[:, place].transpose(1, 2)
        mixed = functional.linear(hidden, part["embedding_linear.0.weight"], part["embedding_linear.0.bias"])
        mixed = functional.silu(mixed).transpose(1, 2)
        mixed = functional.layer_norm(mixed, (24,), part["layer_norm.weight"], part["layer_norm.bias"])
        style.append(functional.linear(mixed, part["projection.weight"], part["projection.bias"]))
    memory.load_models_gpu([changed])
    x, text = torch.randn(2, 16, 8, 8), torch.randn(2, 5, 48)
    arguments = {"c_crossattn": text, "y": torch.zeros(2, 64), "guidance": torch.full((2,), 3.5)}
    module, sigma = changed.model.diffusion_model.module, torch.tensor([0.5, 0.5])
    with torch.no_grad():
        options = changed.model_options["transformer_options"]
        found = changed.model.apply_model(x, sigma, transformer_options=options, **arguments)
        plain = changed.model.apply_model(x, sigma, **arguments)
        before = module.context_embedder.forward
        tokens = torch.cat(style, dim=1).expand(2, -1, -1)
        module.context_embedder.forward = lambda given: torch.cat([tokens, before(given[:, 12:])], dim=1)
        wide = torch.cat([torch.zeros(2, 12, 48), text], dim=1)
        expected = changed.model.apply_model(x, sigma, **{**arguments, "c_crossattn": wide})
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, plain, atol=1e-3)


def test_styles_need_siglip_and_flux(base: Path) -> None:
    patch, output = patch_of(uso(), base), seen_by_siglip()
    flux = loaded(tiny.flux(), base)
    output.all_hidden_states = None
    with pytest.raises(ValueError, match="reads what SigLIP saw"):
        USOStyleReference().apply_patch(flux, patch, output)
    with pytest.raises(ValueError, match="belongs to USOStyleReference"):
        QwenImageDiffsynthControlnet().diffsynth_controlnet(flux, patch, None, torch.zeros(1, 8, 8, 3), 1.0)
    with pytest.raises(ValueError, match=r"made for Flux\.1 and can't steer Qwen-Image"):
        USOStyleReference().apply_patch(loaded(tiny.qwen_image(), base), patch, seen_by_siglip())
