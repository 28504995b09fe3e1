"""Mixing two pictures pixel by pixel: blend modes and the Porter-Duff operators."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Mode = Callable[[Tensor, Tensor], Tensor]


def _overlay(below: Tensor, above: Tensor) -> Tensor:
    return torch.where(below <= 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above))


def _soft_light(below: Tensor, above: Tensor) -> Tensor:
    """The W3C compositing formula."""
    lighter = torch.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, below.clamp(min=0).sqrt())
    return torch.where(
        above <= 0.5,
        below - (1 - 2 * above) * below * (1 - below),
        below + (2 * above - 1) * (lighter - below),
    )


#: Blend modes by name: colour of (image1, image2) before the two are mixed by the blend factor.
MODES: dict[str, Mode] = {
    "normal": lambda below, above: above,
    "multiply": lambda below, above: below * above,
    "screen": lambda below, above: 1 - (1 - below) * (1 - above),
    "overlay": _overlay,
    "soft_light": _soft_light,
    "difference": lambda below, above: below - above,
}


def blend(below: Tensor, above: Tensor, factor: float, mode: str) -> Tensor:
    """IMAGE ``below`` with ``factor`` (0..1) of its blend with ``above``, clipped to 0..1; both of one size."""
    mixed = MODES[mode](below, above)
    return (below * (1 - factor) + mixed * factor).clamp(0, 1)


def porter_duff(source: Tensor, source_alpha: Tensor, target: Tensor, target_alpha: Tensor, mode: str) -> list[Tensor]:
    """Colour ``[...,C]`` and alpha ``[...,1]`` of one Porter-Duff operator; neither side is premultiplied."""
    colour, alpha = _OPERATORS[mode](source * source_alpha, source_alpha, target * target_alpha, target_alpha)
    plain = torch.where(alpha > 1e-5, colour / alpha, torch.zeros_like(colour))
    return [plain.clamp(0, 1), alpha.clamp(0, 1)]


Operator = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def _union(source_alpha: Tensor, target_alpha: Tensor) -> Tensor:
    return source_alpha + target_alpha - source_alpha * target_alpha


def _outside(s: Tensor, sa: Tensor, d: Tensor, da: Tensor) -> Tensor:
    """What each picture shows where the other one is not."""
    return (1 - da) * s + (1 - sa) * d


def _overlay_premultiplied(s: Tensor, sa: Tensor, d: Tensor, da: Tensor) -> Tensor:
    return torch.where(2 * d < da, 2 * s * d, sa * da - 2 * (da - s) * (sa - d))


#: (source, source alpha, destination, destination alpha), premultiplied -> (colour, alpha), premultiplied.
_OPERATORS: dict[str, Operator] = {
    "ADD": lambda s, sa, d, da: ((s + d).clamp(0, 1), (sa + da).clamp(0, 1)),
    "CLEAR": lambda s, sa, d, da: (torch.zeros_like(d), torch.zeros_like(da)),
    "DARKEN": lambda s, sa, d, da: (_outside(s, sa, d, da) + torch.minimum(s, d), _union(sa, da)),
    "DST": lambda s, sa, d, da: (d, da),
    "DST_ATOP": lambda s, sa, d, da: (sa * d + (1 - da) * s, sa),
    "DST_IN": lambda s, sa, d, da: (d * sa, da * sa),
    "DST_OUT": lambda s, sa, d, da: ((1 - sa) * d, (1 - sa) * da),
    "DST_OVER": lambda s, sa, d, da: (d + (1 - da) * s, da + (1 - da) * sa),
    "LIGHTEN": lambda s, sa, d, da: (_outside(s, sa, d, da) + torch.maximum(s, d), _union(sa, da)),
    "MULTIPLY": lambda s, sa, d, da: (s * d, sa * da),
    "OVERLAY": lambda s, sa, d, da: (_overlay_premultiplied(s, sa, d, da), _union(sa, da)),
    "SCREEN": lambda s, sa, d, da: (s + d - s * d, _union(sa, da)),
    "SRC": lambda s, sa, d, da: (s, sa),
    "SRC_ATOP": lambda s, sa, d, da: (da * s + (1 - sa) * d, da),
    "SRC_IN": lambda s, sa, d, da: (s * da, sa * da),
    "SRC_OUT": lambda s, sa, d, da: ((1 - da) * s, (1 - da) * sa),
    "SRC_OVER": lambda s, sa, d, da: (s + (1 - sa) * d, sa + (1 - sa) * da),
    "XOR": lambda s, sa, d, da: (_outside(s, sa, d, da), (1 - da) * sa + (1 - sa) * da),
}
