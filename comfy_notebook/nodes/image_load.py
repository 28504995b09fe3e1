"""Images from files: the input folder, the output folder, the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import folders
from . import image_files, inputs

if TYPE_CHECKING:
    from torch import Tensor

_CHANNELS = ["alpha", "red", "green", "blue"]


def _checked(name: Any, kind: str = "input") -> bool | str:
    """The answer of VALIDATE_INPUTS; a linked input arrives as None and is looked at when the node runs."""
    if name is None:
        return True
    return (image_files.problem(name, kind) if isinstance(name, str) else f"{name!r} is not a file name") or True


def _loaded(name: str, kind: str = "input") -> tuple[Tensor, Tensor]:
    from .ops.decode import load

    if not isinstance(name, str):
        raise ValueError("choose a file to load: there is no name")
    if (problem := image_files.problem(name, kind)) is not None:
        raise FileNotFoundError(problem)
    return load(folders.current().resolve(name, kind))


class LoadImage:
    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load_image"
    CATEGORY = "image"
    DESCRIPTION = "An image from the input folder. The mask is white where the image is transparent."
    SEARCH_ALIASES = ["open image", "import", "upload", "photo", "picture", "read file", "input image"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        chooser = inputs.options(image_files.listing(), "A file of the input folder.", image_upload=True)
        return {"required": {"image": chooser}}

    def load_image(self, image: str) -> tuple[Tensor, Tensor]:
        return _loaded(image)

    @classmethod
    def IS_CHANGED(cls, image: str) -> str | float:
        return image_files.fingerprint(image)

    @classmethod
    def VALIDATE_INPUTS(cls, image: Any) -> bool | str:
        return _checked(image)


class LoadImageMask:
    RETURN_TYPES = ("MASK",)
    FUNCTION = "load_image"
    CATEGORY = "mask"
    DESCRIPTION = "One channel of an image file as a mask. Alpha is inverted: white where transparent."
    SEARCH_ALIASES = ["import mask", "open mask", "alpha", "channel", "upload mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        chooser = inputs.options(image_files.listing(), "A file of the input folder.", image_upload=True)
        return {"required": {"image": chooser, "channel": inputs.options(_CHANNELS, "Where the mask is taken from.")}}

    def load_image(self, image: str, channel: str) -> tuple[Tensor]:
        from .ops.decode import load_channel

        if (problem := image_files.problem(image)) is not None:
            raise FileNotFoundError(problem)
        return (load_channel(folders.current().resolve(image), channel),)

    @classmethod
    def IS_CHANGED(cls, image: str, channel: str) -> str | float:
        return image_files.fingerprint(image)

    @classmethod
    def VALIDATE_INPUTS(cls, image: Any) -> bool | str:
        return _checked(image)


class LoadImageOutput(LoadImage):
    DESCRIPTION = "An image from the output folder, to go on with a result."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["previous result", "output image", "reuse", "open image"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        names = [f"{name} [output]" for name in image_files.listing("output")]
        options = {
            "image_upload": True,
            "image_folder": "output",
            "options": names,
            "tooltip": "A file of the output folder.",
        }
        return {"required": {"image": ("COMBO", options)}}

    def load_image(self, image: str) -> tuple[Tensor, Tensor]:
        return _loaded(image, "output")

    @classmethod
    def IS_CHANGED(cls, image: str) -> str | float:
        return image_files.fingerprint(image, "output")

    @classmethod
    def VALIDATE_INPUTS(cls, image: Any) -> bool | str:
        return _checked(image, "output")


class WebcamCapture:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "load_capture"
    CATEGORY = "image"
    DESCRIPTION = "A picture taken with the camera of the browser."
    SEARCH_ALIASES = ["camera", "photo", "selfie", "capture"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.socket("WEBCAM", "The picture taken."),
                "width": inputs.pixels(0, tooltip="Pixels; 0 takes what the camera gives."),
                "height": inputs.pixels(0, tooltip="Pixels; 0 takes what the camera gives."),
                "capture_on_queue": inputs.boolean(True, "Take a new picture for every run."),
            }
        }

    def load_capture(self, image: str, **settings: Any) -> tuple[Tensor]:
        return (_loaded(image)[0],)

    @classmethod
    def IS_CHANGED(cls, image: str, **settings: Any) -> str | float:
        return image_files.fingerprint(image)


NODES: dict[str, tuple[type, str]] = {
    "LoadImage": (LoadImage, "Load Image"),
    "LoadImageMask": (LoadImageMask, "Load Image (as Mask)"),
    "LoadImageOutput": (LoadImageOutput, "Load Image (from Outputs)"),
    "WebcamCapture": (WebcamCapture, "Webcam Capture"),
}
