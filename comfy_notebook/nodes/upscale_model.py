"""Upscaling by networks made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..protocol.context import context
from . import inputs, model_files

if TYPE_CHECKING:
    from torch import Tensor


class UpscaleModelLoader:
    RETURN_TYPES = ("UPSCALE_MODEL",)
    FUNCTION = "load_model"
    CATEGORY = "loaders"
    DESCRIPTION = "A network that enlarges pictures: ESRGAN, Real-ESRGAN and many others. One comes with the package."
    SEARCH_ALIASES = ["esrgan", "real-esrgan", "upscaler", "super resolution"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        files = model_files.listed("upscale_models")
        return {"required": {"model_name": inputs.combo(files, "A file of models/upscale_models.")}}

    def load_model(self, model_name: str) -> tuple[Any]:
        from ..diffusion.upscale.load import load_upscaler

        return (load_upscaler(model_files.path("upscale_models", model_name)),)

    @classmethod
    def IS_CHANGED(cls, model_name: str) -> str:
        return model_files.stamp("upscale_models", model_name)


class ImageUpscaleWithModel:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"
    DESCRIPTION = "Enlarges images by an upscale model, tile by tile."
    SEARCH_ALIASES = ["enlarge", "super resolution", "esrgan"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"upscale_model": inputs.socket("UPSCALE_MODEL"), "image": inputs.image()}}

    def upscale(self, upscale_model: Any, image: Tensor) -> tuple[Tensor]:
        from ..diffusion.upscale.apply import upscale

        running = context()
        return (upscale(upscale_model, image, lambda value, total: running.progress(value, total, None)),)


NODES: dict[str, tuple[type, str | None]] = {
    "UpscaleModelLoader": (UpscaleModelLoader, "Load Upscale Model"),
    "ImageUpscaleWithModel": (ImageUpscaleWithModel, "Upscale Image (using Model)"),
}
