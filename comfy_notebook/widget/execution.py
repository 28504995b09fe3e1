"""What the running cell tells about where it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any


def is_headless() -> bool:
    """True while a cell is executed by nbclient or papermill: they refuse input(), which every notebook page offers.

    Voila executes with nbclient too, but its pages are live.
    """
    if os.environ.get("SERVER_SOFTWARE", "").lower().startswith("voila"):
        return False
    request = _request()
    return bool(request) and request.get("content", {}).get("allow_stdin") is False


def _request() -> Mapping[str, Any]:
    """The execute request being handled; empty outside a kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None or not hasattr(kernel, "get_parent"):
        return {}
    parent = kernel.get_parent("shell")
    kind = (parent.get("header") or {}).get("msg_type") if isinstance(parent, Mapping) else None
    return parent if kind == "execute_request" else {}
