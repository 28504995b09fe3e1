"""How large values are and how much memory is left, without importing what made the values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

_CGROUP = Path("/sys/fs/cgroup")


class Sizes(NamedTuple):
    """Bytes in main memory and on other devices (GPU)."""

    host: int
    device: int


def sizes_of(value: Any) -> Sizes:
    """Bytes a value holds, nearly: arrays and tensors exactly, containers by content, other objects as little."""
    found = [0, 0]
    _add(value, 6, found)
    return Sizes(*found)


def _add(value: Any, depth: int, found: list[int]) -> None:
    if value is None or isinstance(value, (int, float)):
        found[0] += 32
        return
    if isinstance(value, (str, bytes, bytearray)):
        found[0] += 64 + len(value)
        return
    found[0] += 64
    if depth and isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            _add(item, depth - 1, found)
        return
    size = _array_size(value)
    if size:
        kind = getattr(getattr(value, "device", None), "type", "cpu")
        found[0 if kind == "cpu" else 1] += size
        found[0] -= 64


def _array_size(value: Any) -> int:
    nbytes = getattr(value, "nbytes", None)
    if isinstance(nbytes, int):
        return nbytes
    if hasattr(value, "element_size") and hasattr(value, "nelement"):
        return int(value.element_size() * value.nelement())
    return 0


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
