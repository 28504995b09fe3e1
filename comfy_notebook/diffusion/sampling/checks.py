"""Says what is wrong with the inputs of a sampler before it starts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def check_steps(steps: int) -> None:
    """Raises :class:`ValueError` for fewer than one step."""
    if steps < 1:
        raise ValueError(f"Sampling needs at least 1 step, not {steps}. Set steps to 1 or more.")


def check_sigmas(sigmas: Tensor) -> None:
    """Raises :class:`ValueError` unless sigmas are one row of finite numbers, none below zero."""
    if sigmas.ndim != 1:
        raise ValueError(f"Sigmas are one row of numbers; these have the shape {list(sigmas.shape)}.")
    if not bool(torch.isfinite(sigmas).all()):
        raise ValueError(f"The sigmas hold values that are no numbers: {sigmas.tolist()}.")
    if bool((sigmas < 0).any()):
        raise ValueError(f"Sigmas are amounts of noise, from 0 up; these hold some below: {sigmas.tolist()}.")


def check_scale(name: str, scale: Any) -> None:
    """Raises :class:`ValueError` unless the scale of guidance is a finite number."""
    if isinstance(scale, (int, float)) and not math.isfinite(scale):
        raise ValueError(f"{name} is {scale}: guidance needs a number, such as 7.")


def check_tensor(latent: Any) -> None:
    """Raises :class:`TypeError` unless a latent is a tensor with channels."""
    if not torch.is_tensor(latent) or latent.ndim < 2:
        what = f"the shape {list(latent.shape)}" if torch.is_tensor(latent) else f"a {type(latent).__name__}"
        raise TypeError(f"A latent is a tensor [batch, channels, …], not {what}.")


def check_latent(model: Any, latent: Any, noise: Any = None) -> None:
    """Raises :class:`ValueError` for a latent that the model (a patcher) cannot take, with what to do about it."""
    check_tensor(latent)
    if latent.numel() == 0:
        raise ValueError(f"The latent is empty: its shape is {list(latent.shape)}.")
    if latent.is_floating_point() and not bool(torch.isfinite(latent).all()):
        raise ValueError(
            "The latent holds NaN or infinite values, of which nothing can be made. Look at what made it: an earlier "
            "sampler whose model overflowed (try it in fp32 or bf16), or arithmetic on latents."
        )
    latent_format = _latent_format(model)
    channels = getattr(latent_format, "latent_channels", None)
    if channels is not None and latent.ndim > 1 and latent.shape[1] != channels:
        raise ValueError(
            f"The latent has {latent.shape[1]} channels and the model works on {channels}: they belong to different "
            "kinds of models. Encode the image with the VAE of this model, or use the empty latent made for it."
        )
    if torch.is_tensor(noise) and noise.shape != latent.shape:
        raise ValueError(f"The noise has the shape {list(noise.shape)}, the latent {list(latent.shape)}.")


def _latent_format(model: Any) -> Any:
    try:
        return model.get_model_object("latent_format")
    except (AttributeError, AssertionError, KeyError):
        return None


def check_conditioning(name: str, conditioning: Any) -> None:
    """Raises :class:`TypeError` unless it is CONDITIONING: a list of ``[tensor, dict]``."""
    entries = conditioning if isinstance(conditioning, list) else [None]
    for entry in entries:
        if not isinstance(entry, (list, tuple)) or len(entry) < 2 or not isinstance(entry[1], dict):
            raise TypeError(
                f"'{name}' is no CONDITIONING: it takes a list of [tensor, dict], as text encoders make it."
            )


#: What families call the width of the text they read.
_TEXT_WIDTHS = ("cross_attention_dim", "joint_attention_dim", "cap_feat_dim")


def check_text(model: Any, conds: dict[str, list[dict[str, Any]]]) -> None:
    """Raises :class:`ValueError` for conditionings whose text another model's encoder made: it is of another width."""
    family = getattr(model, "family", None)
    config = getattr(family, "config", {})
    width = next((config[key] for key in _TEXT_WIDTHS if isinstance(config.get(key), int)), None)
    for name, entries in conds.items():
        for entry in entries:
            text = entry.get("cross_attn")
            if width is not None and torch.is_tensor(text) and text.shape[-1] != width:
                title = getattr(family, "title", "this model")
                raise ValueError(
                    f"'{name}' is a text encoding {text.shape[-1]} numbers wide and {title} reads {width}: another "
                    "model's text encoder made it. Encode the prompt with the CLIP that belongs to this model."
                )
