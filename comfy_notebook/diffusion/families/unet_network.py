"""Calls diffusers' U-Net block by block, so that control, attention patches and block patches reach into it.

Blocks are numbered as in the file: every resnet (with its transformer) and every downsampling is one ``input`` block,
every resnet of the way up one ``output`` block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..attention import attention_pytorch

Options = dict[str, Any]


class UNetNetwork(nn.Module):
    """``(x [B,C,h,w], timesteps [B], context [B,T,D], y [B,V])`` → prediction ``[B,C',h,w]``."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    @property
    def dtype(self) -> torch.dtype:
        return self.module.conv_in.weight.dtype  # type: ignore[no-any-return]

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor | None = None,
        y: Tensor | None = None,
        control: Any = None,
        transformer_options: Options | None = None,
        **_unused: Any,
    ) -> Tensor:
        options = {**(transformer_options or {}), "original_shape": list(x.shape), "transformer_index": 0}
        patches = options.get("patches", {})
        dtype = self.dtype
        context = context.to(dtype) if context is not None else None
        embedding = self._embedding(timesteps.to(x.device), y, x.shape[0], patches, options)
        skips = []
        hidden = x.to(dtype)
        for index, block in enumerate(self._down()):
            options["block"] = ("input", index)
            hidden = self._run(block, hidden, embedding, context, options)
            hidden = _controlled(hidden, control, "input")
            for patch in patches.get("input_block_patch", ()):
                hidden = patch(hidden, options)
            skips.append(hidden)
            for patch in patches.get("input_block_patch_after_skip", ()):
                hidden = patch(hidden, options)
        options["block"] = ("middle", 0)
        hidden = self._run(self._middle(), hidden, embedding, context, options)
        hidden = _controlled(hidden, control, "middle")
        for index, block in enumerate(self._up()):
            options["block"] = ("output", index)
            skip = _controlled(skips.pop(), control, "output")
            for patch in patches.get("output_block_patch", ()):
                hidden, skip = patch(hidden, skip, options)
            hidden = torch.cat([hidden, skip], dim=1)
            size = skips[-1].shape[2:] if skips else None
            hidden = self._run(block, hidden, embedding, context, options, size)
        return self.module.conv_out(self.module.conv_act(self.module.conv_norm_out(hidden)))  # type: ignore[no-any-return]

    def _embedding(self, timesteps: Tensor, y: Tensor | None, batch: int, patches: Options, options: Options) -> Tensor:
        unet = self.module
        made = unet.time_embedding(unet.time_proj(timesteps.expand(batch)).to(self.dtype))
        for patch in patches.get("emb_patch", ()):
            made = patch(made, unet.conv_in.weight.shape[0], options)
        if getattr(unet, "add_embedding", None) is not None:
            if y is None:
                raise ValueError("this model wants a pooled text encoding, which the conditioning does not have")
            made = made + unet.add_embedding(y.to(made.dtype))
        return made  # type: ignore[no-any-return]

    def _down(self) -> Iterator[list[Any]]:
        yield [self.module.conv_in]
        for block in self.module.down_blocks:
            attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
            for resnet, attention in zip(block.resnets, attentions, strict=True):
                yield [resnet] if attention is None else [resnet, attention]
            if block.downsamplers is not None:
                yield [block.downsamplers[0]]

    def _middle(self) -> list[Any]:
        block = self.module.mid_block
        parts = [block.resnets[0]]
        for attention, resnet in zip(getattr(block, "attentions", ()), block.resnets[1:], strict=False):
            parts += [attention, resnet] if attention is not None else [resnet]
        return parts

    def _up(self) -> Iterator[list[Any]]:
        for block in self.module.up_blocks:
            attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
            for index, (resnet, attention) in enumerate(zip(block.resnets, attentions, strict=True)):
                parts = [resnet] if attention is None else [resnet, attention]
                last = index == len(block.resnets) - 1
                yield [*parts, block.upsamplers[0]] if last and block.upsamplers is not None else parts

    def _run(
        self, block: list[Any], hidden: Tensor, embedding: Tensor, context: Any, options: Options, size: Any = None
    ) -> Tensor:
        for part in block:
            if hasattr(part, "transformer_blocks"):
                hidden = transformer(part, hidden, context, options)
            elif hasattr(part, "time_emb_proj"):
                hidden = part(hidden, embedding)
            elif part.__class__.__name__ == "Upsample2D":
                hidden = part(hidden, None if size is None else tuple(size))
            else:
                hidden = part(hidden)
        return hidden


def _controlled(hidden: Tensor, control: Any, side: str) -> Tensor:
    """Add what a control network says about this block; its lists are used up from the end."""
    values = control.get(side) if control else None
    value = values.pop() if values else None
    return hidden if value is None else hidden + value.to(hidden.dtype)


def transformer(part: Any, hidden: Tensor, context: Any, options: Options) -> Tensor:
    """A spatial transformer: image positions as tokens, blocks, and back, added to what came in."""
    batch, _, height, width = hidden.shape
    options["activations_shape"] = list(hidden.shape)
    tokens = part.norm(hidden)
    if not part.use_linear_projection:
        tokens = part.proj_in(tokens)
    tokens = tokens.permute(0, 2, 3, 1).reshape(batch, height * width, -1)
    if part.use_linear_projection:
        tokens = part.proj_in(tokens)
    for index, block in enumerate(part.transformer_blocks):
        options["block_index"] = index
        tokens = _block(block, tokens, context, options)
        options["transformer_index"] += 1
    if part.use_linear_projection:
        tokens = part.proj_out(tokens)
    back = tokens.reshape(batch, height, width, -1).permute(0, 3, 1, 2).contiguous()
    return hidden + (back if part.use_linear_projection else part.proj_out(back))  # type: ignore[no-any-return]


def _block(block: Any, tokens: Tensor, context: Any, options: Options) -> Tensor:
    told = {**options, "n_heads": block.attn1.heads, "dim_head": block.attn1.to_q.out_features // block.attn1.heads}
    tokens = tokens + attention(block.attn1, block.norm1(tokens), None, told, "attn1")
    for patch in told.get("patches", {}).get("middle_patch", ()):
        tokens = patch(tokens, told)
    if block.attn2 is not None:
        tokens = tokens + attention(block.attn2, block.norm2(tokens), context, told, "attn2")
    return tokens + block.ff(block.norm3(tokens))  # type: ignore[no-any-return]


def attention(module: Any, tokens: Tensor, context: Any, options: Options, kind: str) -> Tensor:
    """Self-attention (``attn1``) or attention to text (``attn2``) with the patches that ``options`` hold."""
    patches = options.get("patches", {})
    value = context
    for patch in patches.get(f"{kind}_patch", ()):
        source = tokens if context is None else context
        tokens, context, value = patch(tokens, source, source if value is None else value, options)
    keys = tokens if context is None else context
    query, key = module.to_q(tokens), module.to_k(keys)
    values = module.to_v(keys if value is None else value)
    replaced = options.get("patches_replace", {}).get(kind, {})
    block = options["block"]
    replacement = replaced.get((*block, options["block_index"]), replaced.get(block))
    if replacement is not None:
        made = replacement(query, key, values, options)
    else:
        made = attention_pytorch(query, key, values, module.heads)
    made = module.to_out[0](made)
    for patch in patches.get(f"{kind}_output_patch", ()):
        made = patch(made, options)
    return made  # type: ignore[no-any-return]
