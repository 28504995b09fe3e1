"""Image files as tensors: orientation, bit depths, palettes, transparency, animations."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps, ImageSequence, UnidentifiedImageError
from torch import Tensor

from ...protocol.context import context

_truncated = threading.Lock()

#: Side of the empty mask of an image without transparency, in pixels.
EMPTY_MASK = 64


def load(path: Path) -> tuple[Tensor, Tensor]:
    """IMAGE ``[B,H,W,3]`` and MASK ``[B,H,W]`` (1 where transparent) of a file, one entry for each frame.

    Frames of another size than the first are left out. Without transparency the mask is ``[B,64,64]`` of zeros.
    Raises ``ValueError`` when the file is no image that can be read.
    """
    images: list[Tensor] = []
    masks: list[Tensor | None] = []
    for frame in _frames(path):
        context().check_interrupted()
        image = _pixels(frame.convert("RGB"))
        if images and image.shape != images[0].shape:
            continue
        images.append(image)
        masks.append(_transparency(frame))
    if not images:
        raise ValueError(f"{path.name} holds no image")
    size = images[0].shape[:2] if any(mask is not None for mask in masks) else (EMPTY_MASK, EMPTY_MASK)
    filled = [torch.zeros(size) if mask is None else mask for mask in masks]
    return torch.stack(images), torch.stack(filled)


def load_channel(path: Path, channel: str) -> Tensor:
    """MASK ``[1,H,W]`` from the ``red``, ``green``, ``blue`` or ``alpha`` of the first frame; alpha is inverted."""
    frame = next(_frames(path))
    values = _pixels(frame.convert("RGBA").getchannel(channel[0].upper()))
    return (1.0 - values if channel == "alpha" else values).unsqueeze(0)


def _frames(path: Path) -> Iterator[Image.Image]:
    """Upright frames of mode L, RGB, RGBA, P …, with at most 8 bits a channel."""
    try:
        with Image.open(path) as file:
            still = file.format == "MPO"  # its further pictures are other views or sizes, not frames
            for frame in ImageSequence.Iterator(file):
                _decode(frame)
                yield _eight_bits(ImageOps.exif_transpose(frame))
                if still:
                    return
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} is not an image that can be read") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _decode(frame: Image.Image) -> None:
    """Load the pixels; a file that was cut off gives what is there, the rest black."""
    try:
        frame.load()
    except OSError:
        with _truncated:
            before = ImageFile.LOAD_TRUNCATED_IMAGES
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                frame.load()
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = before


def _eight_bits(frame: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8 bits, floating point (0..1) likewise: Pillow's own conversion would clip them."""
    if frame.mode.startswith("I"):
        values = np.asarray(frame).astype(np.int64) // 257
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    if frame.mode == "F":
        return Image.fromarray(np.clip(np.nan_to_num(np.asarray(frame)) * 255, 0, 255).astype(np.uint8))
    return frame


def _transparency(frame: Image.Image) -> Tensor | None:
    if "A" not in frame.getbands() and "transparency" not in frame.info:
        return None
    return 1.0 - _pixels(frame.convert("RGBA").getchannel("A"))


def _pixels(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture).astype(np.float32) / 255.0)
