"""The weights of a model under the names that patches, merges and saved files use, whatever its modules call them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .checkpoints.layout import Layout, Piece

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, Parameter


class NamedWeights:
    """Modules, each with the prefix of its names and the layout of its file (None: the module's own names)."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, Module, Layout]] = []
        self._where: dict[str, tuple[Module, Layout, str]] = {}
        self._parameters: dict[int, dict[str, Parameter]] = {}

    def add(self, prefix: str, module: Module, layout: Layout | None = None) -> None:
        """Name the weights of ``module`` as ``prefix`` and what ``layout`` calls them."""
        layout = layout or own_layout(module)
        own = dict(module.named_parameters()) | dict(module.named_buffers())
        self._parts.append((prefix, module, layout))
        self._parameters[id(module)] = own  # type: ignore[assignment, unused-ignore]
        for name, pieces in layout.pieces.items():
            if all(piece.parameter in own for piece in pieces):
                self._where[prefix + name] = (module, layout, name)

    def __contains__(self, name: object) -> bool:
        return name in self._where

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a weight as files have it; raises ``KeyError`` for names there are not."""
        _, layout, bare = self._where[name]
        return layout.shapes[bare]

    def get(self, name: str) -> Tensor:
        """A weight as files have it: the parameter itself, a view of it, or gathered from several."""
        module, layout, bare = self._where[name]
        return layout.from_module(bare, self._parameters[id(module)])

    def targets(self, name: str) -> list[tuple[Parameter, Piece]]:
        """The parameters that hold a weight, and which part of it each holds."""
        module, layout, bare = self._where[name]
        own = self._parameters[id(module)]
        return [(own[piece.parameter], piece) for piece in layout.pieces[bare]]

    def cut(self, name: str, tensor: Tensor) -> Iterator[tuple[Parameter, Piece, Tensor]]:
        """``tensor``, which replaces a weight, in the parts and shapes of its parameters."""
        module, layout, bare = self._where[name]
        own = self._parameters[id(module)]
        for piece, part in layout.parts(bare, tensor):
            yield own[piece.parameter], piece, part

    def by_parameter(self) -> dict[str, str | tuple[str, tuple[int, int, int]]]:
        """Module's parameter name (with the prefix) → name here, with (dimension, first, rows) where it is a part."""
        found: dict[str, Any] = {}
        for prefix, _, layout in self._parts:
            for name, pieces in layout.pieces.items():
                for piece in pieces:
                    whole = prefix + name
                    rows = piece.rows
                    found[prefix + piece.parameter] = whole if rows is None else (whole, (0, *rows))
        return found


def own_layout(module: Module) -> Layout:
    """A layout under which the weights of ``module`` are called as in the module."""
    layout = Layout()
    for name, value in module.state_dict().items():
        layout.add(name, tuple(value.shape), Piece(name))
    return layout


def weights_of(model: Any) -> NamedWeights:
    """The named weights of a model: its own table, or its parameters as they are called."""
    table = getattr(model, "named_weights", None)
    if isinstance(table, NamedWeights):
        return table
    made = NamedWeights()
    made.add("", model)
    return made
