"""What latents of each autoencoder mean: channels, size, the scale networks are trained at, colours for previews."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class LatentFormat:
    """How the latents of one kind of autoencoder reach a network.

    ``latent_channels`` C of ``[B,C,…]``; ``latent_dimensions`` 2 for images, 3 for video; ``spacial_downscale_ratio``
    pixels per latent pixel. Networks see ``(latent - shift_factor) * scale_factor``, or, where ``means`` and ``stds``
    are given, ``(latent - mean) / std`` of each channel. ``latent_rgb_factors`` ``[C][3]`` (with a bias) map what
    networks see to colours in -1…1 for previews, after ``latent_rgb_factors_reshape`` where there is one.
    """

    latent_channels: int = 4
    scale_factor: float = 1.0
    shift_factor: float = 0.0
    latent_dimensions: int = 2
    spacial_downscale_ratio: int = 8
    temporal_downscale_ratio: int = 1
    means: tuple[float, ...] = ()
    stds: tuple[float, ...] = ()
    latent_rgb_factors: Sequence[Rgb] | None = None
    latent_rgb_factors_bias: Rgb | None = None
    latent_rgb_factors_reshape: Callable[[Any], Any] | None = None
    taesd_decoder_name: str | None = None

    def _statistics(self, latent: Any) -> tuple[Any, Any]:
        shape = [1, self.latent_channels] + [1] * (latent.ndim - 2)
        return latent.new_tensor(self.means).view(shape), latent.new_tensor(self.stds).view(shape)

    def process_in(self, latent: Any) -> Any:
        """Latents as the autoencoder makes them → as the network sees them."""
        if self.means:
            mean, std = self._statistics(latent)
            return (latent - mean) * self.scale_factor / std
        if self.shift_factor:
            return (latent - self.shift_factor) * self.scale_factor
        return latent * self.scale_factor

    def process_out(self, latent: Any) -> Any:
        """The inverse of :meth:`process_in`."""
        if self.means:
            mean, std = self._statistics(latent)
            return latent * std / self.scale_factor + mean
        if self.shift_factor:
            return latent / self.scale_factor + self.shift_factor
        return latent / self.scale_factor


_SD15_RGB = ((0.3512, 0.2297, 0.3227), (0.3250, 0.4974, 0.2350), (-0.2829, 0.1762, 0.2721), (-0.2120, -0.2616, -0.7177))
_SDXL_RGB = (
    *((0.3651, 0.4232, 0.4341), (-0.2533, -0.0042, 0.1068)),
    *((0.1076, 0.1111, -0.0362), (-0.3165, -0.2492, -0.2188)),
)
_SD3_RGB = (
    *((-0.0922, -0.0175, 0.0749), (0.0311, 0.0633, 0.0954), (0.1994, 0.0927, 0.0458), (0.0856, 0.0339, 0.0902)),
    *((0.0587, 0.0272, -0.0496), (-0.0006, 0.1104, 0.0309), (0.0978, 0.0306, 0.0427), (-0.0042, 0.1038, 0.1358)),
    *((-0.0194, 0.0020, 0.0669), (-0.0488, 0.0130, -0.0268), (0.0922, 0.0988, 0.0951), (-0.0278, 0.0524, -0.0542)),
    *((0.0332, 0.0456, 0.0895), (-0.0069, -0.0030, -0.0810), (-0.0596, -0.0465, -0.0293), (-0.1448, -0.1463, -0.1189)),
)
_FLUX_RGB = (
    *((-0.0346, 0.0244, 0.0681), (0.0034, 0.0210, 0.0687), (0.0275, -0.0668, -0.0433), (-0.0174, 0.0160, 0.0617)),
    *((0.0859, 0.0721, 0.0329), (0.0004, 0.0383, 0.0115), (0.0405, 0.0861, 0.0915), (-0.0236, -0.0185, -0.0259)),
    *((-0.0245, 0.0250, 0.1180), (0.1008, 0.0755, -0.0421), (-0.0515, 0.0201, 0.0011), (0.0428, -0.0012, -0.0036)),
    *((0.0817, 0.0765, 0.0749), (-0.1264, -0.0522, -0.1103), (-0.0280, -0.0881, -0.0499), (-0.1262, -0.0982, -0.0778)),
)
_WAN_MEANS = (
    *(-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508),
    *(0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921),
)
_WAN_STDS = (
    *(2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743),
    *(3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160),
)

SD15 = LatentFormat(scale_factor=0.18215, latent_rgb_factors=_SD15_RGB, taesd_decoder_name="taesd_decoder")
SDXL = LatentFormat(
    scale_factor=0.13025,
    latent_rgb_factors=_SDXL_RGB,
    latent_rgb_factors_bias=(0.1084, -0.0175, -0.0011),
    taesd_decoder_name="taesdxl_decoder",
)
SD3 = LatentFormat(
    latent_channels=16,
    scale_factor=1.5305,
    shift_factor=0.0609,
    latent_rgb_factors=_SD3_RGB,
    latent_rgb_factors_bias=(0.2394, 0.2135, 0.1925),
    taesd_decoder_name="taesd3_decoder",
)
FLUX = LatentFormat(
    latent_channels=16,
    scale_factor=0.3611,
    shift_factor=0.1159,
    latent_rgb_factors=_FLUX_RGB,
    latent_rgb_factors_bias=(-0.0329, -0.0718, -0.0851),
    taesd_decoder_name="taef1_decoder",
)
#: Wan 2.1 and Qwen-Image: ``[B,16,T,h,w]``.
WAN21 = LatentFormat(
    latent_channels=16, latent_dimensions=3, temporal_downscale_ratio=4, means=_WAN_MEANS, stds=_WAN_STDS
)
#: No autoencoder: the network paints pixels.
PIXELS = LatentFormat(latent_channels=3, spacial_downscale_ratio=1)


def pixel_patches(side: int) -> LatentFormat:
    """No autoencoder: ``side`` × ``side`` pixels in the channels of each latent pixel, colour by colour."""

    def pixels(latent: Any) -> Any:
        from torch.nn.functional import pixel_shuffle

        return pixel_shuffle(latent, side)

    colours = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return LatentFormat(
        3 * side**2, spacial_downscale_ratio=side, latent_rgb_factors=colours, latent_rgb_factors_reshape=pixels
    )
