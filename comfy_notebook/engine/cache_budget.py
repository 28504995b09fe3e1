"""How much the results of older runs may hold when nobody says: a share of the memory, as several kernels share one
machine. ``COMFY_NOTEBOOK_CACHE_GB`` and ``COMFY_NOTEBOOK_CACHE_GPU_GB`` (GiB, 0 or more) say otherwise."""

from __future__ import annotations

import logging
import math
import os

from . import memory

log = logging.getLogger(__name__)

GIB = 2**30
_MOST = 4 * GIB
_WHERE_MEMORY_IS_UNKNOWN = 2 * GIB
_ON_DEVICES = GIB


def in_memory() -> int:
    """Bytes of main memory: a quarter of it (of the container's where that has a limit), at most 4 GiB."""
    total = memory.total()
    share = _WHERE_MEMORY_IS_UNKNOWN if total is None else min(total // 4, _MOST)
    return _asked("COMFY_NOTEBOOK_CACHE_GB", share)


def on_devices() -> int:
    """Bytes on all GPUs together: 1 GiB. What is needed there are models; results usually lie in main memory."""
    return _asked("COMFY_NOTEBOOK_CACHE_GPU_GB", _ON_DEVICES)


def _asked(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        log.warning("%s=%s is no number of GiB; %.1f GiB are used", variable, text, default / GIB)
        return default
    return int(amount * GIB)
