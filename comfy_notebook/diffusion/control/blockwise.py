"""Control of Qwen-Image block by block (DiffSynth-Studio): after every block a small network sees the picture's tokens
and the control picture's, and adds to the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..families.patches import padded, to_tokens
from . import hints
from .pictured import PicturePatch


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


class BlockwisePatch(PicturePatch):
    """A ``double_block`` patch for Qwen-Image; only networks that know masks take one."""

    def __call__(self, args: dict[str, Any]) -> dict[str, Any]:
        module: Any = self.network.model
        number, picture = args["block_index"], args["img"]
        if number >= len(module.controlnet_blocks):
            return {}
        dtype = module.img_in.weight.dtype
        with torch.no_grad():
            seen = self.latents(args["x"], len(args["transformer_options"].get("cond_or_uncond", [0])))
            control = module.img_in(to_tokens(padded(seen.to(dtype), 2)))
            own = picture[:, : control.shape[1]]
            made = module.controlnet_blocks[number](own.to(dtype), control)
        steered = own + made.to(picture.dtype) * self.strength
        return {"img": torch.cat([steered, picture[:, control.shape[1] :]], dim=1)}

    def encoded(self, pixels: Tensor) -> Tensor:
        """Where the network knows masks: the picture, black where it is painted anew, and 1 where it stays."""
        if self.network.model.values == BlockwiseControl.plain:
            return super().encoded(pixels)
        painted = pixels.new_zeros(1, 1, *pixels.shape[-2:])
        if self.mask is not None:
            painted = hints.filling(self.mask.to(pixels), *pixels.shape[-2:])
        return hints.with_masks(super().encoded(pixels * (painted <= 0)), [1.0 - painted])
