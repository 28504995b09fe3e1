"""From a file of ``models/model_patches`` to ``MODEL_PATCH``: networks that nodes hang on a model's blocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import memory
from ..checkpoints.files import WeightsError, read_weights
from ..checkpoints.layout import assign
from ..checkpoints.load import most_common_dtype, raise_if_lora, without_prefix
from ..checkpoints.meta import quiet_libraries, shapes_of, without_weights
from ..checkpoints.quantised import dequantised
from ..patcher import ModelPatcher
from . import style_reference, z_image
from .blockwise import BlockwiseControl
from .style_reference import StyleProjection

if TYPE_CHECKING:
    from torch import nn


def load_model_patch(path: Path) -> ModelPatcher:
    """The network of a file.

    Raises :class:`WeightsError` when it can't be read or is of no known kind.
    """
    import torch

    weights, _ = read_weights(path)
    raise_if_lora(weights, path.name)
    weights = dequantised(without_prefix(weights, style_reference.PREFIX) or weights)
    quiet_libraries()
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    with without_weights():
        module: nn.Module | None = BlockwiseControl.of_shapes(shapes) or StyleProjection.of_shapes(shapes)
        if (found := z_image.recognise(weights)) is not None:
            module = z_image.network(found[0])
    if module is None:
        raise WeightsError(
            f"{path.name} is no model patch that is known: DiffSynth's block-wise control of Qwen-Image, the Fun "
            f"ControlNets of Z-Image and USO's style for Flux are. It has {len(weights)} weights, such as "
            f"{', '.join(sorted(weights)[:3])}"
        )
    dtype = memory.compute_dtype(most_common_dtype(weights), [torch.bfloat16, torch.float32])
    named = found[1].to_module(weights, shapes_of(module)) if found is not None else weights
    assign(module, {name: value.to(dtype) for name, value in named.items()}, f"model patch ({path.name})")
    return ModelPatcher(module, memory.get_torch_device(), memory.offload_device())
