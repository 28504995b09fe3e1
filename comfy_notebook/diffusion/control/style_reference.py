"""USO: what SigLIP sees in a picture of a style, as tokens before those of Flux's prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..conds import repeat_to
from ..patcher import ModelPatcher

if TYPE_CHECKING:
    from ..clip_vision import ClipVisionOutput

#: Level → which of SigLIP's layers it reads, counted from the end.
_LEVELS = {"high": -2, "mid": -11, "low": -20}
#: What may stand before the names in a file.
PREFIX = "feature_embedder."


class StyleProjection(nn.Module):
    """Each level: ``seen`` tokens mixed to fewer, normed, and brought to the width of Flux's tokens."""

    def __init__(self, seen: int, tokens: int, seen_width: int, width: int) -> None:
        super().__init__()
        for level in _LEVELS:
            self.add_module(f"{level}_embedding_linear", nn.Sequential(nn.Linear(seen, tokens), nn.SiLU()))
            self.add_module(f"{level}_layer_norm", nn.LayerNorm(seen_width))
            self.add_module(f"{level}_projection", nn.Linear(seen_width, width))

    @classmethod
    def of_shapes(cls, shapes: Mapping[str, tuple[int, ...]]) -> StyleProjection | None:
        """The network for weights of these names and shapes; None when they are of another."""
        if "mid_layer_norm.bias" not in shapes or "mid_embedding_linear.0.weight" not in shapes:
            return None
        tokens, seen = shapes["mid_embedding_linear.0.weight"]
        width, seen_width = shapes["mid_projection.weight"]
        return cls(seen, tokens, seen_width, width)

    def forward(self, layers: list[Tensor]) -> Tensor:
        """The layers of :data:`_LEVELS`, each ``[B,seen,seen_width]``, → ``[B, 3 · tokens, width]``."""
        made = []
        for level, hidden in zip(_LEVELS, layers, strict=True):
            mixed = getattr(self, f"{level}_embedding_linear")(hidden.transpose(1, 2)).transpose(1, 2)
            made.append(getattr(self, f"{level}_projection")(getattr(self, f"{level}_layer_norm")(mixed)))
        return torch.cat(made, dim=1)


class StylePatch:
    """A ``post_input`` patch for Flux.

    Raises ``ValueError`` for the output of another encoder than the network was trained with.
    """

    def __init__(self, network: ModelPatcher, output: ClipVisionOutput) -> None:
        module: Any = network.model
        layers = output.all_hidden_states
        wanted = (module.mid_embedding_linear[0].in_features, module.mid_projection.in_features)
        if layers is None or layers.shape[1] < -min(_LEVELS.values()) or tuple(layers.shape[2:]) != wanted:
            raise ValueError(
                "this style network reads what SigLIP saw (sigclip_vision_patch14_384): load that encoder with Load "
                "CLIP Vision"
            )
        self.network = network
        self.layers = [layers[:, place] for place in _LEVELS.values()]

    def __call__(self, args: dict[str, Any]) -> dict[str, Any]:
        module: Any = self.network.model
        weight = module.mid_projection.weight
        with torch.no_grad():
            style = module([layer.to(weight.device, weight.dtype) for layer in self.layers])
        text, places = args["txt"], args["txt_ids"]
        style = repeat_to(style.to(text), text.shape[0])
        nowhere = places.new_zeros(places.shape[0], style.shape[1], places.shape[-1])
        return {"txt": torch.cat([style, text], dim=1), "txt_ids": torch.cat([nowhere, places], dim=1)}
