"""Results by key, kept so that any cell can still read them and nothing is computed twice.

``mode``: ``"ram"`` (default) keeps the last run of every open editor and, of older runs, what fits into ``keep`` bytes
(and ``keep_on_devices`` bytes on GPUs); ``"classic"`` keeps what the newest prompt uses; ``"lru"`` keeps ``limit``
results beside those; ``"none"`` keeps nothing beyond a run.

In mode ``"ram"`` results go as well when less than ``limit`` bytes of memory are free: those of older runs first, then
those of last runs, at last large ones of the running prompt; large and long unused ones first each time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import cache_budget, memory
from .signature import Key

MODES = ("ram", "classic", "lru", "none")
_LOOK_EVERY = 0.25  # seconds between two looks at free memory
_LOOK_AFTER = 64 * 2**20  # or after this many new bytes
_LARGE = 512 * 2**20  # bytes from which on a result of the running prompt may go


@dataclass
class CacheEntry:
    """What a node produced: one list per output slot, and its ``ui`` dict. ``owner`` is the key of the submitted node
    that an ephemeral node descends from."""

    outputs: tuple[list[Any], ...]
    ui: Mapping[str, Any] | None = None
    owner: Key | None = None
    size: int = 0  # bytes in main memory
    device_size: int = 0  # bytes on other devices
    generation: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)


class ResultCache:
    """Safe to read from any thread while the engine writes."""

    def __init__(
        self,
        mode: str = "ram",
        limit: int | None = None,
        *,
        keep: int | None = None,
        keep_on_devices: int | None = None,
    ) -> None:
        """``keep`` and ``keep_on_devices`` default to what :mod:`.cache_budget` says, or to everything where a
        ``limit`` says how much memory is to stay free."""
        if mode not in MODES:
            raise ValueError(f"cache mode {mode!r} is none of {', '.join(MODES)}")
        self.mode = "classic" if mode == "lru" and not limit else mode
        self._limit = limit
        self._everything = mode == "ram" and limit is not None
        self._keep = {"size": keep, "device_size": keep_on_devices}
        self._held = {"size": 0, "device_size": 0}
        self._lock = threading.RLock()
        self._entries: OrderedDict[Key, CacheEntry] = OrderedDict()
        self._current: Collection[Key] = frozenset()
        self._last_runs: dict[str, Collection[Key]] = {}
        self._generation = 0
        self._looked = 0.0
        self._new_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def get(self, key: Key) -> CacheEntry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                entry.generation = self._generation
            return entry

    def put(self, key: Key, entry: CacheEntry) -> None:
        if self.mode == "none":
            return
        if self.mode == "ram":
            entry.size, entry.device_size = memory.sizes_of(entry.outputs)
        with self._lock:
            if key in self._entries:
                self._remove(key)
            entry.generation = self._generation
            self._entries[key] = entry
            self._held["size"] += entry.size
            self._held["device_size"] += entry.device_size
            self._new_bytes += entry.size
            if self.mode == "ram" and self._time_to_look():
                self._evict()

    def start_prompt(self, keys: Collection[Key], client: str | None = None) -> None:
        """Told the keys of a prompt before it runs, and whose it is: those stay, others may go."""
        with self._lock:
            self._generation += 1
            self._current = keys
            if self.mode in ("classic", "lru"):
                self._trim(int(self._limit or 0) if self.mode == "lru" else 0)
            elif self.mode == "ram":
                if client is not None:
                    self._last_runs[client] = keys
                self._keep_within_budget()

    def forget_clients(self, is_there: Callable[[str], bool]) -> None:
        """The last runs of clients that are gone are like any older run from now on."""
        with self._lock:
            self._last_runs = {client: keys for client, keys in self._last_runs.items() if is_there(client)}

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._held = dict.fromkeys(self._held, 0)

    def release(self, wanted: int) -> int:
        """Drop results, worst first, until ``wanted`` bytes of main memory are freed; returns the bytes. Last runs come
        after older ones. Those of the running prompt go last, and only large ones: nodes that still read them hold
        them, whoever reads them later finds none."""
        with self._lock:
            idle = self._outside(self._current)
            old = set(self._outside(self._active()))
            large = [key for key in self._entries.keys() - set(idle) if self._entries[key].size >= _LARGE]
            freed = 0
            for keys in (old, [key for key in idle if key not in old], large):
                freed += self._drop(keys, wanted - freed, "size")
            return freed

    def _active(self) -> set[Key]:
        return set(self._current).union(*self._last_runs.values())

    def _outside(self, kept: Collection[Key]) -> list[Key]:
        """Those that neither are in ``kept`` nor belong to a node that is; oldest use first."""
        return [key for key, entry in self._entries.items() if key not in kept and entry.owner not in kept]

    def _keep_within_budget(self) -> None:
        for place, held in self._held.items():
            budget = self._budget(place)
            if budget is None or held <= budget:
                continue
            active = self._active()
            known = (self._entries[key] for key in active if key in self._entries)
            if held - sum(getattr(entry, place) for entry in known) <= budget:  # spares a look at every entry
                continue
            old = self._outside(active)
            self._drop(old, sum(getattr(self._entries[key], place) for key in old) - budget, place)

    def _budget(self, place: str) -> int | None:
        if self._keep[place] is None and not self._everything:
            self._keep[place] = cache_budget.on_devices() if place == "device_size" else cache_budget.in_memory()
        return self._keep[place]

    def _drop(self, keys: Iterable[Key], wanted: int, place: str) -> int:
        """Let go of ``keys``, those first that hold much in ``place`` or were long unused, until ``wanted`` bytes are
        freed there; returns the bytes."""
        freed = 0
        for key in sorted(keys, key=lambda key: self._score(key, place), reverse=True):
            if freed >= wanted or not getattr(self._entries[key], place):
                break
            freed += getattr(self._remove(key), place)
        return freed

    def _remove(self, key: Key) -> CacheEntry:
        entry = self._entries.pop(key)
        self._held["size"] -= entry.size
        self._held["device_size"] -= entry.device_size
        return entry

    def _trim(self, extra: int) -> None:
        idle = self._outside(self._current)
        for key in idle[: max(0, len(idle) - extra)]:
            self._remove(key)

    def _score(self, key: Key, place: str) -> float:
        entry = self._entries[key]
        return float(getattr(entry, place) * 1.3 ** min(self._generation - entry.generation, 200))

    def _time_to_look(self) -> bool:
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY and self._new_bytes < _LOOK_AFTER:
            return False
        self._looked, self._new_bytes = now, 0
        return True

    def _evict(self) -> None:
        free = memory.available()
        if free is None:
            return
        wanted = self._headroom()
        if free < wanted:
            self.release(wanted - free)

    def _headroom(self) -> int:
        if self._limit is None:
            self._limit = max(2**30, (memory.total() or 0) // 10)
        return self._limit
