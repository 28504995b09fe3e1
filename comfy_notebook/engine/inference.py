"""torch's inference mode around everything a prompt calls, though the engine itself never loads torch.

Nodes run without autograd from the first tensor they make on. So a torch that another thread is loading is waited for
before a node is called, and when a node is the first to import torch, the mode begins the moment that import is done.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_running = threading.local()


class InferenceMode:
    """The mode of the thread that makes and uses it, from ``enter`` to ``close``."""

    def __init__(self) -> None:
        self._modes = contextlib.ExitStack()
        self._entered = False

    def enter(self) -> None:
        """Begin the mode, or make sure that it begins with torch; cheap when called again."""
        if self._entered:
            return
        torch = sys.modules.get("torch")
        if torch is None:
            _running.mode = self
            _watch_for_torch()
            return
        if getattr(torch.__spec__, "_initializing", False):
            with contextlib.suppress(Exception):  # a broken torch is the business of the node that needs it
                torch = importlib.import_module("torch")
        if hasattr(torch, "inference_mode"):
            self.begin(torch)

    def begin(self, torch: Any) -> None:
        if not self._entered:
            self._entered = True
            self._modes.enter_context(torch.inference_mode())

    def close(self) -> None:
        """Leave the mode."""
        _running.mode = None
        self._modes.close()


class _TorchWatcher(MetaPathFinder):
    """Takes no part in finding torch, only hears of it when it has been loaded."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "torch":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            with contextlib.suppress(ValueError):
                sys.meta_path.remove(self)
            mode = getattr(_running, "mode", None)
            if mode is not None:
                mode.begin(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


_watcher = _TorchWatcher()


def _watch_for_torch() -> None:
    if _watcher not in sys.meta_path:
        sys.meta_path.insert(0, _watcher)
