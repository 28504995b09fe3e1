"""PNG with 16 bits a channel, which Pillow cannot write for colour images."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from .pictures import within_one

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}


def encode(image: Tensor, texts: Mapping[str, str], level: int = 4) -> bytes:
    """One image ``[H,W,C]`` (C = 1, 3 or 4) in 0..1 as a PNG file; ``texts`` become tEXt chunks."""
    values = (within_one(image).numpy() * 65535.0 + 0.5).astype(">u2")
    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = _filtered(values.reshape(height, -1).view(np.uint8), channels * 2)
    chunks = [_chunk(b"IHDR", header)]
    chunks += [_chunk(b"tEXt", _latin(name) + b"\0" + _latin(text)) for name, text in texts.items()]
    chunks += [_chunk(b"IDAT", zlib.compress(rows, level)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _filtered(rows: np.ndarray, pixel: int) -> bytes:
    """Each row as differences to the pixel on the left (PNG filter 1), which compresses photographs well."""
    shifted = np.zeros_like(rows)
    shifted[:, pixel:] = rows[:, :-pixel]
    return np.concatenate([np.ones((len(rows), 1), np.uint8), rows - shifted], axis=1).tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")
