"""``from comfy_api.latest import io`` in a cell: found when somebody asks and nothing installed is called so."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class ComfyApiFinder(MetaPathFinder):
    """Comes last; the names that packs import are installed with the first question."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, _Loader(), is_package=True) if fullname == "comfy_api" else None


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from .compat import install

        sys.modules.pop(spec.name, None)
        install()
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """It has run already."""


def add() -> None:
    """Put the finder behind those of the interpreter, once."""
    if not any(type(finder).__name__ == ComfyApiFinder.__name__ for finder in sys.meta_path):
        sys.meta_path.append(ComfyApiFinder())
