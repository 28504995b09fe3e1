"""Black Forest Labs' LoRAs that turn Flux into Flux Depth and Canny: they give it a second picture to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .adapters import LoRA

if TYPE_CHECKING:
    from torch import Tensor

#: Layers that may get more inputs.
GROWING = ("diffusion_model.img_in.weight",)


@dataclass
class InputLoRA(LoRA):
    """A LoRA of a layer with more inputs than the model's, which grows by columns of zeros first."""

    def applied(self, weight: Tensor, strength: float, key: str, function: Any = None) -> Tensor:
        grown = weight.new_zeros(weight.shape[0], self.down.shape[1])
        grown[:, : weight.shape[1]] = weight
        return super().applied(grown, strength, key, function)


def with_named_norms(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``weights``, where the scales of norms, which such files hold whole, are called what other files call those."""
    if "img_in.lora_A.weight" not in weights:
        return dict(weights)
    return {
        f"diffusion_model.{name}.set_weight" if name.endswith("_norm.scale") else name: value
        for name, value in weights.items()
    }


def grown(patch: LoRA, name: str, rows: int, columns: int) -> InputLoRA | None:
    """``patch`` as one of a layer that gets more inputs than ``columns``, None where ``name`` may not."""
    if name not in GROWING or patch.up.shape[0] != rows or patch.down.shape[1] <= columns:
        return None
    return InputLoRA(patch.up, patch.down, patch.alpha, patch.mid, patch.dora_scale)
