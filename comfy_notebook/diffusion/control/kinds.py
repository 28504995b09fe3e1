"""The kinds of pictures that union networks tell apart."""

from __future__ import annotations

#: What SetUnionControlNetType calls them → the number xinsir's networks for Stable Diffusion XL have for them.
TYPES = {
    "openpose": 0,
    "depth": 1,
    "hed/pidi/scribble/ted": 2,
    "canny/lineart/anime_lineart/mlsd": 3,
    "normal": 4,
    "segment": 5,
    "tile": 6,
    "repaint": 7,
}
#: These numbers → the modes of the union networks for Flux (canny 0, tile 1, depth 2, blur 3, pose 4, gray 5,
#: low quality 6). Soft edges are lines to them; they know no normals, segments and repainting.
FLUX_MODES = {0: 4, 1: 2, 2: 0, 3: 0, 6: 1}
