"""Self-attention of U-Nets over fewer tokens at once: within tiles (HyperTile, Fernandes 2023), with alike tokens
merged (ToMe, Bolya and Hoffman 2023, "Token Merging for Fast Stable Diffusion"), or on smaller pictures (Deep Shrink,
Kohya 2023)."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from .patcher import ModelPatcher

Options = dict[str, Any]
#: A change of tokens ``[B,T,D]`` before attention, and its inverse after.
Pair = tuple[Callable[["Tensor"], "Tensor"], Callable[["Tensor"], "Tensor"]]


def _around_self_attention(model: ModelPatcher, prepare: Callable[[Tensor, Options], Pair | None]) -> ModelPatcher:
    """A clone whose self-attention runs between the two functions that ``prepare`` gives for its tokens."""
    made = model.clone()
    waiting: list[Pair | None] = []

    def before(query: Tensor, key: Tensor, value: Tensor, options: Options) -> tuple[Tensor, Tensor, Tensor]:
        waiting[:] = [prepare(query, options)]
        pair = waiting[0]
        return (query, key, value) if pair is None else (pair[0](query), pair[0](key), pair[0](value))

    def after(output: Tensor, options: Options) -> Tensor:
        pair = waiting.pop() if waiting else None
        return output if pair is None else pair[1](output)

    made.set_model_attn1_patch(before)
    made.set_model_attn1_output_patch(after)
    return made


def _chance(options: Options) -> int:
    """A seed that is the same for the same layer and noise level, so that runs can be repeated."""
    sigma = options.get("sigmas")
    level = round(float(sigma.flatten()[0]) * 1e4) if sigma is not None else 0
    return level * 1009 + int(options.get("transformer_index", 0))


# --- tiles ---


def tiled(model: ModelPatcher, tile_size: int, swap_size: int, max_depth: int, scale_depth: bool) -> ModelPatcher:
    """A clone whose self-attention looks within tiles of about ``tile_size`` pixels, in layers up to ``max_depth``
    halvings of the latent.

    Every call chooses one of the ``swap_size`` tilings nearest to that, so that seams move. A tile holds as many tokens
    in deep layers as in the first, or with ``scale_depth`` twice as many a side for every halving.
    """
    wanted = max(tile_size // 8, 1)

    def prepare(tokens: Tensor, options: Options) -> Pair | None:
        height, width = options["activations_shape"][-2:]
        depth = round(math.log2(max(options["original_shape"][-2] / height, 1)))
        if depth > max_depth or height * width != tokens.shape[1]:
            return None
        size = wanted << depth if scale_depth else wanted
        chosen = random.Random(_chance(options))
        rows, columns = (chosen.choice(_tilings(side, size, swap_size)) for side in (height, width))
        if rows * columns == 1:
            return None
        return _tiling(rows, columns, height, width)

    return _around_self_attention(model, prepare)


def _tilings(side: int, tile: int, choices: int) -> list[int]:
    """Into how many equal parts ``side`` may be cut: first those that are nearest to ``tile``."""
    counts = [count for count in range(1, side + 1) if side % count == 0]
    return sorted(counts, key=lambda count: abs(side // count - tile))[: max(choices, 1)]


def _tiling(rows: int, columns: int, height: int, width: int) -> Pair:
    inner = (height // rows, width // columns)

    def cut(x: Tensor) -> Tensor:
        grid = x.view(x.shape[0], rows, inner[0], columns, inner[1], x.shape[-1])
        return grid.permute(0, 1, 3, 2, 4, 5).reshape(-1, inner[0] * inner[1], x.shape[-1])

    def join(x: Tensor) -> Tensor:
        grid = x.view(-1, rows, columns, *inner, x.shape[-1])
        return grid.permute(0, 1, 3, 2, 4, 5).reshape(-1, height * width, x.shape[-1])

    return cut, join


# --- merging ---


def merged(model: ModelPatcher, ratio: float) -> ModelPatcher:
    """A clone whose first layers merge ``ratio`` of their tokens into the most alike of the others."""

    def prepare(tokens: Tensor, options: Options) -> Pair | None:
        height, width = options["activations_shape"][-2:]
        removed = int(tokens.shape[1] * ratio)
        if options["original_shape"][-2] > height or height * width != tokens.shape[1] or removed <= 0:
            return None
        generator = torch.Generator().manual_seed(_chance(options))
        return merging(tokens, height, width, removed, generator)

    return _around_self_attention(model, prepare)


def merging(tokens: Tensor, height: int, width: int, removed: int, generator: torch.Generator) -> Pair:
    """How to merge ``removed`` of ``tokens`` ``[B, height*width, D]``, and how to give each place its token back.

    One place of every square of two by two, by chance, keeps its token; of the others those that are most alike to one
    of these are merged into it, by the mean.
    """
    kept, others = (index.to(tokens.device) for index in _places(height, width, generator))
    direction = torch.nn.functional.normalize(tokens, dim=-1)
    likeness = direction[:, others] @ direction[:, kept].transpose(-1, -2)
    best, nearest = likeness.max(dim=-1)
    order = best.argsort(dim=-1, descending=True)
    removed = min(removed, len(others))
    gone, alone = order[:, :removed, None], order[:, removed:, None]
    into = nearest[..., None].gather(1, gone)

    def merge(x: Tensor) -> Tensor:
        rest, wide = x[:, others], x.shape[-1]
        targets = x[:, kept].scatter_reduce(
            1, into.expand(-1, -1, wide), rest.gather(1, gone.expand(-1, -1, wide)), reduce="mean"
        )
        return torch.cat([rest.gather(1, alone.expand(-1, -1, wide)), targets], dim=1)

    def spread(x: Tensor) -> Tensor:
        count, wide = alone.shape[1], x.shape[-1]
        targets = x[:, count:]
        rest = x.new_empty(x.shape[0], len(others), wide)
        rest.scatter_(1, alone.expand(-1, -1, wide), x[:, :count])
        rest.scatter_(1, gone.expand(-1, -1, wide), targets.gather(1, into.expand(-1, -1, wide)))
        whole = x.new_empty(x.shape[0], height * width, wide)
        whole[:, kept], whole[:, others] = targets, rest
        return whole

    return merge, spread


def _places(height: int, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Places in a row of ``height*width``: one of every two by two by chance, and all others."""
    rows, columns = height // 2, width // 2
    chosen = torch.randint(4, (rows, columns), generator=generator)
    y = torch.arange(rows)[:, None] * 2 + chosen // 2
    x = torch.arange(columns)[None, :] * 2 + chosen % 2
    keeps = torch.zeros(height * width, dtype=torch.bool)
    keeps[(y * width + x).flatten()] = True
    return keeps.nonzero().flatten(), (~keeps).nonzero().flatten()


# --- smaller pictures ---


def shrunk(
    model: ModelPatcher,
    block: int,
    factor: float,
    start_percent: float,
    end_percent: float,
    after_skip: bool,
    down: Callable[[Tensor, int, int], Tensor],
    up: Callable[[Tensor, int, int], Tensor],
) -> ModelPatcher:
    """A clone that works on a picture ``factor`` smaller from input block ``block`` on, while sampling is between the
    two percentages. ``down`` and ``up`` resize ``[B,C,h,w]`` to a width and height."""
    sampling = model.get_model_object("model_sampling")
    start, end = float(sampling.percent_to_sigma(start_percent)), float(sampling.percent_to_sigma(end_percent))
    made = model.clone()

    def smaller(hidden: Tensor, options: Options) -> Tensor:
        if options["block"] != ("input", block) or not end <= float(options["sigmas"].flatten()[0]) <= start:
            return hidden
        height, width = (max(round(side / factor), 1) for side in hidden.shape[-2:])
        return down(hidden, width, height)

    def as_large(hidden: Tensor, skip: Tensor, options: Options) -> tuple[Tensor, Tensor]:
        if hidden.shape[-2:] != skip.shape[-2:]:
            hidden = up(hidden, skip.shape[-1], skip.shape[-2])
        return hidden, skip

    if after_skip:
        made.set_model_input_block_patch_after_skip(smaller)
    else:
        made.set_model_input_block_patch(smaller)
    made.set_model_output_block_patch(as_large)
    return made
