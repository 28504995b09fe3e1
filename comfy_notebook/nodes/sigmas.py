"""SIGMAS cut, turned and written by hand."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor


class _Changing:
    RETURN_TYPES: tuple[str, ...] = ("SIGMAS",)
    FUNCTION = "get_sigmas"
    CATEGORY = "sampling/custom_sampling/sigmas"


class SplitSigmas(_Changing):
    RETURN_TYPES = ("SIGMAS", "SIGMAS")
    RETURN_NAMES = ("high_sigmas", "low_sigmas")
    DESCRIPTION = "Noise levels before and after a step, for two samplers in a row."
    SEARCH_ALIASES = ["cut", "two stage", "high low", "step"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "sigmas": inputs.socket("SIGMAS", "The noise levels."),
                "step": inputs.integer(0, 0, 10000, tooltip="After how many steps."),
            }
        }

    def get_sigmas(self, sigmas: Tensor, step: int) -> tuple[Tensor, Tensor]:
        return sigmas[: step + 1], sigmas[step:]


class SplitSigmasDenoise(_Changing):
    RETURN_TYPES = ("SIGMAS", "SIGMAS")
    RETURN_NAMES = ("high_sigmas", "low_sigmas")
    DESCRIPTION = "The noise levels of the last share of the steps, and those before them."
    SEARCH_ALIASES = ["cut", "img2img", "denoise", "part"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "sigmas": inputs.socket("SIGMAS", "The noise levels."),
                "denoise": inputs.number(1.0, 0.0, 1.0, 0.01, "The share of the steps."),
            }
        }

    def get_sigmas(self, sigmas: Tensor, denoise: float) -> tuple[Tensor, Tensor]:
        steps = max(sigmas.shape[-1] - 1, 0)
        last = round(steps * denoise)
        return sigmas[:-last] if last else sigmas, sigmas[-(last + 1) :]


class FlipSigmas(_Changing):
    DESCRIPTION = "Noise levels in reverse, for turning a picture back into noise."
    SEARCH_ALIASES = ["reverse", "unsample", "inversion"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"sigmas": inputs.socket("SIGMAS", "The noise levels.")}}

    def get_sigmas(self, sigmas: Tensor) -> tuple[Tensor]:
        if len(sigmas) == 0:
            return (sigmas,)
        flipped = sigmas.flip(0)
        if flipped[0] == 0:
            flipped[0] = 0.0001
        return (flipped,)


class SetFirstSigma(_Changing):
    FUNCTION = "set_first_sigma"
    DESCRIPTION = "Puts another number in the place of the first noise level."
    SEARCH_ALIASES = ["start level", "replace", "sigma max"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "sigmas": inputs.socket("SIGMAS", "The noise levels."),
                "sigma": inputs.number(136.0, 0.0, 20000.0, 0.001, "The new first one.", round=False),
            }
        }

    def set_first_sigma(self, sigmas: Tensor, sigma: float) -> tuple[Tensor]:
        changed = sigmas.clone()
        if len(changed):
            changed[0] = sigma
        return (changed,)


class ExtendIntermediateSigmas(_Changing):
    FUNCTION = "extend"
    DESCRIPTION = "More noise levels between those that are there."
    SEARCH_ALIASES = ["interpolate", "insert steps", "refine schedule"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        start = inputs.number(-1.0, -1.0, 20000.0, 0.01, "Not above this level; -1 for no limit.", round=False)
        end = inputs.number(12.0, 0.0, 20000.0, 0.01, "Not below this level.", round=False)
        return {
            "required": {
                "sigmas": inputs.socket("SIGMAS", "The noise levels."),
                "steps": inputs.integer(2, 1, 100, tooltip="Steps for each one that was there."),
                "start_at_sigma": start,
                "end_at_sigma": end,
                "spacing": inputs.options(["linear", "cosine", "sine"], "How the new ones lie."),
            }
        }

    def extend(
        self, sigmas: Tensor, steps: int, start_at_sigma: float, end_at_sigma: float, spacing: str
    ) -> tuple[Tensor]:
        import torch

        high = math.inf if start_at_sigma < 0 else start_at_sigma
        shares = torch.linspace(0, 1, steps + 1, device=sigmas.device)[1:-1]
        if spacing == "cosine":
            shares = torch.sin(shares * math.pi / 2)
        elif spacing == "sine":
            shares = 1 - torch.cos(shares * math.pi / 2)
        parts = []
        for here, following in itertools.pairwise(sigmas):
            parts.append(here.reshape(1))
            if end_at_sigma <= here <= high:
                parts.append(here - shares * (here - following))
        return (torch.cat([*parts, sigmas[-1:]]),)


class SamplingPercentToSigma(_Changing):
    RETURN_TYPES = ("FLOAT",)
    RETURN_NAMES = ("sigma_value",)
    FUNCTION = "get_sigma"
    DESCRIPTION = "The noise level at a share of sampling."
    SEARCH_ALIASES = ["percent", "convert", "timestep"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that is sampled."),
                "sampling_percent": inputs.number(0.0, 0.0, 1.0, 0.0001, "0 is the start, 1 the end."),
                "return_actual_sigma": inputs.boolean(
                    False, "At the ends the model's own levels, rather than a huge number and 0."
                ),
            }
        }

    def get_sigma(self, model: Any, sampling_percent: float, return_actual_sigma: bool) -> tuple[float]:
        sampling = model.get_model_object("model_sampling")
        if return_actual_sigma and sampling_percent in (0.0, 1.0):
            return (float(sampling.sigma_max if sampling_percent == 0.0 else sampling.sigma_min),)
        return (float(sampling.percent_to_sigma(sampling_percent)),)


class ManualSigmas:
    RETURN_TYPES = ("SIGMAS",)
    FUNCTION = "get_sigmas"
    CATEGORY = "_for_testing/custom_sampling"
    DESCRIPTION = "Noise levels written as numbers."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["custom noise schedule", "write sigmas", "list of sigmas"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        text = inputs.text("1, 0.5", "Falling numbers, the last usually 0; anything between them is ignored.")
        return {"required": {"sigmas": (text[0], {**text[1], "multiline": False})}}

    def get_sigmas(self, sigmas: str) -> tuple[Tensor]:
        import torch

        numbers = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", sigmas)
        if not numbers:
            raise ValueError(f"There are no numbers in {sigmas!r}: write noise levels such as '1, 0.7, 0.3, 0'.")
        return (torch.FloatTensor([float(number) for number in numbers]),)


NODES: dict[str, tuple[type, str]] = {
    "SplitSigmas": (SplitSigmas, "SplitSigmas"),
    "SplitSigmasDenoise": (SplitSigmasDenoise, "SplitSigmasDenoise"),
    "FlipSigmas": (FlipSigmas, "FlipSigmas"),
    "SetFirstSigma": (SetFirstSigma, "SetFirstSigma"),
    "ExtendIntermediateSigmas": (ExtendIntermediateSigmas, "ExtendIntermediateSigmas"),
    "SamplingPercentToSigma": (SamplingPercentToSigma, "SamplingPercentToSigma"),
    "ManualSigmas": (ManualSigmas, "ManualSigmas"),
}
