"""Uploads: streamed to a temporary name and renamed when whole, so that half a file is never seen."""

from __future__ import annotations

import asyncio
import filecmp
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from .atomic import temporary_name
from .errors import BadRequest, in_one_line, parse_json
from .paths import make_room
from .services import services
from .view import file_of, inside_folder

routes = web.RouteTableDef()

CHUNK = 1 << 18
MAX_FIELD = 1 << 16


@dataclass
class Upload:
    """A received form: the file under its temporary name, and the text fields."""

    part: Path | None = None
    filename: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@routes.post("/upload/image")
async def upload_image(request: web.Request) -> web.Response:
    return await _upload(request, lambda part, target, fields: None)


@routes.post("/upload/mask")
async def upload_mask(request: web.Request) -> web.Response:
    folders = services(request).folders

    def put_mask(part: Path, target: Path, fields: dict[str, str]) -> None:
        reference = parse_json(fields.get("original_ref", ""))
        if not isinstance(reference, dict):
            raise BadRequest("original_ref must be an object {filename, subfolder, type}.", "bad_original_ref")
        original = file_of(folders, {key: str(value) for key, value in reference.items() if value is not None})
        if not original.is_file():
            raise BadRequest(f"The original image {original.name!r} does not exist.", "not_found", 404)
        apply_mask(part, original)

    return await _upload(request, put_mask)


async def _upload(request: web.Request, prepare: Callable[[Path, Path, dict[str, str]], None]) -> web.Response:
    """Receive the form, ``prepare`` the temporary file, then give it its name."""
    folders, limit = services(request).folders, services(request).max_upload_size
    if (request.content_length or 0) > limit + MAX_FIELD:
        raise BadRequest(f"The upload is larger than {limit} bytes.", "too_large", 413)
    folders.input.mkdir(parents=True, exist_ok=True)
    upload = Upload()
    try:
        await _receive(request, folders.input, upload, limit)
        if upload.part is None or not upload.filename:
            raise BadRequest("The form has no file in its field 'image'.", "no_file")
        fields = upload.fields
        kind, subfolder = fields.get("type") or "input", fields.get("subfolder", "")
        target = inside_folder(folders, kind, subfolder, upload.filename)
        overwrite = fields.get("overwrite", "").lower() in ("true", "1")

        def finish() -> str:
            assert upload.part is not None
            prepare(upload.part, target, fields)
            return place(upload.part, target, overwrite)

        name = await asyncio.get_running_loop().run_in_executor(None, finish)
    finally:
        if upload.part is not None:
            upload.part.unlink(missing_ok=True)
    return web.json_response({"name": name, "subfolder": subfolder, "type": kind})


async def _receive(request: web.Request, folder: Path, upload: Upload, limit: int) -> None:
    if not request.content_type.startswith("multipart/"):
        raise BadRequest("Send the file as multipart/form-data.", "not_multipart", 415)
    try:
        reader = await request.multipart()
        while (item := await reader.next()) is not None:
            if not isinstance(item, BodyPartReader):
                raise BadRequest("Nested multipart bodies are not understood.", "bad_form")
            if item.name == "image" and upload.part is None:
                upload.filename = plain_name(item.filename or "")
                upload.part = temporary_name(folder / upload.filename)
                await _stream(item, upload.part, limit)
            else:
                upload.fields[item.name or ""] = await _text(item)
    except (ValueError, AssertionError, LookupError, RuntimeError, HttpProcessingError) as exc:
        raise BadRequest(f"The form is broken: {in_one_line(exc)}.", "bad_form") from exc


async def _stream(item: BodyPartReader, part: Path, limit: int) -> None:
    size = 0
    with open(part, "wb") as file:
        while chunk := await item.read_chunk(CHUNK):
            size += len(chunk)
            if size > limit:
                raise BadRequest(f"The upload is larger than {limit} bytes.", "too_large", 413)
            file.write(chunk)


async def _text(item: BodyPartReader) -> str:
    data = bytearray()
    while chunk := await item.read_chunk():
        data += chunk
        if len(data) > MAX_FIELD:
            raise BadRequest(f"The form field {item.name!r} is too long.", "bad_form")
    return data.decode("utf-8", "replace")


def plain_name(filename: str) -> str:
    """The last part of an uploaded file's name; raises :class:`BadRequest` when nothing usable is left."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if name in ("", ".", "..") or any(ord(char) < 32 for char in name) or len(name.encode()) > 200:
        raise BadRequest(f"Not a usable file name: {filename[:80]!r}.", "bad_filename")
    return name


def place(part: Path, target: Path, overwrite: bool) -> str:
    """Give the temporary file its name; returns the name it got.

    A file of that name with the same content is kept as it is; with other content the new one becomes
    ``name (1).ext`` and so on, unless ``overwrite``.
    """
    make_room(target)
    if overwrite:
        _move(part, target)
        return target.name
    candidate, number = target, 0
    while True:
        if candidate.is_file() and filecmp.cmp(part, candidate, shallow=False):
            return candidate.name
        with suppress(FileExistsError):
            candidate.touch(exist_ok=False)  # takes the name, or fails when another upload took it meanwhile
            _move(part, candidate)
            return candidate.name
        number += 1
        candidate = target.with_name(f"{target.stem} ({number}){target.suffix}")


def _move(part: Path, target: Path) -> None:
    """Rename ``part`` to ``target`` in one step, also when the two folders lie on different disks."""
    near = temporary_name(target)
    try:
        shutil.move(part, near)
        os.replace(near, target)
    finally:
        near.unlink(missing_ok=True)


def apply_mask(part: Path, original: Path) -> None:
    """Turn the uploaded mask in ``part`` into a PNG: the original's colours with the mask's alpha channel.

    The original's PNG texts (its workflow) are kept. Raises :class:`BadRequest` for what is no image.
    """
    from PIL import Image, ImageOps
    from PIL.PngImagePlugin import PngInfo

    try:
        with Image.open(original) as file, Image.open(part) as mask:
            info = PngInfo()
            for key, value in getattr(file, "text", {}).items():
                info.add_text(key, value)
            image = ImageOps.exif_transpose(file)  # as it was shown when the mask was drawn
            alpha = mask.convert("RGBA").getchannel("A").resize(image.size)
            result: Any = image.convert("RGBA")
            result.putalpha(alpha)
            result.save(part, "PNG", pnginfo=info, compress_level=4)
    except (OSError, ValueError, Image.DecompressionBombError) as exc:
        raise BadRequest(f"The mask or its original is no readable image: {exc}.", "not_an_image", 415) from exc
