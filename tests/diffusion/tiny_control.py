"""Small random control networks under the names of their files."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from . import tiny
from .tiny import layer, random_weights


def named_like(module: Any) -> dict[str, Tensor]:
    """Random weights under the names of a module of diffusers."""
    return random_weights({name: tuple(value.shape) for name, value in module.state_dict().items()})


def union(kinds: int = 8) -> dict[str, Tensor]:
    """xinsir's union network for :func:`.tiny.sdxl`; its files have the names of diffusers."""
    from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

    made: Any = ControlNetUnionModel
    return named_like(
        made(
            block_out_channels=(64, 64, 128), layers_per_block=2, norm_num_groups=32, attention_head_dim=(1, 1, 2),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=128,
            transformer_layers_per_block=(1, 1, 2), use_linear_projection=True, addition_embed_type="text_time",
            addition_time_embed_dim=256, projection_class_embeddings_input_dim=64 + 6 * 256, num_control_type=kinds,
            conditioning_embedding_out_channels=(16, 32, 96, 256), num_trans_channel=64, num_proj_channel=64,
        )
    )  # fmt: skip


def sd3(channels: int = 0) -> dict[str, Tensor]:
    """InstantX' network for :func:`.tiny.sd3`, or AliMama's with a mask in ``channels`` more."""
    from diffusers.models.controlnets.controlnet_sd3 import SD3ControlNetModel

    made: Any = SD3ControlNetModel
    module = made(
        num_layers=1, attention_head_dim=32, num_attention_heads=2, joint_attention_dim=48, caption_projection_dim=64,
        pooled_projection_dim=40, pos_embed_max_size=16, extra_conditioning_channels=channels, qk_norm="rms_norm",
    )  # fmt: skip
    return named_like(module)


def sd35_large() -> dict[str, Tensor]:
    """Stability's network for 3.5 large in its own layout, one head of 64; it sees no text."""
    hidden = 64
    made = layer("pos_embed_input.proj", hidden, 16, 2, 2)
    for part, width in (("timestep_embedder", 256), ("text_embedder", 40)):
        made |= layer(f"time_text_embed.{part}.linear_1", hidden, width)
        made |= layer(f"time_text_embed.{part}.linear_2", hidden, hidden)
    for number in range(2):
        block = f"transformer_blocks.{number}"
        made |= layer(f"{block}.attn.qkv", 3 * hidden, hidden) | layer(f"{block}.attn.proj", hidden, hidden)
        made |= layer(f"{block}.mlp.fc1", 4 * hidden, hidden) | layer(f"{block}.mlp.fc2", hidden, 4 * hidden)
        made |= layer(f"{block}.adaLN_modulation.1", 6 * hidden, hidden)
        made |= layer(f"controlnet_blocks.{number}", hidden, hidden)
    return random_weights(made)


def flux(single: int = 1, modes: int | None = None) -> dict[str, Tensor]:
    """InstantX' or Shakker's network for :func:`.tiny.flux`; ``modes`` for union networks."""
    from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel

    made: Any = FluxControlNetModel
    module = made(
        in_channels=64, num_layers=1, num_single_layers=single, attention_head_dim=32, num_attention_heads=2,
        joint_attention_dim=48, pooled_projection_dim=64, guidance_embeds=True, axes_dims_rope=[4, 14, 14],
        num_mode=modes,
    )  # fmt: skip
    return named_like(module)


def xlabs() -> dict[str, Tensor]:
    """XLabs' network for :func:`.tiny.flux` in its own layout: one double block, the picture as pixels."""
    model = tiny.flux()
    kept = ("img_in.", "txt_in.", "time_in.", "vector_in.", "guidance_in.", "double_blocks.0.")
    made = layer("pos_embed_input", 64, 64) | layer("controlnet_blocks.0", 64, 64)
    for index in range(8):
        made |= layer(f"input_hint_block.{2 * index}", 16, 16 if index else 3, 3, 3)
    return {name: value for name, value in model.items() if name.startswith(kept)} | random_weights(made)


def qwen_image(channels: int = 0) -> dict[str, Tensor]:
    """InstantX' network for :func:`.tiny.qwen_image`; ``channels`` more see a mask."""
    from diffusers.models.controlnets.controlnet_qwenimage import QwenImageControlNetModel

    made: Any = QwenImageControlNetModel
    module = made(
        num_layers=1, attention_head_dim=32, num_attention_heads=2, joint_attention_dim=48, axes_dims_rope=(4, 14, 14),
        extra_condition_channels=channels,
    )  # fmt: skip
    return named_like(module)


def t2i_adapter(widths: tuple[int, ...] = (32, 64, 64), xl: bool = False) -> dict[str, Tensor]:
    """A full adapter in TencentARC's layout: two residual blocks at each of its levels."""
    values = 768 if xl else 192
    made, before = layer("conv_in", widths[0], values, 3, 3), widths[0]
    for level, width in enumerate(widths):
        for number in (2 * level, 2 * level + 1):
            made |= layer(f"body.{number}.in_conv", width, before, 1, 1) if width != before else {}
            made |= layer(f"body.{number}.block1", width, width, 3, 3) | layer(
                f"body.{number}.block2", width, width, 1, 1
            )
            before = width
    return random_weights(made)


def light_adapter(widths: tuple[int, ...] = (32, 64, 64)) -> dict[str, Tensor]:
    """A light adapter in TencentARC's layout."""
    made, before = {}, 192
    for level, width in enumerate(widths):
        made |= layer(f"body.{level}.in_conv", width // 4, before, 1, 1)
        for number in range(2):
            for part in ("block1", "block2"):
                made |= layer(f"body.{level}.body.{number}.{part}", width // 4, width // 4, 3, 3)
        made |= layer(f"body.{level}.out_conv", width, width // 4, 1, 1)
        before = width
    return random_weights(made)
