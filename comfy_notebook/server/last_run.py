"""What a run left behind, for a view that comes late: outputs and errors by node, the state of the run, stale nodes.

Nodes are named by the id the events carry as ``display_node``: the id in the document, ``"12:3"`` for node 3 inside
the subgraph instance 12.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.events import Event

FINAL = {"execution_success": "success", "execution_error": "error", "execution_interrupted": "interrupted"}


@dataclass
class _Prompt:
    """A submitted prompt and what it meant: equal signatures later mean that its results still hold."""

    prompt: Mapping[str, Any]
    signatures: Mapping[str, Any]
    node_errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    state: str = "queued"


class LastRun:
    """Follows the events of one editor's prompts. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._prompts: dict[str, _Prompt] = {}
        self._current: str | None = None
        self._executing: str | None = None
        self._outputs: dict[str, Any] = {}
        self._errors: dict[str, dict[str, Any]] = {}
        self._stale: list[str] = []
        self._progress: Mapping[str, Any] = {}

    def submitted(
        self,
        prompt_id: str,
        prompt: Mapping[str, Any],
        signatures: Mapping[str, Any],
        node_errors: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Remember a prompt that entered the queue, and the nodes of it that will not run."""
        with self._lock:
            known = self._prompts.get(prompt_id)
            if known is None:  # its first events may be here before this call
                known = self._prompts[prompt_id] = _Prompt(prompt, signatures)
            known.prompt, known.signatures, known.node_errors = prompt, signatures, node_errors
            if self._current is None or self._prompts[self._current].state not in ("queued", "running"):
                self._current = prompt_id

    def rejected(self, node_errors: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember why validation refused a prompt."""
        with self._lock:
            self._errors.update(validation_errors(node_errors))

    def clear_results(self) -> None:
        """Forget what earlier runs left; a run in progress goes on."""
        with self._lock:
            self._outputs, self._errors, self._stale = {}, {}, []
            for known in self._prompts.values():
                known.finished.clear()

    def clear_errors(self) -> None:
        """Forget the errors of earlier runs."""
        with self._lock:
            self._errors.clear()

    def on_event(self, event: Event) -> bool:
        """Take in one event of the engine; returns whether it made stale results fresh."""
        prompt_id = event.data.get("prompt_id")
        if not isinstance(prompt_id, str):
            return False
        with self._lock:
            stale = self._stale
            handler = _HANDLERS.get(event.type)
            if handler is not None:
                handler(self, prompt_id, event.data)
            elif event.type in FINAL:
                self._ended(prompt_id, FINAL[event.type], event.data)
            return bool(stale) and not self._stale

    def only_queued(self, alive: set[str]) -> None:
        """Prompts that wait or run but are not in ``alive`` were taken out of the queue."""
        with self._lock:
            for prompt_id, known in self._prompts.items():
                if known.state in ("queued", "running") and prompt_id not in alive:
                    known.state = "interrupted"

    def _started(self, prompt_id: str, _: Mapping[str, Any]) -> None:
        self._prompts.setdefault(prompt_id, _Prompt({}, {})).state = "running"
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
        if data.get("output") is not None:
            self._outputs[str(data.get("display_node") or data["node"])] = data["output"]

    def _progressed(self, _: str, data: Mapping[str, Any]) -> None:
        self._progress = data.get("nodes", {})

    def _ended(self, prompt_id: str, state: str, data: Mapping[str, Any]) -> None:
        known = self._prompts.setdefault(prompt_id, _Prompt({}, {}))
        if state == "error":
            if data.get("exception_type") == "ExecutionBlocked":
                return
            self._executing = None
            self._errors[str(data.get("node_id"))] = execution_error(data)
        elif state == "success" and self._executing is not None:
            self._finished(prompt_id, self._executing)
        self._executing = None
        known.state = state
        self._stale = []
        for other in [name for name, item in self._prompts.items() if item.state in FINAL.values()]:
            if other != prompt_id:
                del self._prompts[other]
        self._current = prompt_id

    def _finished(self, prompt_id: str, *nodes: str) -> None:
        self._prompts.setdefault(prompt_id, _Prompt({}, {})).finished.update(nodes)

    def stale(self, signatures: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> list[str] | None:
        """The nodes whose results no longer mean what the prompt means now; None when nothing changed since asked."""
        with self._lock:
            known = self._prompts.get(self._current or "")
            if known is None or not known.prompt or not known.finished:
                return None
            prompt, before, finished = known.prompt, known.signatures, set(known.finished)
        now = signatures(prompt)
        stale = sorted(node for node in finished if node in before and now.get(node) != before[node])
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
                "outputs": dict(self._outputs),
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
