"""Saving images in a chosen format: PNG with 8 or 16 bits, EXR, AVIF."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import folders
from ..protocol.context import context
from ..workflow import metadata
from . import inputs
from .whole_files import write

if TYPE_CHECKING:
    from torch import Tensor

_DEPTH_TIP = "Bits for each colour value."
_SPACE_TIP = "How the values of the images are to be read."

_SAVE_MODES: dict[str, dict[str, inputs.Spec]] = {
    "still images": {},
    "animated": {
        "fps": inputs.number(6.0, 0.01, 1000.0, 0.01, "Images shown in a second."),
        "loop_count": inputs.integer(0, 0, 1000, tooltip="Repetitions; 0 never stops."),
    },
}

#: The formats, each with the inputs it brings.
FORMATS: dict[str, dict[str, inputs.Spec]] = {
    "png": {
        "bit_depth": inputs.combo(["8-bit", "16-bit"], _DEPTH_TIP, default="8-bit"),
        "input_color_space": inputs.combo(["sRGB"], _SPACE_TIP, default="sRGB"),
    },
    "exr": {
        "bit_depth": inputs.combo(["16-bit float", "32-bit float"], _DEPTH_TIP, default="16-bit float"),
        "input_color_space": inputs.combo(["sRGB", "HDR", "linear", "linear ACEScg"], _SPACE_TIP, default="sRGB"),
    },
    "avif": {
        "bit_depth": inputs.combo(["auto", "8-bit YUV420", "10-bit YUV420"], _DEPTH_TIP, default="auto"),
        "input_color_space": inputs.combo(["sRGB", "HDR", "HDR PQ"], _SPACE_TIP, default="sRGB"),
        "crf": inputs.integer(18, 1, 63, tooltip="1 is nearly lossless and large, 63 is small and coarse."),
        "save_mode": inputs.choice(_SAVE_MODES),
    },
}


class SaveImageAdvanced:
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("images",)
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = "image"
    DESCRIPTION = (
        "Writes images as PNG with 8 or 16 bits, as EXR or as AVIF; the workflow goes into the files and the images "
        "are handed on."
    )
    SEARCH_ALIASES = ["png 16 bit", "exr", "avif", "high dynamic range", "export", "write"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        required = {
            "images": inputs.image("The images to save."),
            "filename_prefix": inputs.text("ComfyUI", "What the files' names begin with, folders included."),
            "format": inputs.choice(FORMATS, "The file format."),
        }
        return {"required": required, "hidden": dict(inputs.SAVE_HIDDEN)}

    def save(
        self,
        images: Tensor,
        filename_prefix: str,
        format: Any,
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
        **children: Any,
    ) -> dict[str, Any]:
        key, values = inputs.chosen("format", format, children)
        if key not in FORMATS:
            raise ValueError(f"format: {key!r} is unknown; choose one of {', '.join(FORMATS)}")
        names = folders.save_path(folders.current().output, filename_prefix, images.shape[2], images.shape[1])
        texts = metadata.texts(prompt, extra_pnginfo)
        if key == "avif":
            mode, timing = inputs.chosen("save_mode", values.get("save_mode", "still images"), values)
            if mode == "animated" and len(images) > 1:
                entry = _save_animated_avif(images, names, texts, values, timing)
                return {"ui": {"images": [entry], "animated": (True,)}, "result": (images,)}
        results = _save_each(images, names, "." + key, _ENCODERS[key](values, texts))
        return {"ui": {"images": results}, "result": (images,)}


Encoder = Callable[["Tensor", Any], object]


def _save_each(images: Tensor, names: folders.SavePath, suffix: str, encode: Encoder) -> list[dict[str, str]]:
    results = []
    for index, image in enumerate(images):
        context().progress(index, len(images))
        path = names.path(index, suffix)
        write(path, partial(encode, image))
        results.append(names.entry(path, "output"))
    return results


def _png(values: Mapping[str, Any], texts: Mapping[str, str]) -> Encoder:
    from .ops.pictures import to_picture
    from .ops.png16 import encode

    if values.get("bit_depth") == "16-bit":
        return lambda image, file: file.write(encode(image, texts))
    info = metadata.pnginfo(texts)
    return lambda image, file: to_picture(image).save(file, format="PNG", pnginfo=info, compress_level=4)


def _exr(values: Mapping[str, Any], texts: Mapping[str, str]) -> Encoder:
    from .ops.exr import SPACES, encode

    half = values.get("bit_depth", "16-bit float") == "16-bit float"
    space = values.get("input_color_space", "sRGB")
    if space not in SPACES:
        raise ValueError(f"input_color_space: {space!r} is unknown; choose one of {', '.join(SPACES)}")
    return lambda image, file: file.write(encode(image, half, space, texts))


def _avif_settings(values: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Settings of Pillow's AVIF encoder, which writes 8 bits; raises ``ValueError`` for what it cannot do."""
    from PIL import features

    if not features.check("avif"):
        raise ValueError("This Pillow cannot write AVIF. Install pillow 11.3 or newer, or choose png.")
    depth, space = values.get("bit_depth", "auto"), values.get("input_color_space", "sRGB")
    if depth == "10-bit YUV420" or space != "sRGB":
        raise ValueError(
            "AVIF files are written with 8 bits in sRGB. Choose bit_depth '8-bit YUV420' and input_color_space 'sRGB', "
            "or format 'exr', which keeps high dynamic range."
        )
    quality = round(100 * (63 - min(max(int(values.get("crf", 18)), 0), 63)) / 63)
    return {"format": "AVIF", "quality": quality, "subsampling": "4:2:0", "exif": metadata.exif(texts)}


def _avif(values: Mapping[str, Any], texts: Mapping[str, str]) -> Encoder:
    from .ops.pictures import to_picture

    settings = _avif_settings(values, texts)
    return lambda image, file: to_picture(image).save(file, **settings)


_ENCODERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], Encoder]] = {
    "png": _png,
    "exr": _exr,
    "avif": _avif,
}


def _save_animated_avif(
    images: Tensor,
    names: folders.SavePath,
    texts: Mapping[str, str],
    values: Mapping[str, Any],
    timing: Mapping[str, Any],
) -> dict[str, str]:
    """All images as one file; Pillow's encoder always loops for ever, so another ``loop_count`` is refused."""
    from .ops.pictures import to_picture

    if int(timing.get("loop_count", 0)) != 0:
        raise ValueError("Animated AVIF files are written to loop for ever; set loop_count to 0.")
    frames = [to_picture(image) for image in images]
    settings = _avif_settings(values, texts)
    settings |= {"save_all": True, "append_images": frames[1:], "duration": int(1000.0 / float(timing.get("fps", 6.0)))}
    path = names.path(0, ".avif")
    write(path, partial(frames[0].save, **settings))
    return names.entry(path, "output")


NODES: dict[str, tuple[type, str]] = {"SaveImageAdvanced": (SaveImageAdvanced, "Save Image (Advanced)")}
