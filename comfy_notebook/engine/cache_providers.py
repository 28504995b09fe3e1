"""Results kept outside this process (on another machine, on a disk): asked when the own cache has none.

Only nodes of the submitted prompt take part, and only those whose key means the same everywhere. Whatever a provider
raises is logged and never fails a run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .awaiting import finished
from .failure import is_a_persons_stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheContext:
    """The node that is asked about. ``cache_key_hash`` (hex) is the same in every process for equal meaning."""

    node_id: str
    class_type: str
    cache_key_hash: str


@dataclass
class CacheValue:
    """One list per output slot, and the ``ui`` dict if there is one."""

    outputs: Sequence[list[Any]]
    ui: Mapping[str, Any] | None = None


class CacheProvider:
    """What a provider implements; every method may be ``async``."""

    def on_lookup(self, context: CacheContext) -> Any:
        """A :class:`CacheValue`, or None when there is none."""
        raise NotImplementedError

    def on_store(self, context: CacheContext, value: CacheValue) -> Any:
        """Keep a result."""
        raise NotImplementedError

    def should_cache(self, context: CacheContext, value: CacheValue | None = None) -> Any:
        """Whether to look for this node (``value`` None), and whether to keep its result."""
        return True

    def on_prompt_start(self, prompt_id: str) -> Any:
        """A prompt begins."""

    def on_prompt_end(self, prompt_id: str) -> Any:
        """A prompt has ended, whether it succeeded or not."""


class CacheProviders:
    """The providers in the order they came; the first that has a result gives it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._providers: tuple[CacheProvider, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._providers)

    def register(self, provider: CacheProvider) -> None:
        with self._lock:
            if provider not in self._providers:
                self._providers = (*self._providers, provider)

    def unregister(self, provider: CacheProvider) -> None:
        with self._lock:
            self._providers = tuple(known for known in self._providers if known is not provider)

    def lookup(self, context: CacheContext) -> CacheValue | None:
        for provider in self._providers:
            if self._ask(provider, "should_cache", context):
                value = self._ask(provider, "on_lookup", context)
                if value is not None and all(isinstance(slot, list) for slot in value.outputs):
                    return CacheValue(tuple(value.outputs), value.ui)
        return None

    def store(self, context: CacheContext, value: CacheValue) -> None:
        for provider in self._providers:
            if self._ask(provider, "should_cache", context, value):
                self._ask(provider, "on_store", context, value)

    def prompt_started(self, prompt_id: str) -> None:
        for provider in self._providers:
            self._ask(provider, "on_prompt_start", prompt_id)

    def prompt_ended(self, prompt_id: str) -> None:
        for provider in self._providers:
            self._ask(provider, "on_prompt_end", prompt_id)

    def _ask(self, provider: CacheProvider, method: str, *arguments: Any) -> Any:
        try:
            return finished(getattr(provider, method)(*arguments))
        except BaseException as error:
            if is_a_persons_stop(error):
                raise
            log.exception("the cache provider %s failed in %s", type(provider).__name__, method)
            return None
