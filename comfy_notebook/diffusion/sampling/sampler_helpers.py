"""Getting models ready for a run, and what goes with them (custom nodes import it as ``comfy.sampler_helpers``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .. import memory
from .conditioning import Conds, convert_cond
from .masks import prepare_mask


def get_models_from_cond(cond: Iterable[Any], model_type: str) -> list[Any]:
    """What entries of a conditioning have under ``model_type``: each object once, lists opened."""
    found: list[Any] = []
    for entry in cond:
        value = entry.get(model_type)
        for one in value if isinstance(value, list) else [value]:
            if one is not None and not any(one is other for other in found):
                found.append(one)
    return found


def get_additional_models(conds: Conds, dtype: Any = None) -> tuple[list[Any], float]:
    """Patchers that conditionings need beside the model (control nets, GLIGEN), and the bytes that they compute in."""
    models: list[Any] = []
    inference_memory = 0.0
    for entries in conds.values():
        for control in get_models_from_cond(entries, "control"):
            if hasattr(control, "get_models"):
                models += control.get_models()
            if hasattr(control, "inference_memory_requirements"):
                inference_memory += control.inference_memory_requirements(dtype)
        models += [gligen[1] for gligen in get_models_from_cond(entries, "gligen")]
        models += [one for one in get_models_from_cond(entries, "additional_models") if hasattr(one, "load_device")]
    unique = {id(model): model for model in models}
    return list(unique.values()), inference_memory


def estimate_memory(model: Any, noise_shape: Sequence[int], conds: Conds | None = None) -> float:
    """Bytes that a call of ``model`` with a conditioning and its opposite takes."""
    return float(model.memory_required([noise_shape[0] * 2, *noise_shape[1:]]))


def prepare_sampling(
    model: Any, noise_shape: Sequence[int], conds: Conds, model_options: dict[str, Any] | None = None
) -> tuple[Any, Conds, list[Any]]:
    """Bring the model and what conditionings need to their devices; answers the network, the conds, those models."""
    models, inference_memory = get_additional_models(conds, model.model_dtype())
    needed = estimate_memory(model, noise_shape, conds) + inference_memory
    memory.load_models_gpu([model, *models], memory_required=needed)
    return model.model, conds, models


def cleanup_additional_models(models: Iterable[Any]) -> None:
    """Tell models that the run is over."""
    for model in models:
        if hasattr(model, "cleanup"):
            model.cleanup()


def cleanup_models(conds: Conds, models: Iterable[Any]) -> None:
    """Tell models and control nets that the run is over."""
    cleanup_additional_models(models)
    cleanup_additional_models(
        {id(c): c for entries in conds.values() for c in get_models_from_cond(entries, "control")}.values()
    )


def begin_hooks(model: Any, patcher: Any, conds: Conds) -> None:
    """Tell the network which clone samples with it, and make room for the hooks that conditionings carry."""
    model.current_patcher = patcher
    if any(entry.get("hooks") is not None for entries in conds.values() for entry in entries):
        from ..hooked_weights import HookedWeights

        patcher.hooked_weights = HookedWeights(patcher)


def end_hooks(model: Any, patcher: Any) -> None:
    """Take the hooks' weights out of the network."""
    model.current_patcher = None
    if patcher.hooked_weights is not None:
        patcher.hooked_weights.end()
        patcher.hooked_weights = None


__all__ = [
    "begin_hooks",
    "cleanup_additional_models",
    "cleanup_models",
    "convert_cond",
    "end_hooks",
    "estimate_memory",
    "get_additional_models",
    "get_models_from_cond",
    "prepare_mask",
    "prepare_sampling",
]
