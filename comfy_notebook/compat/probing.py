"""Whether code that asks for a name can live without it.

``try: from comfy.x import y`` with a handler, ``hasattr`` and ``getattr`` with a default are honest questions: the
answer decides what a pack offers, so a stand-in must not pretend. A bare ``from comfy.x import y`` is none: without an
answer the whole pack is lost.
"""

from __future__ import annotations

import ast
import dis
import functools
import linecache
from pathlib import Path
from types import FrameType

_COMPAT = str(Path(__file__).parent)
_DIRECT = {"IMPORT_FROM", "IMPORT_NAME", "LOAD_ATTR", "LOAD_METHOD", "LOAD_NAME", "LOAD_GLOBAL"}
_CATCHING = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException", "NameError"}


def asker(frame: FrameType | None) -> FrameType | None:
    """The first frame that belongs to neither the import system nor to this package."""
    while frame is not None and (_is_importlib(frame) or frame.f_code.co_filename.startswith(_COMPAT)):
        frame = frame.f_back
    return frame


def _is_importlib(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith("<frozen importlib") or "/importlib/" in name.replace("\\", "/")


def asks_by_find_spec(frame: FrameType | None) -> bool:
    """Whether ``importlib.util.find_spec`` is on the way from ``frame`` to the asker."""
    end = asker(frame)
    while frame is not None and frame is not end:
        if frame.f_code.co_name == "find_spec" and _is_importlib(frame) and "util" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def is_probe(frame: FrameType | None) -> bool:
    """Whether the code at ``frame`` has an answer for "no"."""
    asking = asker(frame)
    if asking is None:
        return False
    return not _is_direct(asking) or in_guard(asking.f_code.co_filename, asking.f_lineno)


def is_guarded(frame: FrameType | None) -> bool:
    """Whether the import at ``frame`` stands where its failure is caught."""
    asking = asker(frame)
    return asking is not None and in_guard(asking.f_code.co_filename, asking.f_lineno)


def _is_direct(frame: FrameType) -> bool:
    """An attribute or import written as such, not a question asked through ``hasattr`` or ``getattr``."""
    code = frame.f_code.co_code
    return 0 <= frame.f_lasti < len(code) and dis.opname[code[frame.f_lasti]] in _DIRECT


def in_guard(file: str, line: int) -> bool:
    return any(first <= line <= last for first, last in _guards(file))


@functools.lru_cache(maxsize=2048)
def _guards(file: str) -> tuple[tuple[int, int], ...]:
    """First and last lines of what stands in a ``try`` with a handler for a missing name, or in ``suppress``."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found = []
    for node in ast.walk(tree):
        if (isinstance(node, ast.Try) and any(_catches(handler.type) for handler in node.handlers)) or (
            isinstance(node, ast.With) and any(_suppresses(item.context_expr) for item in node.items)
        ):
            found.append(node.body)
    return tuple((body[0].lineno, body[-1].end_lineno or body[-1].lineno) for body in found)


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    if isinstance(kind, ast.Tuple):
        return any(map(_catches, kind.elts))
    return (kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", None)) in _CATCHING


def _suppresses(call: ast.expr) -> bool:
    if not isinstance(call, ast.Call):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    return name == "suppress" and any(map(_catches, call.args))
