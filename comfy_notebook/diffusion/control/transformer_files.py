"""Control networks of Stable Diffusion 3, Flux.1 and Qwen-Image in files: names of diffusers, Stability or XLabs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..checkpoints.layout import Layout, Piece
from ..families import flux_layout
from .recognised import Recognised, count, same_names
from .transformers import FluxControlNetwork, QwenImageControlNetwork, SD3ControlNetwork

if TYPE_CHECKING:
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
_DTYPES = ("bfloat16", "float16", "float32")
#: What Stability calls parts of a block.
_STABILITY = {
    "attn.proj": "attn.to_out.0",
    "adaLN_modulation.1": "norm1.linear",
    "mlp.fc1": "ff.net.0.proj",
    "mlp.fc2": "ff.net.2",
}


def recognise(weights: Mapping[str, Tensor], shapes: Shapes) -> Recognised | None:
    """The control network with these weights, None where they are of another kind."""
    if "controlnet_blocks.0.weight" not in shapes:
        return None
    if "pos_embed_input.proj.weight" in shapes:
        if "pos_embed.proj.weight" in shapes and "context_embedder.weight" not in shapes:
            return None  # Stability's for 3.5 medium: its blocks see the latent side by side, which diffusers has not
        # Stability's own files say by a number what they were made for: 1 are edges.
        kind = weights.get("control_type")
        return _sd3(shapes, edges=kind is not None and int(kind.flatten()[0]) == 1)
    if "txt_norm.weight" in shapes and "controlnet_x_embedder.weight" in shapes:
        return _qwen_image(shapes)
    if "pos_embed_input.weight" in shapes and "double_blocks.0.img_attn.qkv.weight" in shapes:
        return _flux(_xlabs_layout(shapes))
    if "controlnet_x_embedder.weight" in shapes and "x_embedder.weight" in shapes:
        return _flux(same_names(shapes))
    return None


def _sd3(shapes: Shapes, edges: bool) -> Recognised:
    inner, channels, patch = shapes["pos_embed_input.proj.weight"][:3]
    context = shapes.get("context_embedder.weight")
    embed = shapes.get("pos_embed.proj.weight")
    norm = shapes.get("transformer_blocks.0.attn.norm_q.weight")
    head = norm[0] if norm is not None else 64
    positions = shapes.get("pos_embed.pos_embed")
    config: dict[str, Any] = {
        "patch_size": patch,
        "in_channels": embed[1] if embed is not None else channels,
        "extra_conditioning_channels": channels - embed[1] if embed is not None else 0,
        "num_layers": count(shapes, "transformer_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": inner // head,
        "joint_attention_dim": context[1] if context is not None else None,
        "caption_projection_dim": context[0] if context is not None else inner,
        "pooled_projection_dim": shapes["time_text_embed.text_embedder.linear_1.weight"][1],
        "pos_embed_max_size": round(positions[1] ** 0.5) if positions is not None else None,
        "pos_embed_type": "sincos" if positions is not None else None,
        "use_pos_embed": embed is not None,
        "qk_norm": "rms_norm" if norm is not None else None,
        "dual_attention_layers": tuple(
            number
            for number in range(count(shapes, "transformer_blocks."))
            if f"transformer_blocks.{number}.attn2.to_q.weight" in shapes
        ),
        "force_zeros_for_pooled_projection": context is not None,
    }

    def module() -> Any:
        from diffusers.models.controlnets.controlnet_sd3 import SD3ControlNetModel

        return SD3ControlNetModel(**config)

    dtypes = ("float16", "bfloat16", "float32")
    return Recognised(module, _sd3_layout(shapes), partial(SD3ControlNetwork, edges=edges), dtypes)


def _sd3_layout(shapes: Shapes) -> Layout:
    if "transformer_blocks.0.attn.qkv.weight" not in shapes:
        return same_names(shapes)
    made = Layout()
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition(".")
        if layer.endswith(".attn.qkv"):
            start = layer.removesuffix("qkv")
            made.add_split(name, shape, {f"{start}to_{one}.{kind}": shape[0] // 3 for one in "qkv"})
            continue
        for old, new in _STABILITY.items():
            if layer.startswith("transformer_blocks.") and layer.endswith(f".{old}"):
                layer = layer.removesuffix(old) + new
        made.add(name, shape, Piece(f"{layer}.{kind}"))
    return made


def _xlabs_layout(shapes: Shapes) -> Layout:
    """The Flux names of Black Forest Labs, with the control parts as XLabs calls them."""
    made = flux_layout.layout(shapes)
    blocks = (count(shapes, "input_hint_block.") - 1) // 2
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition(".")
        if layer == "pos_embed_input":
            made.add(name, shape, Piece(f"controlnet_x_embedder.{kind}"))
        elif layer.startswith("controlnet_blocks."):
            made.add(name, shape, Piece(name))
        elif layer.startswith("input_hint_block."):
            number = int(layer.split(".")[1]) // 2
            part = {0: "conv_in", blocks: "conv_out"}.get(number, f"blocks.{number - 1}")
            made.add(name, shape, Piece(f"input_hint_block.{part}.{kind}"))
    return made


def _flux(layout: Layout) -> Recognised:
    sizes = {piece.parameter: layout.shapes[name] for name, pieces in layout.pieces.items() for piece in pieces}
    inner, values = sizes["x_embedder.weight"]
    head = sizes["transformer_blocks.0.attn.norm_q.weight"][0]
    side = (head - head // 8) // 2
    modes = sizes.get("controlnet_mode_embedder.weight")
    hint = sizes.get("input_hint_block.conv_out.weight")
    config: dict[str, Any] = {
        "patch_size": 2 if hint is not None else 1,
        "in_channels": values,
        "num_layers": count(sizes, "transformer_blocks."),
        "num_single_layers": count(sizes, "single_transformer_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": inner // head,
        "joint_attention_dim": sizes["context_embedder.weight"][1],
        "pooled_projection_dim": sizes["time_text_embed.text_embedder.linear_1.weight"][1],
        "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in sizes,
        "axes_dims_rope": [head - 2 * side, side, side],
        "num_mode": modes[0] if modes is not None else None,
        "conditioning_embedding_channels": hint[0] if hint is not None else None,
    }

    def module() -> Any:
        from diffusers.models.controlnets.controlnet_flux import FluxControlNetModel
        from torch import nn

        made = FluxControlNetModel(**config)
        if (seen := sizes["controlnet_x_embedder.weight"][1]) != values:  # beside the picture, a mask
            made.controlnet_x_embedder = nn.Linear(seen, inner)
        return made

    return Recognised(module, layout, FluxControlNetwork, _DTYPES)


def _qwen_image(shapes: Shapes) -> Recognised:
    inner, values = shapes["img_in.weight"]
    head = shapes["transformer_blocks.0.attn.norm_q.weight"][0]
    side = (head - head // 8) // 2
    config = {
        "in_channels": values,
        "num_layers": count(shapes, "transformer_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": inner // head,
        "joint_attention_dim": shapes["txt_norm.weight"][0],
        "axes_dims_rope": (head - 2 * side, side, side),
        "extra_condition_channels": shapes["controlnet_x_embedder.weight"][1] - values,
    }

    def module() -> Any:
        from diffusers.models.controlnets.controlnet_qwenimage import QwenImageControlNetModel

        return QwenImageControlNetModel(**config)

    return Recognised(module, same_names(shapes), QwenImageControlNetwork, ("bfloat16", "float32"))
