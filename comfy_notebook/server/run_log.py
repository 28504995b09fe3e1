"""What became of each prompt, in the log: a server process has no cell that shows it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..engine.history import HistoryEntry

log = logging.getLogger(__name__)


def log_run(entry: HistoryEntry) -> None:
    """One line for a prompt that ended, and for a node that failed its error with the traceback."""
    prompt_id, messages = entry["prompt"][1], entry["status"]["messages"]
    for kind, data in messages:
        if kind == "execution_error":
            log.error("%s", _failure(data))
        elif kind == "execution_interrupted":
            log.info("prompt %s was interrupted", prompt_id)
    if entry["status"]["completed"]:
        seconds = (messages[-1][1]["timestamp"] - messages[0][1]["timestamp"]) / 1000
        log.info("prompt %s is done after %.2f s", prompt_id, seconds)


def _failure(data: Mapping[str, Any]) -> str:
    node = f"node {data['node_id']} ({data['node_type']}) of prompt {data['prompt_id']} failed"
    error = f"{data['exception_type']}: {data['exception_message'].strip()}"
    return f"{node}: {error}\n{''.join(data['traceback'])}".rstrip()
