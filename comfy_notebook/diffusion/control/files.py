"""From the file of a control network to ``CONTROL_NET``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import memory
from ..checkpoints.files import WeightsError, read_weights
from ..checkpoints.layout import assign
from ..checkpoints.load import most_common_dtype, raise_if_lora, without_prefix
from ..checkpoints.meta import quiet_libraries, shapes_of, without_weights
from ..checkpoints.quantised import dequantised
from . import adapter_files, transformer_files, unet_files
from .adapter import T2IAdapter
from .controlnet import ControlNet, Steering
from .lora import ControlLora
from .recognised import Recognised

if TYPE_CHECKING:
    from torch import Tensor

#: What may stand before the names of a file.
_PREFIXES = ("control_model.", "controlnet.", "module.control_model.")
_KNOWN = (
    "those of Stable Diffusion 1, 2 and XL (also union), 3 and 3.5, Flux.1 (InstantX, Shakker, XLabs) and Qwen-Image, "
    "T2I adapters and control LoRAs are"
)


def load_controlnet(path: Path, model: Any = None) -> Steering:
    """The control network of a file. ``model`` (``MODEL``) is for files that hold differences from its weights.

    Raises :class:`WeightsError` when it can't be read or is of no known kind.
    """
    weights, _ = read_weights(path)
    if "lora_controlnet" in weights:
        return ControlLora(weights, path.name)
    raise_if_lora(weights, path.name)
    weights = dequantised(_bare(weights))
    if "difference" in weights:
        weights = _added(weights, model, path.name)
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    if (adapter := adapter_files.recognise(shapes)) is not None:
        return T2IAdapter(built(adapter, weights, path.name))
    found = unet_files.recognise(shapes) or transformer_files.recognise(weights, shapes)
    if found is None:
        raise WeightsError(
            f"{path.name} is no control network that is known: {_KNOWN}. "
            f"It has {len(shapes)} weights, such as {', '.join(sorted(shapes)[:3])}"
        )
    return ControlNet(built(found, weights, path.name))


def built(found: Recognised, weights: Mapping[str, Tensor], file: str) -> Any:
    """The network of ``found`` with its weights."""
    import torch

    quiet_libraries()
    with without_weights():
        module = found.module()
    supported = [getattr(torch, name) for name in found.dtypes]
    dtype = memory.compute_dtype(most_common_dtype(weights), supported)
    state = found.layout.to_module(weights, shapes_of(module))
    assign(module, {name: value.to(dtype) for name, value in state.items()}, f"control network ({file})")
    return found.network(module)


def _bare(weights: Mapping[str, Any]) -> dict[str, Any]:
    return next((bare for prefix in _PREFIXES if (bare := without_prefix(weights, prefix))), dict(weights))


def _added(weights: Mapping[str, Tensor], model: Any, file: str) -> dict[str, Tensor]:
    """Differences from a model's weights as weights."""
    if model is None:
        raise WeightsError(
            f"{file} holds differences from a model's weights: load it with Load ControlNet Model (diff), which takes "
            "the model"
        )
    known = model.model_state_dict()
    made = {}
    for name, value in weights.items():
        base = known.get(f"diffusion_model.{name}")
        if base is not None and base.shape != value.shape:
            raise WeightsError(
                f"{file} was made from another model than the one connected: {name} has {list(value.shape)}, the "
                f"model's {list(base.shape)}"
            )
        made[name] = value if base is None else value.float() + base.float().to(value.device)
    del made["difference"]
    return made
