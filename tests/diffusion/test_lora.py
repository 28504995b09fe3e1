"""LoRA files of each layout against the weights they should make; patches come off without a trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import WeightsError
from comfy_notebook.diffusion.checkpoints.load import Checkpoint, load_checkpoint, load_diffusion_model
from comfy_notebook.diffusion.lora.files import load_lora_for_models
from comfy_notebook.diffusion.patcher import ModelPatcher

from . import tiny

FILE_NAME = "diffusion_model.output_blocks.3.1.transformer_blocks.0.attn1.to_q.weight"
LAYER = "up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
FLAT = LAYER.replace(".", "_")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(tiny.write(tiny.sd1(), tmp_path_factory.mktemp("lora") / "sd1.safetensors"))


def model_of(checkpoint: Checkpoint) -> ModelPatcher:
    assert checkpoint.model is not None
    return checkpoint.model


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.1


UP, DOWN, ALPHA = numbers(64, 4, seed=1), numbers(4, 64, seed=2), torch.tensor(2.0)
PRODUCT = UP @ DOWN
A1, B1, A2, B2 = (numbers(*shape, seed=seed) for seed, shape in enumerate([(64, 4), (4, 64), (64, 4), (4, 64)]))
KRON1, KRON2 = numbers(8, 8, seed=5), numbers(8, 8, seed=6)
SCALE = torch.rand(64, 1, generator=torch.Generator().manual_seed(9)) + 0.5


def dora(weight: Tensor) -> Tensor:
    """Liu et al. 2024: the direction of the changed weight, row by row at a trained length."""
    changed = weight + PRODUCT
    made: Tensor = SCALE * changed / changed.norm(dim=1, keepdim=True)
    return made - weight


LAYOUTS: dict[str, tuple[dict[str, Tensor], Tensor | Callable[[Tensor], Tensor]]] = {
    "kohya": (
        {f"lora_unet_{FLAT}.lora_up.weight": UP, f"lora_unet_{FLAT}.lora_down.weight": DOWN,
         f"lora_unet_{FLAT}.alpha": ALPHA},
        PRODUCT * 2 / 4,
    ),
    "kohya, names of the file": (
        {"lora_unet_output_blocks_3_1_transformer_blocks_0_attn1_to_q.lora_up.weight": UP,
         "lora_unet_output_blocks_3_1_transformer_blocks_0_attn1_to_q.lora_down.weight": DOWN},
        PRODUCT,
    ),
    "diffusers (PEFT)": ({f"unet.{LAYER}.lora_B.weight": UP, f"unet.{LAYER}.lora_A.weight": DOWN}, PRODUCT),
    "diffusers, first layout": (
        {f"unet.{LAYER.removesuffix('to_q')}processor.to_q_lora.up.weight": UP,
         f"unet.{LAYER.removesuffix('to_q')}processor.to_q_lora.down.weight": DOWN},
        PRODUCT,
    ),
    "DoRA": (
        {f"lora_unet_{FLAT}.lora_up.weight": UP, f"lora_unet_{FLAT}.lora_down.weight": DOWN,
         f"lora_unet_{FLAT}.dora_scale": SCALE},
        dora,
    ),
    "LoHa": (
        {f"lora_unet_{FLAT}.hada_w1_a": A1, f"lora_unet_{FLAT}.hada_w1_b": B1, f"lora_unet_{FLAT}.hada_w2_a": A2,
         f"lora_unet_{FLAT}.hada_w2_b": B2, f"lora_unet_{FLAT}.alpha": ALPHA},
        (A1 @ B1) * (A2 @ B2) * 2 / 4,
    ),
    "LoKr": ({f"lora_unet_{FLAT}.lokr_w1": KRON1, f"lora_unet_{FLAT}.lokr_w2": KRON2}, torch.kron(KRON1, KRON2)),
    "LoKr in factors": (
        {f"lora_unet_{FLAT}.lokr_w1": KRON1, f"lora_unet_{FLAT}.lokr_w2_a": KRON2[:, :2],
         f"lora_unet_{FLAT}.lokr_w2_b": KRON2[:2], f"lora_unet_{FLAT}.alpha": torch.tensor(1.0)},
        torch.kron(KRON1, KRON2[:, :2] @ KRON2[:2]) / 2,
    ),
    "a difference": ({f"lora_unet_{FLAT}.diff": PRODUCT}, PRODUCT),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(layout: str, checkpoint: Checkpoint) -> None:
    file, expected = LAYOUTS[layout]
    model = model_of(checkpoint)
    memory.load_models_gpu([model])
    before = model.weights.get(FILE_NAME).clone()
    change = expected(before) if callable(expected) else expected
    patched, _ = load_lora_for_models(model, None, file, 0.8, 0)
    assert patched is not None
    assert set(patched.patches) == {FILE_NAME}
    memory.load_models_gpu([patched])
    torch.testing.assert_close(model.weights.get(FILE_NAME), before + 0.8 * change, rtol=1e-5, atol=1e-6)
    memory.load_models_gpu([model])
    assert torch.equal(model.weights.get(FILE_NAME), before)


def test_convolutions_are_patched_too(checkpoint: Checkpoint) -> None:
    model = model_of(checkpoint)
    memory.load_models_gpu([model])
    name = "diffusion_model.input_blocks.1.0.in_layers.2.weight"
    before = model.weights.get(name).clone()
    down, up = numbers(4, 32, 3, 3), numbers(32, 4, 1, 1, seed=3)
    layer = "lora_unet_down_blocks_0_resnets_0_conv1"
    file = {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up}
    patched, _ = load_lora_for_models(model, None, file, 1.0, 0)
    assert patched is not None
    memory.load_models_gpu([patched])
    x = numbers(1, 32, 6, 6, seed=4)
    both = torch.nn.functional.conv2d(x, before) + torch.nn.functional.conv2d(torch.nn.functional.conv2d(x, down), up)
    torch.testing.assert_close(torch.nn.functional.conv2d(x, model.weights.get(name)), both, rtol=1e-4, atol=1e-4)
    memory.load_models_gpu([model])
    assert torch.equal(model.weights.get(name), before)


def test_text_encoders_of_both_sizes(tmp_path: Path) -> None:
    clip = load_checkpoint(tiny.write(tiny.sdxl(), tmp_path / "sdxl.safetensors"), want_vae=False).clip
    assert clip is not None
    layer = "text_model_encoder_layers_1_mlp_fc1"
    up, down = numbers(256, 4), numbers(4, 64)
    file = {f"lora_te2_{layer}.lora_up.weight": up, f"lora_te2_{layer}.lora_down.weight": down}
    _, patched = load_lora_for_models(None, clip, file, 0, 1.0)
    assert patched is not None
    assert set(patched.patcher.patches) == {"clip_g.transformer.text_model.encoder.layers.1.mlp.fc1.weight"}


def test_parts_of_joined_weights_of_flux(tmp_path: Path) -> None:
    """Files in diffusers' names change a third of Black Forest Labs' joined matrix."""
    model = load_diffusion_model(tiny.write(tiny.flux(), tmp_path / "flux.safetensors"))
    memory.load_models_gpu([model])
    name = "diffusion_model.double_blocks.0.img_attn.qkv.weight"
    before = model.weights.get(name).clone()
    up, down = numbers(64, 4), numbers(4, 64)
    layer = "transformer.transformer_blocks.0.attn.to_k"
    patched, _ = load_lora_for_models(
        model, None, {f"{layer}.lora_B.weight": up, f"{layer}.lora_A.weight": down}, 1.0, 0
    )
    whole = {"lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": numbers(192, 4, seed=7)}
    whole["lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"] = down
    assert patched is not None
    both, _ = load_lora_for_models(patched, None, whole, 0.5, 0)
    assert both is not None
    memory.load_models_gpu([both])
    expected = before + 0.5 * numbers(192, 4, seed=7) @ down
    expected[64:128] += up @ down
    torch.testing.assert_close(model.weights.get(name), expected, rtol=1e-5, atol=1e-6)
    memory.load_models_gpu([model])
    assert torch.equal(model.weights.get(name), before)


def test_a_lora_for_another_family_is_refused_by_name(checkpoint: Checkpoint) -> None:
    model = model_of(checkpoint)
    flux = {"lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": UP}
    flux["lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"] = DOWN
    with pytest.raises(WeightsError, match=r"style\.safetensors is a LoRA for another family.*Stable Diffusion 1"):
        load_lora_for_models(model, None, flux, 1.0, 0, "style.safetensors")
    wide = {f"lora_unet_{FLAT}.lora_up.weight": numbers(128, 4), f"lora_unet_{FLAT}.lora_down.weight": numbers(4, 128)}
    with pytest.raises(WeightsError, match=r"another family.*128 by 128.*64 by 64"):
        load_lora_for_models(model, None, wide, 1.0, 0, "style.safetensors")
    with pytest.raises(WeightsError, match="is no LoRA"):
        load_lora_for_models(model, None, {"x.weight": UP}, 1.0, 0, "style.safetensors")


def test_clones_do_not_notice_each_other(checkpoint: Checkpoint) -> None:
    model = model_of(checkpoint)
    memory.load_models_gpu([model])
    before = model.weights.get(FILE_NAME).clone()
    first, second, another = model.clone(), model.clone(), torch.nn.Identity()
    first.add_patches({FILE_NAME: (torch.ones(64, 64),)}, 1.0)
    second.add_patches({FILE_NAME: (torch.ones(64, 64),)}, 2.0)
    second.add_object_patch("model_sampling", another)
    second.set_model_attn1_patch(print)
    for patcher, added in ((first, 1.0), (second, 2.0), (first, 1.0), (model, 0.0)):
        memory.load_models_gpu([patcher])
        torch.testing.assert_close(model.weights.get(FILE_NAME), before + added)
        assert (model.model.model_sampling is another) == (patcher is second)
    assert torch.equal(model.weights.get(FILE_NAME), before)
    assert first.get_model_object("model_sampling") is model.model.model_sampling
    assert second.get_model_object("model_sampling") is another
    assert "patches" not in model.model_options["transformer_options"]
