"""Puts the names that packs import into ``sys.modules``: when the first pack or V3 node needs them, never before."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..session import Session

_MODULES = (
    *(
        "comfy_api",
        "comfy",
        "comfy_execution",
        "comfy_extras",
        "app",
        "folder_paths",
        "node_helpers",
        "nodes",
        "protocol",
    ),
    *("latent_preview", "execution"),
)
_WITH_SESSION = "server"  # needs aiohttp: only where packs are loaded
_lock = threading.RLock()


def install() -> None:
    """Make ``import comfy_api``, ``import folder_paths`` … find ours; calling it again changes nothing.

    A module of such a name that somebody else loaded before stays theirs (see :func:`taken`).
    """
    with _lock:
        for name in _MODULES:
            _claim(name)
        from .finder import StandInFinder

        if not any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
            sys.meta_path.append(StandInFinder())


def _claim(name: str) -> None:
    module = importlib.import_module(f"{__package__}.{name}")
    if sys.modules.get(name, module) is module:
        _alias(module, name)


def bind(session: Session) -> None:
    """Make the modules speak of ``session``'s folders, nodes and events; ``import server`` finds ours from now on."""
    with _lock:
        _claim(_WITH_SESSION)
    for name in ("folder_paths", "nodes", _WITH_SESSION):
        module = importlib.import_module(f"{__package__}.{name}")
        if name != "folder_paths" or module.bound_to is not session:
            module.bind(session)


def taken() -> dict[str, str]:
    """The names that somebody else loaded before us, with where they come from; packs get those instead of ours."""
    found = {}
    for name in (*_MODULES, _WITH_SESSION):
        module = sys.modules.get(name)
        if module is not None and module is not sys.modules.get(f"{__package__}.{name}"):
            found[name] = str(getattr(module, "__file__", module))
    return found


def _alias(module: ModuleType, name: str) -> None:
    """The very same module objects under the short names, so that there is one ``ComfyNode`` however it is imported."""
    publish(module, name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
        part = importlib.import_module(found.name)
        publish(part, name + found.name[len(module.__name__) :])


def publish(module: ModuleType, name: str) -> None:
    """Let ``import name`` give ``module``, which answers for names of the reference that it does not have."""
    sys.modules[name] = module
    if not name.startswith("comfy_api") and "__getattr__" not in vars(module):
        module.__getattr__ = _fall_through(module, name)  # type: ignore[method-assign]


def _fall_through(module: ModuleType, name: str) -> Callable[[str], Any]:
    def ask(attribute: str) -> Any:
        from .stand_in import missing_attribute

        return missing_attribute(module, name, attribute, sys._getframe(1))

    return ask
