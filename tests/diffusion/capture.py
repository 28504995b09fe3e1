"""The nodes of recorded prompts, and how far results are from the recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.parity import ParityCapture

__all__ = ["ParityCapture", "ParityUNet", "relative_difference"]


class ParityUNet:
    """One call of the network and one of ``apply_model``, through the attributes that custom nodes use."""

    RETURN_TYPES = ("LATENT", "LATENT")
    FUNCTION = "forward"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        number = ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1e5})
        return {
            "required": {
                "model": ("MODEL",),
                "positive": ("CONDITIONING",),
                "sigma": number,
                "timestep": number,
            }
        }

    def forward(self, model: Any, positive: Any, sigma: float, timestep: float) -> tuple[Any, Any]:
        from comfy_notebook.diffusion import memory

        memory.load_models_gpu([model])
        context = positive[0][0].float()
        x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
        with torch.no_grad():
            raw = model.model.diffusion_model(x, torch.tensor([timestep]), context=context)
            denoised = model.model.apply_model(x * (1 + sigma), torch.tensor([sigma]), c_crossattn=context)
        return {"samples": raw}, {"samples": denoised}


def relative_difference(found: np.ndarray[Any, Any], recorded: np.ndarray[Any, Any]) -> float:
    """The largest difference, in units of the largest recorded value."""
    assert found.shape == recorded.shape
    return float(np.abs(found - recorded).max() / max(float(np.abs(recorded).max()), 1e-12))
