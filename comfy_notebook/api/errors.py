"""What goes wrong with a run, said to the person who started it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NodeError:
    """One complaint: the node, the input it is about (None = the node as a whole), and the message."""

    node_id: str
    title: str
    class_type: str
    message: str
    input: str | None = None

    def __str__(self) -> str:
        name = self.title if self.title == self.class_type else f"{self.title} ({self.class_type})"
        where = f"{name}, input {self.input!r}" if self.input else name
        return f"{where} [node {self.node_id}]: {self.message}"


class RunError(RuntimeError):
    """A run was refused or failed. ``errors`` lists what is wrong, node by node; ``traceback_text`` is the node's own
    traceback (empty when validation refused the run)."""

    def __init__(self, message: str, errors: Sequence[NodeError] = (), traceback_text: str = "") -> None:
        super().__init__("\n".join([message, *(f"  • {error}" for error in errors)]))
        self.errors = list(errors)
        self.traceback_text = traceback_text

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message, not the frames between the cell and the queue."""
        hint = ["", "The node's own traceback is in the exception's .traceback_text"] if self.traceback_text else []
        return [f"{type(self).__name__}: {self}", *hint]


class RunInterrupted(RunError):  # noqa: N818 - said as it is: nobody made a mistake
    """The run was cancelled before it was finished."""


def title_of(prompt: Mapping[str, Any], node_id: str) -> str:
    """The title a person knows a node by: its own, else its class type."""
    node = prompt.get(node_id)
    if not isinstance(node, Mapping):
        return node_id
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return str(title or node.get("class_type", node_id))


def rejection(prompt: Mapping[str, Any], error: Mapping[str, Any], node_errors: Mapping[str, Any]) -> RunError:
    """The error of a prompt that validation refused."""
    found = list(node_complaints(prompt, node_errors))
    message = str(error.get("message") or "The workflow can't be run")
    details = str(error.get("details") or "").strip()
    if details and not found:
        message = f"{message}: {details}"
    if error.get("type") == "missing_node_type" and "not built here" not in message:
        from ..workflow.convert import SHOW_ONCE

        message = f"{message.rstrip('.')}. {SHOW_ONCE}"
    return RunError(message, found)


def node_complaints(prompt: Mapping[str, Any], node_errors: Mapping[str, Any]) -> list[NodeError]:
    """``node_errors`` of the API, flattened."""
    found = []
    for node_id, entry in node_errors.items():
        kind = str(entry.get("class_type", ""))
        for error in entry.get("errors", ()):
            info = error.get("extra_info") or {}
            text = (
                _empty(info)
                or _beyond(str(error.get("type")), info)
                or ": ".join(str(part) for part in (error.get("message"), error.get("details")) if part)
            )
            title = title_of(prompt, str(node_id))
            found.append(NodeError(str(node_id), title, kind, text, info.get("input_name")))
    return found


def _empty(info: Mapping[str, Any]) -> str:
    """What to say of an input that holds nothing where its type needs a value; empty for every other complaint."""
    config = info.get("input_config")
    if "received_value" not in info or info["received_value"] is not None or not config:
        return ""
    return f"The value is empty; it takes a value of type {config[0]}"


def _beyond(kind: str, info: Mapping[str, Any]) -> str:
    """What to say of a number out of its range; empty for every other complaint."""
    side = {
        "value_smaller_than_min": ("smaller", "minimum", "min"),
        "value_bigger_than_max": ("bigger", "maximum", "max"),
    }
    config = info.get("input_config")
    if kind not in side or not isinstance(config, (list, tuple)) or len(config) < 2:
        return ""
    than, limit, key = side[kind]
    return f"{info.get('received_value')} is {than} than the {limit}, {config[1].get(key)}"


def failure(prompt: Mapping[str, Any], data: Mapping[str, Any]) -> RunError:
    """The error of a run in which a node raised, from its ``execution_error`` message."""
    node_id = str(data.get("node_id"))
    kind = str(data.get("exception_type", "")).rsplit(".", 1)[-1]
    text = f"{kind}: {str(data.get('exception_message', '')).strip()}"
    error = NodeError(node_id, title_of(prompt, node_id), str(data.get("node_type", "")), text)
    return RunError("The run failed", [error], "".join(data.get("traceback") or ()))
