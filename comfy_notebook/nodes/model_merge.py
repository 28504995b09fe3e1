"""Models mixed with one another, weight by weight."""

from __future__ import annotations

from typing import Any

from . import inputs

_MODEL = "diffusion_model."
#: What is no weight of a CLIP encoder that could be mixed.
_NOT_MIXED = (".position_ids", ".logit_scale")


def _ratio(tooltip: str = "") -> inputs.Spec:
    return inputs.number(1.0, 0.0, 1.0, 0.01, tooltip)


_MULTIPLIER = inputs.number(1.0, -10.0, 10.0, 0.01, "How much of the second is taken away.")


def _two(kind: str, name: str) -> dict[str, Any]:
    return {f"{name}1": inputs.socket(kind), f"{name}2": inputs.socket(kind)}


class ModelMergeSimple:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "merge"
    CATEGORY = "advanced/model_merging"
    SEARCH_ALIASES = ["merge models", "mix", "blend"]
    DESCRIPTION = "A mixture of two models: the ratio is the part of the first."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {**_two("MODEL", "model"), "ratio": _ratio("1 is the first model, 0 the second.")}}

    def merge(self, model1: Any, model2: Any, ratio: float) -> tuple[Any]:
        made = model1.clone()
        made.add_patches(model2.get_key_patches(_MODEL), 1.0 - ratio, ratio)
        return (made,)


class ModelMergeAdd:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "merge"
    CATEGORY = "advanced/model_merging"
    SEARCH_ALIASES = ["merge models", "add"]
    DESCRIPTION = "The sum of two models' weights; one is usually a difference."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": _two("MODEL", "model")}

    def merge(self, model1: Any, model2: Any) -> tuple[Any]:
        made = model1.clone()
        made.add_patches(model2.get_key_patches(_MODEL), 1.0, 1.0)
        return (made,)


class ModelMergeSubtract:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "merge"
    CATEGORY = "advanced/model_merging"
    SEARCH_ALIASES = ["merge models", "difference"]
    DESCRIPTION = "What the first model has and the second lacks: a difference to add to a third."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {**_two("MODEL", "model"), "multiplier": _MULTIPLIER}}

    def merge(self, model1: Any, model2: Any, multiplier: float) -> tuple[Any]:
        made = model1.clone()
        made.add_patches(model2.get_key_patches(_MODEL), -multiplier, multiplier)
        return (made,)


class ModelMergeBlocks:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "merge"
    CATEGORY = "advanced/model_merging"
    SEARCH_ALIASES = ["merge models", "block weights", "layers"]
    DESCRIPTION = (
        "A mixture with a ratio for each part of the network. The longest part name that fits a weight decides."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        parts = {name: _ratio("1 is the first model, 0 the second.") for name in ("input", "middle", "out")}
        return {"required": {**_two("MODEL", "model"), **parts}}

    def merge(self, model1: Any, model2: Any, **ratios: float) -> tuple[Any]:
        made = model1.clone()
        first = next(iter(ratios.values()))
        for name, patch in model2.get_key_patches(_MODEL).items():
            bare = name[len(_MODEL) :]
            fitting = [part for part in ratios if bare.startswith(part)]
            ratio = ratios[max(fitting, key=len)] if fitting else first
            made.add_patches({name: patch}, 1.0 - ratio, ratio)
        return (made,)


class CLIPMergeSimple:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "merge"
    CATEGORY = "advanced/model_merging"
    SEARCH_ALIASES = ["merge text encoders", "mix", "blend"]
    DESCRIPTION = "A mixture of two text encoders: the ratio is the part of the first."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {**_two("CLIP", "clip"), "ratio": _ratio("1 is the first, 0 the second.")}}

    def merge(self, clip1: Any, clip2: Any, ratio: float) -> tuple[Any]:
        return (_mixed(clip1, clip2, 1.0 - ratio, ratio),)


class CLIPMergeAdd:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "merge"
    CATEGORY = "advanced/model_merging"
    SEARCH_ALIASES = ["merge text encoders", "add"]
    DESCRIPTION = "The sum of two text encoders' weights."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": _two("CLIP", "clip")}

    def merge(self, clip1: Any, clip2: Any) -> tuple[Any]:
        return (_mixed(clip1, clip2, 1.0, 1.0),)


class CLIPMergeSubtract:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "merge"
    CATEGORY = "advanced/model_merging"
    SEARCH_ALIASES = ["merge text encoders", "difference"]
    DESCRIPTION = "What the first text encoder has and the second lacks."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {**_two("CLIP", "clip"), "multiplier": _MULTIPLIER}}

    def merge(self, clip1: Any, clip2: Any, multiplier: float) -> tuple[Any]:
        return (_mixed(clip1, clip2, -multiplier, multiplier),)


def _mixed(clip1: Any, clip2: Any, strength: float, strength_of_first: float) -> Any:
    made = clip1.clone()
    patches = {name: patch for name, patch in clip2.get_key_patches().items() if not name.endswith(_NOT_MIXED)}
    made.add_patches(patches, strength, strength_of_first)
    return made


NODES: dict[str, tuple[type, str | None]] = {
    "ModelMergeSimple": (ModelMergeSimple, "ModelMergeSimple"),
    "ModelMergeAdd": (ModelMergeAdd, "ModelMergeAdd"),
    "ModelMergeSubtract": (ModelMergeSubtract, "ModelMergeSubtract"),
    "ModelMergeBlocks": (ModelMergeBlocks, "ModelMergeBlocks"),
    "CLIPMergeSimple": (CLIPMergeSimple, "CLIPMergeSimple"),
    "CLIPMergeAdd": (CLIPMergeAdd, "CLIPMergeAdd"),
    "CLIPMergeSubtract": (CLIPMergeSubtract, "CLIPMergeSubtract"),
}
