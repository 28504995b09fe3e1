"""The Python types of values on links, for annotations and for videos."""

from ._values import AudioInput, CurveInput, ImageInput, LatentInput, MaskInput
from ._video import VideoInput

__all__ = ["AudioInput", "CurveInput", "ImageInput", "LatentInput", "MaskInput", "VideoInput"]
