"""``comfy_api.util``: the parts and file kinds of videos."""

from ..latest._util import MESH, VOXEL, File3D, VideoCodec, VideoComponents, VideoContainer

__all__ = ["MESH", "VOXEL", "File3D", "VideoCodec", "VideoComponents", "VideoContainer"]
