"""How a node failed, told so that a person can mend it."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_ENGINE = str(Path(__file__).parent)
_LONG_TEXT = 2000
_OUT_OF_MEMORY = (
    "The device ran out of memory. Make the images, the batch or the model smaller; results kept from earlier runs "
    "have been let go, so trying again may be enough."
)


class NodeInputError(Exception):
    """A node asks for an input that is not there, or is linked to a node that is not there."""


class UnknownNodeError(Exception):
    """An expansion contains a node that is not installed."""


class NodeFailure(Exception):  # noqa: N818 - wraps the error of a node
    """A node raised ``error`` with ``inputs`` gathered; carries both to where the run ends."""

    def __init__(self, node_id: str, error: BaseException, inputs: Mapping[str, Any] | None = None) -> None:
        super().__init__(safe_text(error))
        self.node_id = node_id
        self.error = error
        self.inputs = dict(inputs or {})


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def describe(failure: NodeFailure) -> dict[str, Any]:
    """The part of the ``execution_error`` payload that tells of the error itself."""
    error = failure.error
    return {
        "exception_message": f"{_message(error)}\n{_OUT_OF_MEMORY if is_out_of_memory(error) else ''}",
        "exception_type": type_name_of(type(error)),
        "traceback": _traceback(error),
        "current_inputs": {name: _shown(value) for name, value in failure.inputs.items()},
    }


def is_a_persons_stop(error: BaseException) -> bool:
    """Whether Ctrl-C was pressed (that reaches the main thread), rather than ``KeyboardInterrupt`` raised by a node."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"The node tried to end the program (exit code {error.code})"
    if isinstance(error, KeyboardInterrupt):
        return "The node raised KeyboardInterrupt"
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"There is no {safe_text(error.args[0], repr)}"
    return safe_text(error) or type(error).__name__


def safe_text(value: Any, tell: Callable[[Any], str] = str) -> str:
    """``str(value)``, also of values whose ``__str__`` fails."""
    try:
        return tell(value)
    except BaseException as error:
        return f"<{type(value).__name__}, which cannot be shown: {type(error).__name__}>"


def type_name_of(kind: type) -> str:
    """A class's name with its module, but for builtins."""
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _traceback(error: BaseException) -> list[str]:
    """The frames below the engine's own: those of the node."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [i for i, frame in enumerate(frames) if not frame.filename.startswith(_ENGINE)]
    return traceback.format_list(frames[foreign[0] :] if foreign else frames)


def _shown(values: Any) -> list[Any]:
    return [_shown_value(value) for value in values] if isinstance(values, (list, tuple)) else [_shown_value(values)]


def _shown_value(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has no NaN and no infinity
    text = value if isinstance(value, str) else safe_text(value, _described)
    return text if len(text) <= _LONG_TEXT else f"{text[:_LONG_TEXT]}… ({len(text)} characters)"


def _described(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):  # the numbers in a tensor explain nothing
        return f"{type(value).__name__} {value.dtype} {list(value.shape)}"
    return str(value)
