"""Which node runs next: a count of unfinished sources per node, and a heap of those that wait for none."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from .cycles import shortened


class DependencyCycleError(Exception):
    """The remaining nodes wait for each other. ``node_id`` is one of them."""

    def __init__(self, node_ids: list[str]) -> None:
        super().__init__(f"Nodes wait for each other in a cycle: {shortened(node_ids)}")
        self.node_id = node_ids[0]


class Plan:
    """The work that is left of one prompt.

    ``sources(node)`` are the nodes it needs before it can start, ``available(node)`` whether a node's outputs are at
    hand already, ``urgent(node)`` whether it is an output node or an async one. Urgent nodes run first, then what they
    wait for, then what those wait for; otherwise one branch is finished before the next is begun.
    """

    def __init__(
        self,
        sources: Callable[[str], Iterable[str]],
        available: Callable[[str], bool],
        urgent: Callable[[str], bool],
    ) -> None:
        self._sources = sources
        self._available = available
        self._urgent = urgent
        self._missing: dict[str, int] = {}
        self._waiting: dict[str, list[str]] = {}
        self._order: dict[str, int] = {}
        self._feeds_urgent: set[str] = set()
        self._ready: list[tuple[int, int, str]] = []

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._missing

    def __bool__(self) -> bool:
        return bool(self._missing)

    def add(self, node_id: str) -> None:
        """Plan a node and everything it needs that is not available."""
        stack, added = [node_id], []
        while stack:
            current = stack.pop()
            if current in self._missing:
                continue
            self._missing[current] = 0
            self._order[current] = -len(self._order)
            added.append(current)
            for source in self._sources(current):
                if not self._available(source):
                    self._link(source, current)
                    stack.append(source)
        for current in added:
            if self._missing[current] == 0:
                self._push(current)

    def require(self, node_id: str, sources: Iterable[str]) -> None:
        """Put a started node back until ``sources`` are there as well."""
        needed = [source for source in dict.fromkeys(sources) if not self._available(source)]
        for source in needed:
            self._link(source, node_id)
        for source in needed:
            self.add(source)
        if self._missing[node_id] == 0:
            self._push(node_id)

    def again(self, node_id: str) -> None:
        """Offer a started node once more, because what it waited for outside the plan is there."""
        self._push(node_id)

    def next(self) -> str | None:
        """The next node to start; None when every remaining one waits."""
        return heapq.heappop(self._ready)[2] if self._ready else None

    def complete(self, node_id: str) -> None:
        """The outputs of a node are there."""
        del self._missing[node_id]
        for consumer in self._waiting.pop(node_id, ()):
            self._missing[consumer] -= 1
            if self._missing[consumer] == 0:
                self._push(consumer)

    def _link(self, source: str, consumer: str) -> None:
        self._waiting.setdefault(source, []).append(consumer)
        self._missing[consumer] += 1
        if self._urgent(consumer):
            self._feeds_urgent.add(source)

    def _push(self, node_id: str) -> None:
        heapq.heappush(self._ready, (self._rank(node_id), self._order[node_id], node_id))

    def _rank(self, node_id: str) -> int:
        if self._urgent(node_id):
            return 0
        if node_id in self._feeds_urgent:
            return 1
        return 2 if any(consumer in self._feeds_urgent for consumer in self._waiting.get(node_id, ())) else 3

    def cycle(self) -> DependencyCycleError:
        """The error that says which nodes wait for each other."""
        waits_for: dict[str, str] = {}
        for source, consumers in self._waiting.items():
            for consumer in consumers:
                waits_for[consumer] = source
        node_id, seen = next(iter(waits_for)), list[str]()
        known: set[str] = set()
        while node_id not in known:
            known.add(node_id)
            seen.append(node_id)
            node_id = waits_for.get(node_id, node_id)
        return DependencyCycleError([*seen[seen.index(node_id) :], node_id])
