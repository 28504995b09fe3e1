"""``GET /view``: the files that nodes read and wrote, as bytes, scaled previews or single channels."""

from __future__ import annotations

import asyncio
import io
import mimetypes
from pathlib import Path
from typing import Any

from aiohttp import web

from ..folders import Folders
from .errors import BadRequest
from .paths import below, whole_file
from .services import services

routes = web.RouteTableDef()

#: Types a browser may show in place. Everything else is a download: a page or a script from a workflow never runs.
INLINE_PREFIXES = ("image/", "video/", "audio/", "font/", "model/")
INLINE_TYPES = ("application/json", "application/pdf", "text/plain")
ACTIVE_TYPES = ("image/svg+xml",)
#: Types that the tables of some systems and Python versions lack.
MORE_TYPES = {
    **{".webp": "image/webp", ".avif": "image/avif", ".jxl": "image/jxl", ".heic": "image/heic", ".apng": "image/apng"},
    **{".mp4": "video/mp4", ".webm": "video/webm", ".mkv": "video/x-matroska", ".mov": "video/quicktime"},
    **{".flac": "audio/flac", ".mp3": "audio/mpeg", ".opus": "audio/ogg", ".ogg": "audio/ogg", ".m4a": "audio/mp4"},
    **{".wav": "audio/wav", ".glb": "model/gltf-binary", ".gltf": "model/gltf+json", ".obj": "model/obj"},
    **{".json": "application/json", ".txt": "text/plain"},
}
ANNOTATIONS = {f" [{kind}]": kind for kind in ("input", "output", "temp")}
PREVIEW_FORMATS = ("webp", "jpeg")


@routes.get("/view")
async def view(request: web.Request) -> web.StreamResponse:
    path = file_of(services(request).folders, dict(request.query))
    if not path.is_file():
        raise BadRequest(f"There is no file {path.name!r}.", "not_found", 404)
    preview, channel = request.query.get("preview"), request.query.get("channel", "rgba")
    if preview is not None:
        return await _image(path, preview_image, preview, channel)
    if channel in ("rgb", "a"):
        return await _image(path, channel_image, channel)
    kind = safe_type(path.name)
    headers = {"Content-Type": kind, "X-Content-Type-Options": "nosniff"}
    disposition = "inline" if kind != "application/octet-stream" else "attachment"
    headers["Content-Disposition"] = f'{disposition}; filename="{_quotable(path.name)}"'
    headers["Cache-Control"] = "no-cache"
    return whole_file(path, headers)


def file_of(folders: Folders, query: dict[str, str]) -> Path:
    """The file a ``{filename, subfolder, type}`` reference names.

    Raises :class:`BadRequest`: 400 without a name, for ``..`` or an unknown type, 403 for a path outside its folder.
    """
    name, kind = query.get("filename", ""), query.get("type", "output")
    for ending, annotated in ANNOTATIONS.items():
        if name.endswith(ending):
            name, kind = name.removesuffix(ending), annotated
    if not name or "\0" in name or name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        raise BadRequest("The file name is missing or not a plain name.", "bad_filename")
    return inside_folder(folders, kind, query.get("subfolder", ""), name)


def inside_folder(folders: Folders, kind: str, *parts: str) -> Path:
    """``parts`` below the folder called ``kind``, as a :class:`BadRequest` where that is impossible."""
    try:
        root = folders.by_type(kind)
    except KeyError:
        raise BadRequest(f"There is no folder type {kind[:80]!r}: use input, output or temp.", "bad_type") from None
    return below(root, *parts)


def safe_type(name: str) -> str:
    """The content type of a file by its name; ``application/octet-stream`` for whatever a browser would run."""
    kind = MORE_TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind in ACTIVE_TYPES or not (kind.startswith(INLINE_PREFIXES) or kind in INLINE_TYPES):
        return "application/octet-stream"
    return kind


async def _image(path: Path, render: Any, *arguments: str) -> web.Response:
    from PIL import Image

    try:
        body, kind = await asyncio.get_running_loop().run_in_executor(None, render, path, *arguments)
    except (OSError, ValueError, Image.DecompressionBombError) as exc:
        raise BadRequest(f"{path.name!r} can't be shown as an image: {exc}.", "not_an_image", 415) from exc
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": f'inline; filename="{_quotable(path.name)}"'}
    return web.Response(body=body, content_type=kind, headers=headers)


def preview_image(path: Path, preview: str, channel: str = "rgba") -> tuple[bytes, str]:
    """``preview`` is ``"webp"`` or ``"jpeg"``, with ``;quality`` (1..100, else 90); ``channel`` ``"rgb"``: no alpha."""
    from PIL import Image, ImageOps

    form, _, quality = preview.partition(";")
    form = form if form in PREVIEW_FORMATS else "webp"
    level = min(max(int(quality), 1), 100) if quality.isascii() and quality.isdigit() and len(quality) < 10 else 90
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        has_alpha = "A" in image.getbands() or "transparency" in image.info
        keeps_alpha = has_alpha and form == "webp" and channel != "rgb"
        return _encoded(image.convert("RGBA" if keeps_alpha else "RGB"), form, quality=level), f"image/{form}"


def channel_image(path: Path, channel: str) -> tuple[bytes, str]:
    """``"rgb"`` drops the alpha channel; ``"a"`` is the alpha channel alone, on black (opaque where there is none)."""
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)  # as browsers show the whole file
        if channel == "rgb":
            return _encoded(image.convert("RGB"), "png"), "image/png"
        alpha = image.convert("RGBA").getchannel("A")
        shown = Image.new("RGBA", image.size)
        shown.putalpha(alpha)
        return _encoded(shown, "png"), "image/png"


def _encoded(image: Any, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _quotable(name: str) -> str:
    return "".join(char if " " <= char < "\x7f" and char not in '"\\' else "_" for char in name)
