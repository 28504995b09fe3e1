"""The nodes in which recorded prompts end, and what reaches them as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


class ParityCapture:
    """An output node: keeps the list of values that reaches it."""

    RETURN_TYPES = ()
    FUNCTION = "capture"
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    captured: dict[str, list[Any]] = {}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("*",), "tag": ("STRING", {"default": "out"})}}

    def capture(self, value: list[Any], tag: list[str]) -> dict[str, Any]:
        self.captured[tag[0]] = list(value)
        return {"ui": {"n": [len(value)]}}


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


def _numbers(value: torch.Tensor) -> np.ndarray[Any, Any]:
    return value.detach().float().cpu().contiguous().numpy()


def arrays_of(tag: str, values: list[Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Captured values under the names of the recorded arrays."""
    found: dict[str, Any] = {}
    for index, value in enumerate(values):
        key = tag if len(values) == 1 else f"{tag}[{index}]"
        if isinstance(value, dict):
            found.update({f"{key}.{name}": _numbers(item) for name, item in value.items() if torch.is_tensor(item)})
        elif isinstance(value, list):
            for number, (cond, options) in enumerate(value):
                found[f"{key}.cond{number}"] = _numbers(cond)
                for name, item in options.items():
                    if torch.is_tensor(item):
                        found[f"{key}.cond{number}.{name}"] = _numbers(item)
        elif torch.is_tensor(value):
            found[key] = _numbers(value)
    return found


def relative_difference(found: np.ndarray[Any, Any], recorded: np.ndarray[Any, Any]) -> float:
    """The largest difference, in units of the largest recorded value."""
    assert found.shape == recorded.shape
    return float(np.abs(found - recorded).max() / max(float(np.abs(recorded).max()), 1e-12))
