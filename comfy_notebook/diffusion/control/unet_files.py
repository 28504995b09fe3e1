"""Control networks of Stable Diffusion 1, 2 and XL in files: the layout of the original program, or of diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checkpoints.layout import Layout, Piece
from ..families import unet_layout
from .network import ControlNetwork
from .recognised import Recognised, count, same_names
from .union import UnionControlNetwork

Shapes = Mapping[str, tuple[int, ...]]
_HINT = {0: "conv_in", 14: "conv_out"}
_DTYPES = ("float16", "bfloat16", "float32")


def recognise(shapes: Shapes) -> Recognised | None:
    """The control network with weights of these names and shapes, None where they are of another kind."""
    if "zero_convs.0.0.weight" in shapes:
        layout, config = _original(shapes)
    elif "controlnet_cond_embedding.conv_in.weight" in shapes and "controlnet_mid_block.weight" in shapes:
        layout, config = same_names(shapes), _of_diffusers(shapes)
    else:
        return None
    if "task_embedding" in shapes:
        return _union(layout, config, shapes)

    def module() -> Any:
        from diffusers.models.controlnets.controlnet import ControlNetModel

        return ControlNetModel(**config)

    return Recognised(module, layout, ControlNetwork, _DTYPES)


def _union(layout: Layout, config: dict[str, Any], shapes: Shapes) -> Recognised:
    kinds, width = shapes["task_embedding"]
    config = {
        **config,
        "addition_time_embed_dim": 256,
        "num_control_type": kinds,
        "num_trans_channel": width,
        "num_trans_layer": count(shapes, "transformer_layes."),
        "num_proj_channel": shapes["spatial_ch_projs.weight"][0],
    }

    def module() -> Any:
        from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

        return ControlNetUnionModel(**config)

    return Recognised(module, layout, UnionControlNetwork, _DTYPES)


def config_for(unet: Mapping[str, Any], hint: tuple[int, ...]) -> dict[str, Any]:
    """The arguments of ``ControlNetModel`` for a U-Net with these arguments."""
    kept = {key: value for key, value in unet.items() if key not in ("sample_size", "out_channels", "up_block_types")}
    return {**kept, "conditioning_embedding_out_channels": hint}


def hint_widths(shapes: Shapes) -> tuple[int, ...]:
    """The widths of the layers that see the picture, in files of the original program."""
    return tuple(shapes[f"input_hint_block.{index}.weight"][0] for index in (0, 4, 8, 12))


def original_layout(shapes: Shapes, per_block: int) -> Layout:
    """Where the weights of the original program's files go."""
    layout = unet_layout.layout(shapes, per_block)
    for name, shape in shapes.items():
        if (renamed := _control_name(name)) is not None:
            layout.add(name, shape, Piece(renamed))
    return layout


def _original(shapes: Shapes) -> tuple[Layout, dict[str, Any]]:
    unet = unet_layout.describe({**shapes, "out.2.weight": (4,)})
    return original_layout(shapes, unet["layers_per_block"]), config_for(unet, hint_widths(shapes))


def _control_name(name: str) -> str | None:
    """What diffusers calls the parts that only control networks have."""
    kind = name.rsplit(".", 1)[-1]
    if name.startswith("zero_convs."):
        return f"controlnet_down_blocks.{name.split('.')[1]}.{kind}"
    if name.startswith("middle_block_out."):
        return f"controlnet_mid_block.{kind}"
    if name.startswith("input_hint_block."):
        index = int(name.split(".")[1])
        part = _HINT.get(index) or f"blocks.{index // 2 - 1}"
        return f"controlnet_cond_embedding.{part}.{kind}"
    return None


def _of_diffusers(shapes: Shapes) -> dict[str, Any]:
    levels = count(shapes, "down_blocks.")
    widths = tuple(shapes[f"down_blocks.{level}.resnets.0.conv2.weight"][0] for level in range(levels))
    depths = [count(shapes, f"down_blocks.{level}.attentions.0.transformer_blocks.") for level in range(levels)]
    linear = len(shapes["mid_block.attentions.0.proj_in.weight"]) == 2
    unet: dict[str, Any] = {
        "in_channels": shapes["conv_in.weight"][1],
        "block_out_channels": widths,
        "layers_per_block": count(shapes, "down_blocks.0.resnets."),
        "down_block_types": tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths),
        "transformer_layers_per_block": tuple(max(depth, 1) for depth in depths),
        "cross_attention_dim": shapes["mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"][1],
        "attention_head_dim": tuple(max(width // 64, 1) if linear else 8 for width in widths),
        "use_linear_projection": linear,
    }
    if "add_embedding.linear_1.weight" in shapes:
        unet |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": shapes["add_embedding.linear_1.weight"][1],
        }
    embedding = "controlnet_cond_embedding"
    hint = [shapes[f"{embedding}.conv_in.weight"][0]]
    hint += [shapes[f"{embedding}.blocks.{n}.weight"][0] for n in range(1, count(shapes, f"{embedding}.blocks."), 2)]
    return config_for(unet, tuple(hint))
