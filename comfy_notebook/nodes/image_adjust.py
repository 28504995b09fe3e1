"""What changes the pixels of an image and keeps its size: colour, blur, edges, noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..protocol.context import context
from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

_SIGMA_TIP = "Width of the bell curve, relative to the radius."


class ImageInvert:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "invert"
    CATEGORY = "image"
    DESCRIPTION = "The negative of an image."
    SEARCH_ALIASES = ["negative", "reverse colors", "complement"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": inputs.image("The images to invert.")}}

    def invert(self, image: Tensor) -> tuple[Tensor]:
        return (1.0 - image,)


class ImageBlend:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    DESCRIPTION = "Mixes two images with a blend mode. The second takes the size of the first."
    SEARCH_ALIASES = ["mix", "opacity", "overlay", "multiply", "screen", "crossfade", "blend mode"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        modes = ["normal", "multiply", "screen", "overlay", "soft_light", "difference"]
        return {
            "required": {
                "image1": inputs.image("The lower image."),
                "image2": inputs.image("The upper image; scaled and cropped if its size differs."),
                "blend_factor": inputs.number(0.5, 0.0, 1.0, 0.01, "0 shows the lower image, 1 the full effect."),
                "blend_mode": inputs.combo(modes, "How the colours are combined."),
            }
        }

    def execute(self, image1: Tensor, image2: Tensor, blend_factor: float, blend_mode: str) -> tuple[Tensor]:
        from .ops.batches import repeat_to, same_channels
        from .ops.blend import blend
        from .ops.resize import resize_image

        image1, image2 = same_channels(image1, image2.to(image1.device))
        height, width = image1.shape[1:3]
        if image2.shape[1:3] != image1.shape[1:3]:
            image2 = resize_image(image2, width, height, "bicubic", "center")
        if image2.shape[0] not in (1, image1.shape[0]):
            image2 = repeat_to(image2, image1.shape[0])
        return (blend(image1, image2, blend_factor, blend_mode),)


class ImageBlur:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    DESCRIPTION = "Gaussian blur."
    SEARCH_ALIASES = ["gaussian blur", "soften", "smooth", "defocus"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to blur."),
                "blur_radius": inputs.integer(1, 1, 31, 1, "How far the blur reaches, in pixels."),
                "sigma": inputs.number(1.0, 0.1, 10.0, 0.1, _SIGMA_TIP),
            }
        }

    def execute(self, image: Tensor, blur_radius: int, sigma: float) -> tuple[Tensor]:
        from .ops.filters import blur

        return (blur(image, blur_radius, sigma),)


class ImageSharpen:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    DESCRIPTION = "Sharpens by taking away a part of the blurred image."
    SEARCH_ALIASES = ["unsharp mask", "enhance", "crisp", "detail"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to sharpen."),
                "sharpen_radius": inputs.integer(1, 1, 31, 1, "Size of the details, in pixels."),
                "sigma": inputs.number(1.0, 0.1, 10.0, 0.01, _SIGMA_TIP),
                "alpha": inputs.number(1.0, 0.0, 5.0, 0.01, "Strength."),
            }
        }

    def execute(self, image: Tensor, sharpen_radius: int, sigma: float, alpha: float) -> tuple[Tensor]:
        from .ops.filters import sharpen

        return (sharpen(image, sharpen_radius, sigma, alpha),)


class ImageQuantize:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/postprocessing"
    DESCRIPTION = "Reduces each image to a palette of its own colours."
    SEARCH_ALIASES = ["posterize", "palette", "dither", "pixel art", "indexed color", "reduce colors"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        dithers = ["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"]
        return {
            "required": {
                "image": inputs.image("The images to reduce."),
                "colors": inputs.integer(256, 1, 256, 1, "Size of the palette."),
                "dither": inputs.combo(dithers, "How colours between those of the palette are imitated."),
            }
        }

    def execute(self, image: Tensor, colors: int, dither: str) -> tuple[Tensor]:
        import torch

        from .ops.quantize import quantize

        reduced = []
        for index, one in enumerate(image):
            context().progress(index, len(image))
            reduced.append(quantize(one, colors, dither))
        return (torch.stack(reduced).to(image.device),)


class Canny:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "detect_edge"
    CATEGORY = "image/preprocessors"
    DESCRIPTION = "White edges on black, found with Canny's method."
    SEARCH_ALIASES = ["edge detection", "outline", "lineart", "contour", "controlnet preprocessor"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to examine."),
                "low_threshold": inputs.number(0.4, 0.01, 0.99, 0.01, "Weaker edges are dropped."),
                "high_threshold": inputs.number(
                    0.8, 0.01, 0.99, 0.01, "Stronger edges stay, and the weaker ones they touch."
                ),
            }
        }

    def detect_edge(self, image: Tensor, low_threshold: float, high_threshold: float) -> tuple[Tensor]:
        from .ops.filters import canny

        if low_threshold > high_threshold:
            raise ValueError(f"low_threshold ({low_threshold:g}) must not exceed high_threshold ({high_threshold:g}).")
        edges = canny(image, low_threshold, high_threshold)
        return (edges.unsqueeze(-1).repeat(1, 1, 1, 3),)


class Morphology:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "process"
    CATEGORY = "image/postprocessing"
    DESCRIPTION = "Grows or shrinks bright regions, and what can be built from that."
    SEARCH_ALIASES = ["erode", "dilate", "open", "close", "gradient", "top hat", "morphological"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        operations = ["erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"]
        return {
            "required": {
                "image": inputs.image("The images to change."),
                "operation": inputs.combo(operations, "erode shrinks bright regions, dilate grows them."),
                "kernel_size": inputs.integer(3, 3, 999, 1, "Side of the square that is looked at, in pixels."),
            }
        }

    def process(self, image: Tensor, operation: str, kernel_size: int) -> tuple[Tensor]:
        from .ops.morphology import OPERATIONS

        return (OPERATIONS[operation](image.movedim(-1, 1), kernel_size).movedim(1, -1),)


class ImageRGBToYUV:
    RETURN_TYPES = ("IMAGE", "IMAGE", "IMAGE")
    RETURN_NAMES = ("Y", "U", "V")
    FUNCTION = "execute"
    CATEGORY = "image/batch"
    DESCRIPTION = "Brightness and the two colour differences as three grey images."
    SEARCH_ALIASES = ["luma", "chroma", "ycbcr", "color space", "split channels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": inputs.image("The images to take apart.")}}

    def execute(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from .ops.colour import rgb_to_yuv

        luma, blue, red = (plane.expand(*image.shape[:3], 3).contiguous() for plane in rgb_to_yuv(image))
        return (luma, blue, red)


class ImageYUVToRGB:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "execute"
    CATEGORY = "image/batch"
    DESCRIPTION = "A colour image from brightness and the two colour differences."
    SEARCH_ALIASES = ["luma", "chroma", "ycbcr", "color space", "merge channels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "Y": inputs.image("Brightness."),
                "U": inputs.image("Blue difference; 0.5 is none."),
                "V": inputs.image("Red difference; 0.5 is none."),
            }
        }

    def execute(self, Y: Tensor, U: Tensor, V: Tensor) -> tuple[Tensor]:  # noqa: N803 - the inputs' names
        from .ops.colour import yuv_to_rgb

        for name, plane in (("U", U), ("V", V)):
            if plane.shape[:3] != Y.shape[:3]:
                raise ValueError(f"{name} has another size than Y, which has {Y.shape[2]} x {Y.shape[1]} pixels.")
        luma, blue, red = (plane[..., :3].mean(-1, keepdim=True) for plane in (Y, U, V))
        return (yuv_to_rgb(luma, blue, red),)


class ImageAddNoise:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "add_noise"
    CATEGORY = "image"
    DESCRIPTION = "Adds Gaussian noise; the same seed gives the same noise."
    SEARCH_ALIASES = ["grain", "film grain", "random", "noise"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": inputs.image("The images to change."),
                "seed": inputs.integer(0, 0, 2**64 - 1, tooltip="Chooses the noise.", control_after_generate=True),
                "strength": inputs.number(0.5, 0.0, 1.0, 0.01, "Standard deviation of the noise."),
            }
        }

    def add_noise(self, image: Tensor, seed: int, strength: float) -> tuple[Tensor]:
        import torch

        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
        return ((image + strength * noise.to(image.device, image.dtype)).clamp(0.0, 1.0),)


NODES: dict[str, tuple[type, str]] = {
    "ImageInvert": (ImageInvert, "Invert Image"),
    "ImageBlend": (ImageBlend, "ImageBlend"),
    "ImageBlur": (ImageBlur, "ImageBlur"),
    "ImageSharpen": (ImageSharpen, "ImageSharpen"),
    "ImageQuantize": (ImageQuantize, "ImageQuantize"),
    "Canny": (Canny, "Canny"),
    "Morphology": (Morphology, "ImageMorphology"),
    "ImageRGBToYUV": (ImageRGBToYUV, "ImageRGBToYUV"),
    "ImageYUVToRGB": (ImageYUVToRGB, "ImageYUVToRGB"),
    "ImageAddNoise": (ImageAddNoise, "ImageAddNoise"),
}
