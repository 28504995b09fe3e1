"""Models told another noise schedule or another kind of prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import inputs

#: How Playground v2.5 scales latents of SDXL's autoencoder, as its published configuration says.
_PLAYGROUND: dict[str, Any] = {
    "scale_factor": 0.5,
    "means": (-1.6574, 1.886, -1.383, 2.5155),
    "stds": (8.4927, 5.9022, 6.5498, 5.2299),
}


def _shift(default: float, tooltip: str = "Larger spends more steps on the shape of the picture.") -> inputs.Spec:
    return inputs.number(default, 0.0, 100.0, 0.01, tooltip)


def _sigma(default: float, tooltip: str) -> inputs.Spec:
    return inputs.number(default, 0.0, 1000.0, 0.001, tooltip, round=False)


def _model() -> inputs.Spec:
    return inputs.socket("MODEL", "The model.")


def with_sampling(model: Any, kind: str, **settings: Any) -> tuple[Any]:
    """A clone of MODEL with another ``model_sampling``; settings of the model's own that ``kind`` knows stay."""
    from ..diffusion.sampling.model_sampling import model_sampling

    config = getattr(model.model, "model_config", None)
    own = dict(getattr(config, "sampling_settings", None) or {})
    changed = model.clone()
    changed.add_object_patch("model_sampling", model_sampling(kind, **{**own, **settings}))
    return (changed,)


class _Patching:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "advanced/model"


class ModelSamplingDiscrete(_Patching):
    DESCRIPTION = "What a model of the SD1, SD2 or SDXL kind predicts, and whether its schedule ends in pure noise."
    SEARCH_ALIASES = ["v prediction", "zsnr", "lcm", "eps", "x0"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        kinds = ["eps", "v_prediction", "lcm", "x0", "img_to_img"]
        return {
            "required": {
                "model": _model(),
                "sampling": inputs.options(kinds, "What the model was trained to predict."),
                "zsnr": inputs.boolean(False, "Move the schedule so that it starts in pure noise."),
            }
        }

    def patch(self, model: Any, sampling: str, zsnr: bool) -> tuple[Any]:
        return with_sampling(model, sampling.upper(), zsnr=zsnr)


class ModelSamplingContinuousEDM(_Patching):
    DESCRIPTION = "What a model of the EDM kind predicts, and between which noise levels."
    SEARCH_ALIASES = ["edm", "playground", "svd", "v prediction"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        kinds = ["v_prediction", "edm", "edm_playground_v2.5", "eps", "cosmos_rflow"]
        return {
            "required": {
                "model": _model(),
                "sampling": inputs.options(kinds, "What the model was trained to predict."),
                "sigma_max": _sigma(120.0, "The largest noise level."),
                "sigma_min": _sigma(0.002, "The smallest."),
            }
        }

    def patch(self, model: Any, sampling: str, sigma_max: float, sigma_min: float) -> tuple[Any]:
        kinds = {"v_prediction": "V_PREDICTION_EDM", "eps": "EDM_EPS", "cosmos_rflow": "FLOW_COSMOS"}
        playground = sampling == "edm_playground_v2.5"
        kind = kinds.get(sampling, "EDM")
        changed = with_sampling(
            model, kind, sigma_max=sigma_max, sigma_min=sigma_min, sigma_data=0.5 if playground else 1.0
        )
        if playground:
            latent_format = replace(model.get_model_object("latent_format"), **_PLAYGROUND)
            changed[0].add_object_patch("latent_format", latent_format)
        return changed


class ModelSamplingContinuousV(_Patching):
    DESCRIPTION = "A model that predicts velocity at continuous angles, such as Stable Audio."
    SEARCH_ALIASES = ["v prediction", "stable audio", "continuous"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "sampling": inputs.options(["v_prediction"], "What the model was trained to predict."),
                "sigma_max": _sigma(500.0, "The largest noise level."),
                "sigma_min": _sigma(0.03, "The smallest."),
            }
        }

    def patch(self, model: Any, sampling: str, sigma_max: float, sigma_min: float) -> tuple[Any]:
        return with_sampling(model, "V_PREDICTION_CONTINUOUS", sigma_max=sigma_max, sigma_min=sigma_min, sigma_data=1.0)


class ModelSamplingSD3(_Patching):
    DESCRIPTION = "The shift of a flow model's schedule (SD3, Wan and others)."
    SEARCH_ALIASES = ["shift", "flow", "sd3", "wan", "timestep shift"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": _model(), "shift": _shift(3.0)}}

    def patch(self, model: Any, shift: float, multiplier: float = 1000) -> tuple[Any]:
        return with_sampling(model, "FLOW", shift=shift, multiplier=multiplier)


class ModelSamplingAuraFlow(_Patching):
    FUNCTION = "patch_aura"
    DESCRIPTION = "The shift of a flow model's schedule (AuraFlow, Qwen-Image, Z-Image and others)."
    SEARCH_ALIASES = ["shift", "flow", "qwen", "z-image", "timestep shift"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": _model(), "shift": _shift(1.73)}}

    def patch_aura(self, model: Any, shift: float) -> tuple[Any]:
        return with_sampling(model, "FLOW", shift=shift, multiplier=1.0)


class ModelSamplingFlux(_Patching):
    DESCRIPTION = "The shift of Flux's schedule, by the size of the picture."
    SEARCH_ALIASES = ["shift", "flux", "resolution", "timestep shift"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "max_shift": _shift(1.15, "Shift at 1024 x 1024 pixels."),
                "base_shift": _shift(0.5, "Shift at 256 x 256 pixels."),
                "width": inputs.pixels(1024, 16, 8, "Width of the picture in pixels."),
                "height": inputs.pixels(1024, 16, 8, "Height of the picture in pixels."),
            }
        }

    def patch(self, model: Any, max_shift: float, base_shift: float, width: int, height: int) -> tuple[Any]:
        from ..diffusion.sampling.flow_schedules import shift_for

        return with_sampling(model, "FLUX", shift=shift_for(width * height / 256, base_shift, max_shift, 256, 4096))


class ModelSamplingLTXV(_Patching):
    DESCRIPTION = "The shift of LTX-Video's schedule, by the size of the latent."
    SEARCH_ALIASES = ["shift", "ltx video", "timestep shift"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": _model(),
                "max_shift": _shift(2.05, "Shift at 4096 latent pixels."),
                "base_shift": _shift(0.95, "Shift at 1024 latent pixels."),
            },
            "optional": {"latent": inputs.socket("LATENT", "Its pixels are counted; 4096 without one.")},
        }

    def patch(
        self, model: Any, max_shift: float, base_shift: float, latent: dict[str, Any] | None = None
    ) -> tuple[Any]:
        from ..diffusion.sampling.flow_schedules import count_tokens, shift_for

        shift = shift_for(count_tokens(latent), base_shift, max_shift, 1024, 4096)
        return with_sampling(model, "FLUX", shift=shift)


class ModelSamplingStableCascade(_Patching):
    DESCRIPTION = "The shift of Stable Cascade's schedule."
    SEARCH_ALIASES = ["shift", "cascade"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": _model(), "shift": _shift(2.0)}}

    def patch(self, model: Any, shift: float) -> tuple[Any]:
        return with_sampling(model, "STABLE_CASCADE", shift=shift)


NODES: dict[str, tuple[type, str]] = {
    "ModelSamplingDiscrete": (ModelSamplingDiscrete, "ModelSamplingDiscrete"),
    "ModelSamplingContinuousEDM": (ModelSamplingContinuousEDM, "ModelSamplingContinuousEDM"),
    "ModelSamplingContinuousV": (ModelSamplingContinuousV, "ModelSamplingContinuousV"),
    "ModelSamplingSD3": (ModelSamplingSD3, "ModelSamplingSD3"),
    "ModelSamplingAuraFlow": (ModelSamplingAuraFlow, "ModelSamplingAuraFlow"),
    "ModelSamplingFlux": (ModelSamplingFlux, "ModelSamplingFlux"),
    "ModelSamplingLTXV": (ModelSamplingLTXV, "ModelSamplingLTXV"),
    "ModelSamplingStableCascade": (ModelSamplingStableCascade, "ModelSamplingStableCascade"),
}
