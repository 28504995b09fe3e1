"""Finds modules of the reference: those that one of ours stands in place of, and stand-ins for what we do not have."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from . import aliases, reference_names
from .probing import asks_by_find_spec, is_guarded
from .stand_in import StandInModule


class StandInFinder(MetaPathFinder):
    """Comes last: what really is installed under such a name wins."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in aliases.ALIASES:
            return ModuleSpec(fullname, _AliasLoader())
        if fullname.partition(".")[0] not in reference_names.ROOTS:
            return None
        frame = sys._getframe(1)
        if not reference_names.is_module(fullname) and (is_guarded(frame) or asks_by_find_spec(frame)):
            return None
        return ModuleSpec(fullname, _StandInLoader(), is_package=True)


class _AliasLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary one, which gives way."""

    def exec_module(self, module: ModuleType) -> None:
        from .install import publish

        name = module.__name__
        publish(aliases.load(name), name)  # what sys.modules holds now is what the import gives


class _StandInLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandInModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to execute."""
