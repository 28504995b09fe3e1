"""The Python types of values on links, for annotations and for videos."""

from .....nodes.ops.video_types import VideoInput
from ._values import AudioInput, CurveInput, ImageInput, LatentInput, MaskInput

__all__ = ["AudioInput", "CurveInput", "ImageInput", "LatentInput", "MaskInput", "VideoInput"]
