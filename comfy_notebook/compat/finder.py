"""Finds modules of the reference that comfy_notebook does not have, and gives stand-ins for them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from . import reference_names
from .probing import asks_by_find_spec, is_guarded
from .stand_in import StandInModule


class StandInFinder(MetaPathFinder):
    """Comes last: what really is installed under such a name wins."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in reference_names.ROOTS:
            return None
        frame = sys._getframe(1)
        if not reference_names.is_module(fullname) and (is_guarded(frame) or asks_by_find_spec(frame)):
            return None
        return ModuleSpec(fullname, _StandInLoader(), is_package=True)


class _StandInLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandInModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to execute."""
