"""Batches of images as animated files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import folders
from ..protocol.context import context
from ..workflow import metadata
from . import inputs
from .whole_files import write

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_WEBP_METHODS = {"default": 4, "fastest": 0, "slowest": 6}


def _frames(images: Tensor) -> list[Image]:
    from .ops.pictures import to_picture

    frames = []
    for index, image in enumerate(images):
        context().progress(index, len(images))
        frames.append(to_picture(image))
    return frames


def _names(images: Tensor, prefix: str) -> folders.SavePath:
    return folders.save_path(folders.current().output, prefix, images.shape[2], images.shape[1])


class SaveAnimatedWEBP:
    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image/animation"
    DESCRIPTION = "Saves a batch as one animated WEBP that carries its workflow."
    SEARCH_ALIASES = ["export animation", "gif", "webp", "movie", "write"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("The frames."),
                "filename_prefix": inputs.text("ComfyUI", "Beginning of the file name; may hold folders."),
                "fps": inputs.number(6.0, 0.01, 1000.0, 0.01, "Frames a second."),
                "lossless": inputs.boolean(True, "Keep every pixel as it is."),
                "quality": inputs.integer(80, 0, 100, tooltip="Of lossy files; for lossless ones how hard to try."),
                "method": inputs.options(list(_WEBP_METHODS), "Slower makes smaller files."),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def save_images(
        self,
        images: Tensor,
        fps: float,
        filename_prefix: str,
        lossless: bool,
        quality: int,
        method: str,
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        names = _names(images, filename_prefix)
        path, frames = names.path(0, ".webp"), _frames(images)
        settings: dict[str, Any] = {
            "lossless": lossless,
            "quality": quality,
            "method": _WEBP_METHODS[method],
            "exif": metadata.exif(metadata.texts(prompt, extra_pnginfo)),
        }
        settings |= {"save_all": True, "append_images": frames[1:], "duration": int(1000.0 / fps)}
        write(path, partial(frames[0].save, format="WEBP", **settings))
        return {"ui": {"images": [names.entry(path, "output")], "animated": (len(frames) > 1,)}}


class SaveAnimatedPNG:
    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image/animation"
    DESCRIPTION = "Saves a batch as one animated PNG that carries its workflow."
    SEARCH_ALIASES = ["export animation", "apng", "gif", "movie", "write"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("The frames."),
                "filename_prefix": inputs.text("ComfyUI", "Beginning of the file name; may hold folders."),
                "fps": inputs.number(6.0, 0.01, 1000.0, 0.01, "Frames a second."),
                "compress_level": inputs.integer(4, 0, 9, tooltip="9 makes the smallest files and takes longest."),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def save_images(
        self,
        images: Tensor,
        fps: float,
        compress_level: int,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        from PIL.PngImagePlugin import PngInfo

        names = _names(images, filename_prefix)
        path, frames, info = names.path(0, ".png"), _frames(images), PngInfo()
        for name, text in metadata.texts(prompt, extra_pnginfo).items():
            info.add(b"comf", name.encode("latin-1", "replace") + b"\0" + text.encode("latin-1"), after_idat=True)
        settings: dict[str, Any] = {"pnginfo": info, "compress_level": compress_level, "duration": int(1000.0 / fps)}
        write(path, partial(frames[0].save, format="PNG", save_all=True, append_images=frames[1:], **settings))
        return {"ui": {"images": [names.entry(path, "output")], "animated": (True,)}}


NODES: dict[str, tuple[type, str]] = {
    "SaveAnimatedWEBP": (SaveAnimatedWEBP, "SaveAnimatedWEBP"),
    "SaveAnimatedPNG": (SaveAnimatedPNG, "SaveAnimatedPNG"),
}
