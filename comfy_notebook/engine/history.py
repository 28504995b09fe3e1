"""What has run: one entry per prompt, in the form ``GET /history`` shows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from .run_services import QueueItem

MAX_ENTRIES = 10_000
_SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")

HistoryEntry = dict[str, Any]


class History:
    """Safe from any thread; the oldest entry goes when there are more than ``MAX_ENTRIES``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, HistoryEntry] = OrderedDict()

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
            self._entries[prompt_id] = entry
            while len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)

    def remove(self, prompt_ids: Iterable[str]) -> None:
        """Forget prompts; unknown ids are no error."""
        with self._lock:
            for prompt_id in prompt_ids:
                self._entries.pop(prompt_id, None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def make_entry(
    item: QueueItem,
    outputs: Mapping[str, Any],
    meta: Mapping[str, Any],
    messages: list[Any],
    *,
    succeeded: bool,
) -> HistoryEntry:
    """The entry of a prompt that ended; credentials are left out."""
    extra_data = {key: value for key, value in item.extra_data.items() if key not in _SECRETS}
    return {
        "prompt": [item.number, item.prompt_id, item.prompt, extra_data, item.outputs_to_execute],
        "outputs": dict(outputs),
        "meta": dict(meta),
        "status": {
            "status_str": "success" if succeeded else "error",
            "completed": succeeded,
            "messages": messages,
        },
    }
