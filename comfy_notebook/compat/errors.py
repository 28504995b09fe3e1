"""What a pack gets that calls something which is not there."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from ..protocol.context import context


class NotSupportedError(RuntimeError):
    """A pack called a part of ComfyUI's insides that comfy_notebook does not have; names pack, node and feature."""


_lock = threading.Lock()
_owners: dict[str, str] = {}


def own(folder: Path, pack: str) -> None:
    """Code below ``folder`` (or in this file) belongs to ``pack``."""
    with _lock:
        _owners[str(folder)] = pack


def pack_of_file(file: str) -> str | None:
    """The pack that a source file belongs to."""
    with _lock:
        owners = list(_owners.items())
    return next((pack for folder, pack in owners if file == folder or file.startswith(folder + os.sep)), None)


def not_supported(feature: str) -> NotSupportedError:
    """The error for a call of ``feature`` from where we are now."""
    pack, node = _calling_pack(), _running_node()
    asked = " of ".join(filter(None, [node and f"node {node}", pack and f"the pack {pack!r}"]))
    return NotSupportedError(f"{asked or 'The caller'} uses {feature}, which comfy_notebook does not have")


def _calling_pack() -> str | None:
    frame = sys._getframe(1)
    while frame is not None:
        pack = pack_of_file(frame.f_code.co_filename)
        if pack is not None:
            return pack
        frame = frame.f_back  # type: ignore[assignment]
    return None


def _running_node() -> str | None:
    """``'Class' (id)`` of the node that runs in this thread."""
    running = context()
    if running.node_id is None:
        return None
    from .. import session

    for item in session.current().engine.queue.running():
        entry = item.prompt.get(running.node_id)
        if item.prompt_id == running.prompt_id and entry is not None:
            return f"{entry['class_type']!r} ({running.node_id})"
    return f"({running.node_id})"
