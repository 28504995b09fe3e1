"""From a file of ``models/model_patches`` to ``MODEL_PATCH``: networks that nodes hang on a model's blocks."""

from __future__ import annotations

from pathlib import Path

from .. import memory
from ..checkpoints.files import WeightsError, read_weights
from ..checkpoints.layout import assign
from ..checkpoints.load import most_common_dtype, raise_if_lora
from ..checkpoints.meta import quiet_libraries, without_weights
from ..checkpoints.quantised import dequantised
from ..patcher import ModelPatcher
from .blockwise import BlockwiseControl


def load_model_patch(path: Path) -> ModelPatcher:
    """The network of a file.

    Raises :class:`WeightsError` when it can't be read or is of no known kind.
    """
    import torch

    weights, _ = read_weights(path)
    raise_if_lora(weights, path.name)
    weights = dequantised(weights)
    quiet_libraries()
    with without_weights():
        module = BlockwiseControl.of_shapes({name: tuple(value.shape) for name, value in weights.items()})
    if module is None:
        raise WeightsError(
            f"{path.name} is no model patch that is known: DiffSynth's block-wise control of Qwen-Image is. It has "
            f"{len(weights)} weights, such as {', '.join(sorted(weights)[:3])}"
        )
    dtype = memory.compute_dtype(most_common_dtype(weights), [torch.bfloat16, torch.float32])
    assign(module, {name: value.to(dtype) for name, value in weights.items()}, f"model patch ({path.name})")
    return ModelPatcher(module, memory.get_torch_device(), memory.offload_device())
