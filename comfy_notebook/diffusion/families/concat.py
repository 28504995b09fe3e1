"""The extra input channels of inpainting and editing models, made from the latent, the mask and the conditioning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ..base_model import BaseModel

#: What stands for an image without content in SD latents (a grey picture, encoded).
_BLANK = (0.8223, -0.6876, 0.6364, 0.1380)


def concat_channels(model: BaseModel, keys: tuple[str, ...], **given: Any) -> Tensor:
    """``[B,C,h,w]`` at the noise's size: the parts called ``keys``, in order.

    ``mask`` is 1 where the model paints; ``masked_image`` is the latent elsewhere. Given by the conditioning
    (``concat_mask``, ``concat_latent_image``), else by the latent that is sampled and its mask, else all is painted.
    """
    import torch

    noise = given["noise"]
    image = given.get("concat_latent_image")
    image = model.process_latent_in(image) if image is not None else given.get("latent_image")
    image = fitted(image, noise) if image is not None else None
    mask = given.get("concat_mask", given.get("denoise_mask"))
    if mask is not None:
        mask = fitted_mask(mask, noise)
    parts = []
    for key in keys:
        if key == "mask":
            parts.append(torch.ones_like(noise)[:, :1] if mask is None else mask.round())
        elif key == "masked_image":
            parts.append(_blank_like(noise) if image is None or mask is None else _masked(image, mask))
        elif key == "concat_image":
            # InstructPix2Pix was trained on latents as the autoencoder makes them.
            given_image = given.get("concat_latent_image")
            parts.append(torch.zeros_like(noise) if given_image is None else fitted(given_image, noise))
        else:
            raise ValueError(f"there is no extra input called {key!r}")
    return torch.cat(parts, dim=1)


def fitted(latent: Tensor, noise: Tensor) -> Tensor:
    """``latent`` at the size and batch of ``noise``."""
    from torch.nn import functional

    from ..conds import repeat_to

    latent = latent.to(noise.device, noise.dtype)
    if latent.shape[2:] != noise.shape[2:]:
        latent = functional.interpolate(latent, size=noise.shape[2:], mode="bilinear")
    return repeat_to(latent, noise.shape[0])


def mask_of(like: Tensor, **given: Any) -> Tensor:
    """The mask a conditioning (or the latent) has, ``[B,1,h,w]`` as large as ``like``; all ones without one."""
    import torch

    mask = given.get("concat_mask", given.get("denoise_mask"))
    return torch.ones_like(like)[:, :1] if mask is None else fitted_mask(mask, like)


def fitted_mask(mask: Tensor, noise: Tensor) -> Tensor:
    """``mask`` as ``[B,1,h,w]`` at the size and batch of ``noise``."""
    from torch.nn import functional

    from ..conds import repeat_to

    mask = mask.to(noise.device, noise.dtype)
    mask = mask.reshape(-1, 1, *mask.shape[-2:]) if mask.ndim < 4 else mask[:, :1]
    if mask.shape[-2:] != noise.shape[-2:]:
        mask = functional.interpolate(mask, size=noise.shape[-2:], mode="bilinear")
    return repeat_to(mask, noise.shape[0])


def _masked(image: Tensor, mask: Tensor) -> Tensor:
    return image * (1 - mask.round()) + mask.round() * _blank_like(image)


def _blank_like(latent: Tensor) -> Tensor:
    import torch

    blank = torch.zeros_like(latent)
    if latent.shape[1] == 4:
        for channel, value in enumerate(_BLANK):
            blank[:, channel] = value
    return blank
