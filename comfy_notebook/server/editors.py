"""The open editors: each one's document and revision, its runs, and its copy on disk.

Who an editor is. ``EditorStore.create`` gives the same live editor again when it is asked for the same identity: the
workflow's path, else the name a person gave, else the notebook cell (``cell``). So re-running a cell brings back the
edited graph with its results, within a kernel at once and after a restart from the autosave; two cells that open one
file share its document. When the source itself changed in between, the source wins and the edits are kept as a file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.events import Event, EventBus
from ..protocol.registry import Registry, RegistryChange
from . import node_info
from .autosave import Autosave
from .cells import after_each_cell
from .editor_state import EditorState, Parts, StaleBase
from .later import Later
from .sources import read_source

if TYPE_CHECKING:
    from ..engine import Engine

__all__ = ["EditorState", "EditorStore", "StaleBase"]

COALESCE_SECONDS = 0.05


class EditorStore:
    """The editors of a session, by id."""

    def __init__(self, registry: Registry, bus: EventBus, engine: Engine) -> None:
        self._parts = Parts(registry, bus, engine, Later())
        self._lock = threading.RLock()
        self._editors: dict[str, EditorState] = {}
        self._changed: dict[str, None] = {}
        self._code = self._code_versions()
        self._unsubscribe = registry.subscribe(self._on_registry_change)
        self._stop_watching_cells = after_each_cell(self._on_cell_end)

    def __iter__(self) -> Iterator[EditorState]:
        with self._lock:
            return iter([editor for editor in self._editors.values() if not editor.closed])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def get(self, editor_id: str) -> EditorState | None:
        """The open editor of that id."""
        editor = self._editors.get(editor_id)
        return None if editor is None or editor.closed else editor

    def create(
        self,
        source: Any = None,
        name: str | None = None,
        *,
        cell: str | None = None,
        folder: Path | None = None,
        restore: bool = True,
    ) -> EditorState:
        """Open ``source``: a path, the bytes of a file, a dict (UI JSON or API prompt), a ``Workflow``, or nothing.

        ``name`` or else ``cell`` identifies an editor without a path; with neither it is new each time and not
        saved. ``folder`` is where the autosave of an editor without a path lies (default: the working folder).
        Raises ``WorkflowError`` when the source holds no workflow and ``OSError`` when it can't be read.
        """
        opened = read_source(source, node_info.info_source(self._parts.registry), name=name, cell=cell)
        with self._lock:
            editor = self._find(opened.key)
            if editor is not None:
                editor.hold_again()
                editor.follow_source(opened)
                return editor
            beside = opened.path.parent if opened.path else folder or Path.cwd()
            autosave = Autosave(opened.key, opened.title, beside) if opened.lasting else None
            editor = EditorState(self._parts, opened, autosave)
            if restore:
                editor.restore_edits()
            if opened.warnings:
                editor.remember_notice("\n".join(opened.warnings))
            self._editors = {key: item for key, item in self._editors.items() if not item.closed}
            self._editors[editor.id] = editor
            return editor

    def _find(self, key: str) -> EditorState | None:
        return next((editor for editor in self if editor.key == key), None)

    def flush(self) -> None:
        """Save every edit now."""
        self._parts.later.flush()

    def shutdown(self) -> None:
        """Save everything and stop listening."""
        self._unsubscribe()
        self._stop_watching_cells()
        self.flush()

    def _on_registry_change(self, change: RegistryChange) -> None:
        with self._lock:
            self._changed[change.name] = None
        self._parts.later.call("nodes", COALESCE_SECONDS, self._announce_nodes)

    def _on_cell_end(self) -> None:
        """A cell may have changed what the nodes of the notebook call or read."""
        if len(self):
            self._parts.later.call("code", COALESCE_SECONDS, self._look_at_code)

    def _look_at_code(self) -> None:
        """Look for stale results only where a node's code means something else than when last looked at."""
        before, self._code = self._code, self._code_versions()
        if self._code != before:
            self._refresh_stale()

    def _code_versions(self) -> dict[str, str]:
        return {one.name: one.code_version for one in self._parts.registry.definitions() if one.code is not None}

    def _announce_nodes(self) -> None:
        with self._lock:
            names, self._changed = list(self._changed), {}
        found = {name: node_info.entry(self._parts.registry, name) for name in names}
        data = {
            "set": {name: info for name, info in found.items() if info is not None},
            "remove": [name for name, info in found.items() if info is None],
        }
        self._parts.bus.publish(Event("cn.nodes_changed", data))
        self._refresh_stale()

    def _refresh_stale(self) -> None:
        for editor in self:
            editor.refresh_stale()
