"""Control of Qwen-Image block by block (DiffSynth-Studio): after every block a small network sees the picture's tokens
and the control picture's, and adds to the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..families.patches import padded, to_tokens
from ..patcher import ModelPatcher
from . import hints


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        from diffusers.models.normalization import RMSNorm

        super().__init__()
        self.x_rms = RMSNorm(width, eps=1e-6)
        self.y_rms = RMSNorm(width, eps=1e-6)
        self.input_proj = nn.Linear(width, width)
        self.output_proj = nn.Linear(width, width)

    def forward(self, picture: Tensor, control: Tensor) -> Tensor:
        mixed = self.x_rms(picture) + self.y_rms(control)
        return self.output_proj(nn.functional.gelu(self.input_proj(mixed)))  # type: ignore[no-any-return]


class BlockwiseControl(nn.Module):
    """``values`` are those of a token of the control picture: 64, and 4 more where a mask comes with it."""

    #: Values of a token without a mask.
    plain = 64

    def __init__(self, width: int, values: int, blocks: int) -> None:
        super().__init__()
        self.values = values
        self.img_in = nn.Linear(values, width)
        self.controlnet_blocks = nn.ModuleList([_Block(width) for _ in range(blocks)])

    @classmethod
    def of_shapes(cls, shapes: Mapping[str, tuple[int, ...]]) -> BlockwiseControl | None:
        """The network for weights of these names and shapes; None when they are of another."""
        if "controlnet_blocks.0.y_rms.weight" not in shapes or "img_in.weight" not in shapes:
            return None
        blocks = {name.split(".")[1] for name in shapes if name.startswith("controlnet_blocks.")}
        width, values = shapes["img_in.weight"]
        return cls(width, values, len(blocks))


class BlockwisePatch:
    """A ``double_block`` patch: ``image`` ``[B,H,W,C]`` steers Qwen-Image, painted anew where ``mask`` ``[B,H,W]`` is 1
    (for networks that know masks)."""

    def __init__(
        self, network: ModelPatcher, vae: Any, latent_format: Any, image: Tensor, strength: float, mask: Tensor | None
    ) -> None:
        self.network, self.vae, self.latent_format = network, vae, latent_format
        self.pixels = image[..., :3].movedim(-1, 1)
        self.mask = None if mask is None else mask.reshape(-1, 1, *mask.shape[-2:])
        self.strength = strength
        self._tokens: tuple[tuple[int, int], Tensor] | None = None

    def __call__(self, args: dict[str, Any]) -> dict[str, Any]:
        module: Any = self.network.model
        number, picture = args["block_index"], args["img"]
        if number >= len(module.controlnet_blocks):
            return {}
        dtype = module.img_in.weight.dtype
        with torch.no_grad():
            control = self._control(args["x"]).to(picture.device, dtype)
            count = control.shape[1]
            chunks = len(args["transformer_options"].get("cond_or_uncond", [0]))
            control = module.img_in(hints.for_batch(control, picture.shape[0], chunks))
            own = picture[:, :count]
            made = module.controlnet_blocks[number](own.to(dtype), control)
        steered = own + made.to(picture.dtype) * self.strength
        return {"img": torch.cat([steered, picture[:, count:]], dim=1)}

    def _control(self, x: Tensor) -> Tensor:
        """The control picture as tokens, at the size of the latent ``x``."""
        size = (int(x.shape[-2]), int(x.shape[-1]))
        if self._tokens is None or self._tokens[0] != size:
            height, width = (side * self.vae.spacial_compression_encode() for side in size)
            pixels = hints.filling(self.pixels, height, width, "area")
            masks = []
            if self.network.model.values > BlockwiseControl.plain:
                painted = pixels.new_zeros(1, 1, height, width)
                if self.mask is not None:
                    painted = hints.filling(self.mask.to(pixels), height, width)
                pixels = pixels * (painted <= 0)
                masks = [1.0 - painted]
            latents = hints.with_masks(hints.as_latents(pixels, self.vae, self.latent_format), masks)
            self._tokens = (size, to_tokens(padded(latents, 2)))
        return self._tokens[1]
