"""Skip-layer guidance: away from what the network answers without some of its blocks."""

from __future__ import annotations

from typing import Any

from . import inputs

_LAYERS = "Numbers of blocks, from 0, with commas between."


def _layers() -> inputs.Spec:
    kind, options = inputs.text("7, 8, 9", _LAYERS)
    return kind, {**options, "multiline": False}


def _percent(default: float, tooltip: str) -> inputs.Spec:
    return inputs.number(default, 0.0, 1.0, 0.001, tooltip)


def _range(start: float, end: float) -> dict[str, inputs.Spec]:
    return {
        "start_percent": _percent(start, "When it begins, from 0 to 1."),
        "end_percent": _percent(end, "When it ends."),
    }


def _scale() -> inputs.Spec:
    return inputs.number(3.0, 0.0, 10.0, 0.1, "How far away; costs one more call a step.")


class SkipLayerGuidanceSD3:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "skip_guidance"
    CATEGORY = "advanced/guidance"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["slg", "skip layer", "better structure", "anatomy"]
    DESCRIPTION = "Leads away from what Stable Diffusion 3.5 paints without some of its blocks: better structure."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        model = inputs.socket("MODEL")
        return {"required": {"model": model, "layers": _layers(), "scale": _scale(), **_range(0.01, 0.15)}}

    def skip_guidance(
        self, model: Any, layers: str, scale: float, start_percent: float, end_percent: float
    ) -> tuple[Any]:
        from ..diffusion import skip_layers

        within = skip_layers.Range(model, start_percent, end_percent)
        return (skip_layers.guided(model, skip_layers.numbers(layers), [], scale, within),)


class SkipLayerGuidanceDiT:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "skip_guidance"
    CATEGORY = "advanced/guidance"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["slg", "skip layer", "better structure", "flux"]
    DESCRIPTION = "Leads away from what a transformer paints without some of its double and single blocks."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "double_layers": _layers(),
                "single_layers": _layers(),
                "scale": _scale(),
                **_range(0.01, 0.15),
                "rescaling_scale": inputs.number(0.0, 0.0, 10.0, 0.01, "Brings back the contrast; 0 is off."),
            }
        }

    def skip_guidance(
        self,
        model: Any,
        double_layers: str,
        single_layers: str,
        scale: float,
        start_percent: float,
        end_percent: float,
        rescaling_scale: float = 0.0,
    ) -> tuple[Any]:
        from ..diffusion import skip_layers

        within = skip_layers.Range(model, start_percent, end_percent)
        double, single = skip_layers.numbers(double_layers), skip_layers.numbers(single_layers)
        return (skip_layers.guided(model, double, single, scale, within, rescaling_scale),)


class SkipLayerGuidanceDiTSimple:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "skip_guidance"
    CATEGORY = "advanced/guidance"
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["slg", "skip layer", "negative"]
    DESCRIPTION = (
        "Answers the negative prompt without some blocks: skip-layer guidance at no cost, with the cfg there is."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL"),
                "double_layers": _layers(),
                "single_layers": _layers(),
                **_range(0.0, 1.0),
            }
        }

    def skip_guidance(
        self, model: Any, double_layers: str, single_layers: str, start_percent: float, end_percent: float
    ) -> tuple[Any]:
        from ..diffusion import skip_layers

        within = skip_layers.Range(model, start_percent, end_percent)
        double, single = skip_layers.numbers(double_layers), skip_layers.numbers(single_layers)
        return (skip_layers.negative_without(model, double, single, within),)


NODES: dict[str, tuple[type, str | None]] = {
    "SkipLayerGuidanceSD3": (SkipLayerGuidanceSD3, None),
    "SkipLayerGuidanceDiT": (SkipLayerGuidanceDiT, None),
    "SkipLayerGuidanceDiTSimple": (SkipLayerGuidanceDiTSimple, None),
}
