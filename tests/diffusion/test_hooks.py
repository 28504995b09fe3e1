"""Hooks: weights that change for one conditioning only, against models that have them for good (small checkpoints)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import model_folders
from comfy_notebook.diffusion import hooks, memory
from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint
from comfy_notebook.diffusion.lora.files import load_lora_for_models
from comfy_notebook.diffusion.sampling import samplers
from comfy_notebook.nodes import conditioning_hooks, hook_keyframes, model_merge
from comfy_notebook.nodes import hooks as hook_nodes

from . import tiny
from .test_network_patches import asked, numbers

X = numbers(1, 4, 8, 8)
A, B = numbers(1, 5, 64, seed=1), numbers(1, 5, 64, seed=2)
LEFT = torch.zeros(1, 8, 8)
LEFT[..., :4] = 1.0


def lora(layer: str, width: int, seed: int) -> dict[str, Tensor]:
    return {
        f"{layer}.lora_up.weight": numbers(width, 4, seed=seed),
        f"{layer}.lora_down.weight": numbers(4, 64, seed=seed + 1) * 0.2,
        f"{layer}.alpha": torch.tensor(4.0),
    }


UNET_LAYER = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_v"
CLIP_LAYER = "lora_te_text_model_encoder_layers_1_self_attn_v_proj"
LORA = lora(UNET_LAYER, 64, 10) | lora(CLIP_LAYER, 64, 20)
OTHER = lora("lora_unet_middle_block_1_transformer_blocks_0_attn2_to_out_0", 64, 30)


def shaken() -> dict[str, Tensor]:
    """Another checkpoint of the same family."""
    return {name: value * 1.1 if value.ndim > 1 else value for name, value in tiny.sd1().items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("models")
    for kind in ("checkpoints", "loras"):
        (found / kind).mkdir()
    tiny.write(tiny.sd1(), found / "checkpoints" / "sd1.safetensors")
    tiny.write(shaken(), found / "checkpoints" / "shaken.safetensors")
    write_weights(LORA, found / "loras" / "one.safetensors")
    return found


@pytest.fixture(scope="module")
def sd1(folder: Path) -> Any:
    return load_checkpoint(folder / "checkpoints" / "sd1.safetensors", want_vae=False)


def changed(sd1: Any, strength: float, weights: Any = LORA) -> Any:
    """The model with a LoRA for good."""
    return load_lora_for_models(sd1.model, None, weights, strength, 0)[0]


def answer(model: Any, positive: list[Any], sigma: float = 2.0) -> Tensor:
    """The denoised latent for CONDITIONING without guidance."""
    from .test_network_patches import Once

    guider = samplers.CFGGuider(model)
    guider.set_conds(positive, [[B, {}]])
    zero = torch.zeros_like(X)
    made: Tensor = guider.sample(zero, zero, Once(X, sigma), torch.tensor([sigma, 0.0]), seed=1)
    scaled: Tensor = model.model.process_latent_in(made)
    return scaled


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_hook_on_one_conditioning_is_two_models_by_mask(sd1: Any) -> None:
    before = {name: value.clone() for name, value in sd1.model.model_state_dict().items()}
    hooked = conditioning_hooks.with_properties([[A, {}]], 1.0, "default", LEFT, hooks.create_hook_lora(LORA, 0.8, 0))
    plain = conditioning_hooks.with_properties([[B, {}]], 1.0, "default", 1 - LEFT)
    found = answer(sd1.model, [*hooked, *plain])
    with_lora, without = answer(changed(sd1, 0.8), [[A, {}]]), answer(sd1.model, [[B, {}]])
    close(found, with_lora * LEFT + without * (1 - LEFT))
    assert not torch.allclose(answer(sd1.model, [[A, {}]]), with_lora, atol=1e-2)
    after = sd1.model.model_state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_guidance_between_hooked_and_plain(sd1: Any) -> None:
    """Positive with the LoRA, negative without: both are run in one step."""
    hooked = hooks.set_hooks_for_conditioning([[A, {}]], hooks.create_hook_lora(LORA, 1.0, 0))
    guider = samplers.CFGGuider(sd1.model)
    guider.set_conds(hooked, [[B, {}]])
    guider.set_cfg(3.0)
    from .test_network_patches import Once

    zero = torch.zeros_like(X)
    made = guider.sample(zero, zero, Once(X, 2.0), torch.tensor([2.0, 0.0]), seed=1)
    cond, uncond = answer(changed(sd1, 1.0), [[A, {}]]), answer(sd1.model, [[B, {}]])
    close(sd1.model.model.process_latent_in(made), uncond + 3.0 * (cond - uncond))


@pytest.mark.parametrize(("sigma", "factor"), [(14.0, 1.0), (2.0, 1.0), (0.4, 0.25), (0.03, 0.0)])
def test_keyframes_rule_the_strength(sigma: float, factor: float, sd1: Any) -> None:
    frames = hooks.HookKeyframeGroup()
    for strength, start in ((0.25, 0.6), (1.0, 0.0), (0.0, 0.95)):
        frames.add(hooks.HookKeyframe(strength, start))
    scheduled = hook_keyframes.SetHookKeyframes().set_hook_keyframes(hooks.create_hook_lora(LORA, 0.8, 0), frames)[0]
    found = answer(sd1.model, hooks.set_hooks_for_conditioning([[A, {}]], scheduled), sigma)
    close(found, answer(changed(sd1, 0.8 * factor) if factor else sd1.model, [[A, {}]], sigma))


def test_hooks_over_whole_runs_of_a_sampler(sd1: Any) -> None:
    """Weights come and go many times, and are kept for the next step."""
    group = hooks.create_hook_lora(LORA, 0.5, 0)
    positive = hooks.set_hooks_for_conditioning([[A, {}]], group)
    steps = torch.tensor([10.0, 5.0, 2.0, 1.0, 0.0])
    runs = []
    for model, cond in ((sd1.model, positive), (changed(sd1, 0.5), [[A, {}]])):
        guider = samplers.CFGGuider(model)
        guider.set_conds(cond, [[B, {}]])
        guider.set_cfg(1.0)
        runs.append(guider.sample(X, torch.zeros_like(X), samplers.sampler_object("euler"), steps, seed=3))
    close(runs[0], runs[1])
    assert sd1.model.hooked_weights is None
    assert sd1.model.model.current_patcher is None


def test_hooks_beside_loras_of_the_model(sd1: Any) -> None:
    model = changed(sd1, 0.7, OTHER)
    both = load_lora_for_models(model, None, LORA, 0.8, 0)[0]
    hooked = hooks.set_hooks_for_conditioning([[A, {}]], hooks.create_hook_lora(LORA, 0.8, 0))
    close(answer(model, hooked), answer(both, [[A, {}]]))
    two = hook_nodes.NODES["CombineHooks2"][0]().combine_hooks(
        hooks_A=hooks.create_hook_lora(LORA, 0.8, 0), hooks_B=hooks.create_hook_lora(OTHER, 0.7, 0)
    )[0]
    close(answer(sd1.model, hooks.set_hooks_for_conditioning([[A, {}]], two)), answer(both, [[A, {}]]))


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_another_model_as_a_hook(strength: float, sd1: Any, folder: Path) -> None:
    other = load_checkpoint(folder / "checkpoints" / "shaken.safetensors", False, False).model
    assert other is not None
    group = hooks.create_hook_model_as_lora(other.model_state_dict(), None, strength, 0.0)
    (mixed,) = model_merge.ModelMergeSimple().merge(sd1.model, other, 1.0 - strength)
    found = answer(sd1.model, hooks.set_hooks_for_conditioning([[A, {}]], group))
    close(found, answer(mixed, [[A, {}]]))
    assert not torch.allclose(found, answer(sd1.model, [[A, {}]]), atol=1e-2)


def test_prompts_encoded_under_hooks(sd1: Any) -> None:
    clip: Any = sd1.clip
    group = hooks.create_hook_lora(LORA, 0.8, 0.6)
    changed_clip: Any = load_lora_for_models(sd1.model, clip, LORA, 0.8, 0.6)[1]
    (hooked,) = hook_nodes.SetClipHooks().apply_hooks(clip, True, False, group)
    plain = clip.encode_from_tokens_scheduled(clip.tokenize("a cat"))[0]
    ((text, options),) = hooked.encode_from_tokens_scheduled(hooked.tokenize("a cat"))
    expected = changed_clip.encode_from_tokens_scheduled(changed_clip.tokenize("a cat"))[0]
    torch.testing.assert_close(text, expected[0])
    assert not torch.allclose(text, plain[0], atol=1e-3)
    assert [hook.hook_ref for hook in options["hooks"].hooks] == [group.hooks[0].hook_ref]
    close(answer(sd1.model, [[text, options]]), answer(changed(sd1, 0.8), [expected]))
    again = clip.encode_from_tokens_scheduled(clip.tokenize("a cat"))[0]
    assert torch.equal(again[0], plain[0])
    (alone,) = hook_nodes.SetClipHooks().apply_hooks(clip, False, False, group)
    assert "hooks" not in alone.encode_from_tokens_scheduled(alone.tokenize("a cat"))[0][1]


def test_prompts_encoded_for_each_keyframe(sd1: Any) -> None:
    clip: Any = sd1.clip
    frames = hooks.HookKeyframeGroup()
    for strength, start in ((1.0, 0.0), (0.5, 0.5)):
        frames.add(hooks.HookKeyframe(strength, start))
    group = hooks.create_hook_lora(LORA, 0.0, 0.6)
    group.set_keyframes_on_hooks(frames)
    (hooked,) = hook_nodes.SetClipHooks().apply_hooks(clip, False, True, group)
    entries = hooked.encode_from_tokens_scheduled(hooked.tokenize("a cat"))
    assert [(e[1]["clip_start_percent"], e[1]["clip_end_percent"]) for e in entries] == [(0.0, 0.5), (0.5, 1.0)]
    for entry, strength in zip(entries, (0.6, 0.3), strict=True):
        with_lora: Any = load_lora_for_models(None, clip, LORA, 0, strength)[1]
        torch.testing.assert_close(entry[0], with_lora.encode("a cat"))
    for sigma, index in ((10.0, 0), (0.1, 1)):
        close(answer(sd1.model, entries, sigma), answer(sd1.model, [[entries[index][0], {}]], sigma))


def test_a_default_conditioning_holds_where_no_other_does(sd1: Any) -> None:
    masked = conditioning_hooks.with_properties([[A, {}]], 1.0, "default", LEFT)
    (both,) = conditioning_hooks.ConditioningSetDefaultCombine().set_default_and_combine(masked, [[B, {}]])
    first, second = answer(sd1.model, [[A, {}]]), answer(sd1.model, [[B, {}]])
    close(answer(sd1.model, both), first * LEFT + second * (1 - LEFT))
    (nowhere,) = conditioning_hooks.ConditioningSetDefaultCombine().set_default_and_combine([[A, {}]], [[B, {}]])
    close(answer(sd1.model, nowhere), first)


def test_properties_of_pairs(sd1: Any) -> None:
    pair = conditioning_hooks.PairConditioningSetPropertiesAndCombine()
    group = hooks.create_hook_lora(LORA, 0.8, 0)
    positive, negative = pair.set_properties(
        [[B, {}]], [[B, {}]], [[A, {}]], [[B, {}]], strength=1.0, set_cond_area="mask bounds", mask=LEFT[0],
        hooks=group, timesteps=(0.0, 0.5),
    )  # fmt: skip
    for cond in (positive, negative):
        (first, second) = (entry[1] for entry in cond)
        assert first == {}
        assert second["hooks"] is group
        assert (second["start_percent"], second["end_percent"], second["set_area_to_bounds"]) == (0.0, 0.5, True)
        assert second["mask"].shape == (1, 8, 8)
    close(answer(sd1.model, positive, 0.1), answer(sd1.model, [[B, {}]], 0.1))
    ranges = conditioning_hooks.ConditioningTimestepsRange().create_range(0.2, 0.7)
    assert ranges == ((0.2, 0.7), (0.0, 0.2), (0.7, 1.0))
    assert conditioning_hooks.PairConditioningCombine().combine([1], [2], [3], [4]) == ([1, 3], [2, 4])


def test_the_nodes_read_files(folder: Path, sd1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = model_folders.ModelFolders(folder)
    monkeypatch.setattr(model_folders, "current", lambda: folders)
    (one,) = hook_nodes.CreateHookLora().create_hook("one.safetensors", 0.8, 0.0)
    (both,) = hook_nodes.CreateHookModelAsLoraModelOnly().create_hook_model_only("shaken.safetensors", 1.0, one)
    assert [hook.strength_model for hook in both.hooks] == [0.8, 1.0]
    close(answer(sd1.model, hooks.set_hooks_for_conditioning([[A, {}]], one)), answer(changed(sd1, 0.8), [[A, {}]]))
    (folder / "loras" / "none.safetensors").write_bytes((folder / "checkpoints" / "sd1.safetensors").read_bytes())
    with pytest.raises(WeightsError, match="is no LoRA"):
        hook_nodes.CreateHookLora().create_hook("none.safetensors", 0.8, 0.0)


@pytest.mark.parametrize(
    ("interpolation", "middle"), [("linear", 0.5), ("ease_in", 0.25), ("ease_out", 0.75), ("ease_in_out", 0.5)]
)
def test_keyframes_between_two_strengths(interpolation: str, middle: float) -> None:
    node = hook_keyframes.CreateHookKeyframesInterpolated()
    (before,) = hook_keyframes.CreateHookKeyframe().create_hook_keyframe(9.0, 0.0)
    (frames,) = node.create_hook_keyframes(0.0, 2.0, interpolation, 0.2, 0.8, 3, prev_hook_kf=before)
    found = [(frame.start_percent, frame.strength) for frame in frames.keyframes]
    assert found == [(0.0, 9.0), (0.2, 0.0), (pytest.approx(0.5), pytest.approx(2 * middle)), (0.8, 2.0)]
    (floats,) = hook_keyframes.CreateHookKeyframesFromFloats().create_hook_keyframes([1.0, 0.5], 0.0, 1.0)
    assert [(frame.start_percent, frame.strength) for frame in floats.keyframes] == [(0.0, 1.0), (1.0, 0.5)]


def test_an_error_in_the_middle_leaves_the_weights_alone(sd1: Any) -> None:
    memory.load_models_gpu([sd1.model])
    before = {name: value.clone() for name, value in sd1.model.model_state_dict().items()}
    hooked = hooks.set_hooks_for_conditioning([[A, {}]], hooks.create_hook_lora(LORA, 1.0, 0))
    model = sd1.model.clone()

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    model.set_model_unet_function_wrapper(broken)
    with pytest.raises(ZeroDivisionError):
        answer(model, hooked)
    after = sd1.model.model_state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert asked(sd1.model, X).shape == X.shape
