"""Whole graphs with nodes that patch models and hook conditionings, through the engine."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.engine import Engine

from .test_end_to_end import engine as engine  # noqa: PLC0414 - a fixture
from .test_end_to_end import graph, node, run

RANGE = {"start_percent": 0.0, "end_percent": 1.0}
RESIZE = {"downscale_method": "bicubic", "upscale_method": "bicubic"}
#: Each changes the picture of a U-Net.
PATCHES: dict[str, dict[str, Any]] = {
    "APG": {"eta": 0.5, "norm_threshold": 2.0, "momentum": -0.5},
    "TCFG": {},
    "RenormCFG": {"cfg_trunc": 100.0, "renorm_cfg": 1.0},
    "Epsilon Scaling": {"scaling_factor": 1.1},
    "FreSca": {"scale_low": 1.0, "scale_high": 1.5, "freq_cutoff": 1},
    "NAGuidance": {"nag_scale": 5.0, "nag_alpha": 0.5, "nag_tau": 1.5},
    "SelfAttentionGuidance": {"scale": 2.0, "blur_sigma": 2.0},
    "TomePatchModel": {"ratio": 0.5},
    "HyperTile": {"tile_size": 32, "swap_size": 1, "max_depth": 0, "scale_depth": False},
    "PatchModelAddDownscale": {
        "block_number": 3, "downscale_factor": 2.0, "downscale_after_skip": True, **RANGE, **RESIZE,
    },
    "UNetSelfAttentionMultiply": {"q": 1.5, "k": 1.0, "v": 0.5, "out": 1.0},
    "UNetCrossAttentionMultiply": {"q": 1.5, "k": 1.0, "v": 0.5, "out": 1.0},
}  # fmt: skip


@pytest.mark.slow
def test_patches_change_the_picture(engine: Engine) -> None:
    plain = run(engine, graph(seed=21))
    for kind, options in PATCHES.items():
        sampler = graph(seed=21)["k"]
        sampler["inputs"]["model"] = ["patch", 0]
        changed = run(engine, graph(seed=21, k=sampler, patch=node(kind, model=["ck", 0], **options)))
        assert bool(torch.isfinite(changed).all()), kind
        assert float((changed - plain).abs().max()) > 1e-4, kind


def test_all_patches_together(engine: Engine) -> None:
    chain: dict[str, Any] = {}
    before = ["ck", 0]
    for number, (kind, options) in enumerate(PATCHES.items()):
        chain[f"patch{number}"] = node(kind, model=before, **options)
        before = [f"patch{number}", 0]
    for kind in ("EasyCache", "LazyCache"):
        chain[kind] = node(kind, model=before, reuse_threshold=0.2, verbose=False, **RANGE)
        before = [kind, 0]
    sampler = graph(seed=23)["k"]
    sampler["inputs"] |= {"model": before, "steps": 4}
    first = run(engine, graph(seed=23, k=sampler, **chain))
    assert bool(torch.isfinite(first).all())
    engine.free()
    torch.testing.assert_close(run(engine, graph(seed=23, k=sampler, **chain)), first)


def test_hooked_prompts(engine: Engine) -> None:
    """A LoRA that grows over the steps for the left half; the rest of the picture by the default prompt."""
    plain = run(engine, graph(seed=24))
    sampler = graph(seed=24)["k"]
    sampler["inputs"] |= {"positive": ["both", 0], "negative": ["both", 1]}
    hooked: Any = {
        "lora": node("CreateHookLora", lora_name="lora.safetensors", strength_model=1.0, strength_clip=0.0),
        "other": node("CreateHookModelAsLoraModelOnly", ckpt_name="sd1.safetensors", strength_model=1.0),
        "hooks": node("CombineHooks2", hooks_A=["lora", 0], hooks_B=["other", 0]),
        "frames": node(
            "CreateHookKeyframesInterpolated", strength_start=0.0, strength_end=1.0, interpolation="ease_in",
            start_percent=0.0, end_percent=1.0, keyframes_count=4, print_keyframes=False,
        ),
        "scheduled": node("SetHookKeyframes", hooks=["hooks", 0], hook_kf=["frames", 0]),
        "clip": node("SetClipHooks", clip=["ck", 1], apply_to_conds=True, schedule_clip=True, hooks=["scheduled", 0]),
        "q": node("CLIPTextEncode", text="a dog", clip=["clip", 0]),
        "mask": node("SolidMask", value=1.0, width=32, height=64),
        "empty": node("SolidMask", value=0.0, width=64, height=64),
        "left": node("MaskComposite", destination=["empty", 0], source=["mask", 0], x=0, y=0, operation="add"),
        "range": node("ConditioningTimestepsRange", start_percent=0.0, end_percent=1.0),
        "set": node(
            "PairConditioningSetProperties", positive_NEW=["q", 0], negative_NEW=["n", 0], strength=1.0,
            set_cond_area="default", mask=["left", 0], hooks=["scheduled", 0], timesteps=["range", 0],
        ),
        "both": node(
            "PairConditioningSetDefaultCombine", positive=["set", 0], negative=["set", 1],
            positive_DEFAULT=["p", 0], negative_DEFAULT=["n", 0],
        ),
    }  # fmt: skip
    made = run(engine, graph(seed=24, k=sampler, **hooked))
    assert float((made - plain).abs().max()) > 1e-3
    engine.free()
    torch.testing.assert_close(run(engine, graph(seed=24)), plain, rtol=0, atol=1e-6)
