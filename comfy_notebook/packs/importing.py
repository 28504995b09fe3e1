"""Importing one pack the way ComfyUI does, on a thread of its own and inside a running event loop."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import linecache
import os
import sys
import threading
from pathlib import Path
from types import ModuleType

from ..compat import probing
from .finding import PackSource, code_files


def run_prestartup(source: PackSource) -> None:
    """Run ``prestartup_script.py`` where the pack has one; raises what it raises."""
    script = source.path / "prestartup_script.py"
    if script.is_file():
        _execute(f"{source.module}_prestartup", script)


def import_pack(source: PackSource) -> ModuleType:
    """Import a pack inside a running event loop; raises whatever its code raises, ``SystemExit`` included. Tasks that
    it starts on the loop go on in a thread of their own."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_import(source))
    finally:
        tasks = asyncio.all_tasks(loop)
        if tasks:
            threading.Thread(target=_finish, args=(loop, tasks), name="comfy_notebook-pack-tasks", daemon=True).start()
        else:
            loop.close()


def _finish(loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[object]]) -> None:
    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


async def _import(source: PackSource) -> ModuleType:
    if source.module.isidentifier() or importlib.util.find_spec(source.module.partition(".")[0]) is not None:
        return importlib.import_module(source.module)
    file = source.path / "__init__.py" if source.path.is_dir() else source.path
    if not file.is_file():
        raise FileNotFoundError(f"there is no {file.name} in {source.path}")
    return _execute(source.module, file)


def _execute(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def take_modules(source: PackSource) -> dict[str, ModuleType]:
    """Take a pack's modules out of ``sys.modules``, so that the next import reads its files again; returns them."""
    own = str(source.path)
    taken = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        is_below = isinstance(file, str) and (file == own or file.startswith(own + os.sep))
        if name == source.module or name.startswith(source.module + ".") or is_below:
            taken[name] = sys.modules.pop(name)
    return taken


def forget_compiled(source: PackSource) -> None:
    """Compiled files are told apart by whole seconds and size: a quick edit could go unseen."""
    for file in code_files(source):
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
    linecache.checkcache()
    importlib.invalidate_caches()
    probing._guards.cache_clear()
