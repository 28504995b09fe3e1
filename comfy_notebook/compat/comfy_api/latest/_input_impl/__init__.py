"""Videos in files and videos made of frames."""

from ._video_impl import VideoFromComponents, VideoFromFile

__all__ = ["VideoFromComponents", "VideoFromFile"]
