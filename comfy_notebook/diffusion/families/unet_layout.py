"""The U-Net of Stable Diffusion: its file's names, its size, and where diffusers keeps each weight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..checkpoints.layout import Layout, Piece

Shapes = Mapping[str, tuple[int, ...]]
#: The parts of a residual block: the file's names, diffusers' names.
RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "emb_layers.1": "time_emb_proj",
    "skip_connection": "conv_shortcut",
}
#: What is in no block.
OUTSIDE = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
}
_BLOCK = re.compile(r"(input_blocks|output_blocks|middle_block)\.(\d+)\.(?:(\d+)\.)?(.+)")


def describe(shapes: Shapes) -> dict[str, Any]:
    """The arguments of ``UNet2DConditionModel`` for weights of these shapes."""
    base = shapes["input_blocks.0.0.weight"][0]
    per_block = _resnets_per_block(shapes)
    levels = _levels(shapes, per_block)
    channels = [_width(shapes, 1 + level * (per_block + 1)) for level in range(levels)]
    depths = [_depth(shapes, f"input_blocks.{1 + level * (per_block + 1)}.1.") for level in range(levels)]
    middle = _depth(shapes, "middle_block.1.")
    context = next(shape[1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight"))
    linear = len(shapes["middle_block.1.proj_in.weight"]) == 2
    config: dict[str, Any] = {
        "sample_size": 64,
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "block_out_channels": tuple(channels),
        "layers_per_block": per_block,
        "down_block_types": tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths),
        "up_block_types": tuple("CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)),
        "transformer_layers_per_block": tuple(max(depth, 1) for depth in depths),
        "cross_attention_dim": context,
        "attention_head_dim": tuple(_heads(width, linear, base) for width in channels),
        "use_linear_projection": linear,
        "norm_num_groups": 32 if base % 32 == 0 else _groups(base),
    }
    if middle != depths[-1] and middle:
        config["transformer_layers_per_block"] = (*config["transformer_layers_per_block"][:-1], middle)
    if "label_emb.0.0.weight" in shapes:
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": shapes["label_emb.0.0.weight"][1],
        }
    return config


def _groups(width: int) -> int:
    return next(groups for groups in (32, 16, 8, 4, 2, 1) if width % groups == 0)


def _heads(width: int, linear: bool, base: int) -> int:
    """diffusers calls the number of heads ``attention_head_dim``: 8 in SD 1, else as many as give 64 channels each."""
    return max(width // 64, 1) if linear else 8


def _resnets_per_block(shapes: Shapes) -> int:
    index = 1
    while f"input_blocks.{index}.0.op.weight" not in shapes and f"input_blocks.{index}.0.in_layers.0.weight" in shapes:
        index += 1
    return index - 1


def _levels(shapes: Shapes, per_block: int) -> int:
    count = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("input_blocks."))
    return (count + per_block) // (per_block + 1)


def _width(shapes: Shapes, block: int) -> int:
    return shapes[f"input_blocks.{block}.0.out_layers.3.weight"][0]


def _depth(shapes: Shapes, prefix: str) -> int:
    found = [int(name.split(".transformer_blocks.")[1].split(".")[0]) for name in shapes if _in_depth(name, prefix)]
    return max(found, default=-1) + 1


def _in_depth(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and ".transformer_blocks." in name


def layout(shapes: Shapes, per_block: int) -> Layout:
    """Where each weight of the file goes."""
    made = Layout()
    for name, shape in shapes.items():
        renamed = module_name(name, per_block)
        if renamed is not None:
            made.add(name, shape, Piece(renamed))
    return made


def module_name(name: str, per_block: int) -> str | None:
    """What diffusers calls a weight of the file; None for what is no part of the network."""
    for outside, inside in OUTSIDE.items():
        if name.startswith(outside + "."):
            return inside + name[len(outside) :]
    match = _BLOCK.fullmatch(name)
    if match is None:
        return None
    side, block, part, rest = match[1], int(match[2]), match[3], match[4]
    if side == "middle_block":
        # Here the first number is the part: resnet, transformer, resnet.
        inner = name.split(".", 2)[2]
        return f"mid_block.attentions.0.{inner}" if block == 1 else f"mid_block.resnets.{block // 2}.{_resnet(inner)}"
    if side == "input_blocks":
        level, layer = divmod(block - 1, per_block + 1)
        if rest.startswith("op."):
            return f"down_blocks.{level}.downsamplers.0.conv.{rest[3:]}"
        return _layer(f"down_blocks.{level}", layer, part, rest)
    level, layer = divmod(block, per_block + 1)
    if rest.startswith("conv."):
        return f"up_blocks.{level}.upsamplers.0.{rest}"
    return _layer(f"up_blocks.{level}", layer, part, rest)


def _layer(where: str, layer: int, part: str | None, rest: str) -> str:
    return f"{where}.resnets.{layer}.{_resnet(rest)}" if part == "0" else f"{where}.attentions.{layer}.{rest}"


def _resnet(rest: str) -> str:
    for old, new in RESNET.items():
        if rest.startswith(old + "."):
            return new + rest[len(old) :]
    return rest
