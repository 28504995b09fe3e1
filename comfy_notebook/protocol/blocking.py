"""The value a node returns to stop what depends on one of its outputs."""

from __future__ import annotations


class ExecutionBlocker:
    """Returned in place of an output: nodes that would receive it are skipped.

    ``message`` None skips silently; a text is shown once, on the first node that is skipped because of it.
    """

    __slots__ = ("message",)

    def __init__(self, message: str | None = None) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"ExecutionBlocker({self.message!r})"
