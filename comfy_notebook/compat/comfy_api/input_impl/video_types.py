"""The older place of the videos."""

from ..latest._input_impl import VideoFromComponents, VideoFromFile

__all__ = ["VideoFromComponents", "VideoFromFile"]
