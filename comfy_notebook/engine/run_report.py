"""What a run tells of its nodes while they run, and what of it the history keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..protocol.blocking import ExecutionBlocker
from .prompt import DynamicPrompt
from .run_services import RunServices


def shown_ids(prompt: DynamicPrompt, node_id: str) -> dict[str, str | None]:
    """Where the progress of a node is shown."""
    return {
        "display_node_id": prompt.get_display_node_id(node_id),
        "parent_node_id": prompt.get_parent_node_id(node_id),
        "real_node_id": prompt.get_real_node_id(node_id),
    }


class RunReport:
    """``outputs`` (``ui`` by node id) and ``meta`` (whose it is) fill while the prompt runs; ``executed`` holds the ids
    of the nodes that are done, in order."""

    def __init__(self, services: RunServices, prompt: DynamicPrompt) -> None:
        self._services = services
        self._progress = services.progress
        self._prompt = prompt
        self._announced: set[str] = set()
        self.outputs: dict[str, Any] = {}
        self.meta: dict[str, Any] = {}
        self.executed: dict[str, None] = {}

    def starts(self, node_id: str) -> None:
        """A node begins; told once however often it is staged."""
        if node_id in self._announced:
            return
        self._announced.add(node_id)
        self.reused(node_id)
        display = self._prompt.get_display_node_id(node_id)
        self._services.send("executing", {"node": node_id, "display_node": display})

    def reused(self, node_id: str) -> None:
        """A node counts as started without being told of."""
        self._progress.start(node_id, shown_ids(self._prompt, node_id))

    def shows(self, node_id: str, ui: Mapping[str, Any] | None) -> None:
        """What a node shows; None clears it."""
        display = self._prompt.get_display_node_id(node_id)
        if ui:
            self.outputs[node_id] = ui
            self.meta[node_id] = {
                "node_id": node_id,
                "display_node": display,
                "parent_node": self._prompt.get_parent_node_id(node_id),
                "real_node": self._prompt.get_real_node_id(node_id),
            }
        self._services.send("executed", {"node": node_id, "display_node": display, "output": ui})

    def done(self, node_id: str) -> None:
        self.executed[node_id] = None
        self._progress.finish(node_id)

    def failed(self, node_id: str) -> None:
        self._progress.finish(node_id, "error")

    def where(self, node_id: str) -> dict[str, Any]:
        """The submitted node at which something happened, and what had run by then."""
        real = self._prompt.get_real_node_id(node_id)
        class_type = self._prompt.original_prompt.get(real, {}).get("class_type")
        return {"node_id": real, "node_type": class_type, "executed": list(self.executed)}

    def blocked(self, node_id: str, node_type: str, blocker: ExecutionBlocker) -> ExecutionBlocker:
        """Tell of a blocker with a message; what goes on is a silent one."""
        if blocker.message is None:
            return blocker
        self._services.blocked(
            {
                "node_id": self._prompt.get_real_node_id(node_id),
                "node_type": node_type,
                "executed": list(self.executed),
                "exception_message": f"Execution Blocked: {blocker.message}",
                "exception_type": "ExecutionBlocked",
                "traceback": [],
                "current_inputs": [],
                "current_outputs": [],
            }
        )
        return ExecutionBlocker(None)
