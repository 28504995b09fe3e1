"""Autoencoders behind one call each way: pixels to latents and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Stands in files whose model paints pixels, ``[side, side, 3]`` of them in a latent pixel.
PIXELS_OF_A_PATCH = "pixels"


class Coder:
    """Two halves of an autoencoder: ``encode`` pixels in -1…1 ``[B,3,H,W]`` → latent ``[B,C,h,w]``, ``decode`` back.

    Video coders take and give ``[B,3,T,H,W]`` and ``[B,C,t,h,w]``.
    """

    #: Pixels per latent pixel; frames per latent frame.
    ratio: int = 8
    frames_ratio: int = 1
    video: bool = False
    latent_channels: int = 4
    #: Bytes that coding takes for each pixel and byte of a number.
    decode_bytes: int = 2178
    encode_bytes: int = 1767

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def encode(self, pixels: Tensor) -> Tensor:
        raise NotImplementedError

    def decode(self, latent: Tensor) -> Tensor:
        raise NotImplementedError

    def marks(self) -> dict[str, Tensor]:
        """What a saved file says of it beside the weights of its module."""
        return {}


class KLCoder(Coder):
    """diffusers' ``AutoencoderKL``; latents are the mean of the posterior."""

    def __init__(self, module: Any, ratio: int, channels: int) -> None:
        super().__init__(module)
        self.ratio, self.latent_channels = ratio, channels

    def encode(self, pixels: Tensor) -> Tensor:
        module: Any = self.module
        moments = module.encoder(pixels)
        if module.quant_conv is not None:
            moments = module.quant_conv(moments)
        return moments[:, : self.latent_channels]  # type: ignore[no-any-return]

    def decode(self, latent: Tensor) -> Tensor:
        module: Any = self.module
        if module.post_quant_conv is not None:
            latent = module.post_quant_conv(latent)
        return module.decoder(latent)  # type: ignore[no-any-return]


class VideoCoder(Coder):
    """Wan's and Qwen-Image's autoencoder: four frames (and one) to a latent frame."""

    frames_ratio = 4
    video = True
    decode_bytes = 7000
    encode_bytes = 6000

    def __init__(self, module: Any, channels: int) -> None:
        super().__init__(module)
        self.latent_channels = channels

    def encode(self, pixels: Tensor) -> Tensor:
        module: Any = self.module
        return module._encode(pixels)[:, : self.latent_channels]  # type: ignore[no-any-return]

    def decode(self, latent: Tensor) -> Tensor:
        module: Any = self.module
        return module._decode(latent, return_dict=False)[0]  # type: ignore[no-any-return]


class PixelCoder(Coder):
    """No autoencoder: a latent pixel holds the pixels of a square of ``side`` × ``side``."""

    decode_bytes = encode_bytes = 4

    def __init__(self, side: int = 1) -> None:
        from torch import nn

        super().__init__(nn.Identity())
        self.ratio, self.latent_channels = side, 3 * side * side

    def encode(self, pixels: Tensor) -> Tensor:
        from torch.nn.functional import pixel_unshuffle

        return pixel_unshuffle(pixels, self.ratio)

    def decode(self, latent: Tensor) -> Tensor:
        from torch.nn.functional import pixel_shuffle

        return pixel_shuffle(latent, self.ratio)

    def marks(self) -> dict[str, Tensor]:
        import torch

        return {PIXELS_OF_A_PATCH: torch.ones(self.ratio, self.ratio, 3)}
