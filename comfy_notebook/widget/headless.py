"""Whether a browser can be behind the running cell."""

from __future__ import annotations

import os
import sys
from typing import Any


def is_headless() -> bool:
    """True while a cell is executed by nbclient or papermill: they refuse input(), which every notebook page offers.

    Voila executes with nbclient too, but its pages are live.
    """
    if os.environ.get("SERVER_SOFTWARE", "").lower().startswith("voila"):
        return False
    request = _execute_request()
    return bool(request) and request.get("content", {}).get("allow_stdin") is False


def _execute_request() -> dict[str, Any]:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None or not hasattr(kernel, "get_parent"):
        return {}
    parent = kernel.get_parent("shell")
    return parent if isinstance(parent, dict) and "execute" in str(parent.get("msg_type", "")) else {}
