"""Nodes that change how a network runs, on small checkpoints: against diffusers, masks in their place, and weights."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import fewer_tokens, memory
from comfy_notebook.diffusion.attention import optimized_attention
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint
from comfy_notebook.diffusion.patcher import ModelPatcher
from comfy_notebook.diffusion.sampling import samplers

from . import tiny
from .test_families_flux import loaded

SIGMA = 2.0


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


TEXT = {"positive": numbers(1, 5, 64, seed=1), "negative": numbers(1, 5, 64, seed=2)}


@pytest.fixture(scope="module")
def sd1(tmp_path_factory: pytest.TempPathFactory) -> ModelPatcher:
    path = tiny.write(tiny.sd1(), tmp_path_factory.mktemp("sd1") / "sd1.safetensors")
    model = load_checkpoint(path, False, False).model
    assert model is not None
    return model


@pytest.fixture(scope="module")
def sd3(tmp_path_factory: pytest.TempPathFactory) -> ModelPatcher:
    return loaded(tiny.sd3(), tmp_path_factory.mktemp("sd3"))


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> ModelPatcher:
    return loaded(tiny.flux(), tmp_path_factory.mktemp("flux"))


def node(module: str, name: str, model: Any, **values: Any) -> Any:
    """The MODEL or CLIP that a node makes."""
    cls = import_module(f"comfy_notebook.nodes.{module}").NODES[name][0]
    return getattr(cls(), cls.FUNCTION)(model, **values)[0]


class Once(samplers.Sampler):
    """Asks the guider once."""

    def __init__(self, x: Tensor, sigma: float) -> None:
        self.x, self.sigma = x, sigma

    def sample(self, model_wrap: Any, sigmas: Any, extra_args: dict[str, Any], *rest: Any) -> Any:
        sigma = torch.full((self.x.shape[0],), self.sigma)
        return model_wrap(self.x, sigma, model_options=extra_args["model_options"], seed=extra_args["seed"])


def asked(model: ModelPatcher, x: Tensor, cfg: float = 3.0, sigma: float = SIGMA, **given: Any) -> Tensor:
    """The guided denoised latent, in the scale of sampling."""
    guider = samplers.CFGGuider(model)
    texts = given.pop("texts", TEXT)
    guider.set_conds(*([[texts[side], dict(given)]] for side in ("positive", "negative")))
    guider.set_cfg(cfg)
    zero = torch.zeros_like(x)
    made: Tensor = guider.sample(zero, zero, Once(x, sigma), torch.tensor([sigma, 0.0]), seed=1)
    scaled: Tensor = model.model.process_latent_in(made)
    return scaled


def ask_network(model: ModelPatcher, x: Tensor, side: str, sigma: float = SIGMA, **options: Any) -> Tensor:
    """The denoised latent for one prompt alone."""
    memory.load_models_gpu([model])
    with torch.no_grad():
        made: Tensor = model.model.apply_model(x, torch.full((1,), sigma), c_crossattn=TEXT[side], **options)
    return made


# --- skip-layer guidance ---

SD3_TEXT = {"positive": numbers(1, 5, 48, seed=1), "negative": numbers(1, 5, 48, seed=2)}


def sd3_answers(model: ModelPatcher, x: Tensor, sigma: float, skipped: list[int]) -> tuple[Tensor, ...]:
    """diffusers' answers: to the prompt, to its opposite, and both without these blocks."""
    memory.load_models_gpu([model])
    module = model.model.diffusion_model.module
    pooled = torch.ones(1, 40)

    def velocity(side: str, layers: list[int] | None) -> Tensor:
        made: Tensor = module(
            x, SD3_TEXT[side], pooled, torch.full((1,), sigma * 1000), skip_layers=layers, return_dict=False
        )[0]
        return made

    with torch.no_grad():
        every = [velocity(side, layers) for layers in (None, skipped) for side in ("positive", "negative")]
    return tuple(x - part * sigma for part in every)


@pytest.mark.parametrize("name", ["SkipLayerGuidanceSD3", "SkipLayerGuidanceDiT"])
def test_skip_layer_guidance_against_diffusers(name: str, sd3: ModelPatcher) -> None:
    x = numbers(1, 16, 8, 8)
    layers = {"layers": "0"} if name.endswith("SD3") else {"double_layers": "0", "single_layers": ""}
    model = node("skip_layers", name, sd3, **layers, scale=2.5, start_percent=0.0, end_percent=0.5)
    given: dict[str, Any] = {"texts": SD3_TEXT, "pooled_output": torch.ones(1, 40)}
    cond, uncond, without, _ = sd3_answers(sd3, x, 0.9, [0])
    expected = uncond + 3.0 * (cond - uncond) + 2.5 * (cond - without)
    torch.testing.assert_close(asked(model, x, sigma=0.9, **given), expected, rtol=1e-4, atol=1e-4)
    cond, uncond, *_ = sd3_answers(sd3, x, 0.1, [0])  # past its part of sampling
    plain = uncond + 3.0 * (cond - uncond)
    torch.testing.assert_close(asked(model, x, sigma=0.1, **given), plain, rtol=1e-4, atol=1e-4)


def test_skip_layer_guidance_rescaled(sd3: ModelPatcher) -> None:
    x = numbers(1, 16, 8, 8)
    model = node(
        "skip_layers", "SkipLayerGuidanceDiT", sd3, double_layers="0", single_layers="", scale=2.5,
        start_percent=0.0, end_percent=1.0, rescaling_scale=1.0,
    )  # fmt: skip
    found = asked(model, x, sigma=0.9, texts=SD3_TEXT, pooled_output=torch.ones(1, 40))
    torch.testing.assert_close(found.std(), sd3_answers(sd3, x, 0.9, [0])[0].std(), rtol=1e-4, atol=1e-4)


def test_the_negative_prompt_alone_without_blocks(sd3: ModelPatcher) -> None:
    x = numbers(1, 16, 8, 8)
    values = {"double_layers": "1, 0", "single_layers": "", "start_percent": 0.0, "end_percent": 0.5}
    model = node("skip_layers", "SkipLayerGuidanceDiTSimple", sd3, **values)
    given: dict[str, Any] = {"texts": SD3_TEXT, "pooled_output": torch.ones(1, 40)}
    cond, uncond, _, without = sd3_answers(sd3, x, 0.9, [0, 1])
    expected = without + 3.0 * (cond - without)
    torch.testing.assert_close(asked(model, x, sigma=0.9, **given), expected, rtol=1e-4, atol=1e-4)
    cond, uncond, *_ = sd3_answers(sd3, x, 0.1, [0])
    plain = uncond + 3.0 * (cond - uncond)
    torch.testing.assert_close(asked(model, x, sigma=0.1, **given), plain, rtol=1e-4, atol=1e-4)


def test_single_blocks_are_skipped_too(flux: ModelPatcher) -> None:
    x = numbers(1, 16, 8, 8)
    values = {"scale": 1.0, "start_percent": 0.0, "end_percent": 1.0, "double_layers": "", "single_layers": "1"}
    model = node("skip_layers", "SkipLayerGuidanceDiT", flux, **values)
    given: dict[str, Any] = {"texts": SD3_TEXT, "pooled_output": torch.ones(1, 64), "cfg": 1.0, "sigma": 0.7}
    cond = asked(flux, x, **given)
    block = flux.model.diffusion_model.module.single_transformer_blocks[1]

    def inputs(module: Any, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        return kwargs["encoder_hidden_states"], kwargs["hidden_states"]

    handle = block.register_forward_hook(inputs, with_kwargs=True)
    without = asked(flux, x, **given)
    handle.remove()
    torch.testing.assert_close(asked(model, x, **given), 2 * cond - without, rtol=1e-4, atol=1e-4)


# --- self-attention guidance ---


def test_self_attention_guidance_is_that_of_diffusers(sd1: ModelPatcher) -> None:
    from diffusers.pipelines.deprecated.stable_diffusion_sag.pipeline_stable_diffusion_sag import (
        StableDiffusionSAGPipeline,
    )

    theirs: Any = StableDiffusionSAGPipeline

    x = numbers(1, 4, 16, 24)
    model = node("unet_patches", "SelfAttentionGuidance", sd1, scale=0.75, blur_sigma=1.0)
    cond = ask_network(sd1, x, "positive")
    middle = sd1.model.diffusion_model.module.mid_block.attentions[0].transformer_blocks[0].attn1
    probabilities: list[Tensor] = []

    def attention_of_diffusers(query: Tensor, key: Tensor, value: Tensor, options: Any) -> Tensor:
        heads = [middle.head_to_batch_dim(part) for part in (query, key)]
        probabilities.append(middle.get_attention_scores(*heads))
        made: Tensor = middle.batch_to_head_dim(probabilities[-1] @ middle.head_to_batch_dim(value))
        return made

    replaced = {"patches_replace": {"attn1": {("middle", 0): attention_of_diffusers}}}
    uncond = ask_network(sd1, x, "negative", transformer_options=replaced)
    pipeline: Any = SimpleNamespace(
        unet=SimpleNamespace(config=SimpleNamespace(attention_head_dim=middle.heads)),
        scheduler=SimpleNamespace(add_noise=lambda sample, noise, timesteps: sample + SIGMA * noise),
    )
    noise = (x - uncond) / SIGMA
    size = (4, 6)
    degraded = theirs.sag_masking(pipeline, uncond, probabilities[0], size, torch.tensor(0), noise)
    again = ask_network(sd1, degraded, "negative")
    predicted = noise + 3.0 * ((x - cond) / SIGMA - noise) + 0.75 * (noise - (degraded - again) / SIGMA)
    torch.testing.assert_close(asked(model, x), x - SIGMA * predicted, rtol=1e-4, atol=1e-4)


# --- fewer tokens ---


@pytest.mark.parametrize(("depth", "scaled"), [(0, False), (1, False), (1, True)])
def test_tiled_attention_is_attention_with_a_mask(depth: int, scaled: bool, sd1: ModelPatcher) -> None:
    x = numbers(1, 4, 16, 16)
    values = {"tile_size": 64, "swap_size": 1, "max_depth": depth, "scale_depth": scaled}
    model = node("unet_patches", "HyperTile", sd1, **values)

    def within_tiles(query: Tensor, key: Tensor, value: Tensor, options: Any) -> Tensor:
        height, width = options["activations_shape"][-2:]
        halvings = {16: 0, 8: 1, 4: 2}[height]
        side = 8 << halvings if scaled else 8
        mask = None
        if halvings <= depth:
            rows, columns = torch.arange(height) // side, torch.arange(width) // side
            tile = (rows[:, None] * 1000 + columns[None, :]).flatten()
            mask = tile[:, None] == tile[None, :]
        return optimized_attention(query, key, value, options["n_heads"], mask)

    every = [("input", index) for index in range(8)] + [("output", index) for index in range(9)] + [("middle", 0)]
    replaced = {"patches_replace": {"attn1": dict.fromkeys(every, within_tiles)}}
    expected = ask_network(sd1, x, "positive", transformer_options=replaced)
    torch.testing.assert_close(asked(model, x, cfg=1.0), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(asked(sd1, x, cfg=1.0), expected, atol=1e-4)


def test_the_tilings_nearest_to_a_size() -> None:
    assert fewer_tokens._tilings(64, 32, 1) == [2]
    assert fewer_tokens._tilings(96, 32, 3) == [3, 4, 2]
    assert fewer_tokens._tilings(7, 32, 2) == [1, 7]


def test_merged_tokens_against_a_slow_way() -> None:
    height, width, removed = 4, 6, 9
    tokens = numbers(1, height * width, 5)
    merge, spread = fewer_tokens.merging(tokens, height, width, removed, torch.Generator().manual_seed(4))
    kept, others = fewer_tokens._places(height, width, torch.Generator().manual_seed(4))
    squares = {(int(place) // width // 2, int(place) % width // 2) for place in kept}
    assert len(kept) == len(squares) == 6
    units = torch.nn.functional.normalize(tokens[0], dim=-1)
    best = {int(o): max((float(units[o] @ units[k]), int(k)) for k in kept) for o in others}
    gone = sorted(best, key=lambda o: -best[o][0])[:removed]
    groups = {int(k): [int(k)] + [o for o in gone if best[o][1] == int(k)] for k in kept}
    expected = tokens[0].clone()
    for members in groups.values():
        expected[members] = tokens[0][members].mean(dim=0)
    assert merge(tokens).shape == (1, height * width - removed, 5)
    torch.testing.assert_close(spread(merge(tokens))[0], expected)


def test_merging_in_a_model(sd1: ModelPatcher) -> None:
    x = numbers(1, 4, 16, 16)
    lengths = []

    def watch(query: Tensor, key: Tensor, value: Tensor, options: Any) -> tuple[Tensor, Tensor, Tensor]:
        lengths.append((options["activations_shape"][-1], query.shape[1]))
        return query, key, value

    model = node("unet_patches", "TomePatchModel", sd1, ratio=0.5)
    model.set_model_attn1_patch(watch)
    made = asked(model, x, cfg=1.0)
    assert {length for width, length in lengths if width == 16} == {128}
    assert {length for width, length in lengths if width == 8} == {64}
    torch.testing.assert_close(asked(model, x, cfg=1.0), made, rtol=0, atol=0)
    none = node("unet_patches", "TomePatchModel", sd1, ratio=0.0)
    torch.testing.assert_close(asked(none, x, cfg=1.0), asked(sd1, x, cfg=1.0))


@pytest.mark.parametrize("after_skip", [True, False])
def test_smaller_pictures_inside(after_skip: bool, sd1: ModelPatcher) -> None:
    x = numbers(1, 4, 16, 16)
    values: dict[str, Any] = {
        "block_number": 3,
        "start_percent": 0.0,
        "end_percent": 0.5,
        "downscale_after_skip": after_skip,
        "downscale_method": "bilinear",
        "upscale_method": "bicubic",
    }
    model = node("unet_patches", "PatchModelAddDownscale", sd1, downscale_factor=2.0, **values)
    inside, joined = {}, {}

    def watch(hidden: Tensor, options: Any) -> Tensor:
        inside[options["block"]] = hidden.shape[-1]
        return hidden

    def watch_output(hidden: Tensor, skip: Tensor, options: Any) -> tuple[Tensor, Tensor]:
        joined[options["block"][1]] = (hidden.shape[-1], skip.shape[-1])
        return hidden, skip

    model.set_model_input_block_patch_after_skip(watch)
    model.set_model_output_block_patch(watch_output)
    early = asked(model, x, cfg=1.0, sigma=10.0)
    assert [inside[("input", index)] for index in range(5)] == [16, 16, 16, 4, 4]
    assert all(one == other for one, other in joined.values())
    assert early.shape == x.shape
    late = asked(model, x, cfg=1.0, sigma=0.1)
    torch.testing.assert_close(late, asked(sd1, x, cfg=1.0, sigma=0.1), rtol=0, atol=0)
    same = node("unet_patches", "PatchModelAddDownscale", sd1, downscale_factor=1.0, **values)
    plain = asked(sd1, x, cfg=1.0, sigma=10.0)
    torch.testing.assert_close(asked(same, x, cfg=1.0, sigma=10.0), plain, rtol=1e-4, atol=1e-4)


# --- weights ---


def test_attention_multiplied(sd1: ModelPatcher, tmp_path: Path) -> None:
    factors = {"q": 0.5, "k": 2.0, "v": 3.0, "out": 0.0}
    for kind, name in (("attn1", "UNetSelfAttentionMultiply"), ("attn2", "UNetCrossAttentionMultiply")):
        before, after = sd1.patched_state_dict(), node("unet_patches", name, sd1, **factors).patched_state_dict()
        changed = {f"{kind}.to_q": 0.5, f"{kind}.to_k": 2.0, f"{kind}.to_v": 3.0, f"{kind}.to_out.0": 0.0}
        for weight, value in before.items():
            factor = next((factor for part, factor in changed.items() if part in weight), 1.0)
            torch.testing.assert_close(after[weight], value * factor)
        assert sum(part in weight for weight in before for part in changed) >= 5
    clip = load_checkpoint(tiny.write(tiny.sd1(), tmp_path / "sd1.safetensors"), want_vae=False).clip
    assert clip is not None
    multiplied, plain = node("unet_patches", "CLIPAttentionMultiply", clip, **factors).get_sd(), clip.get_sd()
    parts = {"q_proj": 0.5, "k_proj": 2.0, "v_proj": 3.0, "out_proj": 0.0}
    for weight, value in plain.items():
        factor = next((factor for part, factor in parts.items() if part in weight), 1.0)
        torch.testing.assert_close(multiplied[weight], value * factor)
