"""Attention as custom nodes call it (they import this module as ``comfy.ldm.modules.attention``), and as they replace
it for one model: ``transformer_options["optimized_attention_override"]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

#: ``f(attention, q, k, v, heads, mask=…, skip_reshape=True)``: called in the place of attention, which it may call.
Override = Callable[..., Tensor]


def attention_pytorch(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    heads: int,
    mask: Tensor | None = None,
    attn_precision: torch.dtype | None = None,
    skip_reshape: bool = False,
    skip_output_reshape: bool = False,
    **_more: Any,
) -> Tensor:
    """Attention of ``[B,T,heads*D]`` tensors (``[B,heads,T,D]`` with ``skip_reshape``), in the first form.

    ``mask`` is added to the scores, or says by booleans what is seen: ``[T,S]``, ``[B,T,S]`` or ``[B,heads,T,S]``.
    ``skip_output_reshape`` leaves the answer ``[B,heads,T,D]``; ``attn_precision`` is the dtype of the scores.
    """
    if not skip_reshape:
        q, k, v = (part.view(part.shape[0], -1, heads, part.shape[-1] // heads).transpose(1, 2) for part in (q, k, v))
    dtype = q.dtype
    if attn_precision is not None:
        q, k, v = q.to(attn_precision), k.to(attn_precision), v.to(attn_precision)
    if mask is not None:
        mask = mask[None, None] if mask.ndim == 2 else mask.unsqueeze(1) if mask.ndim == 3 else mask
    made = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).to(dtype)
    return made if skip_output_reshape else _joined(made)


def _joined(heads_apart: Tensor) -> Tensor:
    """``[B,heads,T,D]`` → ``[B,T,heads*D]``."""
    return heads_apart.transpose(1, 2).flatten(2)


#: The kernels are PyTorch's choice, so all names that custom nodes know mean the same.
optimized_attention = attention_pytorch
optimized_attention_masked = attention_pytorch
attention_basic = attention_pytorch
attention_split = attention_pytorch
attention_sub_quad = attention_pytorch
attention_xformers = attention_pytorch


def optimized_attention_for_device(device: Any, mask: bool = False, small_input: bool = False) -> Callable[..., Tensor]:
    """The attention to call for tensors on ``device``."""
    return attention_pytorch


def exists(value: Any) -> bool:
    return value is not None


def default(value: Any, otherwise: Any) -> Any:
    return value if value is not None else otherwise


class _Overridden(TorchFunctionMode):
    """Gives every attention of a network to ``override``, whatever module of whatever library computes it."""

    def __init__(self, override: Override, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.override, self.options = override, options

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention and _is_plain(args[0] if args else kwargs["query"], kwargs):
            return self._attend(*args, **kwargs)
        return func(*args, **kwargs)

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *_rest: Any, **more: Any
    ) -> Tensor:
        heads = query.shape[1]
        if more.get("enable_gqa") and key.shape[1] != heads:
            key, value = (part.repeat_interleave(heads // key.shape[1], dim=1) for part in (key, value))
        made = self.override(
            attention_pytorch, query, key, value, heads, mask=attn_mask, skip_reshape=True,
            transformer_options=self.options,
        )  # fmt: skip
        return made.view(query.shape[0], query.shape[2], heads, -1).transpose(1, 2)


def _is_plain(query: Tensor, given: Mapping[str, Any]) -> bool:
    """Whether these arguments say no more than heads and a mask do."""
    usual = query.shape[-1] ** -0.5
    return not given.get("is_causal") and not given.get("dropout_p") and given.get("scale") in (None, usual)


def overridden(options: Mapping[str, Any]) -> AbstractContextManager[Any]:
    """While it lasts attention is what ``options["optimized_attention_override"]`` makes of it, if there is one."""
    override = options.get("optimized_attention_override")
    return nullcontext() if override is None else _Overridden(override, options)
