"""The composition root: one session owns the folders, the nodes, the engine, the editors and the server.

Every part is made when first asked for. Nothing here imports torch; the server's thread starts with the first editor
or the first ``listen``.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import threading
import weakref
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import folders as folder_module
from . import model_folders
from .engine.events import EventBus
from .folders import Folders
from .model_folders import ModelFolders
from .protocol.registry import Registry

if TYPE_CHECKING:
    from .engine import Engine
    from .engine.cache import ResultCache
    from .packs import PackReport
    from .packs.files import Packs
    from .packs.loader import PackLoader
    from .server.editors import EditorStore
    from .server.executing import Executing
    from .server.logs import LogBuffer
    from .server.runner import Server

T = TypeVar("T")
_log = logging.getLogger(__package__)

#: In the working folder: more folders of models and packs, as ComfyUI's file of that name lists them.
EXTRA_PATHS = "extra_model_paths.yaml"

#: What more than one thread uses and none should be the first to import: two threads that import a package and one of
#: its modules at the same time can fail with the interpreter's "deadlock detected" (measured with Python 3.11).
_SHARED_BY_THREADS = (
    *(f"{__package__}.{name}" for name in ("api", "workflow.widget_values", "server.app", "server.editors", "nodes")),
    *("PIL.Image", "PIL.PngImagePlugin", "PIL.JpegImagePlugin"),
)


class Session:
    """The parts of one kernel or one server process. ``folders`` become those of the process."""

    def __init__(
        self,
        folders: Folders | None = None,
        *,
        max_upload_size: int = 100 * 1024 * 1024,
        cache: ResultCache | None = None,
    ) -> None:
        """``max_upload_size`` in bytes; ``cache`` says what results are kept (see ``engine.cache``)."""
        if folders is not None:
            folder_module.use(folders)
        self.folders = folders or folder_module.current()
        self.bus = EventBus()
        self._max_upload_size = max_upload_size
        self._cache = cache
        self._lock = threading.RLock()
        self._parts: dict[str, Any] = {}
        self._closing: list[Callable[[], None]] = []
        _flush_at_exit(self)

    @property
    def registry(self) -> Registry:
        """Every node there is, the built-in ones from the start."""
        return self._part("registry", self._make_registry)

    @property
    def engine(self) -> Engine:
        """What validates and runs prompts."""
        return self._part("engine", self._make_engine)

    @property
    def editors(self) -> EditorStore:
        """The open editors."""
        return self._part("editors", self._make_editors)

    @property
    def server(self) -> Server:
        """The application on its own thread."""
        return self._part("server", self._make_server)

    @property
    def models(self) -> ModelFolders:
        """Where model files lie: the session's folder, and those that ``extra_model_paths.yaml`` beside it lists."""
        return self._part("places", self._make_places)[0]

    @property
    def pack_folders(self) -> list[Path]:
        """Where packs lie: ``custom_nodes``, and what ``extra_model_paths.yaml`` adds."""
        return [self.folders.base / "custom_nodes", *self._part("places", self._make_places)[1]]

    @property
    def packs(self) -> Packs:
        """The files that loaded packs bring for clients."""
        from .packs.files import Packs

        return self._part("packs", Packs)

    def load_packs(self, roots: Iterable[Path], only: Collection[str] | None = None) -> list[PackReport]:
        """Load the packs in folders like ``custom_nodes``; ``only`` names those wanted, all when None.

        What goes wrong with one is logged and in the answer; it keeps no other from loading.
        """
        return self.pack_loader.load_all(roots, only)

    @property
    def pack_loader(self) -> PackLoader:
        """What loads custom node packs."""
        from .packs.loader import PackLoader

        return self._part("pack_loader", lambda: PackLoader(self))

    @property
    def logs(self) -> LogBuffer:
        """What was logged lately."""
        return self._part("logs", self._make_logs)

    def close(self) -> None:
        """Save every edit, stop the running prompt, end the threads."""
        with self._lock:
            parts, self._parts = dict(self._parts), {}
        if "editors" in parts:
            parts["editors"].shutdown()
        if "server" in parts:
            parts["server"].stop()
        if "engine" in parts:
            parts["engine"].shutdown()
        while self._closing:
            self._closing.pop()()

    def flush(self) -> None:
        """Save every edit now."""
        editors = self._parts.get("editors")
        if editors is not None:
            editors.flush()

    def _part(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._parts:
                self._parts[name] = make()
            return cast("T", self._parts[name])

    def _make_registry(self) -> Registry:
        from .nodes import register_all

        model_folders.use(self.models)
        registry = Registry()
        register_all(registry)
        return registry

    def _make_places(self) -> tuple[ModelFolders, list[Path]]:
        """The model folders, and the folders of packs that the file of extra paths lists."""
        models, file = ModelFolders(self.folders.models), self.folders.base / EXTRA_PATHS
        if not file.is_file():
            return models, []
        try:
            return models, models.add_from_yaml(file)
        except (OSError, ValueError) as exc:
            _log.warning("The folders of %s are not used: %s", EXTRA_PATHS, exc)
            return models, []

    def _make_engine(self) -> Engine:
        from .engine import Engine

        import_before_threads()
        return Engine(self.registry, self.bus, self.folders, cache=self._cache)

    def _make_editors(self) -> EditorStore:
        from .server.editors import EditorStore

        return EditorStore(self.registry, self.bus, self.engine)

    def _make_logs(self) -> LogBuffer:
        from .server.logs import Handler, LogBuffer

        buffer = LogBuffer(self.bus)
        handler = Handler(buffer)
        logging.getLogger(__package__).addHandler(handler)
        self._closing.append(lambda: logging.getLogger(__package__).removeHandler(handler))
        return buffer

    def _executing(self) -> Executing:
        from .server.executing import Executing

        return self._part("executing", lambda: Executing(self.bus))

    def _make_server(self) -> Server:
        from .server.app import build_app
        from .server.runner import Server
        from .server.services import Services

        import_before_threads()
        return Server(
            lambda: build_app(
                Services(
                    self.folders,
                    self.registry,
                    self.bus,
                    self.engine,
                    self.editors,
                    self._executing(),
                    self.models,
                    self.packs,
                    self.logs,
                    self._max_upload_size,
                )
            )
        )


def _flush_at_exit(session: Session) -> None:
    reference = weakref.ref(session)

    def flush() -> None:
        alive = reference()
        if alive is not None:
            alive.flush()

    atexit.register(flush)
    weakref.finalize(session, atexit.unregister, flush).atexit = False


_current: Session | None = None
_current_lock = threading.Lock()


def current() -> Session:
    """The session of this process, made on first use; the packs in its ``custom_nodes`` load beside it."""
    global _current
    with _current_lock:
        is_new = _current is None
        session = _current = _current or Session()
    if is_new:
        session.pack_loader.load_all_soon()
    return session


def use(session: Session) -> Session:
    """Make ``session`` the one of this process; returns it."""
    global _current
    with _current_lock:
        _current = session
    return session


def import_before_threads() -> None:
    """Import what more than one thread uses."""
    for name in _SHARED_BY_THREADS:
        importlib.import_module(name)
