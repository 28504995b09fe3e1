"""``comfy_api.input``: the Python types of values on links."""

from ..latest._input import AudioInput, CurveInput, ImageInput, LatentInput, MaskInput, VideoInput

__all__ = ["AudioInput", "CurveInput", "ImageInput", "LatentInput", "MaskInput", "VideoInput"]
