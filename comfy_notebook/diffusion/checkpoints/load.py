"""From files to ``MODEL``, ``CLIP`` and ``VAE``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import memory
from ..base_model import BaseModel, as_patcher
from ..families import unet_names
from ..families.registry import recognise
from .files import WeightsError, missing_extra, read_weights
from .layout import assign
from .meta import quiet_libraries, shapes_of, without_weights
from .quantised import dequantised, rounded

if TYPE_CHECKING:
    from torch import Tensor

    from ..clip import CLIP
    from ..patcher import ModelPatcher
    from ..vae import VAE

#: Under what the parts lie in files that hold all of them.
MODEL_PREFIX = "model.diffusion_model."
#: What may stand before the names of a file that holds a diffusion model alone.
_BARE_PREFIXES = (MODEL_PREFIX, "diffusion_model.", "model.", "net.", "")


class Checkpoint(NamedTuple):
    """What a file held; None for parts it lacks."""

    model: ModelPatcher | None
    clip: CLIP | None
    vae: VAE | None


def without_prefix(weights: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The entries below ``prefix``, without it."""
    return {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}


def load_checkpoint(path: Path, want_clip: bool = True, want_vae: bool = True) -> Checkpoint:
    """All parts of a checkpoint file.

    Raises :class:`WeightsError` when it can't be read or is of no known family.
    """
    from ..text.files import clip_of_checkpoint
    from ..vae_files import PREFIXES, load_vae

    _check_libraries()
    weights, _ = read_weights(path)
    prefix = MODEL_PREFIX if any(name.startswith(MODEL_PREFIX) for name in weights) else ""
    unet = without_prefix(weights, prefix)
    if not prefix:
        raise_if_lora(unet, path.name)
    model = model_from_weights(unet, path.name)
    del unet
    clip = clip_of_checkpoint(weights, model.model.family, path.name) if want_clip else None
    vae = None
    if want_vae:
        found = next((prefix for prefix in PREFIXES if any(name.startswith(prefix) for name in weights)), None)
        vae = load_vae(without_prefix(weights, found), path.name) if found is not None else None
    return Checkpoint(model, clip, vae)


def load_diffusion_model(path: Path, rounded_to: str = "default") -> ModelPatcher:
    """A file with a diffusion model alone; ``rounded_to`` ``fp8_e4m3fn`` or ``fp8_e5m2`` rounds its weights so."""
    _check_libraries()
    weights, _ = read_weights(path)
    raise_if_lora(weights, path.name)
    for prefix in _BARE_PREFIXES:
        bare = without_prefix(weights, prefix)
        if bare:
            return model_from_weights(rounded(bare, rounded_to), path.name)
    raise WeightsError(f"{path.name} holds no weights")


def model_from_weights(weights: Mapping[str, Tensor], file: str) -> ModelPatcher:
    """A model with these weights (names without prefix)."""
    import torch

    weights = dequantised(weights)
    if unet_names.is_diffusers(weights):
        weights = unet_names.as_in_files(weights)
    family = recognise({name: tuple(value.shape) for name, value in weights.items()}, file)
    family.adjust(weights)
    quiet_libraries()
    with without_weights():
        module = family.module()
    stored = most_common_dtype(weights)
    chosen = memory.compute_dtype(stored, [getattr(torch, name) for name in family.dtypes])
    state = family.layout.to_module(weights, shapes_of(module))
    assign(module, {name: _converted(value, chosen) for name, value in state.items()}, f"{family.title} model ({file})")
    return as_patcher(BaseModel(family, family.adapter(module), family.model_sampling(), chosen))


def _converted(value: Tensor, dtype: Any) -> Tensor:
    return value.to(dtype) if value.is_floating_point() else value


def most_common_dtype(weights: Mapping[str, Tensor]) -> Any:
    """The dtype that most numbers have; None without any."""
    counts: dict[Any, int] = {}
    for value in weights.values():
        counts[value.dtype] = counts.get(value.dtype, 0) + value.numel()
    return max(counts, key=lambda dtype: counts[dtype]) if counts else None


def raise_if_lora(weights: Mapping[str, Any], file: str) -> None:
    """Raises :class:`WeightsError` for a file that only changes another model."""
    if weights and sum(".lora_" in name or "lora_down" in name or ".hada_" in name for name in weights) * 2 > len(
        weights
    ):
        raise WeightsError(f"{file} is a LoRA, not a model: load it with a Load LoRA node, after the model")


def _check_libraries() -> None:
    from importlib.util import find_spec

    for package in ("diffusers", "transformers", "safetensors"):
        if find_spec(package) is None:
            raise WeightsError(missing_extra(package))
