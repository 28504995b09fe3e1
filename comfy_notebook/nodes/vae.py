"""Images to latents and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

Latent = dict[str, Any]


def checked_vae(vae: Any) -> Any:
    """``vae``; raises ``ValueError`` where the checkpoint had none."""
    if vae is None:
        raise ValueError("there is no autoencoder: the checkpoint holds none. Load one with a Load VAE node")
    return vae


class VAEDecode:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "decode"
    CATEGORY = "latent"
    DESCRIPTION = "A latent as an image. Goes over to tiles by itself when the device has no room."
    SEARCH_ALIASES = ["decode", "latent to image", "render latent"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"samples": inputs.socket("LATENT"), "vae": inputs.socket("VAE")}}

    def decode(self, vae: Any, samples: Latent) -> tuple[Tensor]:
        return (_flat(checked_vae(vae).decode(samples["samples"])),)


def _flat(images: Tensor) -> Tensor:
    """Frames of videos as a batch of images."""
    return images.reshape(-1, *images.shape[-3:]) if images.ndim == 5 else images


class VAEDecodeTiled:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "decode"
    CATEGORY = "_for_testing"
    SEARCH_ALIASES = ["latent to image", "low memory", "tiles"]
    DESCRIPTION = "A latent as an image, tile by tile: slower, for sizes that do not fit into memory."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT"),
                "vae": inputs.socket("VAE"),
                "tile_size": inputs.integer(512, 64, 4096, 32, "Pixels."),
                "overlap": inputs.integer(64, 0, 4096, 32, "Pixels in which neighbours blend."),
                "temporal_size": inputs.integer(64, 8, 4096, 4, "Frames of a video decoded at a time."),
                "temporal_overlap": inputs.integer(8, 4, 4096, 4, "Frames in which neighbours blend."),
            }
        }

    def decode(
        self,
        vae: Any,
        samples: Latent,
        tile_size: int,
        overlap: int = 64,
        temporal_size: int = 64,
        temporal_overlap: int = 8,
    ) -> tuple[Tensor]:
        overlap = min(overlap, tile_size // 4) if tile_size < overlap * 4 else overlap
        if temporal_size < temporal_overlap * 2:
            temporal_overlap //= 2
        ratio = checked_vae(vae).spacial_compression_decode()
        frames = vae.temporal_compression_decode()
        size = max(tile_size // ratio, 1)
        images = vae.decode_tiled(
            samples["samples"],
            tile_x=size,
            tile_y=size,
            overlap=overlap // ratio,
            tile_t=None if frames is None else max(2, temporal_size // frames),
            overlap_t=None if frames is None else max(1, min(temporal_size // frames // 2, temporal_overlap // frames)),
        )
        return (_flat(images),)


class VAEEncode:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "encode"
    CATEGORY = "latent"
    DESCRIPTION = "An image as a latent. Sizes are cut to whole latent pixels (8 image pixels, for most models)."
    SEARCH_ALIASES = ["encode", "image to latent", "img2img"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"pixels": inputs.image(), "vae": inputs.socket("VAE")}}

    def encode(self, vae: Any, pixels: Tensor) -> tuple[Latent]:
        return ({"samples": checked_vae(vae).encode(pixels[..., :3])},)


class VAEEncodeTiled:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "encode"
    CATEGORY = "_for_testing"
    SEARCH_ALIASES = ["image to latent", "low memory", "tiles"]
    DESCRIPTION = "An image as a latent, tile by tile, for sizes that do not fit into memory."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "pixels": inputs.image(),
                "vae": inputs.socket("VAE"),
                "tile_size": inputs.integer(512, 64, 4096, 64, "Pixels."),
                "overlap": inputs.integer(64, 0, 4096, 32, "Pixels in which neighbours blend."),
                "temporal_size": inputs.integer(64, 8, 4096, 4, "Frames of a video encoded at a time."),
                "temporal_overlap": inputs.integer(8, 4, 4096, 4, "Frames in which neighbours blend."),
            }
        }

    def encode(
        self,
        vae: Any,
        pixels: Tensor,
        tile_size: int,
        overlap: int,
        temporal_size: int = 64,
        temporal_overlap: int = 8,
    ) -> tuple[Latent]:
        made = checked_vae(vae).encode_tiled(
            pixels[..., :3],
            tile_x=tile_size,
            tile_y=tile_size,
            overlap=overlap,
            tile_t=temporal_size,
            overlap_t=temporal_overlap,
        )
        return ({"samples": made},)


class VAEEncodeForInpaint:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "encode"
    CATEGORY = "latent/inpaint"
    SEARCH_ALIASES = ["inpaint", "mask", "fill"]
    DESCRIPTION = "An image with a grey hole where the mask is white, for inpainting at full denoise."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "pixels": inputs.image(),
                "vae": inputs.socket("VAE"),
                "mask": inputs.mask("White is painted anew."),
                "grow_mask_by": inputs.integer(6, 0, 64, 1, "Pixels by which the mask grows, to hide the seam."),
            }
        }

    def encode(self, vae: Any, pixels: Tensor, mask: Tensor, grow_mask_by: int = 6) -> tuple[Latent]:
        from ..diffusion.inpaint import hole, mask_at_size

        ratio = checked_vae(vae).spacial_compression_encode()
        mask = mask_at_size(mask, pixels.shape[1], pixels.shape[2])
        cut, mask = hole(pixels, mask, ratio)
        grown = mask_grown(mask, grow_mask_by)
        return ({"samples": vae.encode(cut), "noise_mask": grown.round()},)


def mask_grown(mask: Tensor, by: int) -> Tensor:
    """``mask`` ``[B,1,H,W]`` of 0 and 1 with its white larger by about ``by`` pixels."""
    import math

    import torch
    from torch.nn import functional

    if by == 0:
        return mask.round()
    kernel = torch.ones((1, 1, by, by))
    return torch.clamp(functional.conv2d(mask.round(), kernel, padding=math.ceil((by - 1) / 2)), 0, 1)[
        :, :, : mask.shape[2], : mask.shape[3]
    ]


NODES: dict[str, tuple[type, str | None]] = {
    "VAEDecode": (VAEDecode, "VAE Decode"),
    "VAEDecodeTiled": (VAEDecodeTiled, "VAE Decode (Tiled)"),
    "VAEEncode": (VAEEncode, "VAE Encode"),
    "VAEEncodeTiled": (VAEEncodeTiled, "VAE Encode (Tiled)"),
    "VAEEncodeForInpaint": (VAEEncodeForInpaint, "VAE Encode (for Inpainting)"),
}
