"""``comfy_execution.progress``: the progress of the prompt that runs, and handlers that hear of it at once.

Clients are told by the engine itself, a few times a second; handlers hear every step. They belong to the prompt during
which they are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import partial
from typing import Any, TypedDict

from ...engine.progress import ProgressReporter
from ...engine.prompt import DynamicPrompt
from ...engine.run_report import shown_ids


class NodeState(Enum):
    """Where a node stands."""

    Pending = "pending"
    Running = "running"
    Finished = "finished"
    Error = "error"


class NodeProgressState(TypedDict):
    """The progress of one node: ``value`` of ``max`` steps."""

    state: NodeState
    value: float
    max: float


class ProgressHandler:
    """Hears of progress, on the thread that makes it; a method that raises is logged and changes nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.enabled = True

    def set_registry(self, registry: ProgressRegistry) -> None:
        """Told where it was registered."""

    def start_handler(self, node_id: str, state: NodeProgressState, prompt_id: str) -> None:
        """A node begins."""

    def update_handler(
        self,
        node_id: str,
        value: float,
        max_value: float,
        state: NodeProgressState,
        prompt_id: str,
        image: Any = None,
    ) -> None:
        """A node did a step; ``image`` is a preview: a PIL image or ``(format, PIL image, longest side)``."""

    def finish_handler(self, node_id: str, state: NodeProgressState, prompt_id: str) -> None:
        """A node ended, or failed: see ``state``."""

    def reset(self) -> None:
        """Taken out of its registry."""

    def enable(self) -> None:
        self.enabled = True

    def disable(self) -> None:
        self.enabled = False


class WebUIProgressHandler(ProgressHandler):
    """Stands for what tells the clients; here the engine does, whether this is registered or not."""

    def __init__(self, server_instance: Any = None) -> None:
        super().__init__("webui")
        self.server_instance = server_instance


class ProgressRegistry:
    """The progress of one prompt. Outside a run it can be written to, and nobody is told."""

    def __init__(self, prompt_id: str, dynprompt: DynamicPrompt, reporter: ProgressReporter | None = None) -> None:
        self.prompt_id = prompt_id
        self.dynprompt = dynprompt
        self.handlers: dict[str, ProgressHandler] = {}
        self._reporter = reporter or ProgressReporter(prompt_id, lambda *_: None, _NoTicker())
        self._reporter.registry = self

    @property
    def nodes(self) -> dict[str, NodeProgressState]:
        """The state of every node that has started."""
        return {node_id: _state(state) for node_id, state in self._reporter.states().items()}

    def register_handler(self, handler: ProgressHandler) -> None:
        self.handlers[handler.name] = handler
        handler.set_registry(self)
        self._listen()

    def unregister_handler(self, handler_name: str) -> None:
        self.handlers.pop(handler_name, None)
        self._listen()

    def enable_handler(self, handler_name: str) -> None:
        if handler_name in self.handlers:
            self.handlers[handler_name].enable()

    def disable_handler(self, handler_name: str) -> None:
        if handler_name in self.handlers:
            self.handlers[handler_name].disable()

    def reset_handlers(self) -> None:
        for handler in self.handlers.values():
            handler.reset()
        self.handlers = {}
        self._listen()

    def ensure_entry(self, node_id: str) -> NodeProgressState:
        """The state of a node, which begins now if it has not."""
        if node_id not in self._reporter.states():
            self._reporter.start(node_id, shown_ids(self.dynprompt, node_id))
        return _state(self._reporter.states()[node_id])

    def start_progress(self, node_id: str) -> None:
        self._reporter.start(node_id, shown_ids(self.dynprompt, node_id))

    def update_progress(self, node_id: str, value: float, max_value: float, image: Any = None) -> None:
        self.ensure_entry(node_id)
        self._reporter.update(node_id, value, max_value, image)

    def finish_progress(self, node_id: str) -> None:
        self.ensure_entry(node_id)
        self._reporter.finish(node_id)

    def _listen(self) -> None:
        """Each handler by itself, so that one that fails keeps nothing from the others."""
        self._reporter.listeners = [partial(self._tell, handler) for handler in self.handlers.values()]

    def _tell(self, handler: ProgressHandler, what: str, node_id: str, state: Mapping[str, Any], preview: Any) -> None:
        if not handler.enabled:
            return
        shown = _state(state)
        if what == "start":
            handler.start_handler(node_id, shown, self.prompt_id)
        elif what == "update":
            handler.update_handler(node_id, shown["value"], shown["max"], shown, self.prompt_id, preview)
        else:
            handler.finish_handler(node_id, shown, self.prompt_id)


def _state(state: Mapping[str, Any]) -> NodeProgressState:
    return {"state": NodeState(state["state"]), "value": state["value"], "max": state["max"]}


class _NoTicker:
    def wake(self, reporter: ProgressReporter) -> None:
        """Nobody is told."""


_idle = ProgressRegistry("", DynamicPrompt({}))


def get_progress_state() -> ProgressRegistry:
    """That of the prompt that runs; outside a run one that nobody looks at."""
    from ... import session

    reporter = session.current().engine.current_progress()
    if reporter is None or reporter.dynprompt is None:
        return _idle
    known = reporter.registry
    return known if known is not None else ProgressRegistry(reporter.prompt_id, reporter.dynprompt, reporter)


def add_progress_handler(handler: ProgressHandler) -> None:
    """Let ``handler`` hear of the prompt that runs."""
    get_progress_state().register_handler(handler)


def reset_progress_state(prompt_id: str, dynprompt: DynamicPrompt) -> None:
    """Forget what was noted outside runs; each prompt begins with a progress of its own."""
    global _idle
    _idle.reset_handlers()
    _idle = ProgressRegistry(prompt_id, dynprompt)


__all__ = [
    "NodeProgressState",
    "NodeState",
    "ProgressHandler",
    "ProgressRegistry",
    "WebUIProgressHandler",
    "add_progress_handler",
    "get_progress_state",
    "reset_progress_state",
]
