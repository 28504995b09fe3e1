"""Puts the names that packs import into ``sys.modules``: when the first pack or V3 node needs them, never before."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

_PACKAGES = ("comfy_api", "comfy_execution")


def install() -> None:
    """Make ``import comfy_api`` (and what is below it) find ours; calling it again changes nothing.

    A module of such a name that somebody else loaded before stays theirs.
    """
    for name in _PACKAGES:
        package = importlib.import_module(f"{__package__}.{name}")
        if sys.modules.get(name, package) is package:
            _alias(package, name)


def _alias(package: ModuleType, name: str) -> None:
    """The very same module objects under the short names, so that there is one ``ComfyNode`` however it is imported."""
    sys.modules[name] = package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        sys.modules[name + found.name[len(package.__name__) :]] = module
