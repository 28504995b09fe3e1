"""``comfy_api.input_impl``: videos."""

from ..latest._input_impl import VideoFromComponents, VideoFromFile

__all__ = ["VideoFromComponents", "VideoFromFile"]
