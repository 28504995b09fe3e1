"""Sampling that leaves out steps which would change little."""

from __future__ import annotations

from typing import Any

from . import inputs


class EasyCache:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "advanced/debug/model"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["faster", "cache steps", "teacache", "skip steps"]
    DESCRIPTION = "Leaves out calls of the network whose answer would change little (Zhou et al. 2025): faster."
    _REUSE = "reusing_calls"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "reuse_threshold": inputs.number(0.2, 0.0, 3.0, 0.01, "How much may be left out; 0 is nothing."),
                "start_percent": inputs.number(0.15, 0.0, 1.0, 0.01, "When it begins, from 0 to 1."),
                "end_percent": inputs.number(0.95, 0.0, 1.0, 0.01, "When it ends."),
                "verbose": inputs.boolean(False, "Write into the log how many calls were left out."),
            }
        }

    def patch(
        self, model: Any, reuse_threshold: float, start_percent: float, end_percent: float, verbose: bool
    ) -> tuple[Any]:
        from ..diffusion import skip_layers, step_reuse

        within = skip_layers.Range(model, start_percent, end_percent)
        return (getattr(step_reuse, self._REUSE)(model, reuse_threshold, within, verbose),)


class LazyCache(EasyCache):
    DESCRIPTION = "As EasyCache, for whole guided steps: works with every model, a little coarser."
    _REUSE = "reusing_steps"


NODES: dict[str, tuple[type, str | None]] = {
    "EasyCache": (EasyCache, "EasyCache"),
    "LazyCache": (LazyCache, "LazyCache"),
}
