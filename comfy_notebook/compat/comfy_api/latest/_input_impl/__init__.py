"""Videos in files and videos made of frames."""

from .....nodes.ops.videos import VideoFromComponents, VideoFromFile

__all__ = ["VideoFromComponents", "VideoFromFile"]
