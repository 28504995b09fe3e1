"""Networks that steer: what all of them tell, and the first half of a U-Net whose outputs are added to the other's
skip connections."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from ..families.unet_network import UNetNetwork


class SteeringNetwork(nn.Module):
    """Called with ``x`` and ``timesteps`` as the model's network is, ``context``, the picture ``hint``, ``y``,
    ``guidance`` and the ``model`` it steers, answers lists of residuals for ``input``, ``middle``, ``output``."""

    #: Titles of the families it steers.
    families: ClassVar[tuple[str, ...]] = ()
    #: The picture comes as latents ``[B,C,h,w]``, else as pixels ``[B,3,8h,8w]`` in 0…1.
    sees_latents: bool = False
    #: A mask comes as one more channel of the latents.
    concat_mask: bool = False
    #: Latents come with the shift of the family's latent format.
    shifted: bool = True

    def prepared(self, pixels: Tensor) -> Tensor:
        """The picture in 0…1 as the autoencoder shall see it."""
        return pixels

    def check(self, model: Any) -> None:
        """Raises ``ValueError`` for a model it was not made for."""
        family = getattr(model, "family", None)
        if family is not None and family.title not in self.families:
            raise ValueError(_other_family(" or ".join(self.families), family.title))


def _other_family(own: str, other: str) -> str:
    return f"this control network was made for {own} and can't steer {other}: load one that was made for {other}"


class ControlNetwork(UNetNetwork, SteeringNetwork):
    """``module`` is diffusers' ``ControlNetModel``."""

    def check(self, model: Any) -> None:
        from ..families import stable_diffusion as kinds

        family = getattr(model, "family", None)
        if family is None:
            return
        config = self.module.config
        has_vector = config.addition_embed_type == "text_time"
        every = (
            kinds.StableDiffusionXL,
            kinds.StableDiffusionXLRefiner,
            kinds.StableDiffusion1,
            kinds.StableDiffusion2,
        )
        own = next((kind.title for kind in every if kind.fits(config, has_vector)), "another U-Net")
        if own != family.title:
            raise ValueError(_other_family(own, family.title))
        mine, its = (list(given["block_out_channels"]) for given in (config, family.config))
        if mine != its:
            raise ValueError(f"this control network is {mine} wide and the model {its}: they do not belong together")

    def forward(  # type: ignore[override]
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        hint: Tensor,
        y: Tensor | None = None,
        **told: Any,
    ) -> dict[str, list[Tensor]]:
        """Residuals: ``output`` for the skip connections, first block first, and ``middle``."""
        module: Any = self.module
        dtype = self.dtype
        options: dict[str, Any] = {"transformer_index": 0}
        embedding = self._embedding(timesteps.to(x.device), y, x.shape[0], {}, options)
        embedding = embedding + self._task(embedding, **told)
        context = context.to(dtype)
        hidden, outputs = x.to(dtype), []
        for index, block in enumerate(self._down()):
            options["block"] = ("input", index)
            hidden = self._run(block, hidden, embedding, context, options)
            if index == 0:
                hidden = hidden + self._seen(hint.to(dtype), **told)
            outputs.append(module.controlnet_down_blocks[index](hidden))
        options["block"] = ("middle", 0)
        hidden = self._run(self._middle(), hidden, embedding, context, options)
        return {"output": outputs, "middle": [module.controlnet_mid_block(hidden)]}

    def _task(self, embedding: Tensor, **_told: Any) -> Tensor | float:
        """What is added to the timestep's embedding."""
        return 0.0

    def _seen(self, hint: Tensor, **_told: Any) -> Tensor:
        """What the picture adds to the first activations."""
        return self.module.controlnet_cond_embedding(hint)  # type: ignore[no-any-return]
