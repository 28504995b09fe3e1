"""Where diffusers keeps the weights of Flux's and Chroma's files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..checkpoints.layout import Layout, Piece

_OUTSIDE = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "final_layer.linear": "proj_out",
}
_DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
}
_SINGLE = {
    "modulation.lin": "norm.linear",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
    "linear2": "proj_out",
}
_QKV = {"img_attn": ("to_q", "to_k", "to_v"), "txt_attn": ("add_q_proj", "add_k_proj", "add_v_proj")}
_BLOCK = re.compile(r"(double|single)_blocks\.(\d+)\.(.+)\.(weight|bias|scale)")
_APPROXIMATOR = {
    ".in_layer.": ".linear_1.",
    ".out_layer.": ".linear_2.",
}


def layout(shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    """Where each weight goes."""
    made = Layout()
    hidden = shapes["img_in.weight"][0]
    for name, shape in shapes.items():
        match = _BLOCK.fullmatch(name)
        if match is not None:
            _add_block(made, name, shape, match, hidden)
        elif name.startswith("final_layer.adaLN_modulation.1."):
            add_swapped(made, name, shape, f"norm_out.linear.{name.rsplit('.', 1)[1]}")
        elif name.startswith("distilled_guidance_layer."):
            made.add(name, shape, Piece(_approximator(name)))
        else:
            layer, kind = name.rsplit(".", 1)
            if layer in _OUTSIDE:
                made.add(name, shape, Piece(f"{_OUTSIDE[layer]}.{kind}"))
    return made


def add_swapped(layout: Layout, name: str, shape: tuple[int, ...], parameter: str) -> None:
    """Files have shift above scale in their last modulation, diffusers scale above shift."""
    half = shape[0] // 2
    layout.add(name, shape, Piece(parameter, (0, half), (half, half)), Piece(parameter, (half, half), (0, half)))


def _add_block(made: Layout, name: str, shape: tuple[int, ...], match: re.Match[str], hidden: int) -> None:
    side, number, part, kind = match.groups()
    kind = "weight" if kind == "scale" else kind
    if side == "double":
        block = f"transformer_blocks.{number}."
        if part.endswith(".qkv"):
            names = _QKV[part.removesuffix(".qkv")]
            made.add_split(name, shape, {f"{block}attn.{one}.{kind}": shape[0] // 3 for one in names})
        elif part in _DOUBLE:
            made.add(name, shape, Piece(f"{block}{_DOUBLE[part]}.{kind}"))
        return
    block = f"single_transformer_blocks.{number}."
    if part == "linear1":
        sizes = {f"{block}attn.{one}.{kind}": hidden for one in ("to_q", "to_k", "to_v")}
        made.add_split(name, shape, {**sizes, f"{block}proj_mlp.{kind}": shape[0] - 3 * hidden})
    elif part in _SINGLE:
        made.add(name, shape, Piece(f"{block}{_SINGLE[part]}.{kind}"))


def _approximator(name: str) -> str:
    for old, new in _APPROXIMATOR.items():
        name = name.replace(old, new) if ".layers." in name else name
    return name.replace(".scale", ".weight") if ".norms." in name else name
