"""What runs left behind, for a view that comes late: outputs and errors by node, the state of the run, stale nodes.

A node shows the result of the last run that reached it, so that a run of one branch leaves the others as they were.

Nodes are named by the id the events carry as ``display_node``: the id in the document, ``"12:3"`` for node 3 inside
the subgraph instance 12.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.events import Event
from .meaning import Keys

FINAL = {"execution_success": "success", "execution_error": "error", "execution_interrupted": "interrupted"}


@dataclass
class _Prompt:
    """A submitted prompt and what it meant: equal keys later mean that its results still hold."""

    prompt: Mapping[str, Any] = field(default_factory=dict)
    keys: Keys = field(default_factory=dict)
    """Of the nodes as they ran."""
    document_keys: Keys = field(default_factory=dict)
    """Of the nodes of the document that was open when it was queued."""
    node_errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    state: str = "queued"


@dataclass(frozen=True)
class _Shown:
    """The result that a node shows: what it sent, from which prompt, and what the node meant then."""

    output: Any
    prompt_id: str
    key: Any


class LastRun:
    """Follows the events of one editor's prompts. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._prompts: dict[str, _Prompt] = {}
        self._current: str | None = None
        self._executing: str | None = None
        self._shown: dict[str, _Shown] = {}
        self._errors: dict[str, dict[str, Any]] = {}
        self._stale: list[str] = []
        self._progress: Mapping[str, Any] = {}

    def submitting(self, prompt_id: str, prompt: Mapping[str, Any], keys: Keys, document_keys: Keys) -> None:
        """Remember a prompt that is about to enter the queue, and what it means."""
        with self._lock:
            self._errors.clear()
            self._prompts[prompt_id] = _Prompt(prompt, keys, document_keys)

    def accepted(self, prompt_id: str, node_errors: Mapping[str, Mapping[str, Any]]) -> None:
        """The prompt entered the queue, without the nodes in ``node_errors``."""
        with self._lock:
            if prompt_id not in self._prompts:  # it ran and is over already
                return
            self._prompts[prompt_id].node_errors = node_errors
            current = self._prompts.get(self._current or "")
            if current is None or current.state not in ("queued", "running"):
                self._current = prompt_id

    def rejected(self, prompt_id: str, node_errors: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember why validation refused a prompt."""
        with self._lock:
            self._prompts.pop(prompt_id, None)
            self._errors.update(validation_errors(node_errors))

    def clear_results(self) -> None:
        """Forget what earlier runs left; a run in progress goes on."""
        with self._lock:
            self._shown, self._errors, self._stale = {}, {}, []
            for known in self._prompts.values():
                known.finished.clear()

    def on_event(self, event: Event) -> bool:
        """Take in one event of the engine; returns whether a run ended with it."""
        prompt_id = event.data.get("prompt_id")
        if not isinstance(prompt_id, str):
            return False
        with self._lock:
            handler = _HANDLERS.get(event.type)
            if handler is not None:
                handler(self, prompt_id, event.data)
            elif event.type in FINAL:
                return self._ended(prompt_id, FINAL[event.type], event.data)
            return False

    def _started(self, prompt_id: str, _: Mapping[str, Any]) -> None:
        self._prompts.setdefault(prompt_id, _Prompt()).state = "running"
        self._current, self._executing, self._progress = prompt_id, None, {}
        self._errors.clear()

    def _cached(self, prompt_id: str, data: Mapping[str, Any]) -> None:
        self._finished(prompt_id, *data.get("nodes", ()))

    def _executing_node(self, prompt_id: str, data: Mapping[str, Any]) -> None:
        if self._executing is not None:
            self._finished(prompt_id, self._executing)
        self._executing = data.get("node")

    def _executed(self, prompt_id: str, data: Mapping[str, Any]) -> None:
        self._finished(prompt_id, str(data["node"]))
        name = str(data.get("display_node") or data["node"])
        before, output = self._shown.get(name), data.get("output")
        if output is None and before is not None:  # the same as before, out of the cache
            output = before.output
        if output is not None:
            self._shown[name] = _Shown(output, prompt_id, self._prompts[prompt_id].document_keys.get(name))

    def _progressed(self, _: str, data: Mapping[str, Any]) -> None:
        self._progress = data.get("nodes", {})

    def _dropped(self, prompt_id: str, _: Mapping[str, Any]) -> None:
        if prompt_id == self._current:
            self._prompts[prompt_id].state = "interrupted"
        else:
            self._prompts.pop(prompt_id, None)

    def _ended(self, prompt_id: str, state: str, data: Mapping[str, Any]) -> bool:
        known = self._prompts.setdefault(prompt_id, _Prompt())
        if state == "error":
            if data.get("exception_type") == "ExecutionBlocked":
                return False
            self._executing = None
            self._errors[str(data.get("node_id"))] = execution_error(data)
        elif state == "success" and self._executing is not None:
            self._finished(prompt_id, self._executing)
        self._executing = None
        known.state = state
        for other in [name for name, item in self._prompts.items() if item.state in FINAL.values()]:
            if other != prompt_id:
                del self._prompts[other]
        self._current = prompt_id
        return True

    def _finished(self, prompt_id: str, *nodes: str) -> None:
        self._prompts.setdefault(prompt_id, _Prompt()).finished.update(nodes)

    @property
    def has_results(self) -> bool:
        """Whether any node shows a result."""
        return bool(self._shown)

    def shown_by(self) -> dict[str, str]:
        """The prompt whose result each node shows."""
        with self._lock:
            return {node: shown.prompt_id for node, shown in self._shown.items()}

    def stale(self, keys: Callable[[Mapping[str, Any]], Keys], document_keys: Callable[[], Keys]) -> list[str] | None:
        """The nodes whose results no longer hold; None when nothing changed since asked.

        These are nodes of the last prompt whose code is another now (``keys`` of the same prompt), and nodes whose
        shown result comes from a document that said something else than ``document_keys``.
        """
        with self._lock:
            known = self._prompts.get(self._current or "") or _Prompt()
            finished, shown = set(known.finished), dict(self._shown)
        now = keys(known.prompt) if known.prompt and finished else {}
        means = document_keys() if shown else {}
        other_code = {node for node in finished if node in known.keys and now.get(node) != known.keys[node]}
        edited = {node for node, item in shown.items() if item.key is not None and node in means}
        edited = {node for node in edited if means[node] != shown[node].key}
        stale = sorted(other_code | edited)
        with self._lock:
            if stale == self._stale:
                return None
            self._stale = stale
            return list(stale)

    def as_json(self) -> dict[str, Any]:
        """``{outputs, errors, stale, run}`` as the editor's route answers it."""
        with self._lock:
            known = self._prompts.get(self._current or "")
            run: dict[str, Any] | None = None
            if known is not None:
                run = {"prompt_id": self._current, "state": known.state, "node": self._executing}
                run["progress"] = dict(self._progress)
            errors = {**(validation_errors(known.node_errors) if known is not None else {}), **self._errors}
            return {
                "outputs": {node: shown.output for node, shown in self._shown.items()},
                "errors": errors,
                "stale": list(self._stale),
                "run": run,
            }


_HANDLERS: dict[str, Callable[[LastRun, str, Mapping[str, Any]], None]] = {
    "execution_start": LastRun._started,
    "execution_cached": LastRun._cached,
    "executing": LastRun._executing_node,
    "executed": LastRun._executed,
    "progress_state": LastRun._progressed,
    "cn.prompt_dropped": LastRun._dropped,
}


def validation_errors(node_errors: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """``node_errors`` of the API by node id, each as :func:`validation_error` gives it."""
    return {str(node): validation_error(entry) for node, entry in node_errors.items()}


def validation_error(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of ``node_errors`` as ``{message, type, inputs, errors}``."""
    errors = list(entry.get("errors", ()))
    lines = [": ".join(part for part in (error.get("message"), error.get("details")) if part) for error in errors]
    inputs = [(error.get("extra_info") or {}).get("input_name") for error in errors]
    return {
        "message": "\n".join(lines),
        "type": errors[0].get("type", "") if errors else "",
        "inputs": [name for name in inputs if name],
        "errors": errors,
    }


def execution_error(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an ``execution_error`` event as ``{message, type, inputs, traceback}``."""
    return {
        "message": str(data.get("exception_message", "")).strip(),
        "type": str(data.get("exception_type", "")),
        "inputs": [],
        "traceback": list(data.get("traceback") or ()),
    }
