"""Values that travel between nodes and are more than tensors: video parts, meshes, voxels, 3D files."""

from .....nodes.ops.video_types import VideoCodec, VideoComponents, VideoContainer
from ._files_3d import File3D
from ._geometry import MESH, VOXEL

__all__ = ["MESH", "VOXEL", "File3D", "VideoCodec", "VideoComponents", "VideoContainer"]
