"""CLIP text encoders in files: the names transformers uses, or OpenCLIP's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..checkpoints.layout import Layout, Piece, assign
from ..checkpoints.meta import shapes_of
from .clip_encoder import ClipEncoder, ClipSize, build

if TYPE_CHECKING:
    from torch import Tensor

_OPEN_CLIP = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
_OPEN_CLIP_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_LAYERS = "transformer.resblocks."
_TABLE = "text_model.embeddings.token_embedding"
_CLIP_TOKENS = 49408


def open_clip_layout(shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    """Where OpenCLIP's weights go in transformers' module."""
    layout = Layout()
    for name, shape in shapes.items():
        if name in _OPEN_CLIP:
            layout.add(name, shape, Piece(_OPEN_CLIP[name]))
        elif name == "text_projection":
            layout.add(name, shape, Piece("text_projection.weight", transposed=True))
        elif name == "text_projection.weight":
            layout.add(name, shape, Piece(name))
        elif name.startswith(_LAYERS):
            _add_layer(layout, name, shape)
    return layout


def _add_layer(layout: Layout, name: str, shape: tuple[int, ...]) -> None:
    number, _, rest = name[len(_LAYERS) :].partition(".")
    layer = f"text_model.encoder.layers.{number}."
    if rest.startswith("attn.in_proj_"):
        kind = rest.rsplit("_", 1)[1]
        width = shape[0] // 3
        layout.add_split(name, shape, {f"{layer}self_attn.{part}_proj.{kind}": width for part in "qkv"})
        return
    for old, new in _OPEN_CLIP_LAYER.items():
        if rest.startswith(old + "."):
            layout.add(name, shape, Piece(f"{layer}{new}{rest[len(old) :]}"))


def as_transformers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under transformers' names, whichever they had."""
    if any(name.startswith(_LAYERS) for name in weights):
        layout = open_clip_layout({name: tuple(value.shape) for name, value in weights.items()})
        return layout.to_module(weights, {})
    named = {name: value for name, value in weights.items() if name.startswith(("text_model.", "text_projection"))}
    if not named and "encoder.layers.0.mlp.fc1.weight" in weights:
        named = {f"text_model.{name}": value for name, value in weights.items() if not name.startswith("text_proj")}
        named |= {name: value for name, value in weights.items() if name.startswith("text_proj")}
    return _with_whole_table({name: value for name, value in named.items() if not name.endswith("position_ids")})


def _with_whole_table(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Small models have rows only for tokens they learnt: ``rows[i]`` of ``ids[i]``; that of id -1 for all others."""
    rows, ids = (named.pop(f"{_TABLE}.{part}", None) for part in ("rows", "ids"))
    if rows is None or ids is None:
        return named
    whole = rows[ids == -1][:1].repeat(_CLIP_TOKENS, 1)
    whole[ids[ids >= 0].long()] = rows[ids >= 0]
    return {**named, f"{_TABLE}.weight": whole}


def to_open_clip(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under transformers' names → OpenCLIP's."""
    layers = 1 + max(int(name.split(".")[3]) for name in weights if name.startswith("text_model.encoder.layers."))
    shapes: dict[str, tuple[int, ...]] = {name: tuple(weights[new].shape) for name, new in _OPEN_CLIP.items()}
    width = shapes["ln_final.weight"][0]
    if "text_projection.weight" in weights:
        shapes["text_projection"] = tuple(weights["text_projection.weight"].t().shape)
    for number in range(layers):
        layer = f"{_LAYERS}{number}."
        shapes |= {f"{layer}attn.in_proj_weight": (3 * width, width), f"{layer}attn.in_proj_bias": (3 * width,)}
        for old, new in _OPEN_CLIP_LAYER.items():
            for kind in ("weight", "bias"):
                own = weights[f"text_model.encoder.layers.{number}.{new}.{kind}"]
                shapes[f"{layer}{old}.{kind}"] = tuple(own.shape)
    layout = open_clip_layout(shapes)
    return {name: layout.from_module(name, weights) for name in layout.pieces}


def load_clip(weights: Mapping[str, Tensor], what: str, **size: Any) -> ClipEncoder:
    """An encoder with the weights of a file (prefix removed).

    Raises :class:`~..checkpoints.files.WeightsError` when they are incomplete.
    """
    import torch

    named = as_transformers(weights)
    shapes = {name: tuple(value.shape) for name, value in named.items()}
    made = build(
        ClipSize.of(shapes, **size),
        vocabulary=shapes["text_model.embeddings.token_embedding.weight"][0],
        positions=shapes["text_model.embeddings.position_embedding.weight"][0],
        projection=shapes.get("text_projection.weight", (None,))[0],
    )
    wanted = shapes_of(made.transformer)
    if "text_projection.weight" not in named:
        named["text_projection.weight"] = torch.eye(*wanted["text_projection.weight"])
    rounded = {
        name: value.to(torch.float16).float() if value.is_floating_point() else value for name, value in named.items()
    }
    assign(made.transformer, rounded, what)
    return made
