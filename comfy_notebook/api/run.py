"""A run in the queue: wait for it, cancel it, read its results. Starting one never blocks the notebook."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from .errors import RunError, RunInterrupted, failure, node_complaints, rejection
from .results import Results, RunRecord

if TYPE_CHECKING:
    from ..server.editors import EditorState
    from ..session import Session

#: What stands for the entry of a run that nobody remembers.
FORGOTTEN: Mapping[str, Any] = {"status": {"status_str": "error", "messages": []}}

#: Seconds between two looks for KeyboardInterrupt while a cell waits.
POLL_SECONDS = 0.1


class Run:
    """A submitted workflow. ``await run`` or ``run.result()`` gives its :class:`Results`."""

    def __init__(
        self,
        session: Session,
        prompt: Mapping[str, Any],
        submission: Any,
        shown_by: Mapping[str, str] | None = None,
    ) -> None:
        """``shown_by``: the prompts whose results an editor shows, by node; they fill up what this run left out."""
        self._session = session
        self._shown_by = shown_by or {}
        self._prompt = prompt
        self._ended: Mapping[str, Any] | None = None
        self._results: Results | None = None
        self.prompt_id: str = submission.prompt_id
        self.number: float = submission.number
        self.warnings = [str(error) for error in node_complaints(prompt, submission.node_errors)]

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``success``, ``error`` or ``interrupted``."""
        entry = self._entry()
        if entry is not None:
            return _final_state(entry)
        running = self._session.engine.queue.running()
        return "running" if any(item.prompt_id == self.prompt_id for item in running) else "queued"

    def _entry(self, seconds: float = 0) -> Mapping[str, Any] | None:
        """The history entry, once the run is over; waits for it ``seconds`` at most."""
        if self._ended is None:
            try:
                self._ended = self._session.engine.wait(self.prompt_id, seconds)
            except TimeoutError:
                return None
            except KeyError:  # so long ago that only the history may know it
                self._ended = self._session.engine.history.get(self.prompt_id) or FORGOTTEN
        return self._ended

    def done(self) -> bool:
        """Whether the run is over, in whatever way."""
        return self._entry() is not None

    def cancel(self) -> None:
        """Take the run out of the queue, or stop it at the next step of the node that runs."""
        self._session.engine.interrupt(self.prompt_id)

    def result(self, timeout: float | None = None) -> Results:
        """Wait for the end of the run. KeyboardInterrupt (the Stop button) cancels the run and is raised again.

        Raises :class:`RunError` when a node failed, :class:`RunInterrupted` when the run was cancelled and
        ``TimeoutError`` after ``timeout`` seconds (the run goes on).
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while self._entry(POLL_SECONDS) is None:
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
            while await asyncio.to_thread(self._entry, POLL_SECONDS) is None:
                pass
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self._finish()

    def _finish(self) -> Results:
        if self._results is not None:
            return self._results
        item = self._entry()
        assert item is not None
        for event, data in item["status"]["messages"]:
            if event == "execution_error":
                raise failure(self._prompt, data)
            if event == "execution_interrupted":
                raise RunInterrupted("The run was cancelled.")
        if item is FORGOTTEN:
            raise RunError("The run is too long ago: neither its results nor its history are kept.")
        record = RunRecord(self._session.engine, self._session.folders, self.prompt_id, item)
        names = output_names(self._session, record.prompt)
        self._results = Results(record, names, self._earlier_records(), lambda path: self._inside(item, path))
        return self._results

    def _inside(self, item: Mapping[str, Any], path: str) -> str:
        """The id of the node that a path of titles leads to in the document that ran."""
        from ..server.node_info import info_source
        from ..workflow.document import read_document
        from .document_nodes import DocumentNodes

        document = (item["prompt"][3].get("extra_pnginfo") or {}).get("workflow") or {"nodes": []}
        info = info_source(self._session.registry)
        return DocumentNodes(read_document(document, info).data, info).find(path).id

    def _earlier_records(self) -> dict[str, RunRecord]:
        """What other runs left at nodes that the editor still shows."""
        engine, records = self._session.engine, dict[str, RunRecord]()
        for prompt_id in set(self._shown_by.values()) - {self.prompt_id}:
            if (item := engine.history.get(prompt_id)) is not None:
                records[prompt_id] = RunRecord(engine, self._session.folders, prompt_id, item)
        by_node = {node: records.get(prompt_id) for node, prompt_id in self._shown_by.items()}
        return {node: found for node, found in by_node.items() if found is not None and node in found.prompt}

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
    from ..engine import PromptRejected

    try:
        if editor is not None:
            submission = editor.submit(prompt, document, front=front, targets=targets)
        else:
            extra = {"extra_pnginfo": {"workflow": document}}
            client = f"run-{uuid.uuid4()}"  # somebody must have asked, or nobody is told of progress
            submission = session.engine.submit(prompt, client_id=client, extra_data=extra, front=front, targets=targets)
    except PromptRejected as exc:
        raise rejection(prompt, exc.error, exc.node_errors) from None
    return Run(session, prompt, submission)
