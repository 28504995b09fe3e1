"""Results by key, kept until memory is needed, so that any cell can still read them.

``mode``: ``"ram"`` (default) keeps everything and evicts when free memory falls below ``limit`` bytes, large and old
results first, and the largest of the running prompt when that is not enough; ``"classic"`` keeps what the newest prompt
uses; ``"lru"`` keeps ``limit`` results beside those; ``"none"`` keeps nothing beyond a run.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import memory
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
    size: int = 0
    generation: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)


class ResultCache:
    """Safe to read from any thread while the engine writes."""

    def __init__(self, mode: str = "ram", limit: int | None = None) -> None:
        if mode not in MODES:
            raise ValueError(f"cache mode {mode!r} is none of {', '.join(MODES)}")
        self.mode = "classic" if mode == "lru" and not limit else mode
        self._limit = limit
        self._lock = threading.RLock()
        self._entries: OrderedDict[Key, CacheEntry] = OrderedDict()
        self._current: Collection[Key] = frozenset()
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
            entry.size = memory.size_of(entry.outputs)
        with self._lock:
            entry.generation = self._generation
            self._entries[key] = entry
            self._entries.move_to_end(key)
            self._new_bytes += entry.size
            if self.mode == "ram" and self._time_to_look():
                self._evict()

    def start_prompt(self, keys: Collection[Key]) -> None:
        """Told the keys of a prompt before it runs: those stay, others may go."""
        with self._lock:
            self._generation += 1
            self._current = keys
            if self.mode in ("classic", "lru"):
                self._trim(int(self._limit or 0) if self.mode == "lru" else 0)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def release(self, wanted: int) -> int:
        """Drop results, worst first, until ``wanted`` bytes are freed; returns the bytes. Those of the running prompt
        go last, and only large ones: nodes that still read them hold them, whoever reads them later finds none."""
        with self._lock:
            freed = 0
            idle = self._idle()
            large = [key for key in self._entries.keys() - set(idle) if self._entries[key].size >= _LARGE]
            for key in [*sorted(idle, key=self._score, reverse=True), *sorted(large, key=self._score, reverse=True)]:
                if freed >= wanted:
                    break
                freed += self._entries.pop(key).size
            return freed

    def _idle(self) -> list[Key]:
        return [key for key, entry in self._entries.items() if not self._in_use(key, entry)]

    def _in_use(self, key: Key, entry: CacheEntry) -> bool:
        return key in self._current or (entry.owner is not None and entry.owner in self._current)

    def _trim(self, extra: int) -> None:
        idle = self._idle()  # oldest use first
        for key in idle[: max(0, len(idle) - extra)]:
            del self._entries[key]

    def _score(self, key: Key) -> float:
        entry = self._entries[key]
        return float(entry.size * 1.3 ** min(self._generation - entry.generation, 200))

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
