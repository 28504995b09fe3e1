"""``comfy.latent_formats``: what latents of each autoencoder mean."""

from __future__ import annotations

from ...diffusion import latent_formats
from ...diffusion.latent_formats import LatentFormat

__all__ = ["LatentFormat"]


def SD15() -> LatentFormat:
    return latent_formats.SD15


def SDXL() -> LatentFormat:
    return latent_formats.SDXL


def SD3() -> LatentFormat:
    return latent_formats.SD3


def Flux() -> LatentFormat:
    return latent_formats.FLUX


def Wan21() -> LatentFormat:
    return latent_formats.WAN21
