"""Functions applied to large pictures in overlapping tiles, as packs know them."""

from ...diffusion.tiles import get_tiled_scale_steps, tiled_scale, tiled_scale_multidim

__all__ = ["get_tiled_scale_steps", "tiled_scale", "tiled_scale_multidim"]
