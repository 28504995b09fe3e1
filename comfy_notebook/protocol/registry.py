"""The live set of nodes: registered, replaced and removed at any time, and whoever listens is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .definition import NodeDefinition
from .replacements import Replacements


@dataclass(frozen=True)
class RegistryChange:
    """``previous`` is None for a new node, ``definition`` is None for a removed one."""

    name: str
    definition: NodeDefinition | None
    previous: NodeDefinition | None


Listener = Callable[[RegistryChange], None]


class Registry:
    """Node definitions by class type. Safe to use from any thread; listeners are called on the changing thread.

    ``replacements`` says what becomes of nodes that are in no registry any more.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._definitions: dict[str, NodeDefinition] = {}
        self._listeners: list[Listener] = []
        self.replacements = Replacements()

    def __contains__(self, name: object) -> bool:
        return name in self._definitions

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._definitions))

    def __len__(self) -> int:
        return len(self._definitions)

    def get(self, name: str) -> NodeDefinition | None:
        return self._definitions.get(name)

    def definitions(self) -> list[NodeDefinition]:
        with self._lock:
            return list(self._definitions.values())

    def register(self, definition: NodeDefinition) -> None:
        """Add a node, or replace the one of the same name."""
        with self._lock:
            previous = self._definitions.get(definition.name)
            self._definitions[definition.name] = definition
        self._tell(RegistryChange(definition.name, definition, previous))

    def remove(self, name: str) -> None:
        """Take a node away; raises ``KeyError`` when there is none of that name."""
        with self._lock:
            previous = self._definitions.pop(name)
        self._tell(RegistryChange(name, None, previous))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after every change; the returned function ends that."""
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def _tell(self, change: RegistryChange) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(change)
