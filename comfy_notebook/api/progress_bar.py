"""A run on one line of a terminal: how much is done, the node that runs, and how far it is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from .errors import title_of

if TYPE_CHECKING:
    from ..engine.events import Event

WIDTH = 24


class ProgressBar:
    """Draws what the events of one run tell; ``receive`` may be called from any thread."""

    def __init__(self, stream: TextIO, prompt: Mapping[str, Any]) -> None:
        self._stream = stream
        self._prompt = prompt
        self._cached = 0
        self._open = False

    def receive(self, event: Event) -> None:
        """Take in one event of the engine."""
        if event.type == "execution_cached":
            self._cached = len(event.data["nodes"])
        elif event.type == "progress_state":
            self._draw(list(event.data["nodes"].values()))

    def close(self) -> None:
        """Leave the line."""
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False

    def _draw(self, states: list[Mapping[str, Any]]) -> None:
        running = [state for state in states if state["state"] == "running"]
        finished = self._cached + sum(state["state"] == "finished" for state in states)
        total = max(len(self._prompt), finished + len(running))
        part = sum(state["value"] / state["max"] for state in running if state["max"] > 0)
        filled = int(WIDTH * min(1.0, (finished + part) / max(total, 1)))
        text = f"[{'#' * filled}{'-' * (WIDTH - filled)}] {finished}/{total}"
        if running:
            now = running[-1]
            steps = f" {now['value']:g}/{now['max']:g}" if now["max"] > 1 else ""
            text += f" {title_of(self._prompt, str(now['display_node_id']))}{steps}"
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r\x1b[K{text[: columns - 1]}")
        self._stream.flush()
        self._open = True
