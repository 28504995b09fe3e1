"""What a running node may ask of whoever runs it: progress, interruption, who it is.

The engine sets a :class:`NodeContext` around every call of a node function; outside a run the default context makes
every call harmless, so node functions also work when a person calls them by hand.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol


class InterruptProcessingException(Exception):  # noqa: N818 - the name is part of the node protocol
    """Raised inside a node to end the prompt as *interrupted* rather than failed."""


class ProgressSink(Protocol):
    """Where progress goes; the engine implements it."""

    def progress(self, context: NodeContext, value: float, maximum: float, preview: Any | None) -> None: ...

    def text(self, context: NodeContext, text: str) -> None: ...

    def image(self, context: NodeContext, image: Any) -> None: ...

    def interrupted(self, prompt_id: str | None) -> bool: ...

    def wants_previews(self, context: NodeContext) -> bool: ...


@dataclass(frozen=True)
class NodeContext:
    """The node that is running now. ``node_id`` is the execution id (``"12:3"`` inside a subgraph)."""

    prompt_id: str | None = None
    node_id: str | None = None
    list_index: int | None = None
    sink: ProgressSink | None = None

    def check_interrupted(self) -> None:
        """Raise :class:`InterruptProcessingException` when the person pressed Cancel."""
        if self.sink is not None and self.sink.interrupted(self.prompt_id):
            raise InterruptProcessingException

    def progress(self, value: float, maximum: float, preview: Any | None = None) -> None:
        """Report ``value`` of ``maximum`` steps, with a ``PIL.Image`` as optional ``preview`` (or ``(format, image,
        longest side or None)``); also a cancel point."""
        self.check_interrupted()
        if self.sink is not None:
            self.sink.progress(self, value, maximum, preview)

    def wants_previews(self) -> bool:
        """Whether a preview is worth drawing: somebody is to see it, and did not switch them off."""
        return self.sink is not None and self.sink.wants_previews(self)

    def text(self, text: str) -> None:
        """Show one line of text on the node while it runs."""
        if self.sink is not None:
            self.sink.text(self, text)

    def send_image(self, image: Any) -> None:
        """Send a ``PIL.Image`` to the client as a result of this node: whole, lossless, none left out."""
        if self.sink is not None:
            self.sink.image(self, image)


current: ContextVar[NodeContext] = ContextVar("comfy_notebook_node", default=NodeContext())  # noqa: B039 - immutable


def context() -> NodeContext:
    """The context of the node that runs in this thread or task; a harmless default elsewhere."""
    return current.get()
