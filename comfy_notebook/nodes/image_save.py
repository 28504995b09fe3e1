"""Images into files: saved, previewed, compared, sent to the client."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import folders
from ..protocol.context import context
from ..workflow import metadata
from . import inputs
from .whole_files import write, write_bytes

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX_TIP = "Beginning of the file name; may hold folders and %date:yyyy-MM-dd%, %width%, %height%."


def random_letters(count: int) -> str:
    """Lower-case letters that keep the previews of different runs apart."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(count))


class SaveImage:
    """Custom nodes subclass this: they set ``output_dir``, ``type``, ``prefix_append`` and call :meth:`save_images`."""

    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"
    DESCRIPTION = "Saves images as PNG files that carry their workflow."
    SEARCH_ALIASES = ["export", "write", "png", "output", "download", "store image"]

    def __init__(self) -> None:
        self.output_dir = str(folders.current().output)
        self.type = "output"
        self.prefix_append = ""
        self.compress_level = 4

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("The images to save."),
                "filename_prefix": inputs.text("ComfyUI", _PREFIX_TIP),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def save_images(
        self,
        images: Tensor,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Write IMAGE ``[B,H,W,C]`` (C = 1, 3 or 4) as 8-bit PNG files; answers their names for the editor."""
        from .ops.pictures import to_picture

        height, width = images[0].shape[:2]
        names = folders.save_path(Path(self.output_dir), filename_prefix + self.prefix_append, width, height)
        info = metadata.pnginfo(metadata.texts(prompt, extra_pnginfo))
        results = []
        for index, image in enumerate(images):
            context().progress(index, len(images))
            picture = to_picture(image)
            path = names.path(index, ".png")
            write(path, partial(picture.save, format="PNG", pnginfo=info, compress_level=self.compress_level))
            results.append(names.entry(path, self.type))
        return {"ui": {"images": results}}


class PreviewImage(SaveImage):
    DESCRIPTION = "Shows images on the node without keeping them."
    SEARCH_ALIASES = ["show", "view", "display", "look", "preview"]

    def __init__(self) -> None:
        self.output_dir = str(folders.current().temp)
        self.type = "temp"
        self.prefix_append = "_temp_" + random_letters(5)
        self.compress_level = 1

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"images": inputs.image("The images to show.")}, "hidden": dict(inputs.SAVE_HIDDEN)}


class MaskPreview(PreviewImage):
    FUNCTION = "execute"
    CATEGORY = "mask"
    DESCRIPTION = "Shows masks on the node as grey images."
    SEARCH_ALIASES = ["show mask", "view mask", "display mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"mask": inputs.mask("The masks to show.")}, "hidden": dict(inputs.SAVE_HIDDEN)}

    def execute(
        self,
        mask: Tensor,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        images = mask.reshape(-1, *mask.shape[-2:], 1).expand(-1, -1, -1, 3)
        return self.save_images(images, filename_prefix, prompt, extra_pnginfo)


class ImageCompare:
    RETURN_TYPES = ()
    FUNCTION = "compare"
    OUTPUT_NODE = True
    CATEGORY = "image"
    DESCRIPTION = "Lays two images over each other, with a divider to pull from one to the other."
    SEARCH_ALIASES = ["compare", "before and after", "difference", "a/b"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {},
            "optional": {
                "image_a": inputs.image("The first image."),
                "image_b": inputs.image("The second image."),
                "compare_view": inputs.socket("IMAGECOMPARE"),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def compare(
        self,
        image_a: Tensor | None = None,
        image_b: Tensor | None = None,
        compare_view: Any = None,
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        shown: dict[str, list[dict[str, str]]] = {"a_images": [], "b_images": []}
        for side, images in (("a", image_a), ("b", image_b)):
            if images is not None and len(images):
                saved = PreviewImage().save_images(images, f"comfy.compare.{side}", prompt, extra_pnginfo)
                shown[f"{side}_images"] = saved["ui"]["images"]
        return {"ui": shown}


class SaveImageWebsocket:
    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "api/image"
    DESCRIPTION = "Sends images to the client that queued the prompt, as PNG over its websocket; nothing is written."
    SEARCH_ALIASES = ["api output", "stream", "send image"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"images": inputs.image("The images to send.")}}

    def save_images(self, images: Tensor) -> dict[str, Any]:
        from .ops.pictures import to_picture

        for index, image in enumerate(images):
            context().progress(index, len(images))
            context().send_image(to_picture(image))
        return {}

    @classmethod
    def IS_CHANGED(cls, images: Any) -> float:
        return time.time()


class SaveSVGNode:
    RETURN_TYPES = ()
    FUNCTION = "save_svg"
    OUTPUT_NODE = True
    CATEGORY = "image/save"
    DESCRIPTION = "Saves vector graphics as SVG files that carry their workflow."
    SEARCH_ALIASES = ["vector", "export svg", "write"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "svg": inputs.socket("SVG", "The graphics to save."),
                "filename_prefix": inputs.text("svg/ComfyUI", _PREFIX_TIP),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def save_svg(
        self, svg: Any, filename_prefix: str = "svg/ComfyUI", prompt: Any = None, extra_pnginfo: Any = None
    ) -> dict[str, Any]:
        """``svg.data`` is a list of ``io.BytesIO``, one for each document."""
        names = folders.save_path(folders.current().output, filename_prefix)
        values = metadata.entries(prompt, extra_pnginfo)
        results = []
        for index, document in enumerate(svg.data):
            content = with_metadata(document.getvalue().decode("utf-8", "replace"), values)
            path = names.path(index, ".svg")
            write_bytes(path, content.encode("utf-8"))
            results.append(names.entry(path, "output"))
        return {"ui": {"images": results}}


def with_metadata(document: str, values: Mapping[str, Any]) -> str:
    """An SVG document with ``values`` as JSON in its ``<metadata>``, directly after the opening ``<svg …>``."""
    start = document.find("<svg")
    end = document.find(">", start)
    if not values or start < 0 or end < 0:
        return document
    text = json.dumps(dict(values), indent=2).replace("]]>", "]]]]><![CDATA[>")
    inserted = f"\n<metadata>\n<![CDATA[\n{text}\n]]>\n</metadata>"
    if document[end - 1] == "/":
        return f"{document[: end - 1]}>{inserted}</svg>{document[end + 1 :]}"
    return document[: end + 1] + inserted + document[end + 1 :]


NODES: dict[str, tuple[type, str]] = {
    "SaveImage": (SaveImage, "Save Image"),
    "PreviewImage": (PreviewImage, "Preview Image"),
    "MaskPreview": (MaskPreview, "MaskPreview"),
    "ImageCompare": (ImageCompare, "Image Compare"),
    "SaveImageWebsocket": (SaveImageWebsocket, "SaveImageWebsocket"),
    "SaveSVGNode": (SaveSVGNode, "SaveSVGNode"),
}
