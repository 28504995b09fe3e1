"""``latent_preview``: pictures of latents in the making. Packs subclass :class:`LatentPreviewer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .comfy.cli_args import LatentPreviewMethod, args

MAX_PREVIEW_RESOLUTION = 512
default_preview_method = LatentPreviewMethod.Latent2RGB


def preview_to_image(latent_image: Any) -> Any:
    """A picture of ``[H,W,C]`` values from -1 to 1."""
    from ..nodes.ops.pictures import to_picture

    return to_picture(((latent_image + 1.0) / 2.0).clamp(0, 1).float().cpu())


class LatentPreviewer:
    """Makes a small picture of a latent."""

    def decode_latent_to_preview(self, x0: Any) -> Any:
        """A PIL image of ``x0`` ``[B,C,H,W]``."""
        raise NotImplementedError(f"{type(self).__name__} has no decode_latent_to_preview")

    def decode_latent_to_preview_image(self, preview_format: str, x0: Any) -> tuple[str, Any, int]:
        """``(format, PIL image, longest side)``, as progress bars take it."""
        return preview_format, self.decode_latent_to_preview(x0), MAX_PREVIEW_RESOLUTION


class Latent2RGBPreviewer(LatentPreviewer):
    """One matrix from latent channels to colours."""

    def __init__(self, latent_rgb_factors: Any, latent_rgb_factors_bias: Any = None, reshape: Any = None) -> None:
        self.latent_rgb_factors, self.latent_rgb_factors_bias = latent_rgb_factors, latent_rgb_factors_bias
        self.latent_rgb_factors_reshape = reshape

    def decode_latent_to_preview(self, x0: Any) -> Any:
        import torch

        if self.latent_rgb_factors_reshape is not None:
            x0 = self.latent_rgb_factors_reshape(x0)
        first = x0[0, :, 0] if x0.ndim == 5 else x0[0]
        matrix = torch.as_tensor(self.latent_rgb_factors, dtype=first.dtype, device=first.device)
        bias = self.latent_rgb_factors_bias
        image = first.movedim(0, -1) @ matrix
        if bias is not None:
            image = image + torch.as_tensor(bias, dtype=first.dtype, device=first.device)
        return preview_to_image(image)


def get_previewer(device: Any, latent_format: Any) -> LatentPreviewer | None:
    """What draws previews of latents of this format; None where previews are off or the format tells no colours."""
    factors = getattr(latent_format, "latent_rgb_factors", None)
    if args.preview_method == LatentPreviewMethod.NoPreviews or factors is None:
        return None
    return Latent2RGBPreviewer(
        factors,
        getattr(latent_format, "latent_rgb_factors_bias", None),
        getattr(latent_format, "latent_rgb_factors_reshape", None),
    )


def prepare_callback(model: Any, steps: int, x0_output_dict: dict[str, Any] | None = None) -> Callable[..., None]:
    """``callback(step, x0, x, total_steps)`` for samplers: moves the node's progress and shows a preview."""
    from .comfy.utils import ProgressBar

    bar = ProgressBar(steps)
    previewer = get_previewer(
        getattr(model, "load_device", None), getattr(getattr(model, "model", None), "latent_format", None)
    )

    def callback(step: int, x0: Any, x: Any, total_steps: int) -> None:
        if x0_output_dict is not None:
            x0_output_dict["x0"] = x0
        preview = previewer.decode_latent_to_preview_image("JPEG", x0) if previewer is not None else None
        bar.update_absolute(step + 1, total_steps, preview)

    return callback


def set_preview_method(override: str | None = None) -> None:
    """``"none"``, ``"auto"``, ``"latent2rgb"`` or ``"taesd"`` from now on; anything else leaves it."""
    if override in {method.value for method in LatentPreviewMethod}:
        args.preview_method = LatentPreviewMethod(override)
