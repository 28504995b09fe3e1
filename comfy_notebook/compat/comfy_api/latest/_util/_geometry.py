"""Solids: voxels and meshes."""

from __future__ import annotations

from typing import Any


class VOXEL:
    """``data``: a tensor ``[B, D, H, W]`` of densities."""

    def __init__(self, data: Any) -> None:
        self.data = data


class MESH:
    """``vertices`` ``float32 [B, V, 3]`` and ``faces`` ``int64 [B, F, 3]``; optional ``uvs`` ``[B, V, 2]``,
    ``vertex_colors`` ``[B, V, 3 or 4]`` and ``texture`` ``[B, H, W, 3]``."""

    def __init__(
        self, vertices: Any, faces: Any, uvs: Any = None, vertex_colors: Any = None, texture: Any = None
    ) -> None:
        self.vertices = vertices
        self.faces = faces
        self.uvs = uvs
        self.vertex_colors = vertex_colors
        self.texture = texture
