"""``CONTROL_NET`` in a graph: a control network, its picture, how strongly and when it steers."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import torch
from torch import Tensor

from .. import memory
from ..patcher import ModelPatcher
from .hints import as_latents, filling, for_batch, with_masks

Residuals = dict[str, list[Tensor | None]]


class Steering:
    """What all have in common that add something to a running network: a part of sampling, a strength, and another
    (``previous_controlnet``) whose residuals are added."""

    #: Image pixels for each latent pixel of the picture it sees.
    compression_ratio = 8

    def __init__(self) -> None:
        self.cond_hint_original: Tensor | None = None
        self.cond_hint: Tensor | None = None
        self.strength = 1.0
        self.timestep_percent_range = (0.0, 1.0)
        self.timestep_range: tuple[float, float] | None = None
        self.previous_controlnet: Steering | None = None
        self.global_average_pooling = False
        self.extra_args: dict[str, Any] = {}
        self.extra_concat_orig: list[Tensor] = []
        self.vae: Any = None
        self.model_current: Any = None

    @property
    def concat_mask(self) -> bool:
        """Whether it sees a mask beside its picture."""
        return False

    def copy(self) -> Any:
        """The same network, to be given another picture."""
        made = copy.copy(self)
        made.extra_args = dict(self.extra_args)
        made.cond_hint = made.timestep_range = made.model_current = None
        return made

    def set_cond_hint(
        self,
        cond_hint: Tensor,
        strength: float = 1.0,
        timestep_percent_range: tuple[float, float] = (0.0, 1.0),
        vae: Any = None,
        extra_concat: list[Tensor] | None = None,
    ) -> Any:
        """Steer by the picture ``cond_hint`` ``[B,3,H,W]`` in 0…1 during this part of sampling.

        ``vae`` is for networks that see latents, ``extra_concat`` holds masks ``[B,1,H,W]`` for those that take them.
        """
        self.cond_hint_original, self.strength = cond_hint, strength
        self.timestep_percent_range, self.vae = timestep_percent_range, vae
        self.extra_concat_orig = list(extra_concat or [])
        return self

    def set_previous_controlnet(self, controlnet: Steering | None) -> Any:
        self.previous_controlnet = controlnet
        return self

    def set_extra_arg(self, argument: str, value: Any = None) -> None:
        self.extra_args[argument] = value

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        """A run of ``model`` begins: ``percent_to_timestep_function`` gives the sigma at a part of it."""
        start, end = (percent_to_timestep_function(percent) for percent in self.timestep_percent_range)
        self.timestep_range = (start, end)
        self.model_current = model
        if self.previous_controlnet is not None:
            self.previous_controlnet.pre_run(model, percent_to_timestep_function)

    def cleanup(self) -> None:
        """A run is over."""
        self.cond_hint = self.timestep_range = self.model_current = None
        if self.previous_controlnet is not None:
            self.previous_controlnet.cleanup()

    def get_models(self) -> list[Any]:
        """Patchers that must be loaded."""
        return self.previous_controlnet.get_models() if self.previous_controlnet is not None else []

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
        with torch.no_grad():
            made = self.residuals(x_noisy, t, cond, batched_number)
        return self._merged(made, before, x_noisy.dtype)

    def residuals(self, x: Tensor, t: Tensor, cond: dict[str, Any], batched_number: int) -> Residuals:
        """What it adds at full strength: ``input``, ``middle`` and ``output`` blocks."""
        raise NotImplementedError

    def _merged(self, made: Residuals, before: Residuals | None, dtype: Any) -> Residuals:
        """``made`` at this strength, added to what came ``before``."""
        found: Residuals = {}
        scaled: dict[int, Tensor] = {}  # blocks may share a residual
        for side, values in made.items():
            for value in values:
                if value is not None and id(value) not in scaled:
                    scaled[id(value)] = self._scaled(value).to(dtype)
            found[side] = [scaled.get(id(value)) for value in values]
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

    def _picture(self) -> Tensor:
        if self.cond_hint_original is None:
            raise ValueError("the control network has no picture: put an Apply ControlNet node behind it")
        return self.cond_hint_original


class ControlNet(Steering):
    """``control_model`` is a :class:`.network.SteeringNetwork`. Copies share it."""

    def __init__(self, control_model: Any, load_device: Any = None) -> None:
        super().__init__()
        self.control_model = control_model
        device = load_device or memory.get_torch_device()
        self.control_model_wrapped = ModelPatcher(control_model, device, memory.offload_device())

    @property
    def concat_mask(self) -> bool:
        return bool(self.control_model.concat_mask)

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        """Raises ``ValueError`` for a model the network was not made for."""
        self.control_model.check(model)
        super().pre_run(model, percent_to_timestep_function)

    def get_models(self) -> list[Any]:
        return [*super().get_models(), self.control_model_wrapped]

    def residuals(self, x: Tensor, t: Tensor, cond: dict[str, Any], batched_number: int) -> Residuals:
        sampling = self.model_current.model_sampling
        return self.control_model(  # type: ignore[no-any-return]
            x=sampling.calculate_input(t, x),
            timesteps=sampling.timestep(t).float(),
            context=cond.get("crossattn_controlnet", cond.get("c_crossattn")),
            hint=for_batch(self._hint(x), x.shape[0], batched_number),
            y=cond.get("y"),
            guidance=cond.get("guidance"),
            model=self.model_current,
            **self.extra_args,
        )

    def _hint(self, x: Tensor) -> Tensor:
        """The picture as the network sees it, for latents as large as ``x``; kept during a run."""
        size, network = tuple(x.shape[-2:]), self.control_model
        ratio = self.vae.spacial_compression_encode() if network.sees_latents and self.vae else self.compression_ratio
        wanted = size if network.sees_latents else (size[0] * ratio, size[1] * ratio)
        if self.cond_hint is None or tuple(self.cond_hint.shape[-2:]) != wanted:
            pixels = filling(self._picture(), size[0] * ratio, size[1] * ratio)
            self.cond_hint = (self._latents(pixels) if network.sees_latents else pixels).to(x.device)
        return self.cond_hint

    def _latents(self, pixels: Tensor) -> Tensor:
        if self.vae is None:
            raise ValueError(
                "this control network sees latents: connect the model's VAE to the vae input of Apply ControlNet"
            )
        latent_format = self.model_current.latent_format
        if self.vae.latent_channels != latent_format.latent_channels:
            raise ValueError(
                f"the VAE of Apply ControlNet makes latents of {self.vae.latent_channels} channels, the model takes "
                f"{latent_format.latent_channels}: use the VAE that belongs to the model"
            )
        if not self.control_model.shifted:
            latent_format = dataclasses.replace(latent_format, shift_factor=0.0)
        latents = as_latents(self.control_model.prepared(pixels), self.vae, latent_format)
        if not self.concat_mask:
            return latents
        return with_masks(latents, self.extra_concat_orig or [torch.ones_like(pixels[:, :1])])
