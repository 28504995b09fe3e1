"""Conditionings with masks, hooks and parts of sampling, set and combined at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import inputs
from .conditioning_values import Conditioning, with_values

if TYPE_CHECKING:
    from torch import Tensor

#: (start_percent, end_percent)
Timesteps = tuple[float, float]


def _properties() -> dict[str, dict[str, inputs.Spec]]:
    return {
        "required": {
            "strength": inputs.number(1.0, 0.0, 10.0, 0.01, "How much it counts against others."),
            "set_cond_area": inputs.options(
                ["default", "mask bounds"], "'mask bounds' runs the model on the mask's rectangle alone."
            ),
        },
        "optional": {
            "mask": inputs.mask("Where it holds."),
            "hooks": inputs.socket("HOOKS", "What changes the model for it."),
            "timesteps": inputs.socket("TIMESTEPS_RANGE", "When it holds."),
        },
    }


def _inputs(*names: str) -> dict[str, Any]:
    """Inputs for these conditionings and their properties."""
    declared = _properties()
    sockets = {name: inputs.socket("CONDITIONING") for name in names}
    return {"required": {**sockets, **declared["required"]}, "optional": declared["optional"]}


def with_properties(
    conditioning: Conditioning,
    strength: float,
    set_cond_area: str,
    mask: Tensor | None = None,
    hooks: Any = None,
    timesteps: Timesteps | None = None,
) -> Conditioning:
    """A copy that holds where ``mask`` and when ``timesteps`` say, under ``hooks``."""
    from ..diffusion.hooks import set_hooks_for_conditioning

    values: dict[str, Any] = {"strength": strength}
    if mask is not None:
        whole = mask.unsqueeze(0) if mask.ndim < 3 else mask
        bounds = set_cond_area != "default"
        values = {"mask": whole, "set_area_to_bounds": bounds, "mask_strength": strength}
    if timesteps is not None:
        values |= {"start_percent": timesteps[0], "end_percent": timesteps[1]}
    return with_values(set_hooks_for_conditioning(conditioning, hooks), values)


class _Single:
    RETURN_TYPES: tuple[str, ...] = ("CONDITIONING",)
    FUNCTION = "set_properties"
    CATEGORY = "advanced/hooks/cond single"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["mask", "hooks", "regional prompt"]


class _Pair:
    RETURN_TYPES: tuple[str, ...] = ("CONDITIONING", "CONDITIONING")
    RETURN_NAMES = ("positive", "negative")
    FUNCTION = "set_properties"
    CATEGORY = "advanced/hooks/cond pair"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["mask", "hooks", "regional prompt"]


class ConditioningSetProperties(_Single):
    DESCRIPTION = "Says where and when a conditioning holds, and under which hooks."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _inputs("cond_NEW")

    def set_properties(self, cond_NEW: Conditioning, **properties: Any) -> tuple[Conditioning]:  # noqa: N803
        return (with_properties(cond_NEW, **properties),)


class ConditioningSetPropertiesAndCombine(_Single):
    DESCRIPTION = "Says where and when a conditioning holds, and adds it to another."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _inputs("cond", "cond_NEW")

    def set_properties(
        self,
        cond: Conditioning,
        cond_NEW: Conditioning,  # noqa: N803
        **properties: Any,
    ) -> tuple[Conditioning]:
        return ([*cond, *with_properties(cond_NEW, **properties)],)


class PairConditioningSetProperties(_Pair):
    DESCRIPTION = "Says where and when a prompt and its opposite hold, and under which hooks."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _inputs("positive_NEW", "negative_NEW")

    def set_properties(
        self,
        positive_NEW: Conditioning,  # noqa: N803
        negative_NEW: Conditioning,  # noqa: N803
        **properties: Any,
    ) -> tuple[Conditioning, Conditioning]:
        return with_properties(positive_NEW, **properties), with_properties(negative_NEW, **properties)


class PairConditioningSetPropertiesAndCombine(_Pair):
    DESCRIPTION = "Says where and when a prompt and its opposite hold, and adds them to others."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return _inputs("positive", "negative", "positive_NEW", "negative_NEW")

    def set_properties(
        self,
        positive: Conditioning,
        negative: Conditioning,
        positive_NEW: Conditioning,  # noqa: N803
        negative_NEW: Conditioning,  # noqa: N803
        **properties: Any,
    ) -> tuple[Conditioning, Conditioning]:
        return (
            [*positive, *with_properties(positive_NEW, **properties)],
            [*negative, *with_properties(negative_NEW, **properties)],
        )


class PairConditioningCombine(_Pair):
    FUNCTION = "combine"
    DESCRIPTION = "Two prompts with their opposites, together."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        names = ("positive_A", "negative_A", "positive_B", "negative_B")
        return {"required": {name: inputs.socket("CONDITIONING") for name in names}}

    def combine(
        self,
        positive_A: Conditioning,  # noqa: N803
        negative_A: Conditioning,  # noqa: N803
        positive_B: Conditioning,  # noqa: N803
        negative_B: Conditioning,  # noqa: N803
    ) -> tuple[Conditioning, Conditioning]:
        return [*positive_A, *positive_B], [*negative_A, *negative_B]


_HOOKS = {"hooks": inputs.socket("HOOKS", "What changes the model for it.")}


class ConditioningSetDefaultCombine(_Single):
    FUNCTION = "set_default_and_combine"
    DESCRIPTION = "A conditioning for where no other holds."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        sockets = {name: inputs.socket("CONDITIONING") for name in ("cond", "cond_DEFAULT")}
        return {"required": sockets, "optional": _HOOKS}

    def set_default_and_combine(
        self,
        cond: Conditioning,
        cond_DEFAULT: Conditioning,  # noqa: N803
        hooks: Any = None,
    ) -> tuple[Conditioning]:
        from ..diffusion.hooks import set_default_conds_and_combine

        return (set_default_conds_and_combine(cond, cond_DEFAULT, hooks),)


class PairConditioningSetDefaultCombine(_Pair):
    FUNCTION = "set_default_and_combine"
    DESCRIPTION = "A prompt and its opposite for where no other holds."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        names = ("positive", "negative", "positive_DEFAULT", "negative_DEFAULT")
        return {"required": {name: inputs.socket("CONDITIONING") for name in names}, "optional": _HOOKS}

    def set_default_and_combine(
        self,
        positive: Conditioning,
        negative: Conditioning,
        positive_DEFAULT: Conditioning,  # noqa: N803
        negative_DEFAULT: Conditioning,  # noqa: N803
        hooks: Any = None,
    ) -> tuple[Conditioning, Conditioning]:
        from ..diffusion.hooks import set_default_conds_and_combine

        return (
            set_default_conds_and_combine(positive, positive_DEFAULT, hooks),
            set_default_conds_and_combine(negative, negative_DEFAULT, hooks),
        )


class ConditioningTimestepsRange:
    RETURN_TYPES = ("TIMESTEPS_RANGE", "TIMESTEPS_RANGE", "TIMESTEPS_RANGE")
    RETURN_NAMES = ("TIMESTEPS_RANGE", "BEFORE_RANGE", "AFTER_RANGE")
    FUNCTION = "create_range"
    CATEGORY = "advanced/hooks"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["start percent", "end percent", "when"]
    DESCRIPTION = "A part of sampling, what is before it and what is after."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "start_percent": inputs.number(0.0, 0.0, 1.0, 0.001, "When it begins, 0 to 1."),
                "end_percent": inputs.number(1.0, 0.0, 1.0, 0.001, "When it ends."),
            }
        }

    def create_range(self, start_percent: float, end_percent: float) -> tuple[Timesteps, Timesteps, Timesteps]:
        return (start_percent, end_percent), (0.0, start_percent), (end_percent, 1.0)


NODES: dict[str, tuple[type, str | None]] = {
    "ConditioningSetProperties": (ConditioningSetProperties, "Cond Set Props"),
    "ConditioningSetPropertiesAndCombine": (ConditioningSetPropertiesAndCombine, "Cond Set Props Combine"),
    "ConditioningSetDefaultCombine": (ConditioningSetDefaultCombine, "Cond Set Default Combine"),
    "PairConditioningSetProperties": (PairConditioningSetProperties, "Cond Pair Set Props"),
    "PairConditioningSetPropertiesAndCombine": (PairConditioningSetPropertiesAndCombine, "Cond Pair Set Props Combine"),
    "PairConditioningCombine": (PairConditioningCombine, "Cond Pair Combine"),
    "PairConditioningSetDefaultCombine": (PairConditioningSetDefaultCombine, "Cond Pair Set Default Combine"),
    "ConditioningTimestepsRange": (ConditioningTimestepsRange, "Timesteps Range"),
}
