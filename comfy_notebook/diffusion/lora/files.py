"""LoRA files as patches: the layouts of kohya's programs, diffusers and PEFT, LyCORIS, and plain differences."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..checkpoints.files import WeightsError
from ..weights import weights_of
from .adapters import GLoRA, LoHa, LoKr, LoRA
from .flux_control import grown, with_named_norms
from .names import Target, model_names, text_names

if TYPE_CHECKING:
    from torch import Tensor

    from ..clip import CLIP
    from ..patcher import ModelPatcher

_log = logging.getLogger("comfy_notebook")
#: How a file ends the name of a layer → what follows is.
_PARTS = {
    **{f"{before}lora_up.weight": "up" for before in (".", "_")},
    **{f"{before}lora_down.weight": "down" for before in (".", "_")},
    **{"_lora.up.weight": "up", "_lora.down.weight": "down", ".lora.up.weight": "up", ".lora.down.weight": "down"},
    **{".lora_B.weight": "up", ".lora_A.weight": "down", ".lora_B": "up", ".lora_A": "down"},
    **{".lora_B.default.weight": "up", ".lora_A.default.weight": "down"},
    **{".lora_linear_layer.up.weight": "up", ".lora_linear_layer.down.weight": "down", ".lora_mid.weight": "mid"},
    **{
        ".alpha": "alpha",
        ".lora_B.bias": "diff_b",
        ".dora_scale": "dora",
        ".lora_magnitude_vector": "dora",
        ".lora_magnitude_vector.weight": "dora",
    },
    **{f".hada_{part}": part for part in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")},
    **{f".lokr_{part}": f"kr_{part}" for part in ("w1", "w2", "w1_a", "w1_b", "w2_a", "w2_b", "t2")},
    **{f".{part}.weight": f"g_{part}" for part in ("a1", "a2", "b1", "b2")},
    **{".diff": "diff", ".diff_b": "diff_b", ".w_norm": "diff", ".b_norm": "diff_b", ".set_weight": "set"},
}
_LONGEST_FIRST = sorted(_PARTS, key=len, reverse=True)


def layers_of(weights: Mapping[str, Tensor]) -> tuple[dict[str, dict[str, Tensor]], list[str]]:
    """The parts of each layer in a file, and the names that are no part of one."""
    layers: dict[str, dict[str, Tensor]] = {}
    others = []
    for name, value in weights.items():
        ending = next((ending for ending in _LONGEST_FIRST if name.endswith(ending)), None)
        if ending is None:
            others.append(name)
        else:
            layers.setdefault(name[: -len(ending)], {})[_PARTS[ending]] = value
    return layers, others


def load_lora(weights: Mapping[str, Tensor], names: Mapping[str, Target], log_missing: bool = True) -> dict[Any, Any]:
    """Patches by weight for the layers of a file that ``names`` knows."""
    layers, others = layers_of(weights)
    patches: dict[Any, Any] = {}
    unknown = list(others)
    for layer, parts in layers.items():
        target = names.get(layer)
        if target is None:
            unknown.append(layer)
            continue
        if (patch := _patch(parts)) is not None:
            patches[target] = patch
        if "diff_b" in parts and isinstance(target, str):
            patches[target.removesuffix(".weight") + ".bias"] = ("diff", (parts["diff_b"],))
    if unknown and log_missing:
        _log.warning("%d layers of the LoRA are not in this model, such as %s.", len(unknown), unknown[0])
    return patches


def _patch(parts: Mapping[str, Tensor]) -> Any:
    alpha = float(parts["alpha"]) if "alpha" in parts else None
    dora = parts.get("dora")
    if "up" in parts and "down" in parts:
        return LoRA(parts["up"], parts["down"], alpha, parts.get("mid"), dora)
    if "w1_a" in parts and "w2_a" in parts:
        first, second = (parts["w1_a"], parts["w1_b"]), (parts["w2_a"], parts["w2_b"])
        return LoHa(*first, *second, alpha, parts.get("t1"), parts.get("t2"), dora)
    if any(key.startswith("kr_") for key in parts):
        named = {key: parts.get(f"kr_{key}") for key in ("w1", "w2", "w1_a", "w1_b", "w2_a", "w2_b", "t2")}
        return LoKr(**named, alpha=alpha, dora_scale=dora)
    if "g_a1" in parts:
        return GLoRA(parts["g_a1"], parts["g_a2"], parts["g_b1"], parts["g_b2"], alpha, dora)
    if "set" in parts:
        return ("set", (parts["set"],))
    return ("diff", (parts["diff"],)) if "diff" in parts else None


def load_lora_for_models(
    model: ModelPatcher | None,
    clip: CLIP | None,
    weights: Mapping[str, Tensor],
    strength_model: float,
    strength_clip: float,
    file: str = "this file",
) -> tuple[ModelPatcher | None, CLIP | None]:
    """Clones of a model and its text encoders with a LoRA on them.

    Raises :class:`WeightsError` when the file is no LoRA, or one for another family.
    """
    weights = with_named_norms(weights)
    layers, _ = layers_of(weights)
    if not layers:
        raise WeightsError(f"{file} is no LoRA: it holds {len(weights)} weights and none of them changes another")
    names = {**(model_names(model.model) if model else {}), **(text_names(clip.cond_stage_model) if clip else {})}
    known = [layer for layer in layers if layer in names]
    if not known:
        raise WeightsError(_for_another(model, layers, file))
    patches = load_lora(weights, names, log_missing=False)
    new_model = model.clone() if model is not None else None
    new_clip = clip.clone() if clip is not None else None
    if new_model is not None:
        new_model.add_patches(_fitting(patches, new_model, file), strength_model)
    if new_clip is not None:
        new_clip.add_patches(_fitting(patches, new_clip.patcher, file), strength_clip)
    missed = len(layers) - len(known)
    if missed and not (model is None or clip is None):
        _log.warning("%s: %d of %d layers are not in this model and were left out.", file, missed, len(layers))
    return new_model, new_clip


def fitting_patches(
    weights: Mapping[str, Tensor], names: Mapping[str, Target], patcher: ModelPatcher, file: str
) -> dict[Any, Any]:
    """The patches of a LoRA file for a model whose layers are called ``names``.

    Raises :class:`WeightsError` when a layer is of another size.
    """
    return _fitting(load_lora(weights, names, log_missing=False), patcher, file)


def _fitting(patches: Mapping[Any, Any], patcher: ModelPatcher, file: str) -> dict[Any, Any]:
    """The patches of weights this model has; raises :class:`WeightsError` when one is of another size."""
    weights = weights_of(patcher.model)
    found = {}
    for target, patch in patches.items():
        name, part = (target, None) if isinstance(target, str) else target
        if name not in weights:
            continue
        shape = weights.shape(name)
        rows = shape[0] if part is None else part[2]
        if isinstance(patch, LoRA) and patch.mid is None and not _fits(patch, rows, shape):
            if (wider := grown(patch, name, rows, shape[1])) is not None:
                found[target] = wider
                continue
            raise WeightsError(
                f"{file} is a LoRA for a model of another family: it changes {name} as if it had "
                f"{patch.up.shape[0]} by {patch.down.shape[1]} numbers, and here it has {rows} by {shape[1]}"
            )
        found[target] = patch
    return found


def _fits(patch: LoRA, rows: int, shape: tuple[int, ...]) -> bool:
    return len(shape) < 2 or (patch.up.shape[0] == rows and patch.down.shape[1] == shape[1])


def _for_another(model: ModelPatcher | None, layers: Mapping[str, Any], file: str) -> str:
    family = getattr(getattr(model, "model", None), "family", None)
    title = getattr(family, "title", "this model")
    return (
        f"{file} is a LoRA for another family of models: none of its {len(layers)} layers is in {title}. "
        f"They are called like {next(iter(layers))}"
    )
