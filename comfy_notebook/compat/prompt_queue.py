"""The queue as packs know it: tuples ``(number, id, prompt, extra_data, outputs)`` and dicts of history."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .. import session as _session


class PromptQueue:
    """A view of the engine's queue and history."""

    def __init__(self, server: Any = None) -> None:
        self.server = server
        self.mutex = threading.RLock()
        self.flags: dict[str, Any] = {}

    @property
    def _engine(self) -> Any:
        return _session.current().engine

    @property
    def queue(self) -> list[Any]:
        """What waits, in the order it will run."""
        return self._engine.queue.pending()  # type: ignore[no-any-return]

    @property
    def currently_running(self) -> dict[int, Any]:
        return dict(enumerate(self._engine.queue.running()))

    @property
    def history(self) -> dict[str, Any]:
        return self._engine.history.all()  # type: ignore[no-any-return]

    def put(self, item: tuple[Any, ...]) -> None:
        """Queue ``(number, id, prompt, extra_data, outputs)``; an id that is queued already gets another. Raises
        :class:`PromptRejected` for a prompt that cannot run."""
        number, prompt_id, prompt, extra_data, outputs = (*item, None, None, None, None, None)[:5]
        extra = dict(extra_data or {})
        known = [other.prompt_id for other in (*self._engine.queue.pending(), *self._engine.queue.running())]
        self._engine.submit(
            prompt,
            client_id=extra.pop("client_id", None),
            prompt_id=None if prompt_id in known else prompt_id,
            extra_data=extra,
            number=number,
            targets=outputs,
        )

    def get_current_queue(self) -> tuple[list[Any], list[Any]]:
        """``(running, waiting)``."""
        return self._engine.queue.running(), self._engine.queue.pending()

    get_current_queue_volatile = get_current_queue

    def get_tasks_remaining(self) -> int:
        return self._engine.queue.remaining()  # type: ignore[no-any-return]

    def wipe_queue(self) -> None:
        self._engine.queue.clear()

    def delete_queue_item(self, function: Callable[[Any], bool]) -> bool:
        """Take the first waiting item out for which ``function`` says yes."""
        for item in self._engine.queue.pending():
            if function(item):
                return bool(self._engine.queue.remove([item.prompt_id]))
        return False

    def get_history(
        self, prompt_id: str | None = None, max_items: int | None = None, offset: int = -1, **options: Any
    ) -> dict[str, Any]:
        """Ended prompts by id: one, or ``max_items`` from ``offset`` (the newest when -1)."""
        if prompt_id is not None:
            entry = self._engine.history.get(prompt_id)
            return {} if entry is None else {prompt_id: entry}
        names = list(entries := self.history)
        if max_items is not None:
            first = max(0, len(names) - max_items) if offset < 0 else offset
            names = names[first : first + max_items]
        return {name: entries[name] for name in names}

    def wipe_history(self) -> None:
        self._engine.history.clear()

    def delete_history_item(self, id_to_delete: str) -> None:
        self._engine.history.remove([id_to_delete])

    def set_flag(self, name: str, data: Any) -> None:
        """``unload_models`` and ``free_memory`` let go of results; others are kept for :meth:`get_flags`."""
        if name in ("unload_models", "free_memory") and data:
            self._engine.free()
        else:
            self.flags[name] = data

    def get_flags(self, reset: bool = True) -> dict[str, Any]:
        flags = dict(self.flags)
        if reset:
            self.flags.clear()
        return flags
