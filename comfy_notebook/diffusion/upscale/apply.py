"""Upscaling in tiles, on the device that computes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import memory
from ..tiles import get_tiled_scale_steps, tiled_scale

if TYPE_CHECKING:
    from torch import Tensor

_TILE, _OVERLAP, _SMALLEST = 512, 32, 128
_log = logging.getLogger("comfy_notebook")


class Progress:
    """Counts tiles and tells ``report`` (value, total); cancels where that raises."""

    def __init__(self, total: int, report: Callable[[float, float], None]) -> None:
        self._done, self._total, self._report = 0, total, report

    def update(self, count: int) -> None:
        self._done += count
        self._report(self._done, self._total)


def upscale(model: Any, images: Tensor, report: Callable[[float, float], None]) -> Tensor:
    """Images ``[B,H,W,3]`` in 0…1 → ``[B,H·scale,W·scale,3]``.

    Tiles get smaller when the device has no room. Raises :class:`~..memory.OutOfMemory` when the smallest do not fit.
    """
    import torch

    device = memory.get_torch_device()
    pixels = images[..., :3].movedim(-1, 1)
    size = memory.module_size(model.model) + 512 * 512 * 3 * 4 * max(model.scale, 1) * 384.0
    memory.free_memory(size + images.nelement() * images.element_size(), device)
    model.to(device)
    tile = _TILE
    try:
        while True:
            steps = pixels.shape[0] * get_tiled_scale_steps(pixels.shape[3], pixels.shape[2], tile, tile, _OVERLAP)
            try:
                with torch.no_grad():
                    made: Tensor = tiled_scale(
                        pixels,
                        lambda part: model(part.to(device).float()),
                        tile_x=tile,
                        tile_y=tile,
                        overlap=_OVERLAP,
                        upscale_amount=model.scale,
                        output_device=memory.intermediate_device(),
                        pbar=Progress(steps, report),
                    )
                return made.movedim(1, -1).clamp(0.0, 1.0)
            except (RuntimeError, MemoryError) as error:
                if not memory.is_out_of_memory(error) or tile // 2 < _SMALLEST:
                    raise
            tile //= 2
            _log.warning("Not enough memory for upscaling in tiles of %d pixels: trying %d.", tile * 2, tile)
            memory.free_memory(1 << 62, device)
    finally:
        model.to(memory.cpu())
