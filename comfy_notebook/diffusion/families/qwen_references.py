"""How Qwen-Image tells pictures to look at from the one it makes: by their number, their place, or as free of noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from .patches import reference_places

#: Rows and columns of tokens after the number of frames, as the module takes them.
Size = tuple[int, int, int]


def usual_method(module: Any) -> str:
    """The way the model was trained with: since 2511 edit models see pictures at noise level 0."""
    return "index_timestep_zero" if getattr(module, "zero_cond_t", False) else "index"


@contextmanager
def seeing(module: Any, sizes: Sequence[Size], method: str) -> Iterator[None]:
    """While it lasts ``module`` takes the pictures after the first as ``method`` says.

    ``index``: each has a number; ``index_timestep_zero``: and is modulated as at noise level 0; others: all have the
    number 1 and lie side by side. Raises ``ValueError`` where the installed diffusers can't do it.
    """
    with ExitStack() as stack:
        stack.enter_context(_at_level_zero(module, method == "index_timestep_zero" and len(sizes) > 1))
        if not method.startswith("index") and len(sizes) > 1:
            hook = module.pos_embed.register_forward_hook(lambda rope, _given, made: _beside(rope, made, sizes))
            stack.callback(hook.remove)
        yield


@contextmanager
def _at_level_zero(module: Any, wanted: bool) -> Iterator[None]:
    if not hasattr(module, "zero_cond_t"):
        if wanted:
            raise ValueError(
                "pictures at noise level 0 (index_timestep_zero) need a newer diffusers: pip install -U diffusers"
            )
        yield
        return
    before = module.zero_cond_t
    for part in (module, *module.transformer_blocks):
        part.zero_cond_t = wanted
    try:
        yield
    finally:
        for part in (module, *module.transformer_blocks):
            part.zero_cond_t = before


def _beside(rope: Any, made: tuple[Tensor, Tensor], sizes: Sequence[Size]) -> tuple[Tensor, Tensor]:
    """Places (``made[0]``, rotations ``[tokens, half a head]``) of the pictures after the first, moved."""
    pictures = list(torch.split(made[0], [rows * columns for _, rows, columns in sizes]))
    speed = rope.pos_freqs[1].angle().to(made[0].device)
    halves = [width // 2 for width in rope.axes_dim]
    found = reference_places([(rows, columns) for _, rows, columns in sizes[1:]], (sizes[0][1], sizes[0][2]), "offset")
    for number, (frame, top, left) in enumerate(found, start=1):
        moves = [
            torch.full((half,), float(move)) for half, move in zip(halves, (frame - number, top, left), strict=True)
        ]
        angles = speed * torch.cat(moves).to(speed.device)
        pictures[number] = pictures[number] * torch.polar(torch.ones_like(angles), angles)
    return torch.cat(pictures), made[1]
