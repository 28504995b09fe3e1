"""Puts texts into the metadata of a picture that is there already; its pixels stay byte for byte what they are."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping

from .errors import WorkflowError
from .metadata import exif_with, file_kind

_PNG_HEAD = 8
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"comf")
_HAS_EXIF, _HAS_ALPHA = 0x08, 0x10
_FRAME = (b"VP8 ", b"VP8L", b"VP8X")


def embed(data: bytes, texts: Mapping[str, str | None]) -> bytes:
    """The PNG or WEBP file ``data`` with ``texts`` (ASCII) in its metadata; None takes an entry out.

    Raises :class:`WorkflowError` for any other file and for a damaged one.
    """
    kind = file_kind(data)
    if kind not in ("png", "webp"):
        raise WorkflowError("it is no PNG or WEBP picture")
    try:
        return _into_png(data, texts) if kind == "png" else _into_webp(data, texts)
    except (ValueError, IndexError, OSError, SyntaxError) as error:
        raise WorkflowError(f"the {kind.upper()} file is damaged: {error}") from None


def _into_png(data: bytes, texts: Mapping[str, str | None]) -> bytes:
    made, at = [data[:_PNG_HEAD]], _PNG_HEAD
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind, whole = data[at + 4 : at + 8], data[at : at + 12 + size]
        if len(whole) < 12 + size:
            raise ValueError("it ends too early")
        name = whole[8:-4].partition(b"\0")[0].decode("latin-1") if kind in _PNG_TEXTS else ""
        if name not in texts:
            made.append(whole)
        if kind == b"IHDR":
            made += [_png_chunk(key, text) for key, text in texts.items() if text is not None]
        at += 12 + size
    return b"".join(made)


def _png_chunk(key: str, text: str) -> bytes:
    body = b"tEXt" + key.encode("latin-1") + b"\0" + text.encode("ascii")
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def _into_webp(data: bytes, texts: Mapping[str, str | None]) -> bytes:
    chunks = list(_webp_chunks(data))
    if not chunks or chunks[0][0] not in _FRAME:
        raise ValueError("it begins with no picture")
    if chunks[0][0] != b"VP8X":
        chunks.insert(0, (b"VP8X", _extended_header(data)))
    header = bytearray(chunks[0][1])
    header[0] |= _HAS_EXIF
    old = next((body for name, body in chunks if name == b"EXIF"), b"")
    kept = [(name, body) for name, body in chunks[1:] if name != b"EXIF"]
    block = exif_with(old, texts)
    # EXIF stands behind the pictures and before XMP
    place = next((at for at, (name, _) in enumerate(kept) if name == b"XMP "), len(kept))
    ordered = [(b"VP8X", bytes(header)), *kept[:place], (b"EXIF", block), *kept[place:]]
    body = b"WEBP" + b"".join(_webp_chunk(name, content) for name, content in ordered)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > len(data):
            raise ValueError("it ends too early")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _webp_chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _extended_header(data: bytes) -> bytes:
    """What a file of a single plain frame lacks: flags, and width and height less one in three bytes each."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        width, height, alpha = image.width, image.height, image.mode == "RGBA"
    flags = _HAS_ALPHA if alpha else 0
    size = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return bytes([flags, 0, 0, 0]) + size
