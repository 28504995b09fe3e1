"""Packs of custom nodes into the registry: one that fails costs itself, a node that fails costs that node."""

from __future__ import annotations

import importlib.util
import logging
import sys
import time
import traceback
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from .. import compat
from ..compat.extensions import PackNodes, read_extension, read_mappings
from ..protocol.registry import Registry
from .files import PackFiles, Packs
from .finding import FoundPack, find_packs

log = logging.getLogger(__name__)

#: What the nodes of packs say of where they come from begins with this.
ORIGIN = "custom_nodes."


@dataclass(frozen=True)
class LoadedPack:
    """What became of a pack: its ``nodes``, what ``failed`` of it by node, ``error`` where it failed as a whole (one
    line), and how many ``seconds`` its import took."""

    name: str
    path: Path
    nodes: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    seconds: float = 0.0


def load_packs(
    registry: Registry, files: Packs, roots: Iterable[Path], only: Collection[str] | None = None
) -> list[LoadedPack]:
    """Load the packs in ``roots`` (folders like ``custom_nodes``); ``only`` names those wanted, all when None.

    Nothing that a pack does while it is loaded is raised: what went wrong is logged and in the answer.
    """
    found = find_packs(roots, only)
    if not found:
        return []
    compat.install()
    built_in = {item.name for item in registry.definitions() if not item.python_module.startswith(ORIGIN)}
    for pack in found:
        _prestart(pack)
    return [_load(pack, registry, files, built_in) for pack in found]


def _prestart(pack: FoundPack) -> None:
    script = pack.path / "prestartup_script.py"
    if pack.path.is_dir() and script.is_file():
        try:
            _run(f"{pack.module_name}.prestartup_script", script)
        except BaseException as error:
            _tell(pack, "its prestartup script failed", error)


def _load(pack: FoundPack, registry: Registry, files: Packs, built_in: Collection[str]) -> LoadedPack:
    started = time.perf_counter()
    try:
        module = _run(pack.module_name, pack.source, pack.path if pack.path.is_dir() else None)
        if pack.path.is_dir():
            files.add(PackFiles(pack.name, pack.path, _web_folder(pack, module)))
        read = _nodes_of(pack, module)
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # SystemExit included: a pack that exits ends itself alone
        return LoadedPack(pack.name, pack.path, error=_tell(pack, "it was not loaded", error))
    names = []
    for definition in read.definitions:
        if definition.name in built_in:
            log.warning("pack %r: its node %r is built in already and is not used", pack.name, definition.name)
            continue
        registry.register(definition)
        names.append(definition.name)
    failed = {name: _tell(pack, f"its node {name!r} was not loaded", error) for name, error in read.failed.items()}
    return LoadedPack(pack.name, pack.path, tuple(names), failed, None, time.perf_counter() - started)


def _run(name: str, source: Path, package: Path | None = None) -> ModuleType:
    """Run a file as the module ``name``; it is forgotten again when it fails."""
    locations = [str(package)] if package is not None else None
    spec = importlib.util.spec_from_file_location(name, source, submodule_search_locations=locations)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _web_folder(pack: FoundPack, module: ModuleType) -> Path | None:
    """The folder of the pack's scripts for the front end."""
    named = getattr(module, "WEB_DIRECTORY", None)
    folder = pack.path / named if isinstance(named, str) else None
    return folder.resolve() if folder is not None and folder.is_dir() else None


def _nodes_of(pack: FoundPack, module: ModuleType) -> PackNodes:
    origin = ORIGIN + pack.name
    mappings = getattr(module, "NODE_CLASS_MAPPINGS", None)
    if mappings is not None:
        for cls in mappings.values():
            if isinstance(cls, type):
                cls.RELATIVE_PYTHON_MODULE = origin  # type: ignore[attr-defined]
        return read_mappings(mappings, getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", None), origin)
    entrypoint = getattr(module, "comfy_entrypoint", None)
    if callable(entrypoint):
        return read_extension(entrypoint, origin)
    log.warning("pack %r: it has neither NODE_CLASS_MAPPINGS nor comfy_entrypoint", pack.name)
    return PackNodes()


def _tell(pack: FoundPack, what: str, error: BaseException) -> str:
    """Log a failure as one line, with the way out where there is one; returns the line."""
    reason = traceback.format_exception_only(error)[-1].strip()
    if isinstance(error, ModuleNotFoundError) and error.name:
        reason += f" (pip install {error.name.partition('.')[0]})"
    line = f"{what}: {reason}"
    log.warning("pack %r: %s", pack.name, line)
    log.debug("pack %r", pack.name, exc_info=error)
    return line
