"""Loads packs into a session: all of a folder, or one by name; again when its files changed.

Each pack is imported on a thread of its own. One that takes longer than the limit is reported and goes on there; the
others do not wait for it. What fails, fails alone.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from argparse import Namespace
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .. import compat
from ..compat.errors import own, pack_of_file
from ..engine.events import Event
from .explain import explain
from .files import PackFiles
from .finding import PackSource, code_fingerprint, declared_web_folder, find_packs
from .importing import forget_compiled, import_pack, run_prestartup, take_modules
from .quiet import captured
from .registering import PREFIX, read_nodes, register_nodes, remove_nodes
from .report import PackReport
from .signals import left_alone

if TYPE_CHECKING:
    from ..session import Session

log = logging.getLogger(__name__)

_THREAD = "comfy_notebook-pack"
#: Seconds after which the others no longer wait for a pack.
LIMIT = 30.0


class PackLoader:
    """The packs of one session."""

    def __init__(self, session: Session, limit: float = LIMIT) -> None:
        self.session = session
        self.limit = limit
        self.folders = session.pack_folders
        self.options: Namespace | None = None  # those the server was started with, shown to packs
        self.reports: dict[str, PackReport] = {}
        self._sources: dict[str, PackSource] = {}
        self._codes: dict[str, str] = {}
        self._lock = threading.RLock()
        self._all: threading.Thread | None = None

    def load_all(self, folders: Iterable[Path] | None = None, only: Collection[str] | None = None) -> list[PackReport]:
        """Load every pack in ``folders`` (the session's ``custom_nodes`` when None) that is not loaded yet; ``only``
        names those wanted. Prestartup scripts run first."""
        with self._lock:
            roots = self.folders if folders is None else list(folders)
            self.folders += [root for root in roots if root not in self.folders]
            sources = [source for source in find_packs(roots, only) if source.name not in self._sources]
            if sources:
                self._prepare()
            for source in sources:
                self._prestart(source)
            self.session.packs.awaited = [source.name for source in sources]
            for source in sources:
                self._load(source)
            self.session.packs.awaited = ()
            return [self.reports[source.name] for source in sources]

    def load_all_soon(self) -> None:
        """:meth:`load_all` on a thread of its own, once; does nothing without a ``custom_nodes`` folder."""
        from ..session import import_before_threads

        with self._lock:
            found = find_packs(self.folders) if self._all is None else []
            if found:
                self.session.packs.awaited = [source.name for source in found]
                import_before_threads()
                self._all = threading.Thread(target=self.load_all, name=f"{_THREAD}s", daemon=True)
                self._all.start()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until :meth:`load_all_soon` is through; a pack that asks while it is imported does not wait."""
        if self._all is not None and not threading.current_thread().name.startswith(_THREAD):
            self._all.join(timeout)

    def load(self, source: PackSource) -> PackReport:
        """Load one pack, again when its files changed since; the nodes of the last load stay when it fails. What goes
        wrong stands in the report, not in the log: the caller shows it."""
        with self._lock:
            self._prepare()
            known = self.reports.get(source.name)
            if known is not None and self._sources.get(source.name) == source:
                is_same = known.ok and self._codes[source.name] == code_fingerprint(source)
                if known.status == "importing" or is_same:
                    return known
                return self._reload(source, is_asked_for=True)
            self._prestart(source)
            return self._load(source, is_asked_for=True)

    def reload_changed(self) -> list[PackReport]:
        """Load every pack again whose files changed; returns the reports of those."""
        with self._lock:
            changed = [
                source
                for name, source in self._sources.items()
                if self.reports[name].status != "importing" and self._codes[name] != code_fingerprint(source)
            ]
            return [self._reload(source) for source in changed]

    def _prepare(self) -> None:
        folders = self.session.folders
        for folder in (folders.input, folders.output, folders.temp):
            folder.mkdir(parents=True, exist_ok=True)  # packs list them without asking whether they exist
        compat.install()
        compat.bind(self.session)
        self._name_folders()
        self.session.packs.reports = self.reports
        if self.options is not None:
            from ..compat.comfy.cli_args import take

            take(self.options)

    def _name_folders(self) -> None:
        """``custom_nodes`` as packs ask for it: where they are loaded from, existing folders first."""
        from ..compat import folder_paths

        roots = sorted(self.folders, key=lambda root: not root.is_dir())
        folder_paths.folder_names_and_paths["custom_nodes"][0][:] = [str(root) for root in roots]

    def _prestart(self, source: PackSource) -> None:
        """A script that fails is told of; the pack is imported all the same, as in ComfyUI."""
        if not (source.path / "prestartup_script.py").is_file():
            return
        own(source.owned, source.name)
        report = PackReport(source.name, source.path)
        done = self._guarded(report, source, lambda: run_prestartup(source))
        if not done.wait(self.limit):
            report.notes.append(f"prestartup_script.py takes longer than {self.limit:.0f} s")
        if report.problem:
            log.warning("%s: prestartup_script.py: %s", source.name, report.problem)

    def _load(
        self, source: PackSource, previous: PackReport | None = None, *, is_asked_for: bool = False
    ) -> PackReport:
        """``is_asked_for``: by name, so that the caller shows what became of it and the log stays quiet."""
        level = logging.INFO if is_asked_for else logging.WARNING
        report = PackReport(source.name, source.path)
        self._sources[source.name], self.reports[source.name] = source, report
        self._codes[source.name] = code = code_fingerprint(source)
        own(source.owned, source.name)
        done = self._guarded(report, source, lambda: self._take_in(source, report, code, previous, is_asked_for))
        if done.wait(self.limit):
            self._tell(report, level)
        else:
            report.seconds = self.limit
            log.log(level, "%s", report)
            self._notify("warn", report)
            threading.Thread(target=self._tell_when, args=(done, report), daemon=True).start()
        return report

    def _tell_when(self, done: threading.Event, report: PackReport) -> None:
        done.wait()
        self._tell(report, logging.WARNING)

    def _take_in(
        self, source: PackSource, report: PackReport, code: str, previous: PackReport | None, is_asked_for: bool
    ) -> None:
        module = import_pack(source)
        register_web(self.session, source, module, report)
        read = read_nodes(module, PREFIX + source.name)
        if read is None and not report.has_web:
            raise ImportError("has neither NODE_CLASS_MAPPINGS nor comfy_entrypoint")
        if read is not None:
            register_nodes(self.session.registry, read, report, code, is_asked_for)
        if previous is not None:
            gone = [name for name in previous.nodes if name not in report.nodes]
            remove_nodes(self.session.registry, gone, source.name)
        report.status = "loaded"

    def _reload(self, source: PackSource, *, is_asked_for: bool = False) -> PackReport:
        """Routes and handlers of the old code go with it; if the new code fails, everything old comes back."""
        previous = self.reports[source.name]
        modules = take_modules(source)
        forget_compiled(source)
        restore = self._withdraw(source.name)
        report = self._load(source, previous, is_asked_for=is_asked_for)
        if report.status == "failed":
            take_modules(source)
            sys.modules.update(modules)
            restore()
            report.nodes = list(previous.nodes)
        return report

    def _withdraw(self, pack: str) -> Callable[[], None]:
        """Take away the routes, folders and prompt handlers that the pack's code registered; returns the way back."""
        from ..compat.server import PromptServer

        handlers, listed = self.session.engine.on_prompt, PromptServer.instance.on_prompt_handlers

        def is_own(handler: object) -> bool:
            return (pack_of_file(str(handler)) if isinstance(handler, Path) else pack_of_handler(handler)) == pack

        restore_routes = self.session.packs.routes.withdraw(is_own)
        old_handlers = handlers.remove_if(is_own)
        listed[:] = [handler for handler in listed if not is_own(handler)]

        def restore() -> None:
            restore_routes()
            for handler in old_handlers:
                handlers.add(handler)
                listed.append(handler)

        return restore

    def _guarded(self, report: PackReport, source: PackSource, work: Callable[[], None]) -> threading.Event:
        """Do ``work`` on a thread; whatever it raises ends up in ``report``."""
        done = threading.Event()

        def run() -> None:
            started = time.perf_counter()
            try:
                with captured() as printed, left_alone(report.notes.append):
                    try:
                        work()
                    except BaseException as error:
                        report.status = "failed"
                        report.problem, report.remedy = explain(error, source.folder)
                        report.traceback_text = traceback.format_exc()
                    finally:
                        report.output = printed.getvalue()
            finally:
                report.seconds = time.perf_counter() - started
                done.set()

        threading.Thread(target=run, name=f"{_THREAD}-{source.name}", daemon=True).start()
        return done

    def _tell(self, report: PackReport, level: int) -> None:
        """One line in the log; open editors look for scripts, and show a failure."""
        log.log(logging.INFO if report.ok else level, "%s", report)
        self.session.bus.publish(Event("cn.packs_changed", {"pack": report.name, "status": report.status}))
        if not report.ok:
            self._notify("error", report)
        for name, reason in report.refused.items():
            log.info("%s: the node %r is left out: %s", report.name, name, reason)

    def _notify(self, severity: str, report: PackReport) -> None:
        data = {"severity": severity, "summary": f"The pack {report.name}", "detail": str(report)}
        self.session.bus.publish(Event("cn.notice", data))


def register_web(session: Session, source: PackSource, module: ModuleType, report: PackReport) -> None:
    """The pack's files for clients: scripts, and what lies in its folder (templates, translations, subgraphs)."""
    from ..compat import nodes

    nodes.LOADED_MODULE_DIRS[source.name] = str(source.folder)
    web = getattr(module, "WEB_DIRECTORY", None)
    path = (source.folder / web).resolve() if isinstance(web, str) else None
    if path is not None and not path.is_dir():
        report.notes.append(f"WEB_DIRECTORY {web!r} is no folder")
        path = None
    if source.path.is_dir():
        session.packs.add(PackFiles(source.name, source.path, path))
    if path is not None:
        nodes.EXTENSION_WEB_DIRS[source.name] = str(path)
        report.has_web = True
    declared = declared_web_folder(source.path) if source.path.is_dir() else None
    if declared is not None and declared[1].is_dir() and declared[1].resolve() != path:
        nodes.EXTENSION_WEB_DIRS[declared[0]] = str(declared[1])
        report.has_web = True


def pack_of_handler(handler: object) -> str | None:
    """The pack whose code a function is."""
    function = getattr(handler, "__func__", handler)
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    code = getattr(function, "__code__", None)
    return None if code is None else pack_of_file(code.co_filename)
