"""What a run is given by the engine: the item it executes and everything that outlives it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..protocol.context import ProgressSink
from ..protocol.registry import Registry
from .cache import ResultCache
from .cache_providers import CacheProviders
from .progress import ProgressReporter
from .prompt import Prompt


class QueueItem(NamedTuple):
    """A queued prompt, in the form ``GET /queue`` shows; lower numbers run first."""

    number: float
    prompt_id: str
    prompt: Prompt
    extra_data: dict[str, Any]
    outputs_to_execute: list[str]

    @property
    def client_id(self) -> str | None:
        return self.extra_data.get("client_id")


@dataclass
class Instances:
    """One instance per node id and class, kept from prompt to prompt while the id stays in the prompt."""

    _held: dict[tuple[str, type], Any] = field(default_factory=dict)

    def get(self, node_id: str, node_class: type) -> Any:
        """The instance of a node, made on first use; raises what its ``__init__`` raises."""
        key = (node_id, node_class)
        if key not in self._held:
            self._held[key] = node_class()
        return self._held[key]

    def keep_only(self, node_ids: Collection[str]) -> None:
        """Let go the instances of other nodes (those made by expansion belong to the node before the first dot)."""
        self._held = {
            key: instance
            for key, instance in self._held.items()
            if key[0] in node_ids or key[0].split(".", 1)[0] in node_ids
        }

    def clear(self) -> None:
        self._held = {}


@dataclass(frozen=True)
class RunServices:
    """``send`` publishes to the client that queued the prompt; ``status`` does too and keeps the message for the
    history; ``blocked`` tells of a blocker with a message."""

    registry: Registry
    cache: ResultCache
    providers: CacheProviders
    instances: Instances
    progress: ProgressReporter
    sink: ProgressSink
    send: Callable[[str, Mapping[str, Any]], None]
    status: Callable[[str, Mapping[str, Any]], None]
    blocked: Callable[[Mapping[str, Any]], None]
