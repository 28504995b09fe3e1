"""``CONTROL_NET`` in a graph: a control network, its picture, how strongly and when it steers."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor

from .. import memory
from ..patcher import ModelPatcher

Residuals = dict[str, list[Tensor | None]]


class ControlNet:
    """Copies share the network. ``previous_controlnet`` is another whose residuals are added."""

    #: Image pixels for each latent pixel of the picture it sees.
    compression_ratio = 8

    def __init__(self, control_model: Any, load_device: Any = None) -> None:
        self.control_model = control_model
        device = load_device or memory.get_torch_device()
        self.control_model_wrapped = ModelPatcher(control_model, device, memory.offload_device())
        self.cond_hint_original: Tensor | None = None
        self.cond_hint: Tensor | None = None
        self.strength = 1.0
        self.timestep_percent_range = (0.0, 1.0)
        self.timestep_range: tuple[float, float] | None = None
        self.previous_controlnet: ControlNet | None = None
        self.global_average_pooling = False
        self.extra_args: dict[str, Any] = {}
        self.extra_concat_orig: list[Tensor] = []
        self.vae: Any = None
        self.model_sampling_current: Any = None

    def copy(self) -> ControlNet:
        """The same network, to be given another picture."""
        made = copy.copy(self)
        made.extra_args = dict(self.extra_args)
        made.cond_hint = made.timestep_range = made.model_sampling_current = None
        return made

    def set_cond_hint(
        self,
        cond_hint: Tensor,
        strength: float = 1.0,
        timestep_percent_range: tuple[float, float] = (0.0, 1.0),
        vae: Any = None,
        extra_concat: list[Tensor] | None = None,
    ) -> ControlNet:
        """Steer by the picture ``cond_hint`` ``[B,3,H,W]`` in 0…1 during this part of sampling."""
        self.cond_hint_original, self.strength = cond_hint, strength
        self.timestep_percent_range, self.vae = timestep_percent_range, vae
        self.extra_concat_orig = list(extra_concat or [])
        return self

    def set_previous_controlnet(self, controlnet: ControlNet | None) -> ControlNet:
        self.previous_controlnet = controlnet
        return self

    def set_extra_arg(self, argument: str, value: Any = None) -> None:
        self.extra_args[argument] = value

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        """A run begins: ``percent_to_timestep_function`` gives the sigma at a part of it."""
        start, end = (percent_to_timestep_function(percent) for percent in self.timestep_percent_range)
        self.timestep_range = (start, end)
        self.model_sampling_current = model.model_sampling
        if self.previous_controlnet is not None:
            self.previous_controlnet.pre_run(model, percent_to_timestep_function)

    def cleanup(self) -> None:
        """A run is over."""
        self.cond_hint = self.timestep_range = self.model_sampling_current = None
        if self.previous_controlnet is not None:
            self.previous_controlnet.cleanup()

    def get_models(self) -> list[Any]:
        """Patchers that must be loaded."""
        before = self.previous_controlnet.get_models() if self.previous_controlnet is not None else []
        return [*before, self.control_model_wrapped]

    def inference_memory_requirements(self, dtype: Any) -> float:
        """Bytes its computing takes beside its weights."""
        return self.previous_controlnet.inference_memory_requirements(dtype) if self.previous_controlnet else 0.0

    def get_control(
        self, x_noisy: Tensor, t: Tensor, cond: dict[str, Any], batched_number: int, transformer_options: Any = None
    ) -> Residuals | None:
        """Residuals for latents at sigmas ``t``; None when nothing steers now."""
        before = None
        if self.previous_controlnet is not None:
            before = self.previous_controlnet.get_control(x_noisy, t, cond, batched_number, transformer_options)
        if self.timestep_range is not None and not self.timestep_range[1] <= float(t[0]) <= self.timestep_range[0]:
            return before
        hint = self._hint(x_noisy, batched_number)
        context = cond.get("crossattn_controlnet", cond.get("c_crossattn"))
        sampling = self.model_sampling_current
        with torch.no_grad():
            made = self.control_model(
                x=sampling.calculate_input(t, x_noisy),
                timesteps=sampling.timestep(t).float(),
                context=context,
                hint=hint,
                y=cond.get("y"),
                **self.extra_args,
            )
        return self._merged(made, before, x_noisy.dtype)

    def _hint(self, x: Tensor, batched_number: int) -> Tensor:
        height, width = x.shape[-2] * self.compression_ratio, x.shape[-1] * self.compression_ratio
        if self.cond_hint_original is None:
            raise ValueError("the control network has no picture: put an Apply ControlNet node behind it")
        if self.cond_hint is None or tuple(self.cond_hint.shape[-2:]) != (height, width):
            self.cond_hint = _filling(self.cond_hint_original, height, width).to(x.device)
        return for_batch(self.cond_hint, x.shape[0], batched_number)

    def _merged(self, made: dict[str, list[Tensor]], before: Residuals | None, dtype: Any) -> Residuals:
        """``made`` at this strength, added to what came ``before``."""
        found: Residuals = {}
        for side, values in made.items():
            scaled: list[Tensor | None] = [self._scaled(value).to(dtype) for value in values]
            found[side] = scaled
        for side, earlier in (before or {}).items():
            own = found.setdefault(side, [])
            for index, value in enumerate(earlier):
                if index >= len(own):
                    own.append(value)
                elif value is not None:
                    mine = own[index]
                    own[index] = value if mine is None else mine + value
        return found

    def _scaled(self, value: Tensor) -> Tensor:
        if self.global_average_pooling:
            value = value.mean(dim=(2, 3), keepdim=True).expand_as(value)
        return value * self.strength


def _filling(picture: Tensor, height: int, width: int) -> Tensor:
    """``picture`` cut from its middle to the shape of ``height × width`` and scaled to it."""
    from torch.nn import functional

    old_height, old_width = picture.shape[-2:]
    if old_width / old_height > width / height:
        cut = round((old_width - old_height * width / height) / 2)
        picture = picture[..., cut : old_width - cut]
    elif old_width / old_height < width / height:
        cut = round((old_height - old_width * height / width) / 2)
        picture = picture[..., cut : old_height - cut, :]
    return functional.interpolate(picture, size=(height, width), mode="nearest-exact")


def for_batch(pictures: Tensor, batch: int, chunks: int) -> Tensor:
    """Pictures for a batch that holds ``chunks`` conditionings of the same samples."""
    if pictures.shape[0] == 1:
        return pictures
    each = batch // chunks
    if pictures.shape[0] < each:
        pictures = pictures.repeat(math.ceil(each / pictures.shape[0]), 1, 1, 1)
    pictures = pictures[:each]
    return pictures if each == batch else torch.cat([pictures] * chunks)
