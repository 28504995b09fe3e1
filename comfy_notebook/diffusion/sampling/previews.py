"""Pictures of latents in the making (custom nodes import it as ``latent_preview``). Torch is imported when needed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ...protocol.context import context

_log = logging.getLogger("comfy_notebook")
MAX_PREVIEW_RESOLUTION = 512
#: No more previews than the clients are sent.
_INTERVAL = 0.1


def chosen_method() -> str:
    """``"none"``, ``"auto"``, ``"latent2rgb"`` or ``"taesd"``; who knows the options of the process replaces this."""
    return "auto"


def report_progress(value: float, total: float, preview: Any = None) -> None:
    """Move the progress of the node that runs; a cancel point. Who knows of packs' progress hooks replaces this."""
    context().progress(value, total, preview)


def preview_to_image(latent_image: Any) -> Any:
    """A PIL image of ``[H,W,C]`` values from -1 to 1."""
    import torch
    from PIL import Image

    bytes_ = ((latent_image + 1.0) / 2.0).clamp(0, 1).mul(255).to(device="cpu", dtype=torch.uint8)
    return Image.fromarray(bytes_.numpy())


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
        first = (x0[0, :, 0] if x0.ndim == 5 else x0[0]).float()
        matrix = torch.as_tensor(self.latent_rgb_factors, dtype=first.dtype, device=first.device)
        image = first.movedim(0, -1) @ matrix
        if self.latent_rgb_factors_bias is not None:
            image = image + torch.as_tensor(self.latent_rgb_factors_bias, dtype=first.dtype, device=first.device)
        return preview_to_image(image)


class TAESDPreviewerImpl(LatentPreviewer):
    """Decodes previews with a tiny autoencoder."""

    def __init__(self, decoder: Any) -> None:
        self.decoder = decoder

    def decode_latent_to_preview(self, x0: Any) -> Any:
        import torch

        weight = next(self.decoder.parameters())
        latent = (x0[:1, :, 0] if x0.ndim == 5 else x0[:1]).to(weight.device, weight.dtype)
        with torch.no_grad():
            image = self.decoder(latent)[0].movedim(0, -1)
        return preview_to_image(image)


def get_previewer(device: Any, latent_format: Any) -> LatentPreviewer | None:
    """What draws previews of latents of this format; None where previews are off or the format tells no colours.

    The method ``taesd`` decodes them with the file that the format names in ``models/vae_approx``, if it is there.
    """
    method = chosen_method()
    if method == "none":
        return None
    if method == "taesd" and (previewer := _tiny_previewer(device, latent_format)) is not None:
        return previewer
    factors = getattr(latent_format, "latent_rgb_factors", None)
    if factors is None:
        return None
    return Latent2RGBPreviewer(
        factors,
        getattr(latent_format, "latent_rgb_factors_bias", None),
        getattr(latent_format, "latent_rgb_factors_reshape", None),
    )


def _tiny_previewer(device: Any, latent_format: Any) -> TAESDPreviewerImpl | None:
    """The previewer with the tiny decoder for a format; None, with a warning, where it can't be had."""
    name = getattr(latent_format, "taesd_decoder_name", None)
    if name is None:
        return None
    try:
        from ..tiny_autoencoder import load_decoder

        decoder = load_decoder(name)
    except (OSError, ValueError, ImportError) as error:
        _log.warning("Previews do without %s: %s", name, error)
        return None
    if decoder is None:
        _log.warning("There is no %s in models/vae_approx: previews are drawn from the latent's colours.", name)
        return None
    return TAESDPreviewerImpl(decoder if device is None else decoder.to(device))


def prepare_callback(model: Any, steps: int, x0_output_dict: dict[str, Any] | None = None) -> Callable[..., None]:
    """``callback(step, x0, x, total_steps)`` for samplers: moves the node's progress, shows a preview, and is a cancel
    point. ``x0_output_dict`` gets the newest denoised latent as ``x0``."""
    latent_format = getattr(getattr(model, "model", None), "latent_format", None)
    previewer = get_previewer(getattr(model, "load_device", None), latent_format)
    shown = float("-inf")

    def callback(step: int, x0: Any, x: Any, total_steps: int) -> None:
        nonlocal shown
        if x0_output_dict is not None:
            x0_output_dict["x0"] = x0
        running = context()
        preview = None
        now = time.monotonic()
        due = now - shown >= _INTERVAL or step + 1 >= total_steps
        if previewer is not None and running.wants_previews() and due and _is_picture(x0):
            preview = previewer.decode_latent_to_preview_image("JPEG", x0)
            shown = now
        report_progress(step + 1, total_steps, preview)

    return callback


def _is_picture(x0: Any) -> bool:
    return getattr(x0, "ndim", 0) in (4, 5)
