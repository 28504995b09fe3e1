"""Mask arithmetic: combinations, fades at the edges, cutting out what a mask shows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...protocol.context import context
from .morphology import grow
from .resize import resize_image, resize_mask


def _logical(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda below, above: function(below.round().bool(), above.round().bool()).to(below.dtype)


#: Operations of (below, above) by name; the caller clips to 0..1.
COMBINATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "multiply": torch.mul,
    "add": torch.add,
    "subtract": torch.sub,
    "and": _logical(torch.logical_and),
    "or": _logical(torch.logical_or),
    "xor": _logical(torch.logical_xor),
}


def feather(mask: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """MASK ``[B,H,W]`` faded towards each side over so many pixels (at most the mask's own size).

    On the right and at the bottom the fade is one step ahead: its smallest step falls on the first column or row, as in
    ComfyUI.
    """
    height, width = mask.shape[-2:]
    columns = _rates(width, left, right).to(mask.device, mask.dtype)
    rows = _rates(height, top, bottom).to(mask.device, mask.dtype)
    return mask * columns * rows.unsqueeze(-1)


def _rates(size: int, start: int, end: int) -> Tensor:
    start, end = min(start, size), min(end, size)
    rates = torch.ones(size)
    rates[:start] *= torch.arange(1, start + 1) / max(start, 1)
    rates[-torch.arange(end)] *= torch.arange(1, end + 1) / max(end, 1)
    return rates


def cut_out(
    images: Tensor,
    masks: Tensor,
    size: tuple[int, int],
    pad_factor: float,
    grow_by: int,
    background: tuple[float, float, float],
) -> Tensor:
    """What each mask ``[1 or B,H,W]`` shows of its image, before ``background``, at ``size`` (width, height).

    The rectangle around the mask is enlarged by ``pad_factor`` and to the aspect ratio of ``size``; what of it lies
    outside the image is background. An empty mask takes the whole image.
    """
    height, width = images.shape[1:3]
    masks = masks if masks.shape[-2:] == (height, width) else resize_mask(masks, width, height)
    masks = grow(masks, grow_by, tapered_corners=True) if grow_by else masks
    masks = masks.expand(images.shape[0], -1, -1)
    results = []
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        context().progress(index, len(images))
        results.append(_cut_out_one(image, mask, size, pad_factor, background))
    return torch.cat(results)


def _cut_out_one(
    image: Tensor, mask: Tensor, size: tuple[int, int], pad_factor: float, background: tuple[float, float, float]
) -> Tensor:
    colour = image.new_tensor(background)
    share = mask.to(image.device, image.dtype).unsqueeze(-1)
    shown = image[..., :3] * share + colour * (1 - share)
    left, top, right, bottom = _rectangle(mask, size, pad_factor)
    height, width = mask.shape
    inside_x, inside_y = slice(max(left, 0), min(right, width)), slice(max(top, 0), min(bottom, height))
    across = _scaled(inside_x, left, right - left, size[0])
    down = _scaled(inside_y, top, bottom - top, size[1])
    method = "bilinear" if right - left < size[0] else "area"
    part = resize_image(
        shown[inside_y, inside_x].unsqueeze(0), across.stop - across.start, down.stop - down.start, method
    )
    canvas = colour.repeat(1, size[1], size[0], 1)
    canvas[:, down, across] = part
    return canvas


def _scaled(part: slice, start: int, length: int, size: int) -> slice:
    """Where ``part`` of a line that begins at ``start`` lies once its ``length`` is ``size``; never empty."""
    first = min(size - 1, round((part.start - start) * size / length))
    return slice(first, max(first + 1, round((part.stop - start) * size / length)))


def _rectangle(mask: Tensor, size: tuple[int, int], pad_factor: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the rectangle to cut, which may reach out of the mask."""
    ys, xs = torch.where(mask > 0.5)
    if len(xs) == 0:
        left, top, right, bottom = 0, 0, mask.shape[1], mask.shape[0]
    else:
        left, top, right, bottom = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
    wide, tall = (right - left) * pad_factor, (bottom - top) * pad_factor
    aspect = size[0] / size[1]
    wide, tall = max(wide, tall * aspect), max(tall, wide / aspect)
    wide, tall = max(1, round(wide)), max(1, round(tall))
    x, y = round((left + right - wide) / 2), round((top + bottom - tall) / 2)
    return x, y, x + wide, y + tall
