"""The cells of the notebook: which one is running (the identity of an editor that has neither a path nor a name), and
when one has ended.

JupyterLab, VS Code and Colab send the cell's id with each execution. Where none comes, the cell's own text stands in
for it. Several editors made by one execution are told apart by their order.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_lock = threading.Lock()
_last: tuple[str, int] = ("", 0)


def current_cell() -> str | None:
    """A name for "the n-th editor of this cell of this notebook"; None outside a notebook kernel."""
    shell = _shell()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    try:
        parent: dict[str, Any] = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else shell.parent_header
    except Exception:  # an unusual kernel: its editors are simply not restored
        return None
    if not parent:
        return None
    code = str(parent.get("content", {}).get("code", ""))
    metadata = parent.get("metadata") or {}
    named = metadata.get("cellId") or (metadata.get("colab") or {}).get("cell_id")
    cell = named or hashlib.sha256(code.encode()).hexdigest()[:16]
    notebook = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or ""
    return f"{notebook}#{cell}#{_ordinal(str(parent.get('header', {}).get('msg_id', '')))}"


def after_each_cell(call: Callable[[], None]) -> Callable[[], None]:
    """Call ``call`` on the main thread after each cell, failed ones too; the returned function ends that. Outside
    IPython there are no cells."""
    events = getattr(_shell(), "events", None)
    if events is None:
        return lambda: None

    def cell_ended(result: Any = None) -> None:
        call()

    def stop() -> None:
        with suppress(ValueError):  # somebody cleared the hooks of the shell
            events.unregister("post_run_cell", cell_ended)

    events.register("post_run_cell", cell_ended)
    return stop


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None


def _ordinal(execution: str) -> int:
    global _last
    with _lock:
        _last = (execution, _last[1] + 1 if _last[0] == execution else 0)
        return _last[1]
