"""The network of a ``MODEL`` with what a sampler needs to know about it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from . import attention, conds, memory
from .sampling.wrappers import WrappersMP, wrapped
from .weights import NamedWeights

if TYPE_CHECKING:
    from torch import Tensor

    from .families.family import Family
    from .latent_formats import LatentFormat
    from .patcher import ModelPatcher

#: Bytes of activations for each latent pixel and channel count of a U-Net, times this; measured, generous.
_ACTIVATION_BYTES = 1024 * 12

#: The text that control networks see in the place of the network's.
_CONTROL_TEXT = "crossattn_controlnet"


class BaseModel(nn.Module):
    """``diffusion_model`` predicts from a latent, a timestep and conditionings; the rest gives that a meaning.

    ``model_sampling`` (noise levels and prediction) and ``latent_format`` (scale of latents) may be replaced through
    :meth:`.patcher.ModelPatcher.add_object_patch`. ``family`` turns conditionings into arguments of the network.
    """

    def __init__(self, family: Family, diffusion_model: nn.Module, model_sampling: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.family = family
        self.diffusion_model = diffusion_model
        self.model_sampling = model_sampling
        self.latent_format: LatentFormat = family.latent_format
        self.manual_cast_dtype: torch.dtype | None = None
        self.current_patcher: Any = None
        self._dtype = dtype
        self.storage_dtype: torch.dtype | None = None
        self.model_type = SimpleNamespace(name=family.sampling_kind)
        self.model_config = SimpleNamespace(
            unet_config=dict(family.config),
            sampling_settings=dict(family.sampling_settings),
            latent_format=family.latent_format,
            memory_usage_factor=family.memory_usage_factor,
        )
        self.adm_channels = family.adm_channels
        self.inpaint_model = family.concat_keys != ()
        self.concat_keys = family.concat_keys
        self.named_weights = NamedWeights()
        self.named_weights.add("diffusion_model.", getattr(diffusion_model, "module", diffusion_model), family.layout)

    @property
    def device(self) -> torch.device:
        return next(self.diffusion_model.parameters()).device

    def get_dtype(self) -> torch.dtype:
        """The dtype the network computes in."""
        return self._dtype

    def apply_model(
        self,
        x: Tensor,
        t: Tensor,
        c_concat: Tensor | None = None,
        c_crossattn: Tensor | None = None,
        control: Any = None,
        transformer_options: dict[str, Any] | None = None,
        **extra: Any,
    ) -> Tensor:
        """The denoised latent for ``x`` ``[B,C,…]`` at noise levels ``t`` (sigmas, ``[B]``), float32.

        ``c_concat`` goes in as more channels, ``c_crossattn`` ``[B,T,D]`` as text; ``extra`` as the family takes it.
        """
        extra.pop(_CONTROL_TEXT, None)
        sigma = t
        given = self.model_sampling.calculate_input(sigma, x)
        if c_concat is not None:
            given = torch.cat([given, *([c_concat] if torch.is_tensor(c_concat) else c_concat)], dim=1)
        dtype = self._dtype
        timestep = self.model_sampling.timestep(sigma).float()
        options = transformer_options or {}
        network = self.diffusion_model
        run = wrapped(WrappersMP.DIFFUSION_MODEL, {"transformer_options": options}, network, network)
        with attention.overridden(options):
            output = run(
                given.to(dtype),
                timestep,
                context=None if c_crossattn is None else c_crossattn.to(given.device, dtype),
                control=_control_as(control, dtype),
                transformer_options=options,
                **{name: self._as_argument(value, dtype) for name, value in extra.items()},
            )
        return self.model_sampling.calculate_denoised(sigma, output.float(), x)  # type: ignore[no-any-return]

    def _as_argument(self, value: Any, dtype: torch.dtype) -> Any:
        if torch.is_tensor(value) and value.is_floating_point():
            return value.to(dtype)
        if isinstance(value, list):
            return [self._as_argument(item, dtype) for item in value]
        return value

    def extra_conds(self, **given: Any) -> dict[str, Any]:
        """The arguments of :meth:`apply_model` for one conditioning, as objects of :mod:`.conds`.

        ``given`` is the conditioning's dict with ``cross_attn``, and ``noise``, ``latent_image``, ``denoise_mask``,
        ``device``, ``width``, ``height`` and ``prompt_type`` of the sampling.
        """
        made = dict(self.family.extra_conds(self, **given))
        concat = self.concat_cond(**given)
        if concat is not None:
            made["c_concat"] = conds.CONDNoiseShape(concat)
        if (text := given.get("cross_attn_controlnet")) is not None:
            made[_CONTROL_TEXT] = conds.CONDCrossAttn(text)
        return made

    def concat_cond(self, **given: Any) -> Tensor | None:
        """More input channels, ``[B,C,…]`` as large as the noise, for models trained with them; None for others."""
        return self.family.concat_cond(self, **given)

    def extra_conds_shapes(self, **given: Any) -> dict[str, Any]:
        """Shapes of arguments that memory estimates should know of."""
        return {}

    def encode_adm(self, **given: Any) -> Tensor | None:
        """The vector ``[B,D]`` that some families add to the timestep; None for others."""
        return self.family.vector(self, **given)

    def process_latent_in(self, latent: Tensor) -> Tensor:
        return self.latent_format.process_in(latent)  # type: ignore[no-any-return]

    def process_latent_out(self, latent: Tensor) -> Tensor:
        return self.latent_format.process_out(latent)  # type: ignore[no-any-return]

    def scale_latent_inpaint(self, sigma: Tensor, noise: Tensor, latent_image: Tensor, **_more: Any) -> Tensor:
        """What stands outside the mask at a noise level."""
        shape = [sigma.shape[0]] + [1] * (noise.ndim - 1)
        return self.model_sampling.noise_scaling(sigma.reshape(shape), noise, latent_image)  # type: ignore[no-any-return]

    def memory_required(self, input_shape: Any, cond_shapes: Any = None) -> float:
        """Bytes that a call for latents of ``input_shape`` takes beside the weights, generously."""
        area = float(input_shape[0])
        for side in input_shape[2:]:
            area *= side
        return area * memory_bytes(self._dtype) * _ACTIVATION_BYTES / 4 * self.family.memory_usage_factor

    def is_adm(self) -> bool:
        return self.adm_channels > 0


def _control_as(control: Any, dtype: torch.dtype) -> Any:
    """Residuals of control networks in the dtype the network computes in; what blocks share stays shared."""
    if not control:
        return control
    made: dict[int, Any] = {id(None): None}
    for value in (value for values in control.values() for value in values or ()):
        if id(value) not in made:
            made[id(value)] = value.to(dtype)
    return {side: [made[id(value)] for value in values or ()] for side, values in control.items()}


def memory_bytes(dtype: torch.dtype) -> int:
    """Bytes of one number."""
    return int(torch.empty(0, dtype=dtype).element_size())


def as_patcher(model: BaseModel) -> ModelPatcher:
    """A patcher of ``model`` for the devices of this machine."""
    from .patcher import ModelPatcher

    return ModelPatcher(model, memory.get_torch_device(), memory.offload_device())
