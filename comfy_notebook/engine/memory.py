"""How large values are and how much memory is left, without importing what made the values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_CGROUP = Path("/sys/fs/cgroup")


def size_of(value: Any, depth: int = 6) -> int:
    """Bytes a value holds, nearly: arrays and tensors exactly, containers by content, other objects as little."""
    if value is None or isinstance(value, (int, float)):
        return 32
    if isinstance(value, (str, bytes, bytearray)):
        return 64 + len(value)
    if depth and isinstance(value, dict):
        return 64 + sum(size_of(item, depth - 1) for item in value.values())
    if depth and isinstance(value, (list, tuple)):
        return 64 + sum(size_of(item, depth - 1) for item in value)
    nbytes = getattr(value, "nbytes", None)
    if isinstance(nbytes, int):
        return nbytes
    if hasattr(value, "element_size") and hasattr(value, "nelement"):
        return int(value.element_size() * value.nelement())
    return 64


def available() -> int | None:
    """Bytes of memory this process may still take: of the machine and of its container; None where unknown."""
    found = [amount for amount in (_machine(), _container()) if amount is not None]
    return min(found) if found else None


def total() -> int | None:
    """Bytes of memory of the machine, or the container's limit when that is lower; None where unknown."""
    try:
        machine: int | None = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        machine = None
    found = [amount for amount in (machine, _number(_CGROUP / "memory.max")) if amount]
    return min(found) if found else None


def _machine() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import psutil  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)


def _container() -> int | None:
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is None or used is None:
        return None
    return max(0, limit - used + _reclaimable())


def _reclaimable() -> int:
    """Cached files count as used memory of a container, though they go first."""
    try:
        for line in (_CGROUP / "memory.stat").read_text().splitlines():
            if line.startswith("inactive_file "):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max" means no limit
        return None
