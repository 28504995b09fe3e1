"""``comfy.utils``: progress, resizing, tiles, weights in files. Torch is imported when a function needs it."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...protocol.context import NodeContext, context
from .tiling import get_tiled_scale_steps, tiled_scale, tiled_scale_multidim
from .weight_files import load_torch_file, safetensors_header, save_torch_file

PROGRESS_BAR_ENABLED = True
ProgressHook = Callable[..., None]


def report_progress(
    value: float, total: float, preview: Any = None, node_id: str | None = None, *, of: NodeContext | None = None
) -> None:
    """Progress of the node that runs, or of ``node_id``; a cancel point. ``of``: the node meant in a thread that a node
    started, where none is known to run."""
    running = context()
    if of is not None and running.prompt_id is None:
        running = of
    if node_id is not None:
        running = replace(running, node_id=node_id)
    running.progress(value, total, preview)


#: What progress bars call; packs replace it.
PROGRESS_BAR_HOOK: ProgressHook | None = report_progress


def set_progress_bar_enabled(enabled: bool) -> None:
    global PROGRESS_BAR_ENABLED
    PROGRESS_BAR_ENABLED = enabled


def set_progress_bar_global_hook(function: ProgressHook | None) -> None:
    global PROGRESS_BAR_HOOK
    PROGRESS_BAR_HOOK = function


class ProgressBar:
    """Steps of the node that runs; harmless outside a run. ``preview`` is ``(format, PIL image, longest side)``."""

    def __init__(self, total: float, node_id: str | None = None) -> None:
        self.total = total
        self.current: float = 0
        self.hook = PROGRESS_BAR_HOOK
        self.node_id = node_id
        self._made_by = context()

    def update_absolute(self, value: float, total: float | None = None, preview: Any = None) -> None:
        if total is not None:
            self.total = total
        self.current = min(value, self.total)
        if self.hook is report_progress:
            report_progress(self.current, self.total, preview, self.node_id, of=self._made_by)
        elif self.hook is not None:
            self.hook(self.current, self.total, preview)

    def update(self, value: float) -> None:
        self.update_absolute(self.current + value)


def common_upscale(samples: Any, width: int, height: int, upscale_method: str, crop: str) -> Any:
    """``samples`` ``[B,C,H,W]`` (or ``[B,C,T,H,W]``) at a new size; methods nearest-exact, bilinear, area, bicubic,
    bislerp, lanczos; crop ``"disabled"`` or ``"center"``."""
    from ...nodes.ops.resize import resize

    return resize(samples, width, height, upscale_method, crop)


def lanczos(samples: Any, width: int, height: int) -> Any:
    from ...nodes.ops.resize import lanczos as scale

    return scale(samples, width, height)


def bislerp(samples: Any, width: int, height: int) -> Any:
    from ...nodes.ops.resize import bislerp as scale

    return scale(samples, width, height)


def repeat_to_batch_size(tensor: Any, batch_size: int, dim: int = 0) -> Any:
    """``tensor`` repeated or cut along ``dim`` to ``batch_size``."""
    from ...diffusion.sampling.masks import repeat_to_batch_size as repeat

    return repeat(tensor, batch_size, dim)


def resize_to_batch_size(tensor: Any, batch_size: int) -> Any:
    """Entries chosen evenly from a batch: spread to fill, or thinned out."""
    import torch

    size = tensor.shape[0]
    if size == batch_size:
        return tensor
    if batch_size <= 1:
        return tensor[:batch_size]
    if batch_size < size:
        scale = (size - 1) / (batch_size - 1)
        chosen = [min(round(index * scale), size - 1) for index in range(batch_size)]
    else:
        chosen = [min(math.floor((index + 0.5) * size / batch_size), size - 1) for index in range(batch_size)]
    return tensor[torch.tensor(chosen)]


def reshape_mask(input_mask: Any, output_shape: Any) -> Any:
    """A mask at the size, channels and batch of ``output_shape`` ``[B,C,...]``."""
    from ...diffusion.sampling.masks import reshape_mask as reshape

    return reshape(input_mask, output_shape)


def get_attr(obj: Any, attr: str) -> Any:
    """``obj.a.b.c`` by the name ``"a.b.c"``."""
    return functools.reduce(getattr, attr.split("."), obj)


def set_attr(obj: Any, attr: str, value: Any) -> Any:
    """Set ``obj.a.b.c``; answers what was there."""
    *path, last = attr.split(".")
    owner = functools.reduce(getattr, path, obj)
    previous = getattr(owner, last)
    setattr(owner, last, value)
    return previous


def set_attr_param(obj: Any, attr: str, value: Any) -> Any:
    """:func:`set_attr` with ``value`` as a parameter that is not trained."""
    import torch

    return set_attr(obj, attr, torch.nn.Parameter(value, requires_grad=False))


def copy_to_param(obj: Any, attr: str, value: Any) -> None:
    """Copy ``value`` into the parameter ``obj.a.b.c``."""
    get_attr(obj, attr).data.copy_(value)


def state_dict_prefix_replace(
    state_dict: dict[str, Any], replace_prefix: Mapping[str, str], filter_keys: bool = False
) -> dict[str, Any]:
    """Rename the beginnings of keys; with ``filter_keys`` into a new dict that has only those."""
    target: dict[str, Any] = {} if filter_keys else state_dict
    for old, new in replace_prefix.items():
        for key in [name for name in state_dict if name.startswith(old)]:
            target[new + key[len(old) :]] = state_dict.pop(key)
    return target


def state_dict_key_replace(state_dict: dict[str, Any], keys_to_replace: Mapping[str, str]) -> dict[str, Any]:
    """Rename keys that are there."""
    for old, new in keys_to_replace.items():
        if old in state_dict:
            state_dict[new] = state_dict.pop(old)
    return state_dict


def calculate_parameters(sd: Mapping[str, Any], prefix: str = "") -> int:
    """How many numbers the tensors below ``prefix`` hold."""
    return sum(value.nelement() for key, value in sd.items() if key.startswith(prefix))


def weight_dtype(sd: Mapping[str, Any], prefix: str = "") -> Any:
    """The dtype that most numbers below ``prefix`` have; None without any."""
    counts: dict[Any, int] = {}
    for key, value in sd.items():
        if key.startswith(prefix):
            counts[value.dtype] = counts.get(value.dtype, 0) + value.numel()
    return max(counts.items(), key=operator.itemgetter(1))[0] if counts else None


def string_to_seed(data: str | bytes) -> int:
    """A number of 32 bits made of a text: its CRC-32."""
    import zlib

    return zlib.crc32(data.encode("utf-8") if isinstance(data, str) else data)


__all__ = [
    "PROGRESS_BAR_ENABLED",
    "PROGRESS_BAR_HOOK",
    "ProgressBar",
    "bislerp",
    "calculate_parameters",
    "common_upscale",
    "copy_to_param",
    "get_attr",
    "get_tiled_scale_steps",
    "lanczos",
    "load_torch_file",
    "repeat_to_batch_size",
    "reshape_mask",
    "resize_to_batch_size",
    "safetensors_header",
    "save_torch_file",
    "set_attr",
    "set_attr_param",
    "set_progress_bar_enabled",
    "set_progress_bar_global_hook",
    "state_dict_key_replace",
    "state_dict_prefix_replace",
    "string_to_seed",
    "tiled_scale",
    "tiled_scale_multidim",
    "weight_dtype",
]
