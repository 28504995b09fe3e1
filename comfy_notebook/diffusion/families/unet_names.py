"""U-Nets in files that have diffusers' names: under the names that Stable Diffusion's own files have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import unet_layout

_RESNET = {inside: outside for outside, inside in unet_layout.RESNET.items()}
_OUTSIDE = {inside: outside for outside, inside in unet_layout.OUTSIDE.items()} | {
    "class_embedding.linear_1": "label_emb.0.0",
    "class_embedding.linear_2": "label_emb.0.2",
}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")


def is_diffusers(names: Iterable[str]) -> bool:
    """Whether these are names of diffusers' ``UNet2DConditionModel``."""
    known = set(names)
    return {"conv_in.weight", "time_embedding.linear_1.weight", "down_blocks.0.resnets.0.conv1.weight"} <= known


def as_in_files(weights: Mapping[str, Any]) -> dict[str, Any]:
    """``weights`` of diffusers' U-Net under the names of Stable Diffusion's files; others are left out."""
    per_block = len({name.split(".")[3] for name in weights if name.startswith("down_blocks.0.resnets.")})
    named = {name: _in_file(name, per_block, weights) for name in weights}
    return {new: weights[name] for name, new in named.items() if new is not None}


def _in_file(name: str, per_block: int, names: Mapping[str, Any]) -> str | None:
    layer, _, kind = name.rpartition(".")
    if layer in _OUTSIDE:
        return f"{_OUTSIDE[layer]}.{kind}"
    if (match := _MIDDLE.fullmatch(name)) is not None:
        part, number, rest = match.groups()
        return f"middle_block.1.{rest}" if part == "attentions" else f"middle_block.{int(number) * 2}.{_resnet(rest)}"
    if (match := _BLOCK.fullmatch(name)) is None:
        return None
    side, level, part, number, rest = match.groups()
    if part == "downsamplers":
        return f"input_blocks.{(int(level) + 1) * (per_block + 1)}.0.op.{rest.removeprefix('conv.')}"
    if part == "upsamplers":
        attends = f"up_blocks.{level}.attentions.0.norm.weight" in names
        return f"output_blocks.{(int(level) + 1) * (per_block + 1) - 1}.{2 if attends else 1}.{rest}"
    first = 1 if side == "down" else 0
    block = f"{'input' if side == 'down' else 'output'}_blocks.{first + int(level) * (per_block + 1) + int(number)}"
    return f"{block}.1.{rest}" if part == "attentions" else f"{block}.0.{_resnet(rest)}"


def _resnet(rest: str) -> str:
    part, _, kind = rest.rpartition(".")
    return f"{_RESNET[part]}.{kind}" if part in _RESNET else rest
