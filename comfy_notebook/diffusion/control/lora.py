"""Control LoRA: a control network told as its difference from the model it steers (Stability's for XL)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import memory
from ..checkpoints.files import WeightsError
from ..checkpoints.layout import assign
from ..checkpoints.meta import shapes_of, without_weights
from .controlnet import ControlNet, Steering
from .network import ControlNetwork
from .unet_files import config_for, hint_widths, original_layout

if TYPE_CHECKING:
    from ..base_model import BaseModel

#: The part of a U-Net that a control network has none of.
_WAY_UP = ("output_blocks.", "out.")
_UNET = "diffusion_model."


class ControlLora(ControlNet):
    """The network is made of the model's weights as a run begins and is gone as it ends. Copies share the file's
    ``weights``: ``<layer>.up`` and ``<layer>.down``, and whole ones."""

    def __init__(self, weights: Mapping[str, Tensor], file: str) -> None:
        Steering.__init__(self)
        if "input_hint_block.0.weight" not in weights:
            raise WeightsError(f"{file} is no complete control LoRA: it has no input_hint_block.0.weight")
        self.control_model: Any = None
        self.control_weights = {name: value for name, value in weights.items() if name != "lora_controlnet"}
        self.file = file

    @property
    def concat_mask(self) -> bool:
        return False

    def pre_run(self, model: BaseModel, percent_to_timestep_function: Any) -> None:
        """Raises ``ValueError`` for a model the differences do not fit."""
        self.control_model = self._network(model)
        super().pre_run(model, percent_to_timestep_function)

    def cleanup(self) -> None:
        super().cleanup()
        self.control_model = None

    def copy(self) -> Any:
        made = super().copy()
        made.control_model = None
        return made

    def get_models(self) -> list[Any]:
        return Steering.get_models(self)

    def inference_memory_requirements(self, dtype: Any) -> float:
        """The network is made beside the models that are loaded: each weight that it changes is there twice."""
        own = self.control_weights
        layers = [name.removesuffix(".up") for name in own if name.endswith(".up")]
        numbers = sum(own[f"{layer}.up"].shape[0] * own[f"{layer}.down"][0].numel() for layer in layers)
        return super().inference_memory_requirements(dtype) + numbers * (4 if dtype is None else dtype.itemsize)

    def _network(self, model: BaseModel) -> ControlNetwork:
        from diffusers.models.controlnets.controlnet import ControlNetModel

        merged = self._merged_weights(model)
        shapes = {name: tuple(value.shape) for name, value in merged.items()}
        config = config_for(model.family.config, hint_widths(shapes))
        with without_weights():
            module: Any = ControlNetModel(**config)
        layout = original_layout(shapes, config["layers_per_block"])
        dtype = model.get_dtype()
        state = layout.to_module(merged, shapes_of(module))
        assign(module, {name: value.to(dtype) for name, value in state.items()}, f"control LoRA ({self.file})")
        return ControlNetwork(module)

    def _merged_weights(self, model: BaseModel) -> dict[str, Tensor]:
        names, own, device = model.named_weights, self.control_weights, memory.get_torch_device()
        if f"{_UNET}input_blocks.0.0.weight" not in names:
            raise ValueError(
                f"{self.file} is a control LoRA, which is made of the weights of a Stable Diffusion model from a file; "
                f"this model is {model.family.title}"
            )
        merged = {name: value.to(device) for name, value in own.items() if not name.endswith((".up", ".down"))}
        for full in names:
            name = full.removeprefix(_UNET)
            if not full.startswith(_UNET) or name.startswith(_WAY_UP) or name in merged:
                continue
            base, layer = names.get(full).to(device), name.removesuffix(".weight")
            merged[name] = self._changed(base, layer) if f"{layer}.up" in own and name != layer else base
        return merged

    def _changed(self, base: Tensor, layer: str) -> Tensor:
        up, down = (self.control_weights[f"{layer}.{part}"].to(base.device, torch.float32) for part in ("up", "down"))
        change = up.flatten(1) @ down.flatten(1)
        if change.numel() != base.numel():
            raise ValueError(
                f"{self.file} was made for another model: {layer} has {list(base.shape)}, the difference "
                f"{list(change.shape)}"
            )
        return (base.float() + change.reshape(base.shape)).to(base.dtype)
