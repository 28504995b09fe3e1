"""ComfyUI's module dicts as views of the live registry: reading shows what is registered, writing registers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..protocol.registry import RegistryChange
from ..protocol.v1 import definition_from_class

if TYPE_CHECKING:
    from ..session import Session

log = logging.getLogger(__name__)


class _View(dict[str, Any]):
    """A dict whose changes by packs go through :meth:`put` and :meth:`drop`; ours go past them."""

    def put(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)

    def drop(self, key: str) -> None:
        super().__delitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.put(key, value)

    def __delitem__(self, key: str) -> None:
        self.drop(key)

    def update(self, *others: Any, **named: Any) -> None:
        for key, value in dict(*others, **named).items():
            self[key] = value

    def __ior__(self, other: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> _View:  # type: ignore[override, misc]
        self.update(other)
        return self

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: Any) -> Any:
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value


class NodeClasses(_View):
    """``NODE_CLASS_MAPPINGS``: class type → node class."""

    _session: Session | None = None
    _stop: Callable[[], None] | None = None

    def bind(self, session: Session) -> None:
        if session is self._session:
            return
        if self._stop is not None:
            self._stop()
        self._session = session
        dict.clear(self)
        self._stop = session.registry.subscribe(self._follow)
        for definition in session.registry.definitions():
            dict.__setitem__(self, definition.name, _class_of(definition.node_class))

    def _follow(self, change: RegistryChange) -> None:
        if change.definition is None:
            dict.pop(self, change.name, None)
        else:
            dict.__setitem__(self, change.name, _class_of(change.definition.node_class))

    def put(self, key: str, value: Any) -> None:
        """Register a class; one that is no node is kept here and tells the log why."""
        dict.__setitem__(self, key, value)
        if self._session is None:
            return
        module = getattr(value, "RELATIVE_PYTHON_MODULE", None) or "custom_nodes"
        try:
            self._session.registry.register(definition_from_class(key, value, None, module))
        except Exception as error:
            log.warning("node %r cannot be registered: %s", key, error)

    def drop(self, key: str) -> None:
        if self._session is not None and key in self._session.registry:
            self._session.registry.remove(key)
        dict.pop(self, key, None)


class DisplayNames(_View):
    """``NODE_DISPLAY_NAME_MAPPINGS``: class type → title."""

    _session: Session | None = None
    _stop: Callable[[], None] | None = None

    def bind(self, session: Session) -> None:
        if session is self._session:
            return
        if self._stop is not None:
            self._stop()
        self._session = session
        dict.clear(self)
        self._stop = session.registry.subscribe(self._follow)
        for definition in session.registry.definitions():
            dict.__setitem__(self, definition.name, definition.display_name or definition.name)

    def _follow(self, change: RegistryChange) -> None:
        if change.definition is None:
            dict.pop(self, change.name, None)
        else:
            dict.__setitem__(self, change.name, change.definition.display_name or change.name)


class WebFolders(_View):
    """``EXTENSION_WEB_DIRS``: what is written here is served at once."""

    _session: Session | None = None

    def bind(self, session: Session) -> None:
        if session is not self._session:
            dict.clear(self)
            self._session = session

    def put(self, key: str, value: Any) -> None:
        from ..packs.files import PackFiles

        dict.__setitem__(self, key, value)
        if self._session is not None:
            known = self._session.packs.get(key)
            folder = known.folder if known is not None else Path(value)
            self._session.packs.add(PackFiles(key, folder, Path(value)))


def _class_of(node_class: type) -> Any:
    """V3 nodes are known by the class their author wrote."""
    return getattr(node_class, "V3_CLASS", node_class)
