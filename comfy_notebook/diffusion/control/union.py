"""One control network for many kinds of pictures (xinsir's union, ProMax) for Stable Diffusion XL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .kinds import TYPES
from .network import ControlNetwork


class UnionControlNetwork(ControlNetwork):
    """``module`` is diffusers' ``ControlNetUnionModel``; ``control_type`` lists what the picture is, by number
    (:data:`.kinds.TYPES`). An empty list leaves it to the network."""

    def _task(self, embedding: Tensor, control_type: Sequence[int] = (), **_told: Any) -> Tensor:
        module: Any = self.module
        kinds = embedding.new_zeros(1, self._known(control_type), dtype=torch.float32)
        kinds[:, list(control_type)] = 1.0
        told = module.control_type_proj(kinds.flatten()).reshape(1, -1)
        return module.control_add_embedding(told.to(embedding.dtype))  # type: ignore[no-any-return]

    def _seen(self, hint: Tensor, control_type: Sequence[int] = (), **_told: Any) -> Tensor:
        module: Any = self.module
        picture: Tensor = module.controlnet_cond_embedding(hint)
        if not control_type:
            return picture
        task = module.task_embedding[control_type[0]].to(picture.dtype)
        # The network was trained with attention across the batch, which must not mix pictures: each goes alone, and as
        # attention then sees one token at a time, the token of the latent next to it would change nothing.
        tokens = (picture.mean(dim=(2, 3)) + task).unsqueeze(0)
        for layer in module.transformer_layes:
            tokens = layer(tokens)
        shift: Tensor = module.spatial_ch_projs(tokens[0])
        return picture + shift[..., None, None]

    def _known(self, control_type: Sequence[int]) -> int:
        """How many kinds the network knows; raises ``ValueError`` when one of ``control_type`` is none of them."""
        count = int(self.module.task_embedding.shape[0])
        if any(number >= count for number in control_type):
            known = ", ".join(name for name, number in TYPES.items() if number < count)
            raise ValueError(f"this union network knows these kinds of pictures: {known}. Choose one, or auto")
        return count
