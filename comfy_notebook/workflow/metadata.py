"""Workflows inside media files: which keys a file carries, and the blocks that carry them in PNG, WEBP and AVIF.

ComfyUI keeps ``prompt`` (API JSON), ``workflow`` (UI JSON) and any further ``extra_pnginfo`` key as JSON text: PNG in
text chunks, APNG in ``comf`` chunks, WEBP (and AVIF, JPEG) in ASCII entries of the EXIF block, each ``key:json``; MP4,
WEBM, MP3 and Opus in the tags of the container, which PyAV reads (the ``video`` extra).
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from . import jsontext
from .errors import WorkflowError

if TYPE_CHECKING:
    from PIL.Image import Exif
    from PIL.PngImagePlugin import PngInfo

_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_TEXT = 64 << 20
_MODEL, _MAKE, _USER_COMMENT, _EXIF_IFD = 0x0110, 0x010F, 0x9286, 0x8769
_MAGIC = {b"\x1a\x45\xdf\xa3": "webm", b"ID3": "mp3", b"OggS": "ogg", b"fLaC": "flac", b"glTF": "glb"}
_DEMUXERS = {"mp4": "mov", "webm": "matroska", "mp3": "mp3", "ogg": "ogg"}
_KEYED = re.compile(r"^([A-Za-z_][\w .-]{0,60}):(.*)$", re.DOTALL)


def file_kind(data: bytes) -> str | None:
    """``png``, ``webp``, ``jpeg``, ``avif``, ``mp4``, ``webm``, ``mp3``, ``ogg``, ``flac``, ``glb``, ``safetensors`` or
    ``svg`` after its first bytes (``mp4`` is MOV too, ``webm`` Matroska, ``ogg`` Opus); None for anything else."""
    if data.startswith(_PNG):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1"):
        return "avif"
    if data[4:8] == b"ftyp":
        return "mp4"
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    if len(data) > 9 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8:
        return "safetensors"
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "svg" if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in data[:4096]) else None


def read(data: bytes) -> dict[str, str]:
    """The metadata of a file as texts by key, ``{}`` when it has none.

    Raises :class:`WorkflowError` for a damaged file, and for a film or a sound where PyAV is not installed.
    """
    kind = file_kind(data)
    if kind is None:
        raise WorkflowError("The file is no image or media file that can carry a workflow.")
    try:
        return _READERS[kind](data)
    except WorkflowError:
        raise
    except Exception as error:  # Pillow and zlib raise many kinds for damaged files
        raise WorkflowError(f"The {kind.upper()} file is damaged: {error}.") from None


_left_out = False


def leave_out(yes: bool = True) -> None:
    """Whether files are saved without prompt and workflow from now on, in this process."""
    global _left_out
    _left_out = yes


def entries(prompt: Any = None, extra_pnginfo: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a saved file carries: ``prompt`` and every key of ``extra_pnginfo`` (``workflow`` among them), as plain JSON
    values with None for NaN; nothing after :func:`leave_out`. Raises :class:`WorkflowError` for what JSON cannot hold.
    """
    if _left_out:
        return {}
    values = {} if prompt is None else {"prompt": prompt}
    values.update(extra_pnginfo or {})
    return {str(key): jsontext.plain(value, f"The metadata {key!r}")[0] for key, value in values.items()}


def texts(prompt: Any = None, extra_pnginfo: Mapping[str, Any] | None = None) -> dict[str, str]:
    """:func:`entries` as JSON texts, all ASCII."""
    return {key: json.dumps(value) for key, value in entries(prompt, extra_pnginfo).items()}


def pnginfo(carried: Mapping[str, str]) -> PngInfo:
    """The text chunks of a PNG that carries ``carried`` (:func:`texts`)."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, text in carried.items():
        info.add_text(key, text)
    return info


def exif(carried: Mapping[str, str]) -> bytes:
    """The EXIF block of a WEBP or AVIF that carries ``carried``: 0x0110 is ``prompt:…``, the others ``key:…`` stand in
    0x010F and downwards."""
    from PIL import Image

    block = Image.Exif()
    _fill(block, carried)
    return block.tobytes()


def exif_with(old: bytes, texts: Mapping[str, str | None]) -> bytes:
    """The EXIF block ``old`` with ``texts`` in it, None takes an entry out; all other entries stay. Without the
    ``Exif`` head that JPEG wants."""
    from PIL import Image

    block = Image.Exif()
    if old:
        block.load(old)
    for tag, value in list(block.items()):
        if isinstance(value, str) and (match := _KEYED.match(value)) and match[1] in texts:
            del block[tag]
    _fill(block, {key: text for key, text in texts.items() if text is not None})
    return block.tobytes().removeprefix(b"Exif\0\0")


def _fill(block: Exif, carried: Mapping[str, str]) -> None:
    free = (tag for tag in count(_MAKE, -1) if tag not in block)
    for key, text in carried.items():
        tag = _MODEL if key == "prompt" and _MODEL not in block else next(free)
        block[tag] = f"{key}:{text}"


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
            found.setdefault(_key(key), value)
        at += size
    return found


def _key(name: str) -> str:
    """Some containers write the names of their tags in capitals."""
    return name.lower() if name.lower() in ("prompt", "workflow") else name


def _read_container(kind: str, data: bytes) -> dict[str, str]:
    try:
        import av
    except ImportError:
        raise WorkflowError(
            f"Reading the workflow of a file like this ({kind.upper()}) takes PyAV. "
            "Install it: pip install 'comfy-notebook[video]'."
        ) from None
    with av.open(io.BytesIO(data), format=_DEMUXERS[kind], metadata_errors="replace") as container:
        tags = [container.metadata, *(stream.metadata for stream in container.streams)]
    found: dict[str, str] = {}
    for name, text in (item for group in tags for item in group.items()):
        found.setdefault(_key(name), text)
    return found


def _texts_of(text: str, what: str) -> dict[str, str]:
    return _as_texts(jsontext.loads(text, what)[0])


def _as_texts(values: Any) -> dict[str, str]:
    if not isinstance(values, dict):
        return {}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


_READERS: dict[str, Callable[[bytes], dict[str, str]]] = {
    "png": _read_png,
    "webp": _read_image,
    "jpeg": _read_image,
    "avif": _read_image,
    "svg": _read_svg,
    "glb": _read_glb,
    "flac": _read_flac,
    "safetensors": _read_safetensors,
    **{kind: partial(_read_container, kind) for kind in _DEMUXERS},
}
