"""T2I adapters: a few convolutions that see the picture alone, once for a whole run."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from .. import memory
from ..patcher import ModelPatcher
from .controlnet import Residuals, Steering
from .hints import filling, for_batch
from .network import SteeringNetwork


class AdapterNetwork(SteeringNetwork):
    """``module`` is diffusers' ``T2IAdapter``."""

    families: ClassVar[tuple[str, ...]] = ("Stable Diffusion 1", "Stable Diffusion 2", "Stable Diffusion XL")

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        self.xl = module.config.adapter_type == "full_adapter_xl"
        self.channels = int(module.config.in_channels)
        self.multiple = int(module.adapter.unshuffle.downscale_factor)

    def check(self, model: Any) -> None:
        """Raises ``ValueError`` for a model of another kind or width."""
        super().check(model)
        family = getattr(model, "family", None)
        if family is None:
            return
        if self.xl != (family.title == "Stable Diffusion XL"):
            own = "Stable Diffusion XL" if self.xl else "Stable Diffusion 1 and 2"
            raise ValueError(f"this T2I adapter was made for {own} and can't steer {family.title}")
        own_widths, widths = list(self.module.config.channels), list(family.config["block_out_channels"])
        if self.module.config.adapter_type == "light_adapter":
            own_widths.append(own_widths[-1])
        if own_widths[: len(widths)] != widths:
            raise ValueError(
                f"this T2I adapter is {own_widths} wide and the model {widths}: they do not belong together"
            )

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Features of a picture ``[B,3,H,W]``, first level first."""
        if self.channels == 1:
            picture = picture.mean(dim=1, keepdim=True)
        made: list[Tensor] = self.module(picture.to(next(self.module.parameters()).dtype))
        return made


class T2IAdapter(Steering):
    """``CONTROL_NET`` of an :class:`AdapterNetwork`. Copies share it."""

    def __init__(self, network: AdapterNetwork) -> None:
        super().__init__()
        self.t2i_model = network
        self.patcher = ModelPatcher(network, memory.get_torch_device(), memory.offload_device())
        self._features: list[Tensor] = []

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        """Raises ``ValueError`` for a model the adapter was not made for."""
        self.t2i_model.check(model)
        super().pre_run(model, percent_to_timestep_function)

    def get_models(self) -> list[Any]:
        return [*super().get_models(), self.patcher]

    def copy(self) -> Any:
        made = super().copy()
        made._features = []
        return made

    def cleanup(self) -> None:
        super().cleanup()
        self._features = []

    def residuals(self, x: Tensor, t: Tensor, cond: dict[str, Any], batched_number: int) -> Residuals:
        multiple = self.t2i_model.multiple
        height, width = (-(-side * self.compression_ratio // multiple) * multiple for side in x.shape[-2:])
        if self.cond_hint is None or tuple(self.cond_hint.shape[-2:]) != (height, width):
            self.cond_hint = filling(self._picture(), height, width).to(x.device)
            self._features = self.t2i_model(self.cond_hint)
        features = [for_batch(feature, x.shape[0], batched_number) for feature in self._features]
        return self._placed(features)

    def _placed(self, features: list[Tensor]) -> Residuals:
        """Features behind the last block of each level; XL's first lies behind the first downsampling, its last in the
        middle. Lists are used up from their end."""
        if not self.t2i_model.xl:
            inputs: list[Tensor | None] = []
            for feature in features:
                inputs += [None, None, feature]
            return {"input": inputs[::-1]}
        first, second, third, last = features
        return {"input": [third, None, None, second, None, first, None, None, None], "middle": [last]}
