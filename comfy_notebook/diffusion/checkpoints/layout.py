"""How the weights of a file map to the parameters of a module, in both directions.

Files keep the names and shapes their training program used; the modules come from diffusers and transformers. Patches,
merges and saved files speak of the file's names. Most weights are only called differently; some are joined in the file
(query, key and value in one matrix) and apart in the module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Rows = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A part of a file's tensor and where it goes: ``rows`` (first, count) along dimension 0, all when None, into the
    rows ``into`` of ``parameter``, all when None."""

    parameter: str
    rows: Rows | None = None
    into: Rows | None = None
    transposed: bool = False


class Layout:
    """File name → pieces, with the shapes the file has."""

    def __init__(self) -> None:
        self.pieces: dict[str, tuple[Piece, ...]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._by_parameter: dict[str, list[tuple[str, Piece]]] | None = None

    def add(self, name: str, shape: tuple[int, ...], *pieces: Piece) -> None:
        """``name`` of ``shape`` consists of ``pieces``."""
        self.pieces[name], self.shapes[name] = pieces, tuple(shape)
        self._by_parameter = None

    def add_split(self, name: str, shape: tuple[int, ...], sizes: Mapping[str, int]) -> None:
        """``name`` holds, one below the other, parameters with these numbers of rows."""
        pieces, first = [], 0
        for parameter, count in sizes.items():
            pieces.append(Piece(parameter, (first, count)))
            first += count
        self.add(name, shape, *pieces)

    def sources(self, parameter: str) -> list[tuple[str, Piece]]:
        """The file's names that make ``parameter``, with the piece of each."""
        if self._by_parameter is None:
            self._by_parameter = {}
            for name, pieces in self.pieces.items():
                for piece in pieces:
                    self._by_parameter.setdefault(piece.parameter, []).append((name, piece))
        return self._by_parameter.get(parameter, [])

    def to_module(self, weights: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
        """The module's state dict; ``shapes`` are those of its parameters. Views where possible."""
        found: dict[str, Any] = {}
        for name, pieces in self.pieces.items():
            if name not in weights:
                continue
            for piece in pieces:
                part = _cut(weights[name], piece)
                if piece.into is None:
                    found[piece.parameter] = _shaped(part, shapes.get(piece.parameter))
                else:
                    target = found.setdefault(piece.parameter, part.new_empty(shapes[piece.parameter]))
                    target.narrow(0, *piece.into).copy_(part)
        return found

    def from_module(self, name: str, parameters: Mapping[str, Tensor]) -> Tensor:
        """What the file calls ``name``, gathered from the module's parameters; raises ``KeyError`` for other names."""
        import torch

        shape = self.shapes[name]
        pieces = self.pieces[name]
        if len(pieces) == 1 and pieces[0].rows is None:
            return _read(parameters, pieces[0]).reshape(shape)
        ordered = sorted(pieces, key=lambda piece: piece.rows or (0, 0))
        return torch.cat([_read(parameters, piece) for piece in ordered]).reshape(shape)

    def parts(self, name: str, tensor: Tensor) -> Iterator[tuple[Piece, Tensor]]:
        """``tensor``, of the file's shape, cut into its pieces."""
        for piece in self.pieces[name]:
            yield piece, _cut(tensor, piece)


def _cut(tensor: Tensor, piece: Piece) -> Tensor:
    part = tensor if piece.rows is None else tensor.narrow(0, *piece.rows)
    return part.t() if piece.transposed else part


def _read(parameters: Mapping[str, Tensor], piece: Piece) -> Tensor:
    tensor = parameters[piece.parameter]
    part = tensor if piece.into is None else tensor.narrow(0, *piece.into)
    return part.t() if piece.transposed else part


def _shaped(tensor: Tensor, shape: tuple[int, ...] | None) -> Tensor:
    """1×1 convolutions are matrices in some modules."""
    same_numbers = shape is not None and tensor.shape != shape and tensor.numel() == _count(shape)
    return tensor.reshape(shape) if same_numbers and shape is not None else tensor


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


def assign(module: Module, state: Mapping[str, Tensor], what: str, optional: tuple[str, ...] = ()) -> None:
    """Give ``module``, whose parameters are on the meta device, the tensors of ``state`` without a copy.

    Raises :class:`~.files.WeightsError` naming what is missing or of another shape; names that contain one of
    ``optional`` may be missing (they become zeros).
    """
    import torch

    from .files import WeightsError

    own = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers())
    missing = [name for name in module.state_dict() if name not in state]
    needed = [name for name in missing if not any(part in name for part in optional)]
    wrong = [
        f"{name} {list(state[name].shape)} instead of {list(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if needed or wrong:
        details = [f"{len(needed)} weights are missing, such as {needed[0]}"] if needed else []
        details += [f"{len(wrong)} have another shape, such as {wrong[0]}"] if wrong else []
        raise WeightsError(f"the file is no complete {what}: {'; '.join(details)}")
    filled = {name: torch.zeros(own[name].shape) for name in missing}
    module.load_state_dict({**{name: state[name] for name in own if name in state}, **filled}, assign=True)
    module.requires_grad_(False).eval()
