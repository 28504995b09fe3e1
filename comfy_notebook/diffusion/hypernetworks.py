"""Hypernetworks: two small networks for each width of text or image tokens, added to what keys and values are made of.

Files are those of the training programs of 2022: a dict of width → (for keys, for values), each a state dict of linear
layers and layer norms, beside which ``activation_func`` and ``activate_output`` say what lies between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from .checkpoints.files import WeightsError, read_nested, read_weights

if TYPE_CHECKING:
    from torch import Tensor

    from .patcher import ModelPatcher

_ACTIVATIONS: dict[str, Any] = {
    "linear": None,
    "relu": functional.relu,
    "leakyrelu": functional.leaky_relu,
    "elu": functional.elu,
    "swish": functional.hardswish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softsign": functional.softsign,
    "gelu": functional.gelu,
    "mish": functional.mish,
}
#: What the first files called their two layers.
_OLD = {"linear1.": "linear.0.", "linear2.": "linear.1."}
_LAYER = re.compile(r"linear\.(\d+)\.(weight|bias)")


class Addition(nn.Module):
    """One small network: what it adds to tokens ``[B,T,D]``."""

    def __init__(self, state: Mapping[str, Tensor], options: Mapping[str, Any], file: str) -> None:
        super().__init__()
        layers: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            for old, new in _OLD.items():
                name = new + name[len(old) :] if name.startswith(old) else name  # noqa: PLW2901
            if (match := _LAYER.fullmatch(name)) is not None:
                layers.setdefault(int(match[1]), {})[match[2]] = value.float()
        kind = str(options.get("activation_func") or "linear").lower()
        if not layers or any("weight" not in layer for layer in layers.values()):
            raise WeightsError(f"{file} holds no hypernetwork that is known")
        if kind not in _ACTIVATIONS:
            raise WeightsError(f"{file} uses the activation {kind!r}; known are {', '.join(_ACTIVATIONS)}")
        self.activation, self.activate_output = _ACTIVATIONS[kind], bool(options.get("activate_output"))
        self.layers = nn.ModuleList(_layer(layers[index]) for index in sorted(layers))

    def forward(self, tokens: Tensor) -> Tensor:
        made = tokens.to(next(self.parameters()).dtype)
        last = max(place for place, layer in enumerate(self.layers) if isinstance(layer, nn.Linear))
        for place, layer in enumerate(self.layers):
            made = layer(made)
            activates = isinstance(layer, nn.Linear) and (place < last or self.activate_output)
            if activates and self.activation is not None:
                made = self.activation(made)
        return made.to(tokens.dtype)


def _layer(weights: Mapping[str, Tensor]) -> nn.Module:
    weight, bias = weights["weight"], weights.get("bias")
    layer: nn.Module
    if weight.ndim == 2:
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    else:
        layer = nn.LayerNorm(tuple(weight.shape))
    layer.load_state_dict({"weight": weight, **({} if bias is None else {"bias": bias})})
    return layer.requires_grad_(False)


class Hypernetwork:
    """A patch of attention that adds to the tokens which keys and values are made of."""

    def __init__(self, pairs: Mapping[int, tuple[Addition, Addition]], strength: float) -> None:
        self.pairs, self.strength = dict(pairs), strength

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, options: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor, Tensor]:
        pair = self.pairs.get(key.shape[-1])
        if pair is None:
            return query, key, value
        return query, key + pair[0](key) * self.strength, value + pair[1](value) * self.strength

    def to(self, device_or_dtype: Any) -> Hypernetwork:
        """Go where the model goes; the small networks compute in float32."""
        if not isinstance(device_or_dtype, torch.dtype):
            for pair in self.pairs.values():
                for part in pair:
                    part.to(device_or_dtype)
        return self


def load(path: Path) -> dict[int, tuple[Addition, Addition]]:
    """The small networks of a file by the width of their tokens.

    Raises :class:`WeightsError` for files that are something else, and for pickles while these are refused.
    """
    if path.suffix == ".safetensors":
        weights, options = read_weights(path)
        nested: Mapping[Any, Any] = _nested(weights) | dict(options)
    else:
        nested = read_nested(path)
    pairs = {}
    for key, value in nested.items():
        if str(key).isdigit() and isinstance(value, (list, tuple)) and len(value) == 2:
            first, second = (Addition(state, nested, path.name) for state in value)
            pairs[int(key)] = (first, second)
    if not pairs:
        raise WeightsError(f"{path.name} holds no hypernetwork that is known")
    return pairs


def _nested(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """``768.0.linear.0.weight`` → the dict that training programs save."""
    found: dict[str, Any] = {}
    for name, value in weights.items():
        width, _, rest = name.partition(".")
        side, _, inner = rest.partition(".")
        if width.isdigit() and side in ("0", "1"):
            found.setdefault(width, [{}, {}])[int(side)][inner] = value
    return found


def apply(model: ModelPatcher, path: Path, strength: float) -> ModelPatcher:
    """A clone whose attention, to itself and to text, has the hypernetwork of a file."""
    made = model.clone()
    patch = Hypernetwork(load(path), strength)
    made.set_model_attn1_patch(patch)
    made.set_model_attn2_patch(patch)
    return made
