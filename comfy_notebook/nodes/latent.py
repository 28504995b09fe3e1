"""Latents: empty ones, scaled, cut, turned, with noise masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

Latent = dict[str, Any]

_METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "bislerp"]
_METHOD_TIP = "nearest-exact copies, area averages, the others are smooth; bislerp keeps the contrast of latents."


def empty(batch_size: int, channels: int, height: int, width: int, ratio: int = 8) -> Latent:
    """A LATENT of zeros for pictures of ``height`` and ``width`` pixels, ``ratio`` times smaller.

    The ratio goes along, so that a model with another one gets an empty latent for the same picture.
    """
    import torch

    from ..diffusion import memory

    shape = [batch_size, channels, height // ratio, width // ratio]
    return {"samples": torch.zeros(shape, device=memory.intermediate_device()), "downscale_ratio_spacial": ratio}


class EmptyLatentImage:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "generate"
    CATEGORY = "latent"
    DESCRIPTION = "An empty latent, from which a sampler makes a picture of this size."
    OUTPUT_TOOLTIPS = ("The empty latents.",)
    SEARCH_ALIASES = ["blank", "size", "resolution", "new", "start", "empty", "canvas"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "width": inputs.pixels(512, 16, 8, "Width of the picture in pixels."),
                "height": inputs.pixels(512, 16, 8, "Height of the picture in pixels."),
                "batch_size": inputs.integer(1, 1, 4096, tooltip="How many pictures."),
            }
        }

    def generate(self, width: int, height: int, batch_size: int = 1) -> tuple[Latent]:
        return (empty(batch_size, 4, height, width),)


class EmptySD3LatentImage:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "generate"
    CATEGORY = "latent/sd3"
    DESCRIPTION = "An empty latent of 16 channels, as SD3, Flux, Qwen-Image and Z-Image take it."
    SEARCH_ALIASES = ["blank", "size", "resolution", "flux", "qwen", "16 channels", "empty"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "width": inputs.pixels(1024, 16, 16, "Width of the picture in pixels."),
                "height": inputs.pixels(1024, 16, 16, "Height of the picture in pixels."),
                "batch_size": inputs.integer(1, 1, 4096, tooltip="How many pictures."),
            }
        }

    def generate(self, width: int, height: int, batch_size: int = 1) -> tuple[Latent]:
        return (empty(batch_size, 16, height, width),)


class EmptyFlux2LatentImage:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "generate"
    CATEGORY = "latent"
    DESCRIPTION = "An empty latent of 128 channels, one sixteenth of the picture's size, as Flux.2 takes it."
    SEARCH_ALIASES = ["blank", "size", "resolution", "flux2", "128 channels", "empty"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "width": inputs.pixels(1024, 16, 16, "Width of the picture in pixels."),
                "height": inputs.pixels(1024, 16, 16, "Height of the picture in pixels."),
                "batch_size": inputs.integer(1, 1, 4096, tooltip="How many pictures."),
            }
        }

    def generate(self, width: int, height: int, batch_size: int = 1) -> tuple[Latent]:
        return (empty(batch_size, 128, height, width, ratio=16),)


class LatentUpscale:
    upscale_methods = _METHODS
    crop_methods = ["disabled", "center"]
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "upscale"
    CATEGORY = "latent"
    DESCRIPTION = "Scales latents to a picture size. A side set to 0 follows from the other one."
    SEARCH_ALIASES = ["resize", "scale", "enlarge", "hires fix"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents to scale."),
                "upscale_method": inputs.options(_METHODS, _METHOD_TIP),
                "width": inputs.pixels(512, 0, 8, "Pixels of the picture; 0 keeps the aspect ratio."),
                "height": inputs.pixels(512, 0, 8, "Pixels of the picture; 0 keeps the aspect ratio."),
                "crop": inputs.options(["disabled", "center"], "disabled stretches, center cuts off what is too much."),
            }
        }

    def upscale(self, samples: Latent, upscale_method: str, width: int, height: int, crop: str) -> tuple[Latent]:
        from .ops.resize import resize

        if width == 0 and height == 0:
            return (samples,)
        old_height, old_width = samples["samples"].shape[-2:]
        if width == 0:
            height = max(64, height)
            width = max(64, round(old_width * height / old_height))
        elif height == 0:
            width = max(64, width)
            height = max(64, round(old_height * width / old_width))
        else:
            width, height = max(64, width), max(64, height)
        return ({**samples, "samples": resize(samples["samples"], width // 8, height // 8, upscale_method, crop)},)


class LatentUpscaleBy:
    upscale_methods = _METHODS
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "upscale"
    CATEGORY = "latent"
    DESCRIPTION = "Scales latents by a factor."
    SEARCH_ALIASES = ["resize", "scale", "factor", "enlarge", "hires fix"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents to scale."),
                "upscale_method": inputs.options(_METHODS, _METHOD_TIP),
                "scale_by": inputs.number(1.5, 0.01, 8.0, 0.01, "2 doubles both sides."),
            }
        }

    def upscale(self, samples: Latent, upscale_method: str, scale_by: float) -> tuple[Latent]:
        from .ops.resize import resize

        height, width = samples["samples"].shape[-2:]
        new = max(1, round(width * scale_by)), max(1, round(height * scale_by))
        return ({**samples, "samples": resize(samples["samples"], *new, upscale_method)},)


class LatentCrop:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "crop"
    CATEGORY = "latent/transform"
    DESCRIPTION = "Cuts a rectangle out of latents."
    SEARCH_ALIASES = ["cut", "trim", "window", "region"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents to cut."),
                "width": inputs.pixels(512, 64, 8, "Width of what remains, in pixels of the picture."),
                "height": inputs.pixels(512, 64, 8, "Height of what remains, in pixels of the picture."),
                "x": inputs.pixels(0, 0, 8, "Left edge, in pixels of the picture."),
                "y": inputs.pixels(0, 0, 8, "Upper edge, in pixels of the picture."),
            }
        }

    def crop(self, samples: Latent, width: int, height: int, x: int, y: int) -> tuple[Latent]:
        from .ops.latents import crop

        return ({**samples, "samples": crop(samples["samples"], width // 8, height // 8, x // 8, y // 8)},)


class LatentFlip:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "flip"
    CATEGORY = "latent/transform"
    DESCRIPTION = "Mirrors latents."
    SEARCH_ALIASES = ["mirror", "reverse", "horizontal", "vertical"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        methods = ["x-axis: vertically", "y-axis: horizontally"]
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents to mirror."),
                "flip_method": inputs.options(methods, "Top to bottom, or left to right."),
            }
        }

    def flip(self, samples: Latent, flip_method: str) -> tuple[Latent]:
        dimension = -2 if flip_method.startswith("x") else -1
        return ({**samples, "samples": samples["samples"].flip(dimension)},)


class LatentRotate:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "rotate"
    CATEGORY = "latent/transform"
    DESCRIPTION = "Turns latents clockwise."
    SEARCH_ALIASES = ["turn", "orientation", "90", "180"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        angles = ["none", "90 degrees", "180 degrees", "270 degrees"]
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents to turn."),
                "rotation": inputs.options(angles, "How far, clockwise."),
            }
        }

    def rotate(self, samples: Latent, rotation: str) -> tuple[Latent]:
        import torch

        turns = 0 if rotation == "none" else int(rotation.partition(" ")[0]) // 90
        return ({**samples, "samples": torch.rot90(samples["samples"], k=turns, dims=[-1, -2])},)


class SetLatentNoiseMask:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "set_mask"
    CATEGORY = "latent/inpaint"
    DESCRIPTION = "Lets samplers change latents where a mask is white only."
    SEARCH_ALIASES = ["inpaint", "mask", "protect", "keep"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents."),
                "mask": inputs.mask("White where the picture may change."),
            }
        }

    def set_mask(self, samples: Latent, mask: Tensor) -> tuple[Latent]:
        return ({**samples, "noise_mask": mask.reshape(-1, 1, *mask.shape[-2:])},)


NODES: dict[str, tuple[type, str]] = {
    "EmptyLatentImage": (EmptyLatentImage, "Empty Latent Image"),
    "EmptySD3LatentImage": (EmptySD3LatentImage, "EmptySD3LatentImage"),
    "EmptyFlux2LatentImage": (EmptyFlux2LatentImage, "Empty Flux 2 Latent"),
    "LatentUpscale": (LatentUpscale, "Upscale Latent"),
    "LatentUpscaleBy": (LatentUpscaleBy, "Upscale Latent By"),
    "LatentCrop": (LatentCrop, "Crop Latent"),
    "LatentFlip": (LatentFlip, "Flip Latent"),
    "LatentRotate": (LatentRotate, "Rotate Latent"),
    "SetLatentNoiseMask": (SetLatentNoiseMask, "Set Latent Noise Mask"),
}
