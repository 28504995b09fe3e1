"""A picture of a small checkpoint, and when two of them are the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.load import Checkpoint
from comfy_notebook.nodes.sampling import common_ksampler


def encoded(parts: Checkpoint, text: str) -> list[list[Any]]:
    """The conditioning of a prompt."""
    assert parts.clip is not None
    return parts.clip.encode_from_tokens_scheduled(parts.clip.tokenize(text))


def latent_of(parts: Checkpoint) -> Tensor:
    """Four Euler steps with guidance at 128 pixels."""
    positive, negative = (encoded(parts, text) for text in ("a (red:1.3) cat", "blurry"))
    empty = {"samples": torch.zeros(1, 4, 16, 16)}
    (made,) = common_ksampler(parts.model, 1, 4, 4.0, "euler", "normal", positive, negative, empty)
    found: Tensor = made["samples"]
    return found


def same_picture(parts: Checkpoint, latent: Tensor, expected: Tensor) -> None:
    """``latent`` is that of ``expected`` within 1e-2 when it is decoded exactly, and its picture near it in the dtype
    that the autoencoder has (bfloat16, whose steps are 4e-3 near 1, over a dozen layers)."""
    assert parts.vae is not None
    near = (parts.vae.decode(latent) - expected).abs()
    assert float(near.mean()) < 1e-2
    assert float(near.max()) < 5e-2
    memory.unload_all_models()
    parts.vae.first_stage_model.to("cpu", torch.float32)
    with torch.no_grad():
        exact = ((parts.vae.coder.decode(latent.cpu()) + 1.0) / 2.0).clamp(0.0, 1.0).movedim(1, -1)
    assert float((exact - expected).abs().max()) < 1e-2
