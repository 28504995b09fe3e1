"""What has run: one entry per prompt, in the form ``GET /history`` shows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from .run_services import QueueItem

MAX_ENTRIES = 10_000
MAX_DROPPED = 1_000
_SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")

HistoryEntry = dict[str, Any]


class History:
    """Safe from any thread; the oldest entry goes when there are more than ``MAX_ENTRIES``.

    Prompts that were taken out of the queue before they ran are kept apart: they are no part of the history, but a list
    of jobs tells what became of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, HistoryEntry] = OrderedDict()
        self._dropped: OrderedDict[str, HistoryEntry] = OrderedDict()

    def get(self, prompt_id: str) -> HistoryEntry | None:
        with self._lock:
            return self._entries.get(prompt_id)

    def all(self, max_items: int | None = None, offset: int | None = None) -> dict[str, HistoryEntry]:
        """Entries by prompt id, oldest first; ``max_items`` without ``offset`` means the newest ones."""
        with self._lock:
            ids = list(self._entries)
            if offset is None and max_items is not None:
                offset = max(0, len(ids) - max_items)
            start = max(0, offset or 0)
            chosen = ids[start:] if max_items is None else ids[start : start + max(0, max_items)]
            return {prompt_id: self._entries[prompt_id] for prompt_id in chosen}

    def add(self, prompt_id: str, entry: HistoryEntry) -> None:
        with self._lock:
            self._dropped.pop(prompt_id, None)
            self._entries[prompt_id] = entry
            while len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)

    def dropped(self) -> dict[str, HistoryEntry]:
        """Entries of prompts that never ran, oldest first."""
        with self._lock:
            return dict(self._dropped)

    def add_dropped(self, prompt_id: str, entry: HistoryEntry) -> None:
        with self._lock:
            self._dropped[prompt_id] = entry
            while len(self._dropped) > MAX_DROPPED:
                self._dropped.popitem(last=False)

    def remove(self, prompt_ids: Iterable[str]) -> None:
        """Forget prompts; unknown ids are no error."""
        with self._lock:
            for prompt_id in prompt_ids:
                self._entries.pop(prompt_id, None)
                self._dropped.pop(prompt_id, None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._dropped.clear()


def make_entry(
    item: QueueItem,
    outputs: Mapping[str, Any],
    meta: Mapping[str, Any],
    messages: list[Any],
    *,
    succeeded: bool,
) -> HistoryEntry:
    """The entry of a prompt that ended; credentials are left out."""
    shown = without_secrets(item.extra_data)
    return {
        "prompt": [item.number, item.prompt_id, item.prompt, shown, item.outputs_to_execute],
        "outputs": dict(outputs),
        "meta": dict(meta),
        "status": {
            "status_str": "success" if succeeded else "error",
            "completed": succeeded,
            "messages": messages,
        },
    }


def without_secrets(extra_data: Mapping[str, Any]) -> dict[str, Any]:
    """``extra_data`` as clients may see it."""
    return {key: value for key, value in extra_data.items() if key not in _SECRETS}
