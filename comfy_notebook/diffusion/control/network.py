"""The first half of a U-Net, fed with a picture, whose outputs are added to the other's skip connections."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..families.unet_network import UNetNetwork


class ControlNetwork(UNetNetwork):
    """``module`` is diffusers' ``ControlNetModel``; ``hint`` is the picture ``[B,3,8h,8w]``."""

    def forward(  # type: ignore[override]
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        hint: Tensor,
        y: Tensor | None = None,
        **_unused: Any,
    ) -> dict[str, list[Tensor]]:
        """Residuals: ``output`` for the skip connections, first block first, and ``middle``."""
        module: Any = self.module
        dtype = self.dtype
        options: dict[str, Any] = {"transformer_index": 0}
        embedding = self._embedding(timesteps.to(x.device), y, x.shape[0], {}, options)
        context = context.to(dtype)
        hidden, outputs = x.to(dtype), []
        for index, block in enumerate(self._down()):
            options["block"] = ("input", index)
            hidden = self._run(block, hidden, embedding, context, options)
            if index == 0:
                hidden = hidden + module.controlnet_cond_embedding(hint.to(dtype))
            outputs.append(module.controlnet_down_blocks[index](hidden))
        options["block"] = ("middle", 0)
        hidden = self._run(self._middle(), hidden, embedding, context, options)
        return {"output": outputs, "middle": [module.controlnet_mid_block(hidden)]}
