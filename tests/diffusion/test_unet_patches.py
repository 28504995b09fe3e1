"""Every function that packs hang on a U-Net acts where it says, against hooks on the modules of diffusers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import model_folders
from comfy_notebook.diffusion import attention_patches
from comfy_notebook.diffusion.attention import optimized_attention
from comfy_notebook.diffusion.checkpoints.files import ALLOW_PICKLE, WeightsError, write_weights
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint
from comfy_notebook.diffusion.hypernetworks import load
from comfy_notebook.nodes.latent_math import LatentCutToBatch

from . import tiny
from .test_network_patches import ask_network, asked, node, numbers

X = numbers(1, 4, 8, 8)


@pytest.fixture(scope="module")
def sd1(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tiny.write(tiny.sd1(), tmp_path_factory.mktemp("sd1") / "sd1.safetensors")
    return load_checkpoint(path, False, False).model


def plain(model: Any, hooks: list[Any] | None = None) -> Tensor:
    """The network's answer while hooks of torch are on its modules."""
    try:
        return ask_network(model, X, "positive")
    finally:
        for hook in hooks or []:
            hook.remove()


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def attentions(model: Any, name: str) -> list[Any]:
    modules = model.model.diffusion_model.module.named_modules()
    return [module for path, module in modules if path.endswith(f".{name}")]


def scaled(factor: float) -> Callable[..., Any]:
    """A hook before a layer of attention that multiplies what it is given."""
    return lambda module, args: (args[0] * factor,)


@pytest.mark.parametrize("kind", ["attn1", "attn2"])
def test_tokens_before_attention(kind: str, sd1: Any) -> None:
    model = sd1.clone()
    getattr(model, f"set_model_{kind}_patch")(lambda q, k, v, options: (q * 2.0, k * 0.5, v * 3.0))
    found = asked(model, X, cfg=1.0)
    hooks = []
    for module in attentions(sd1, kind):
        for part, factor in (("to_q", 2.0), ("to_k", 0.5), ("to_v", 3.0)):
            hooks.append(getattr(module, part).register_forward_pre_hook(scaled(factor)))
    close(found, plain(sd1, hooks))


@pytest.mark.parametrize("kind", ["attn1", "attn2"])
def test_what_attention_answers(kind: str, sd1: Any) -> None:
    model = sd1.clone()
    getattr(model, f"set_model_{kind}_output_patch")(lambda output, options: output * 2.0)
    found = asked(model, X, cfg=1.0)
    hooks = [
        module.to_out[0].register_forward_hook(lambda module, args, output: output * 2.0)
        for module in attentions(sd1, kind)
    ]
    close(found, plain(sd1, hooks))


@pytest.mark.parametrize("kind", ["attn1", "attn2"])
def test_attention_replaced_in_one_block(kind: str, sd1: Any) -> None:
    model, calls = sd1.clone(), []

    def doubled_values(q: Tensor, k: Tensor, v: Tensor, options: Any) -> Tensor:
        calls.append((options["block"], options["block_index"]))
        return optimized_attention(q, k, v * 2.0, options["n_heads"])

    getattr(model, f"set_model_{kind}_replace")(doubled_values, "input", 4)
    found = asked(model, X, cfg=1.0)
    block = sd1.model.diffusion_model.module.down_blocks[1].attentions[0].transformer_blocks[0]
    hook = getattr(block, kind).to_v.register_forward_hook(lambda module, args, output: output * 2.0)
    close(found, plain(sd1, [hook]))
    assert calls == [(("input", 4), 0)]
    other = sd1.clone()
    getattr(other, f"set_model_{kind}_replace")(doubled_values, "input", 4, 3)  # there is no fourth transformer there
    close(asked(other, X, cfg=1.0), plain(sd1))


def test_blocks_of_the_way_down(sd1: Any) -> None:
    module = sd1.model.diffusion_model.module
    for setter, seen_by_skip in (
        ("set_model_input_block_patch", True),
        ("set_model_input_block_patch_after_skip", False),
    ):
        model = sd1.clone()
        getattr(model, setter)(lambda h, options: h * 2.0 if options["block"] == ("input", 3) else h)
        found = asked(model, X, cfg=1.0)
        # Input block 3 is the first downsampler.
        after = module.down_blocks[0].downsamplers[0].register_forward_hook(lambda m, args, out: out * 2.0)
        hooks = [after]
        if not seen_by_skip:  # its skip connection, the last quarter of what its output block gets, stays as it was

            def halved(m: Any, args: Any) -> Any:
                hidden, *rest = args
                return (torch.cat([hidden[:, :64], hidden[:, 64:] / 2.0], 1), *rest)

            hooks.append(module.up_blocks[1].resnets[2].register_forward_pre_hook(halved))
        close(found, plain(sd1, hooks))


def test_blocks_of_the_way_up_and_the_timestep(sd1: Any) -> None:
    model = sd1.clone()
    module = sd1.model.diffusion_model.module
    model.set_model_output_block_patch(
        lambda h, skip, options: (h * 2.0, skip * 3.0) if options["block"] == ("output", 0) else (h, skip)
    )

    found = asked(model, X, cfg=1.0)

    def both(m: Any, args: Any) -> Any:
        hidden, *rest = args
        return (torch.cat([hidden[:, :64] * 2.0, hidden[:, 64:] * 3.0], 1), *rest)

    close(found, plain(sd1, [module.up_blocks[0].resnets[0].register_forward_pre_hook(both)]))
    model = sd1.clone()
    model.set_model_emb_patch(lambda emb, channels, options: emb * (2.0 if channels == 32 else 0.0))
    found = asked(model, X, cfg=1.0)
    hook = module.time_embedding.register_forward_hook(lambda m, args, out: out * 2.0)
    close(found, plain(sd1, [hook]))


def test_a_function_between_attention_to_itself_and_to_text(sd1: Any) -> None:
    model = sd1.clone()
    model.set_model_patch(lambda tokens, options: tokens + 1.0, "middle_patch")
    found = asked(model, X, cfg=1.0)
    hooks = [
        module.to_out[0].register_forward_hook(lambda m, args, out: out + 1.0) for module in attentions(sd1, "attn1")
    ]
    close(found, plain(sd1, hooks))


def test_an_override_of_attention_reaches_u_nets(sd1: Any) -> None:
    model, calls = sd1.clone(), []

    def twice(func: Any, *args: Any, **more: Any) -> Any:
        calls.append(1)
        return func(*args, **more) * 2.0

    model.model_options["transformer_options"]["optimized_attention_override"] = twice
    found = asked(model, X, cfg=1.0)
    every = attentions(sd1, "attn1") + attentions(sd1, "attn2")
    hooks = [module.to_out[0].register_forward_pre_hook(lambda m, args: (args[0] * 2.0, *args[1:])) for module in every]
    close(found, plain(sd1, hooks))
    assert len(calls) == len(every)


def test_perturbed_attention_guidance(sd1: Any) -> None:
    model = attention_patches.perturbed_attention(sd1, 2.0)
    cond, uncond = plain(sd1), ask_network(sd1, X, "negative")
    replaced = {"patches_replace": {"attn1": {("middle", 0): lambda q, k, v, options, mask=None: v}}}
    lost = ask_network(sd1, X, "positive", transformer_options=replaced)
    # diffusers' processor takes the values for the answer of attention, too.
    from diffusers.guiders.perturbed_attention_guidance import PerturbedAttentionGuidance

    guider: Any = PerturbedAttentionGuidance(
        guidance_scale=3.0, perturbed_guidance_scale=2.0, perturbed_guidance_layers=[0],
        perturbed_guidance_start=0.0, perturbed_guidance_stop=1.0,
    )  # fmt: skip
    expected = guider.forward(cond, uncond, lost).pred
    close(asked(model, X), expected)
    assert not torch.allclose(cond, lost, atol=1e-3)


def test_free_u_filters_as_diffusers_does() -> None:
    from diffusers.utils.torch_utils import fourier_filter

    x = numbers(2, 6, 8, 16)
    filtered: Any = fourier_filter
    theirs = filtered(x.clone(), threshold=1, scale=0.2)
    torch.testing.assert_close(attention_patches.low_frequencies_scaled(x, 0.2), theirs)


# --- hypernetworks ---


class Trained(nn.Module):
    """A small network as training programs made them: layers, activation and norm in a row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Sequential(
            nn.Linear(width, width * 2), nn.ReLU(), nn.LayerNorm(width * 2), nn.Dropout(0.3),
            nn.Linear(width * 2, width), nn.LayerNorm(width),
        ).eval()  # fmt: skip


def test_hypernetworks(sd1: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(5)
    pair: list[Any] = [Trained(64), Trained(64)]
    states = [part.state_dict() for part in pair]
    folder = tmp_path / "hypernetworks"
    folder.mkdir()
    saved = {64: states, "activation_func": "relu", "is_layer_norm": True, "name": "tiny", "step": 7}
    torch.save(saved, folder / "old.pt")
    flat = {f"64.{side}.{name}": value for side, state in enumerate(states) for name, value in state.items()}
    write_weights(flat, folder / "new.safetensors", {"activation_func": "relu"})
    folders = model_folders.ModelFolders(tmp_path)
    monkeypatch.setattr(model_folders, "current", lambda: folders)

    def added(part: Any) -> Callable[..., Any]:
        return lambda module, args: (args[0] + 0.5 * part.linear(args[0]),) if args[0].shape[-1] == 64 else None

    def expected() -> Tensor:
        hooks = []
        for module in attentions(sd1, "attn1") + attentions(sd1, "attn2"):
            hooks.append(module.to_k.register_forward_pre_hook(added(pair[0])))
            hooks.append(module.to_v.register_forward_pre_hook(added(pair[1])))
        return plain(sd1, hooks)

    values = {"hypernetwork_name": "new.safetensors", "strength": 0.5}
    close(asked(node("unet_patches", "HypernetworkLoader", sd1, **values), X, cfg=1.0), expected())
    with pytest.raises(WeightsError, match="is a pickle"):
        node("unet_patches", "HypernetworkLoader", sd1, hypernetwork_name="old.pt", strength=0.5)
    monkeypatch.setenv(ALLOW_PICKLE, "1")
    model = node("unet_patches", "HypernetworkLoader", sd1, hypernetwork_name="old.pt", strength=0.5)
    close(asked(model, X, cfg=1.0), expected())


@pytest.mark.parametrize("kind", ["linear", "mish", None])
def test_small_networks_of_the_first_kind(kind: str | None, tmp_path: Path) -> None:
    first, second = nn.Linear(8, 16), nn.Linear(16, 8)
    state = {f"linear1.{name}": value for name, value in first.state_dict().items()}
    state |= {f"linear2.{name}": value for name, value in second.state_dict().items()}
    weights = {f"8.{side}.{name}": value.clone() for side in (0, 1) for name, value in state.items()}
    write_weights(weights, tmp_path / "one.safetensors", {} if kind is None else {"activation_func": kind})
    x = numbers(1, 3, 8)
    middle = torch.nn.functional.mish(first(x)) if kind == "mish" else first(x)
    torch.testing.assert_close(load(tmp_path / "one.safetensors")[8][1](x), second(middle))


@pytest.mark.parametrize(
    ("weights", "options", "words"),
    [
        ({"a.weight": torch.ones(2)}, {}, "no hypernetwork"),
        ({"8.0.other": torch.ones(2), "8.1.other": torch.ones(2)}, {}, "no hypernetwork"),
        ({"8.0.linear.0.weight": torch.ones(8, 8)}, {"activation_func": "strange"}, "'strange'"),
    ],
)
def test_files_that_are_something_else(weights: Any, options: Any, words: str, tmp_path: Path) -> None:
    write_weights(weights, tmp_path / "one.safetensors", options)
    with pytest.raises(WeightsError, match=words):
        load(tmp_path / "one.safetensors")


# --- latents ---


def test_latents_cut_to_a_batch() -> None:
    latent = numbers(2, 3, 5, 4, 6)
    (made,) = LatentCutToBatch().op({"samples": latent, "noise_mask": 1}, "t", 2)
    expected = torch.stack([latent[b, :, t : t + 2] for b in (0, 1) for t in (0, 2)])
    torch.testing.assert_close(made["samples"], expected, rtol=0, atol=0)
    assert "noise_mask" not in made
    (made,) = LatentCutToBatch().op({"samples": latent}, "x", 3)
    expected = torch.stack([latent[b, ..., x : x + 3] for b in (0, 1) for x in (0, 3)])
    torch.testing.assert_close(made["samples"], expected, rtol=0, atol=0)
    (made,) = LatentCutToBatch().op({"samples": latent[:, :, 0]}, "y", 99)
    torch.testing.assert_close(made["samples"], latent[:, :, 0], rtol=0, atol=0)
    picture = {"samples": latent[:, :, 0]}
    assert LatentCutToBatch().op(picture, "t", 1)[0] is picture
