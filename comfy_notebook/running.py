"""A run in the queue: wait for it, cancel it, read its results. Starting one never blocks the notebook."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from .results import Results, RunRecord
from .run_errors import RunError, RunInterrupted, failure, node_complaints, rejection

if TYPE_CHECKING:
    from .server.editors import EditorState
    from .session import Session

#: Seconds between two looks for KeyboardInterrupt while a cell waits.
POLL_SECONDS = 0.1


class Run:
    """A submitted workflow. ``await run`` or ``run.result()`` gives its :class:`Results`."""

    def __init__(self, session: Session, prompt: Mapping[str, Any], submission: Any) -> None:
        self._session = session
        self._prompt = prompt
        self._results: Results | None = None
        self.prompt_id: str = submission.prompt_id
        self.number: float = submission.number
        self.warnings = [str(error) for error in node_complaints(prompt, submission.node_errors)]

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``success``, ``error``, ``interrupted`` or ``cancelled`` (never started)."""
        engine = self._session.engine
        item = engine.history.get(self.prompt_id)
        if item is not None:
            return _final_state(item)
        for state, items in (("running", engine.queue.running()), ("queued", engine.queue.pending())):
            if any(entry[1] == self.prompt_id for entry in items):
                return state
        item = engine.history.get(self.prompt_id)  # it may have finished between the two looks
        return "cancelled" if item is None else _final_state(item)

    def done(self) -> bool:
        """Whether the run is over, in whatever way."""
        return self.state not in ("queued", "running")

    def cancel(self) -> None:
        """Take the run out of the queue, or stop it at the next step of the node that runs."""
        engine = self._session.engine
        engine.queue.remove([self.prompt_id])
        engine.interrupt(self.prompt_id)

    def result(self, timeout: float | None = None) -> Results:
        """Wait for the end of the run. KeyboardInterrupt (the Stop button) cancels the run and is raised again.

        Raises :class:`RunError` when a node failed, :class:`RunInterrupted` when the run was cancelled and
        ``TimeoutError`` after ``timeout`` seconds (the run goes on).
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while not self._wait(POLL_SECONDS):
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError(f"the run is still {self.state} after {timeout} s")
        except KeyboardInterrupt:
            self.cancel()
            raise
        return self._finish()

    def __await__(self) -> Generator[Any, None, Results]:
        return self._until_done().__await__()

    async def _until_done(self) -> Results:
        try:
            while not await asyncio.to_thread(self._wait, 1.0):
                pass
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self._finish()

    def _wait(self, seconds: float) -> bool:
        """Wait a moment; True when the run is over."""
        if self.done():
            return True
        self._session.engine.wait(self.prompt_id, timeout=seconds)
        return self.done()

    def _finish(self) -> Results:
        if self._results is not None:
            return self._results
        engine = self._session.engine
        item = engine.history.get(self.prompt_id)
        if item is None:
            raise RunInterrupted("The run was taken out of the queue before it started.")
        for event, data in item["status"]["messages"]:
            if event == "execution_error":
                raise failure(self._prompt, data)
            if event == "execution_interrupted":
                raise RunInterrupted("The run was cancelled.")
        record = RunRecord(engine, self._session.folders, self.prompt_id, item)
        self._results = Results(record, output_names(self._session, record.prompt))
        return self._results

    def __repr__(self) -> str:
        notes = f", {len(self.warnings)} nodes left out" if self.warnings else ""
        return f"<Run {self.prompt_id}: {self.state}{notes}>"


def _final_state(item: Mapping[str, Any]) -> str:
    status = item.get("status") or {}
    if status.get("status_str") == "success":
        return "success"
    kinds = [event for event, _ in status.get("messages", ())]
    return "interrupted" if "execution_interrupted" in kinds else "error"


def output_names(session: Session, prompt: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The names of the output slots of every class in the prompt."""
    names = {}
    for node in prompt.values():
        definition = session.registry.get(str(node.get("class_type")))
        if definition is not None:
            names[definition.name] = tuple(output.name for output in definition.outputs)
    return names


def start(
    session: Session,
    prompt: Mapping[str, Any],
    document: Mapping[str, Any],
    *,
    editor: EditorState | None = None,
    front: bool = False,
    targets: list[str] | None = None,
) -> Run:
    """Queue ``prompt`` (made from ``document``), for an editor where one is given; raises :class:`RunError`."""
    from .engine import PromptRejected

    try:
        if editor is not None:
            submission = editor.submit(prompt, document, front=front, targets=targets)
        else:
            extra = {"extra_pnginfo": {"workflow": document}}
            submission = session.engine.submit(prompt, extra_data=extra, front=front, targets=targets)
    except PromptRejected as exc:
        raise rejection(prompt, exc.error, exc.node_errors) from None
    return Run(session, prompt, submission)


__all__ = ["Run", "RunError", "RunInterrupted", "start"]
