"""What distinguishes a family of diffusion models; one subclass or instance for each in the modules beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from .. import conds
from ..latent_formats import SD15, LatentFormat

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..base_model import BaseModel
    from ..checkpoints.layout import Layout


class Family:
    """The description of one loaded network: made by :meth:`recognise` from its weights' names and shapes.

    ``config`` are the arguments of the module class; ``layout`` maps file names to it.
    """

    #: What a person calls it.
    title: ClassVar[str] = ""
    sampling_kind: str = "EPS"
    sampling_settings: Mapping[str, Any] = {}
    latent_format: LatentFormat = SD15
    #: Best first.
    dtypes: ClassVar[tuple[str, ...]] = ("float16", "bfloat16", "float32")
    memory_usage_factor: float = 1.0
    adm_channels: int = 0
    #: Names of the extra input channels: ``mask``, ``masked_image``, ``concat_image`` …
    concat_keys: tuple[str, ...] = ()

    def __init__(self, config: Mapping[str, Any], layout: Layout) -> None:
        self.config = dict(config)
        self.layout = layout

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        """The family for a diffusion model's weights without prefix, None when they are of another."""
        raise NotImplementedError

    def module(self) -> nn.Module:
        """The network without weights (parameters on the meta device)."""
        raise NotImplementedError

    def adapter(self, module: nn.Module) -> nn.Module:
        """``module`` behind the call ``(x, timesteps, context, control, transformer_options, **extra)``."""
        raise NotImplementedError

    def extra_conds(self, model: BaseModel, **given: Any) -> dict[str, Any]:
        """Arguments of the network for a conditioning."""
        made: dict[str, Any] = {}
        if (vector := self.vector(model, **given)) is not None:
            made["y"] = conds.CONDRegular(vector)
        if (text := given.get("cross_attn")) is not None:
            made["c_crossattn"] = conds.CONDCrossAttn(text)
        return made

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        """What is added to the timestep's embedding, ``[B,D]``."""
        return None

    def concat_cond(self, model: BaseModel, **given: Any) -> Tensor | None:
        """More input channels for :attr:`concat_keys`."""
        from .concat import concat_channels

        return concat_channels(model, self.concat_keys, **given) if self.concat_keys else None

    def model_sampling(self) -> Any:
        """The noise levels the family was trained with."""
        from ..sampling.model_sampling import model_sampling

        return model_sampling(self.sampling_kind, **self.sampling_settings)

    def adjust(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Look at weights (not only shapes) for what they say about sampling."""
