"""How strongly tokens of a transformer attend to each other, as a conditioning says it: ``attention_mask`` ``[B,S,S]``.

``S`` are the text's tokens and then those of a picture of ``attention_mask_img_shape`` (rows, columns), which stands
for the picture that is made. Numbers are added to the scores; booleans say what is seen.
"""

from __future__ import annotations

import torch
from torch import Tensor


def added(mask: Tensor) -> Tensor:
    """The mask as numbers that are added to the scores, float32."""
    return torch.log(mask.float()) if mask.dtype == torch.bool else mask.float()


def for_picture(mask: Tensor, shape: tuple[int, int], grid: tuple[int, ...]) -> Tensor:
    """``mask`` for a picture of ``grid`` (rows, columns) tokens, each like the nearest of ``shape``."""
    text = mask.shape[-1] - shape[0] * shape[1]
    rows, columns = (torch.arange(new) * old // new for new, old in zip(grid, shape, strict=True))
    picture = (rows[:, None] * shape[1] + columns[None, :]).flatten() + text
    which = torch.cat([torch.arange(text), picture]).to(mask.device)
    return added(mask).index_select(-1, which).index_select(-2, which)


def with_tokens(mask: Tensor | None, shape: tuple[int, int], batch: int, text: int, new: int, bias: float) -> Tensor:
    """The mask after ``new`` tokens were put behind the ``text`` tokens; ``bias`` is added where others attend to them.

    ``mask`` is the one before, None for none.
    """
    picture = shape[0] * shape[1]
    before = torch.zeros(batch, text + picture, text + picture) if mask is None else added(mask)
    old = torch.cat([torch.arange(text), torch.arange(picture) + text + new])
    made = torch.zeros(before.shape[0], text + new + picture, text + new + picture)
    made[:, old[:, None], old[None, :]] = before
    made[:, old, text : text + new] = bias
    return made
