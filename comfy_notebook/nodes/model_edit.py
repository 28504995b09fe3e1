"""Pictures for models that edit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import inputs
from .conditioning_values import Conditioning, with_values
from .text_encode import checked_clip, prompt
from .vae import checked_vae

if TYPE_CHECKING:
    from torch import Tensor

#: (width, height) that Flux Kontext was trained at.
KONTEXT_SIZES = (
    *((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104)),
    *((1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688)),
    (1568, 672),
)


class FluxKontextImageScale:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "scale"
    CATEGORY = "advanced/conditioning/flux"
    SEARCH_ALIASES = ["kontext size", "resize for edit"]
    DESCRIPTION = "The image at the nearest of the sizes that Flux Kontext was trained at."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": inputs.image()}}

    def scale(self, image: Tensor) -> tuple[Tensor]:
        from .ops.resize import resize

        ratio = image.shape[2] / image.shape[1]
        width, height = min(KONTEXT_SIZES, key=lambda size: (abs(ratio - size[0] / size[1]), *size))
        return (resize(image.movedim(-1, 1), width, height, "lanczos", "center").movedim(1, -1),)


def _of_area(image: Tensor, side: int, multiple: int = 1) -> Tensor:
    """RGB of ``image`` ``[B,H,W,C]`` with about ``side``² pixels and sides that are multiples of ``multiple``."""
    from .ops.resize import resize_image

    height, width = image.shape[1:3]
    scale = math.sqrt(side * side / (width * height))
    columns, rows = (max(round(length * scale / multiple), 1) * multiple for length in (width, height))
    return resize_image(image, columns, rows, "area")[..., :3]


def _seeing(clip: Any, text: str, shown: list[Tensor], encoded: list[Tensor], **options: Any) -> Conditioning:
    """The prompt encoded with pictures in it, and with their latents for the diffusion model."""
    if "qwen25" not in getattr(checked_clip(clip).cond_stage_model, "names", ()):
        raise ValueError("this text encoder is not Qwen-Image's: load a file of Qwen 2.5-VL with the type qwen_image")
    tokens = clip.tokenize(text, images=shown, **options)
    made = clip.encode_from_tokens_scheduled(tokens)
    return with_values(made, {"reference_latents": encoded}, append=True) if encoded else made


class TextEncodeQwenImageEdit:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning"
    SEARCH_ALIASES = ["qwen edit", "edit image", "instruction"]
    DESCRIPTION = (
        "A prompt for Qwen-Image-Edit that says what shall change in the image. The text encoder and, where a VAE is "
        "linked, the diffusion model see the image, at about a megapixel."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"clip": inputs.socket("CLIP", "Qwen 2.5-VL."), "prompt": prompt("What shall change.")},
            "optional": {
                "vae": inputs.socket("VAE", "Shows the image to the diffusion model too."),
                "image": inputs.image("The image to edit."),
            },
        }

    def encode(self, clip: Any, prompt: str, vae: Any = None, image: Tensor | None = None) -> tuple[Conditioning]:
        shown = [] if image is None else [_of_area(image, 1024)]
        return (_seeing(clip, prompt, shown, [] if vae is None else [vae.encode(picture) for picture in shown]),)


class TextEncodeQwenImageEditPlus:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "advanced/conditioning"
    SEARCH_ALIASES = ["qwen edit 2509", "edit several images", "instruction", "multiple references"]
    DESCRIPTION = (
        "A prompt for Qwen-Image-Edit 2509 and later, which speaks of up to three images as Picture 1, 2 and 3. The "
        "text encoder sees them small, the diffusion model, where a VAE is linked, at about a megapixel."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        images = {f"image{number}": inputs.image(f"Picture {number}.") for number in (1, 2, 3)}
        return {
            "required": {"clip": inputs.socket("CLIP", "Qwen 2.5-VL."), "prompt": prompt("What shall change.")},
            "optional": {"vae": inputs.socket("VAE", "Shows the images to the diffusion model too."), **images},
        }

    def encode(
        self,
        clip: Any,
        prompt: str,
        vae: Any = None,
        image1: Tensor | None = None,
        image2: Tensor | None = None,
        image3: Tensor | None = None,
    ) -> tuple[Conditioning]:
        from ..diffusion.text.qwen_vl import EDIT, PICTURE

        given = [(number, image) for number, image in enumerate((image1, image2, image3), 1) if image is not None]
        text = "".join(f"Picture {number}: {PICTURE}" for number, _ in given) + prompt
        encoded = [] if vae is None else [vae.encode(_of_area(image, 1024, 8)) for _, image in given]
        shown = [_of_area(image, 384) for _, image in given]
        return (_seeing(clip, text, shown, encoded, llama_template=EDIT),)


class InstructPixToPixConditioning:
    RETURN_TYPES = ("CONDITIONING", "CONDITIONING", "LATENT")
    RETURN_NAMES = ("positive", "negative", "latent")
    FUNCTION = "encode"
    CATEGORY = "conditioning/instructpix2pix"
    SEARCH_ALIASES = ["edit image", "instruction", "ip2p"]
    DESCRIPTION = "The picture that an InstructPix2Pix model edits, and an empty latent of its size."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "positive": inputs.socket("CONDITIONING"),
                "negative": inputs.socket("CONDITIONING"),
                "vae": inputs.socket("VAE"),
                "pixels": inputs.image(),
            }
        }

    def encode(self, positive: Any, negative: Any, pixels: Tensor, vae: Any) -> tuple[Any, Any, dict[str, Any]]:
        import torch

        latent = checked_vae(vae).encode(pixels)

        def seeing(conditioning: Any) -> Any:
            return [[text, {**options, "concat_latent_image": latent}] for text, options in conditioning]

        return seeing(positive), seeing(negative), {"samples": torch.zeros_like(latent)}


NODES: dict[str, tuple[type, str | None]] = {
    "FluxKontextImageScale": (FluxKontextImageScale, None),
    "TextEncodeQwenImageEdit": (TextEncodeQwenImageEdit, None),
    "TextEncodeQwenImageEditPlus": (TextEncodeQwenImageEditPlus, None),
    "InstructPixToPixConditioning": (InstructPixToPixConditioning, None),
}
