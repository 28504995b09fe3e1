"""Stable Diffusion 1, 2, XL and its refiner from small files, against diffusers' conversion, network and encoders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import read_weights
from comfy_notebook.diffusion.checkpoints.load import Checkpoint, load_checkpoint

from . import tiny

MAKERS: dict[str, Callable[[], Any]] = {
    "sd1": tiny.sd1,
    "sd1-inpaint": lambda: tiny.sd1(9),
    "sd2": tiny.sd2,
    "sdxl": tiny.sdxl,
    "sdxl-inpaint": lambda: tiny.sdxl(9),
    "refiner": tiny.refiner,
}
TITLES = {
    "sd1": "Stable Diffusion 1",
    "sd1-inpaint": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sdxl": "Stable Diffusion XL",
    "sdxl-inpaint": "Stable Diffusion XL",
    "refiner": "Stable Diffusion XL Refiner",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("checkpoints")

    def file(name: str) -> Path:
        path = folder / f"{name}.safetensors"
        return path if path.exists() else tiny.write(MAKERS[name](), path)

    return file


@pytest.fixture(scope="module")
def loaded(files: Callable[[str], Path]) -> Callable[[str], Checkpoint]:
    known: dict[str, Checkpoint] = {}

    def load(name: str) -> Checkpoint:
        if name not in known:
            known[name] = load_checkpoint(files(name))
        return known[name]

    return load


def diffusers_unet(path: Path, config: dict[str, Any]) -> Any:
    """The network as diffusers itself converts and builds it."""
    from diffusers.loaders import single_file_utils
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    module: Any = UNet2DConditionModel(**config)
    converters: Any = single_file_utils
    converted = converters.convert_ldm_unet_checkpoint(read_weights(path)[0], config)
    module.load_state_dict({name: value.float() for name, value in converted.items()})
    return module.eval()


@pytest.mark.parametrize("name", MAKERS)
def test_the_family_is_known_and_the_network_is_the_one_of_diffusers(
    name: str, files: Callable[[str], Path], loaded: Callable[[str], Checkpoint]
) -> None:
    model = loaded(name).model
    assert model is not None
    base = model.model
    assert base.family.title == TITLES[name]
    theirs = diffusers_unet(files(name), base.family.config)
    generator = torch.Generator().manual_seed(1)
    channels = base.family.config["in_channels"]
    x = torch.randn(2, channels, 16, 24, generator=generator)
    context = torch.randn(2, 77, base.family.config["cross_attention_dim"], generator=generator)
    t = torch.tensor([900, 30])
    added = None
    y = None
    if base.adm_channels:
        count = 5 if name == "refiner" else 6
        pooled = torch.randn(2, 64, generator=generator)
        ids = torch.tensor([[1024.0, 768.0, 0.0, 8.0, 1024.0, 768.0][:count]] * 2)
        added = {"text_embeds": pooled, "time_ids": ids}
        embedded = theirs.add_time_proj(ids.flatten()).reshape(2, -1)
        y = torch.cat([pooled, embedded], dim=-1)
    memory.load_models_gpu([model])
    with torch.no_grad():
        expected = theirs(x, t, context, added_cond_kwargs=added, return_dict=False)[0]
        found = base.diffusion_model(x, t, context=context, y=y)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_sizes_reach_the_network_as_in_the_pipeline(loaded: Callable[[str], Checkpoint]) -> None:
    """Pooled text, then six numbers in the order original size, crop, target size; the refiner has five."""
    from diffusers.models.embeddings import Timesteps

    project = Timesteps(256, True, 0)
    pooled = torch.randn(1, 64, generator=torch.Generator().manual_seed(0))
    given = {"width": 800, "height": 600, "crop_w": 3, "crop_h": 5, "target_width": 832, "target_height": 640}
    for name, ids in (("sdxl", [600, 800, 5, 3, 640, 832]), ("refiner", [600, 800, 5, 3, 7.5])):
        model = loaded(name).model
        assert model is not None
        found = model.model.extra_conds(pooled_output=pooled, aesthetic_score=7.5, **given)["y"].cond
        expected = torch.cat([pooled, project(torch.tensor(ids, dtype=torch.float32)).reshape(1, -1)], dim=1)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_inpainting_models_get_mask_and_masked_image(loaded: Callable[[str], Checkpoint]) -> None:
    model = loaded("sd1-inpaint").model
    assert model is not None
    noise = torch.randn(1, 4, 8, 8)
    image = torch.randn(1, 4, 8, 8)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :32] = 1
    made = model.model.extra_conds(noise=noise, concat_latent_image=image, concat_mask=mask)["c_concat"].cond
    assert made.shape == (1, 5, 8, 8)
    assert bool((made[:, 0, :, :4] == 1).all())
    assert bool((made[:, 0, :, 4:] == 0).all())
    torch.testing.assert_close(made[:, 1:, :, 4:], image[..., 4:] * 0.18215)


def test_instruct_pix2pix_sees_the_unscaled_latent(tmp_path: Path) -> None:
    model = load_checkpoint(tiny.write(tiny.sd1(8), tmp_path / "ip2p.safetensors"), False, False).model
    assert model is not None
    noise, image = torch.randn(2, 4, 8, 8), torch.randn(1, 4, 8, 8)
    made = model.model.extra_conds(noise=noise, concat_latent_image=image)["c_concat"].cond
    torch.testing.assert_close(made, image.expand(2, -1, -1, -1))
    assert not bool(model.model.extra_conds(noise=noise)["c_concat"].cond.any())


def transformers_clip(weights: dict[str, torch.Tensor], activation: str, open_clip: bool) -> Any:
    """The encoder as transformers runs it, with the weights rounded to half precision as files have them."""
    from diffusers.loaders import single_file_utils
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        hidden_size=64, intermediate_size=256, num_hidden_layers=3, num_attention_heads=1, projection_dim=64,
        hidden_act=activation,
    )  # fmt: skip
    module: Any = CLIPTextModelWithProjection(config)
    if open_clip:
        converters: Any = single_file_utils
        weights = converters.convert_open_clip_checkpoint(module, dict(weights), prefix="")
    weights = {name: value.half().float() for name, value in weights.items()}
    weights.setdefault("text_projection.weight", torch.eye(64))
    known = module.state_dict()
    module.load_state_dict({name: weights[name] for name in known})
    return module.eval()


@pytest.mark.parametrize("prompt", ["a photo of a cat", "two words, " * 40], ids=["short", "long"])
def test_xl_text_is_two_encoders_side_by_side(prompt: str, loaded: Callable[[str], Checkpoint]) -> None:
    clip = loaded("sdxl").clip
    assert clip is not None
    tokens = clip.tokenize(prompt)
    [[found, options]] = clip.encode_from_tokens_scheduled(tokens)
    small = transformers_clip(tiny.random_weights(tiny.clip()), "quick_gelu", False)
    large = transformers_clip(tiny.random_weights(tiny.open_clip()), "gelu", True)
    parts = []
    with torch.no_grad():
        for name, encoder in (("l", small), ("g", large)):
            ids = torch.tensor([[token[0] for token in chunk] for chunk in tokens[name]])
            made = encoder(ids, output_hidden_states=True)
            parts.append(made.hidden_states[-2].reshape(1, -1, 64))
    torch.testing.assert_close(found, torch.cat(parts, dim=-1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(options["pooled_output"], made.text_embeds[:1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["sd1", "sd2", "sdxl"])
def test_autoencoder_is_the_one_of_diffusers(
    name: str, files: Callable[[str], Path], loaded: Callable[[str], Checkpoint]
) -> None:
    import diffusers
    from diffusers.loaders import single_file_utils

    library, converters = cast(Any, diffusers), cast(Any, single_file_utils)
    config = {"block_out_channels": (32, 32, 64, 64), "layers_per_block": 2, "latent_channels": 4}
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    theirs = library.AutoencoderKL(**config, **blocks).eval()
    converted = converters.convert_ldm_vae_checkpoint(read_weights(files(name))[0], theirs.config)
    theirs.load_state_dict({key: value.float() for key, value in converted.items()})
    vae = loaded(name).vae
    assert vae is not None
    image = torch.rand(2, 40, 56, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        latent = theirs.encode(image.movedim(-1, 1) * 2 - 1).latent_dist.mean
        torch.testing.assert_close(vae.encode(image), latent, rtol=1e-4, atol=1e-4)
        back = (theirs.decode(latent).sample.movedim(1, -1) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(vae.decode(latent), back, rtol=1e-4, atol=1e-4)


def test_a_saved_checkpoint_is_the_file_it_came_from(
    files: Callable[[str], Path], loaded: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    from comfy_notebook import folders
    from comfy_notebook.nodes.model_save import CheckpointSave

    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    try:
        for name in ("sd1", "sd2", "sdxl", "refiner"):
            parts = loaded(name)
            CheckpointSave().save(parts.model, parts.clip, parts.vae, f"checkpoints/{name}")
            saved, _ = read_weights(tmp_path / "output" / "checkpoints" / f"{name}_00001_.safetensors")
            original, _ = read_weights(files(name))
            original = {key: value for key, value in original.items() if not key.endswith("logit_scale")}
            assert saved.keys() == original.keys()
            for key, value in original.items():
                torch.testing.assert_close(saved[key].float(), value.float(), rtol=0, atol=0)
    finally:
        folders.use(before)
