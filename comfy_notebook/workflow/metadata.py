"""Workflows inside media files: which keys a file carries, and writing them into PNG and WEBP.

ComfyUI keeps ``prompt`` (API JSON), ``workflow`` (UI JSON) and any further ``extra_pnginfo`` key as JSON text: PNG in
text chunks, APNG in ``comf`` chunks, WEBP (and AVIF, JPEG) in ASCII entries of the EXIF block, each ``key:json``.
"""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from . import jsontext
from .errors import WorkflowError

if TYPE_CHECKING:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_TEXT = 64 << 20
_MODEL, _MAKE, _USER_COMMENT, _EXIF_IFD = 0x0110, 0x010F, 0x9286, 0x8769
_KEYED = re.compile(r"^([A-Za-z_][\w .-]{0,60}):(.*)$", re.DOTALL)


def file_kind(data: bytes) -> str | None:
    """``png``, ``webp``, ``jpeg``, ``avif``, ``svg``, ``glb``, ``flac`` or ``safetensors``; None for anything else."""
    if data.startswith(_PNG):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1"):
        return "avif"
    if data.startswith(b"glTF"):
        return "glb"
    if data.startswith(b"fLaC"):
        return "flac"
    if len(data) > 9 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8:
        return "safetensors"
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "svg" if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in data[:4096]) else None


def read(data: bytes) -> dict[str, str]:
    """The metadata of a file as texts by key, ``{}`` when it has none. Raises :class:`WorkflowError` if damaged."""
    kind = file_kind(data)
    if kind is None:
        raise WorkflowError("The file is no image or media file that can carry a workflow.")
    try:
        return _READERS[kind](data)
    except WorkflowError:
        raise
    except Exception as error:  # Pillow and zlib raise many kinds for damaged files
        raise WorkflowError(f"The {kind.upper()} file is damaged: {error}.") from None


def pnginfo(prompt: Any = None, extra_pnginfo: Mapping[str, Any] | None = None) -> PngInfo:
    """The text chunks a PNG gets: ``prompt`` and every key of ``extra_pnginfo`` (``workflow`` among them)."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in _texts(prompt, extra_pnginfo):
        info.add_text(key, value)
    return info


def exif(prompt: Any = None, extra_pnginfo: Mapping[str, Any] | None = None) -> bytes:
    """The EXIF block a WEBP gets: entry 0x0110 is ``prompt:…``, 0x010F and downwards ``key:…`` of ``extra_pnginfo``."""
    from PIL import Image

    block = Image.Exif()
    tag = _MAKE
    for key, value in _texts(prompt, extra_pnginfo):
        if key == "prompt" and _MODEL not in block:
            block[_MODEL] = f"prompt:{value}"
        else:
            block[tag], tag = f"{key}:{value}", tag - 1
    return block.tobytes()


def write_png(
    image: Image.Image,
    target: str | os.PathLike[str] | BinaryIO,
    prompt: Any = None,
    extra_pnginfo: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Save ``image`` as PNG with the workflow in it; a path is written whole or not at all. ``options``: Pillow's."""
    _save(image, target, "PNG", {"pnginfo": pnginfo(prompt, extra_pnginfo), **options})


def write_webp(
    image: Image.Image | Sequence[Image.Image],
    target: str | os.PathLike[str] | BinaryIO,
    prompt: Any = None,
    extra_pnginfo: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Save one image, or several as an animation, as WEBP with the workflow in its EXIF block."""
    frames = [image] if not isinstance(image, Sequence) else list(image)
    more = {"save_all": True, "append_images": frames[1:]} if len(frames) > 1 else {}
    _save(frames[0], target, "WEBP", {"exif": exif(prompt, extra_pnginfo), **more, **options})


def _save(image: Image.Image, target: Any, kind: str, options: dict[str, Any]) -> None:
    if not isinstance(target, (str, os.PathLike)):
        image.save(target, kind, **options)
        return
    path = Path(target)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            image.save(file, kind, **options)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _texts(prompt: Any, extra_pnginfo: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    entries = [] if prompt is None else [("prompt", prompt)]
    for key, value in [*entries, *(extra_pnginfo or {}).items()]:
        yield str(key), json.dumps(jsontext.plain(value, f"The metadata {key!r}")[0])


def _read_png(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, body in _png_chunks(data):
        if kind == b"eXIf":
            found = _exif_texts(body) | found
            continue
        name, separator, rest = body.partition(b"\0")
        if not separator or len(name) > 200:
            continue
        if kind in (b"tEXt", b"comf"):
            text = _decode(rest)
        elif kind == b"zTXt":
            text = _decode(_inflate(rest[1:]))
        elif kind == b"iTXt":
            packed = rest[:1] == b"\1"
            rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
            text = _decode(_inflate(rest) if packed else rest)
        else:
            continue
        found.setdefault(name.decode("latin-1"), text)
    return found


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"comf", b"eXIf"):
            yield kind, data[at + 8 : at + 8 + size]
        at += 12 + size


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    text = stream.decompress(data, _MAX_TEXT)
    if stream.unconsumed_tail:
        raise WorkflowError("The PNG file holds a text of more than 64 MB.")
    return text


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _read_image(data: bytes) -> dict[str, str]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        block = image.info.get("exif")
    return _exif_texts(block) if isinstance(block, bytes) else {}


def _exif_texts(block: bytes) -> dict[str, str]:
    """``key:value`` of every ASCII entry; the user comment, where A1111 writes, is ``parameters``."""
    from PIL import Image

    tags = Image.Exif()
    tags.load(block)
    found: dict[str, str] = {}
    for value in tags.values():
        if isinstance(value, str) and (match := _KEYED.match(_decode(value.encode("latin-1", "replace")).strip("\0"))):
            found.setdefault(match[1], match[2])
    comment = tags.get_ifd(_EXIF_IFD).get(_USER_COMMENT) if _EXIF_IFD in tags else None
    if isinstance(comment, bytes) and len(comment) > 8:
        encoding = "utf-16-be" if comment.startswith(b"UNICODE") else "utf-8"
        found.setdefault("parameters", comment[8:].decode(encoding, "replace"))
    return found


def _read_svg(data: bytes) -> dict[str, str]:
    block = re.search(rb"<metadata[^>]*>\s*<!\[CDATA\[(.*?)\]\]>", data, re.DOTALL)
    return _texts_of(_decode(block[1]), "The metadata of the SVG file") if block else {}


def _read_glb(data: bytes) -> dict[str, str]:
    size = int.from_bytes(data[12:16], "little")
    content = jsontext.loads(_decode(data[20 : 20 + size]), "The header of the GLB file")[0]
    asset = content.get("asset") if isinstance(content, dict) else None
    extras = asset.get("extras") if isinstance(asset, dict) else None
    return _as_texts(extras)


def _read_safetensors(data: bytes) -> dict[str, str]:
    size = int.from_bytes(data[:8], "little")
    header = jsontext.loads(_decode(data[8 : 8 + size]), "The header of the safetensors file")[0]
    return _as_texts(header.get("__metadata__") if isinstance(header, dict) else None)


def _read_flac(data: bytes) -> dict[str, str]:
    at, found = 4, {}
    last = False
    while not last and at + 4 <= len(data):
        last, kind = bool(data[at] & 0x80), data[at] & 0x7F
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        if kind == 4:
            found = _vorbis_comments(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _vorbis_comments(block: bytes) -> dict[str, str]:
    at = 4 + int.from_bytes(block[:4], "little")
    count, at = int.from_bytes(block[at : at + 4], "little"), at + 4
    found: dict[str, str] = {}
    for _ in range(count):
        if at + 4 > len(block):
            break
        size, at = int.from_bytes(block[at : at + 4], "little"), at + 4
        key, separator, value = _decode(block[at : at + size]).partition("=")
        if separator:
            found.setdefault(key.lower() if key.lower() in ("prompt", "workflow") else key, value)
        at += size
    return found


def _texts_of(text: str, what: str) -> dict[str, str]:
    return _as_texts(jsontext.loads(text, what)[0])


def _as_texts(values: Any) -> dict[str, str]:
    if not isinstance(values, dict):
        return {}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


_READERS = {
    "png": _read_png,
    "webp": _read_image,
    "jpeg": _read_image,
    "avif": _read_image,
    "svg": _read_svg,
    "glb": _read_glb,
    "flac": _read_flac,
    "safetensors": _read_safetensors,
}
