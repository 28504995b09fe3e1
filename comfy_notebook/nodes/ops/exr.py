"""OpenEXR files: scene-linear images in half or single precision, with their primaries and their workflow."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

_ROWS = 16  # rows in a block of ZIP compression
_HALF, _FLOAT = 1, 2

_REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_REC2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
_AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33766)


def _from_srgb(value: Tensor) -> Tensor:
    return torch.where(value <= 0.04045, value / 12.92, ((value.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def _from_hlg(value: Tensor) -> Tensor:
    """The inverse OETF of hybrid log-gamma (BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return torch.where(value <= 0.5, value * value / 3, (torch.exp((value - c) / a) + b) / 12)


#: Colour spaces of the input by name: how they become linear light, and the chromaticities to note down.
SPACES = {
    "sRGB": (_from_srgb, _REC709),
    "HDR": (_from_hlg, _REC2020),
    "linear": (lambda value: value, _REC709),
    "linear ACEScg": (lambda value: value, _AP1),
}


def encode(image: Tensor, half: bool, space: str, texts: Mapping[str, str]) -> bytes:
    """One image ``[H,W,C]`` (C = 3 or 4) in colour space ``space`` as an EXR file; alpha stays as it is."""
    linearise, primaries = SPACES[space]
    pixels = image.detach().float().cpu().clone()
    pixels[..., :3] = linearise(pixels[..., :3])
    kind = np.dtype("<f2" if half else "<f4")
    most = float(np.finfo(kind).max)
    values = pixels.nan_to_num_(nan=0.0).clamp_(-most, most).numpy().astype(kind)
    height, width, channels = values.shape
    names = "ABGR"[-channels:] if channels in (3, 4) else "Y"
    order = [{"R": 0, "G": 1, "B": 2, "A": 3, "Y": 0}[name] for name in names]
    header = _header(width, height, names, half, primaries, texts)
    blocks = [_block(start, values[start : start + _ROWS][..., order]) for start in range(0, height, _ROWS)]
    offset = len(header) + 8 * len(blocks)
    offsets = []
    for block in blocks:
        offsets.append(struct.pack("<Q", offset))
        offset += len(block)
    return header + b"".join(offsets) + b"".join(blocks)


def _header(
    width: int, height: int, names: str, half: bool, primaries: tuple[float, ...], texts: Mapping[str, str]
) -> bytes:
    kind = _HALF if half else _FLOAT
    channels = b"".join(name.encode() + b"\0" + struct.pack("<iB3xii", kind, 0, 1, 1) for name in names) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = [
        ("channels", "chlist", channels),
        ("chromaticities", "chromaticities", struct.pack("<8f", *primaries)),
        ("compression", "compression", b"\x03"),  # ZIP, 16 rows a block
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
    ]
    attributes += [(name[:31], "string", text.encode("utf-8", "replace")) for name, text in texts.items()]
    body = b"".join(
        name.encode("utf-8", "replace") + b"\0" + kind_name.encode() + b"\0" + struct.pack("<i", len(data)) + data
        for name, kind_name, data in attributes
    )
    return struct.pack("<ii", 20000630, 2) + body + b"\0"


def _block(start: int, rows: np.ndarray) -> bytes:
    """Rows ``[N,W,C]`` from ``start`` on: channel after channel in each row, bytes sorted, differenced, deflated."""
    raw = np.frombuffer(np.ascontiguousarray(rows.transpose(0, 2, 1)).tobytes(), np.uint8)
    sorted_bytes = np.concatenate([raw[0::2], raw[1::2]]).astype(np.int16)
    differences = sorted_bytes.copy()
    differences[1:] = sorted_bytes[1:] - sorted_bytes[:-1] + 128
    packed = zlib.compress((differences & 255).astype(np.uint8).tobytes(), 4)
    data = packed if len(packed) < len(raw) else raw.tobytes()
    return struct.pack("<ii", start, len(data)) + data
