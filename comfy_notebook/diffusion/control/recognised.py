"""What a file of a control network turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..checkpoints.layout import Layout, Piece

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Recognised:
    """``module`` makes the module of diffusers without weights, ``layout`` says where the file's go, ``network`` puts
    it behind the call of :class:`.network.SteeringNetwork`; ``dtypes`` are what it computes in, best first."""

    module: Callable[[], Any]
    layout: Layout
    network: Callable[[Any], nn.Module]
    dtypes: tuple[str, ...]


def same_names(shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    """The layout of a file that calls its weights as the module does."""
    layout = Layout()
    for name, shape in shapes.items():
        layout.add(name, shape, Piece(name))
    return layout


def count(shapes: Mapping[str, Any], prefix: str) -> int:
    """How many numbered parts lie below ``prefix``."""
    numbers = [name[len(prefix) :].split(".")[0] for name in shapes if name.startswith(prefix)]
    return 1 + max((int(number) for number in numbers if number.isdigit()), default=-1)
