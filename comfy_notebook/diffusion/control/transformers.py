"""Control networks of transformers: a few of its blocks, whose outputs are added to the tokens behind blocks of the
model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ..families.patches import padded, places, to_tokens
from .kinds import FLUX_MODES, TYPES
from .network import SteeringNetwork

_GUIDANCE = 3.5


class TransformerControlNetwork(SteeringNetwork):
    """``module`` is a control network of diffusers."""

    sees_latents = True

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    @property
    def dtype(self) -> torch.dtype:
        return next(self.module.parameters()).dtype  # type: ignore[no-any-return]

    def check(self, model: Any) -> None:
        """Raises ``ValueError`` for a model of another family or width."""
        super().check(model)
        family = getattr(model, "family", None)
        if family is None:
            return
        config = family.config
        own, its = self.module.inner_dim, config["num_attention_heads"] * config["attention_head_dim"]
        if own != its:
            raise ValueError(
                f"this control network is {own} wide, the model {its}: it was made for {family.title} of another size"
            )


def spread(residuals: Sequence[Tensor], blocks: int | None, repeated: bool = False) -> list[Tensor]:
    """One residual for each of a model's ``blocks``: neighbours share one, or (``repeated``) they go round."""
    if not residuals or not blocks:
        return list(residuals)
    if repeated:
        return [residuals[index % len(residuals)] for index in range(blocks)]
    each = math.ceil(blocks / len(residuals))
    return [residuals[index // each] for index in range(blocks)]


def _blocks(model: Any, name: str) -> int | None:
    family = getattr(model, "family", None)
    return None if family is None else int(family.config.get(name, 0))


class SD3ControlNetwork(TransformerControlNetwork):
    """``SD3ControlNetModel``: InstantX' and AliMama's, which see no pooled text, and Stability's for 3.5 large, which
    see no text and use the model's own embedding of the latent.

    ``edges``: made for Canny edges, which Stability gives it in a range of its own.
    """

    families: ClassVar[tuple[str, ...]] = ("Stable Diffusion 3",)

    def __init__(self, module: Any, edges: bool = False) -> None:
        super().__init__(module)
        self.concat_mask = module.config.extra_conditioning_channels > 0
        self.shifted = self.concat_mask or not module.config.force_zeros_for_pooled_projection
        self.edges = edges

    def prepared(self, pixels: Tensor) -> Tensor:
        """The autoencoder makes -1…1 of 0…1; for edges it shall see 0.5…128."""
        return (pixels * 255.0 * 0.5 + 0.5 + 1.0) / 2.0 if self.edges else pixels

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        hint: Tensor,
        y: Tensor | None = None,
        model: Any = None,
        **_told: Any,
    ) -> dict[str, list[Tensor]]:
        module, dtype = self.module, self.dtype
        if y is None or module.config.force_zeros_for_pooled_projection:
            y = x.new_zeros(x.shape[0], module.config.pooled_projection_dim)
        latent: Tensor = padded(x, 2).to(dtype)
        if module.pos_embed is None:
            embed = model.diffusion_model.module.pos_embed
            latent = embed(latent.to(embed.proj.weight.dtype)).to(dtype)
        made = module(
            hidden_states=latent,
            controlnet_cond=padded(hint, 2).to(dtype).expand(x.shape[0], -1, -1, -1),
            encoder_hidden_states=None if module.context_embedder is None else context.to(dtype),
            pooled_projections=y.to(dtype),
            timestep=timesteps.to(x.device).expand(x.shape[0]),
            return_dict=False,
        )[0]
        blocks = _blocks(model, "num_layers")
        return {"output": [made[int(index * len(made) / blocks)] for index in range(blocks)] if blocks else list(made)}


class FluxControlNetwork(TransformerControlNetwork):
    """``FluxControlNetModel``: InstantX', Shakker's and AliMama's, which see latents, and XLabs', which see pixels.

    ``control_type`` lists what the picture is (:data:`.kinds.TYPES`), for union networks.
    """

    families: ClassVar[tuple[str, ...]] = ("Flux.1", "Chroma")

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.sees_latents = module.input_hint_block is None
        self.concat_mask = self.sees_latents and module.controlnet_x_embedder.in_features > module.config.in_channels

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        hint: Tensor,
        y: Tensor | None = None,
        guidance: Tensor | None = None,
        model: Any = None,
        control_type: Sequence[int] = (),
        **_told: Any,
    ) -> dict[str, list[Tensor]]:
        module, dtype, batch = self.module, self.dtype, x.shape[0]
        latent = padded(x, 2).to(dtype)
        mode = self._mode(control_type)
        module.union = mode is not None
        double, single = module(
            hidden_states=to_tokens(latent),
            controlnet_cond=self._seen(hint).to(dtype).expand(batch, *[-1] * (2 if self.sees_latents else 3)),
            controlnet_mode=None if mode is None else torch.full((batch, 1), mode, device=x.device),
            encoder_hidden_states=context.to(dtype),
            pooled_projections=self._pooled(x, y).to(dtype),
            timestep=timesteps.to(x.device, dtype).expand(batch),
            guidance=self._guidance(x, guidance),
            img_ids=places(latent.shape[-2] // 2, latent.shape[-1] // 2).to(x.device),
            txt_ids=torch.zeros(context.shape[1], 3, device=x.device),
            return_dict=False,
        )
        repeated = not self.sees_latents
        made = {
            "input": spread(double or (), _blocks(model, "num_layers"), repeated),
            "output": spread(single or (), _blocks(model, "num_single_layers")),
        }
        return {side: values for side, values in made.items() if values}

    def _seen(self, hint: Tensor) -> Tensor:
        if self.sees_latents:
            return to_tokens(padded(hint, 2))
        right, below = -hint.shape[-1] % 16, -hint.shape[-2] % 16
        return functional.pad(hint, (0, right, 0, below), mode="replicate") * 2.0 - 1.0

    def _pooled(self, x: Tensor, y: Tensor | None) -> Tensor:
        width = self.module.config.pooled_projection_dim
        return x.new_zeros(x.shape[0], width) if y is None else y[:, :width]

    def _guidance(self, x: Tensor, guidance: Tensor | None) -> Tensor | None:
        if not self.module.config.guidance_embeds:
            return None
        return x.new_full((x.shape[0],), _GUIDANCE) if guidance is None else guidance.to(x.device)

    def _mode(self, control_type: Sequence[int]) -> int | None:
        """The network's number for a kind of picture; None for networks of one kind, and where none was chosen."""
        count = self.module.config.num_mode
        if not count or not control_type:
            return None
        mode = FLUX_MODES.get(control_type[0])
        if mode is None or mode >= count:
            known = ", ".join(name for name, number in TYPES.items() if FLUX_MODES.get(number, count) < count)
            raise ValueError(f"union networks for Flux know these kinds of pictures: {known}. Choose one, or auto")
        return mode


class QwenImageControlNetwork(TransformerControlNetwork):
    """``QwenImageControlNetModel``: InstantX' union and inpainting networks."""

    families: ClassVar[tuple[str, ...]] = ("Qwen-Image",)

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.concat_mask = module.config.extra_condition_channels > 0

    def forward(
        self, x: Tensor, timesteps: Tensor, context: Tensor, hint: Tensor, model: Any = None, **_told: Any
    ) -> dict[str, list[Tensor]]:
        dtype, batch = self.dtype, x.shape[0]
        latent = padded(x[:, :, 0] if x.ndim == 5 else x, 2).to(dtype)
        made = self.module(
            hidden_states=to_tokens(latent),
            controlnet_cond=to_tokens(padded(hint, 2)).to(dtype).expand(batch, -1, -1),
            encoder_hidden_states=context.to(dtype),
            encoder_hidden_states_mask=torch.ones(context.shape[:2], dtype=torch.long, device=x.device),
            timestep=timesteps.to(x.device, dtype).expand(batch),
            img_shapes=[[(1, latent.shape[-2] // 2, latent.shape[-1] // 2)]] * batch,
            return_dict=False,
        )
        return {"output": spread(made, _blocks(model, "num_layers"))}
