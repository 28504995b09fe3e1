"""Conditionings combined with each other, and what is told to a model beside the text."""

from __future__ import annotations

import logging
from typing import Any

from . import inputs
from .conditioning_values import Conditioning, with_values

_log = logging.getLogger("comfy_notebook")


class ConditioningCombine:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "combine"
    CATEGORY = "conditioning"
    DESCRIPTION = "Both conditionings: the model is asked for each, and the answers are averaged where both hold."
    SEARCH_ALIASES = ["merge prompts", "add", "and", "join"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning_1": inputs.socket("CONDITIONING", "One."),
                "conditioning_2": inputs.socket("CONDITIONING", "The other."),
            }
        }

    def combine(self, conditioning_1: Conditioning, conditioning_2: Conditioning) -> tuple[Conditioning]:
        return ([*conditioning_1, *conditioning_2],)


def _single(conditioning: Conditioning, node: str) -> Any:
    if not conditioning:
        raise ValueError("The second conditioning is empty.")
    if len(conditioning) > 1:
        _log.warning("%s takes the first of the %d entries of its second conditioning.", node, len(conditioning))
    return conditioning[0]


class ConditioningAverage:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "addWeighted"
    CATEGORY = "conditioning"
    DESCRIPTION = "A conditioning between two, token by token."
    SEARCH_ALIASES = ["blend prompts", "mix", "interpolate", "weighted"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning_to": inputs.socket("CONDITIONING", "The one that a strength of 1 gives."),
                "conditioning_from": inputs.socket("CONDITIONING", "The one that a strength of 0 gives."),
                "conditioning_to_strength": inputs.number(1.0, 0.0, 1.0, 0.01, "The share of the first."),
            }
        }

    def addWeighted(
        self, conditioning_to: Conditioning, conditioning_from: Conditioning, conditioning_to_strength: float
    ) -> tuple[Conditioning]:
        from torch.nn import functional

        share = conditioning_to_strength
        source, beside = _single(conditioning_from, "ConditioningAverage")[:2]
        pooled_from = beside.get("pooled_output")
        averaged = []
        for tensor, known, *rest in conditioning_to:
            length = tensor.shape[1]
            other = source[:, :length]
            other = functional.pad(other, (0, 0, 0, length - other.shape[1]))
            entry = dict(known)
            pooled_to = known.get("pooled_output", pooled_from)
            if pooled_from is not None and pooled_to is not None:
                entry["pooled_output"] = pooled_to * share + pooled_from * (1.0 - share)
            elif pooled_from is not None:
                entry["pooled_output"] = pooled_from
            averaged.append([tensor * share + other * (1.0 - share), entry, *rest])
        return (averaged,)


class ConditioningConcat:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "concat"
    CATEGORY = "conditioning"
    DESCRIPTION = "The tokens of one conditioning after those of another, as one longer prompt."
    SEARCH_ALIASES = ["append", "join prompts", "longer prompt", "break"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning_to": inputs.socket("CONDITIONING", "What comes first."),
                "conditioning_from": inputs.socket("CONDITIONING", "What comes after it."),
            }
        }

    def concat(self, conditioning_to: Conditioning, conditioning_from: Conditioning) -> tuple[Conditioning]:
        import torch

        source = _single(conditioning_from, "ConditioningConcat")[0]
        return ([[torch.cat((tensor, source), 1), dict(known), *rest] for tensor, known, *rest in conditioning_to],)


class ConditioningZeroOut:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "zero_out"
    CATEGORY = "advanced/conditioning"
    DESCRIPTION = "A conditioning of zeros, as some models take it for an empty prompt."
    SEARCH_ALIASES = ["empty prompt", "null", "negative", "unconditional"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"conditioning": inputs.socket("CONDITIONING", "The one whose form it takes.")}}

    def zero_out(self, conditioning: Conditioning) -> tuple[Conditioning]:
        import torch

        zeroed = []
        for tensor, known, *rest in conditioning:
            entry = dict(known)
            for name in ("pooled_output", "conditioning_lyrics"):
                if entry.get(name) is not None:
                    entry[name] = torch.zeros_like(entry[name])
            zeroed.append([torch.zeros_like(tensor), entry, *rest])
        return (zeroed,)


class FluxGuidance:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"
    CATEGORY = "advanced/conditioning/flux"
    DESCRIPTION = "Tells models with distilled guidance (Flux dev) how closely to follow the prompt."
    SEARCH_ALIASES = ["distilled cfg", "flux", "guidance scale"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "The prompt."),
                "guidance": inputs.number(3.5, 0.0, 100.0, 0.1, "Larger follows it more closely."),
            }
        }

    def append(self, conditioning: Conditioning, guidance: float) -> tuple[Conditioning]:
        return (with_values(conditioning, {"guidance": guidance}),)


class FluxDisableGuidance:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"
    CATEGORY = "advanced/conditioning/flux"
    DESCRIPTION = "Leaves the distilled guidance of Flux-like models out."
    SEARCH_ALIASES = ["distilled cfg", "flux", "no guidance"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"conditioning": inputs.socket("CONDITIONING", "The prompt.")}}

    def append(self, conditioning: Conditioning) -> tuple[Conditioning]:
        return (with_values(conditioning, {"guidance": None}),)


class ReferenceLatent:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"
    CATEGORY = "advanced/conditioning/edit_models"
    DESCRIPTION = "Shows an edit model a picture (as a latent) to work from; several nodes show several."
    SEARCH_ALIASES = ["kontext", "edit", "image prompt", "reference image"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"conditioning": inputs.socket("CONDITIONING", "The prompt.")},
            "optional": {"latent": inputs.socket("LATENT", "The picture, encoded.")},
        }

    def append(self, conditioning: Conditioning, latent: dict[str, Any] | None = None) -> tuple[Conditioning]:
        if latent is not None:
            conditioning = with_values(conditioning, {"reference_latents": [latent["samples"]]}, append=True)
        return (conditioning,)


class FluxKontextMultiReferenceLatentMethod:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"
    CATEGORY = "advanced/conditioning/flux"
    DESCRIPTION = "How a model tells several reference pictures apart: by place, by number, or as UXO does."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["kontext", "multiple references", "edit"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        methods = ["offset", "index", "uxo/uno", "index_timestep_zero"]
        return {
            "required": {
                "conditioning": inputs.socket("CONDITIONING", "The prompt."),
                "reference_latents_method": inputs.combo(methods, "The way the model was trained with."),
            }
        }

    def append(self, conditioning: Conditioning, reference_latents_method: str) -> tuple[Conditioning]:
        method = "uxo" if "uxo" in reference_latents_method or "uso" in reference_latents_method else None
        return (with_values(conditioning, {"reference_latents_method": method or reference_latents_method}),)


NODES: dict[str, tuple[type, str]] = {
    "ConditioningCombine": (ConditioningCombine, "Conditioning (Combine)"),
    "ConditioningAverage": (ConditioningAverage, "ConditioningAverage"),
    "ConditioningConcat": (ConditioningConcat, "Conditioning (Concat)"),
    "ConditioningZeroOut": (ConditioningZeroOut, "ConditioningZeroOut"),
    "FluxGuidance": (FluxGuidance, "FluxGuidance"),
    "FluxDisableGuidance": (FluxDisableGuidance, "FluxDisableGuidance"),
    "ReferenceLatent": (ReferenceLatent, "ReferenceLatent"),
    "FluxKontextMultiReferenceLatentMethod": (
        FluxKontextMultiReferenceLatentMethod,
        "FluxKontextMultiReferenceLatentMethod",
    ),
}
