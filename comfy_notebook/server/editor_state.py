"""One open editor: its document and revision, its runs, and its copy on disk."""

from __future__ import annotations

import copy
import secrets
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import workflow
from ..engine.events import Event, EventBus
from ..protocol.registry import Registry
from ..workflow import patch as patches
from ..workflow.document import read_document
from . import node_info
from .autosave import Autosave, fingerprint
from .last_run import LastRun
from .later import Later
from .meaning import Keys, document_keys, prompt_keys
from .sources import Source

if TYPE_CHECKING:
    from ..engine import Engine, Submission

AUTOSAVE_SECONDS = 0.5
#: How long after an edit results are looked over.
STALE_SECONDS = 0.3


class StaleBase(Exception):  # noqa: N818 - not a mistake: the view fetches the document and goes on
    """A patch was made from a document that has been replaced since; fetch it again."""


@dataclass(frozen=True)
class Parts:
    """What every editor works with."""

    registry: Registry
    bus: EventBus
    engine: Engine
    later: Later


class EditorState:
    """One open document. Every method may be called from any thread; views hear of changes as events."""

    def __init__(self, parts: Parts, source: Source, autosave: Autosave | None) -> None:
        """``autosave`` is None for an editor that nobody could ask for again."""
        self.id = secrets.token_hex(8)
        self.key, self.path, self.title = source.key, source.path, source.title
        self.rev = 0
        self.closed = False
        self.last_run = LastRun()
        self.notices: list[dict[str, str]] = []
        self._parts = parts
        self._autosave = autosave
        self._origin = fingerprint(source.document)
        self._document = source.document
        self._handles = 1
        self._reset_rev = 0
        self._lock = threading.RLock()
        self._saving = threading.Lock()
        self._unsubscribe = parts.bus.subscribe(self._on_event, client_id=self.id)

    @property
    def document(self) -> dict[str, Any]:
        """The workflow as UI JSON. Treat it as read-only: change it through ``apply`` and ``replace``."""
        return self._document

    def snapshot(self) -> tuple[int, dict[str, Any]]:
        """The revision and the document that belongs to it."""
        with self._lock:
            return self.rev, self._document

    def apply(self, patch: Mapping[str, Any], view: str | None = None, base: int | None = None) -> int:
        """Change the document; returns the new revision.

        Raises :class:`StaleBase` when ``base`` is from before the document was replaced, and ``WorkflowError`` when
        the patch does not apply.
        """
        with self._lock:
            if base is not None and base < self._reset_rev:
                raise StaleBase(f"revision {base} is from before revision {self._reset_rev}")
            self._document = patches.apply(self._document, patch)
            self.rev += 1
            rev = self.rev
            self._publish("cn.document", rev=rev, patch=patch, view=view)
        self._save_soon()
        if self.last_run.has_results:
            self._parts.later.call(("stale", self.id), STALE_SECONDS, self.refresh_stale)
        return rev

    def replace(self, document: Mapping[str, Any], *, title: str | None = None) -> int:
        """Show another document (views can undo it) without the results of the old one; returns the new revision."""
        with self._lock:
            self._document = copy.deepcopy(dict(document))
            self.rev += 1
            self._reset_rev = rev = self.rev
            self.title = title or self.title
            self.last_run.clear_results()
            self._publish("cn.document_reset", rev=rev)
        self._save_soon()
        return rev

    def open(self, data: bytes, name: str = "") -> tuple[int, list[str]]:
        """Show the workflow in a file's bytes; returns the revision and warnings, raises ``WorkflowError``."""
        read = read_document(data, node_info.info_source(self._parts.registry))
        return self.replace(read.data, title=Path(name).stem or None), list(read.warnings)

    def export(self, form: str) -> dict[str, Any]:
        """The document as ``"ui"`` JSON or as an ``"api"`` prompt."""
        return dict(self._document) if form == "ui" else dict(self.to_api().prompt)

    def to_api(
        self, values: Mapping[str, Mapping[str, Any]] | None = None, document: Mapping[str, Any] | None = None
    ) -> workflow.Conversion:
        """``document``, else the editor's, as an API prompt; ``values`` are widget values only the browser knows."""
        shown = self._document if document is None else document
        return workflow.to_api(shown, node_info.info_source(self._parts.registry), values)

    def run(
        self,
        *,
        values: Mapping[str, Mapping[str, Any]] | None = None,
        front: bool = False,
        targets: list[str] | None = None,
        prompt_id: str | None = None,
    ) -> Submission:
        """Queue the document as it is now; raises ``WorkflowError`` or ``PromptRejected``."""
        document = self._document
        conversion = self.to_api(values)
        for warning in conversion.warnings:
            self.notice("warn", "The workflow was run with a reservation", str(warning))
        return self.submit(conversion.prompt, document, front=front, targets=targets, prompt_id=prompt_id)

    def submit(
        self,
        prompt: Mapping[str, Any],
        document: Mapping[str, Any],
        *,
        front: bool = False,
        targets: list[str] | None = None,
        prompt_id: str | None = None,
        extra_data: Mapping[str, Any] | None = None,
        number: float | None = None,
    ) -> Submission:
        """Queue ``prompt``, made from ``document``, as this editor's; ``extra_data`` stands beside the document."""
        from ..engine import PromptRejected

        engine = self._parts.engine
        prompt_id = prompt_id or str(uuid.uuid4())
        extra = dict(extra_data or {})
        about = extra.get("extra_pnginfo")
        extra["extra_pnginfo"] = {"workflow": document, **(about if isinstance(about, dict) else {})}
        self.last_run.submitting(prompt_id, prompt, prompt_keys(engine, prompt), self._document_keys())
        try:
            submission = engine.submit(
                prompt,
                client_id=self.id,
                prompt_id=prompt_id,
                extra_data=extra,
                number=number,
                front=front,
                targets=targets,
            )
        except PromptRejected as exc:
            self.last_run.rejected(prompt_id, exc.node_errors)
            raise
        self.last_run.accepted(submission.prompt_id, submission.node_errors)
        return submission

    def _document_keys(self) -> Keys:
        return document_keys(self._parts.engine, self._parts.registry, self._document)

    def refresh_stale(self) -> None:
        """Publish which results no longer hold, if that changed."""
        stale = self.last_run.stale(lambda prompt: prompt_keys(self._parts.engine, prompt), self._document_keys)
        if stale is not None:
            self._publish("cn.stale", nodes=stale)

    def notice(self, severity: str, summary: str, detail: str = "") -> None:
        """Tell the person something; ``severity`` is ``info``, ``success``, ``warn`` or ``error``."""
        data = {"severity": severity, "summary": summary, "detail": detail}
        self._parts.bus.publish(Event("cn.notice", data, client_id=self.id))

    def describe(self) -> dict[str, Any]:
        """``{id, title, path, rev, notices, results}`` as the editor's route answers it."""
        return {
            "id": self.id,
            "title": self.title,
            "path": str(self.path) if self.path else None,
            "rev": self.rev,
            "notices": list(self.notices),
            "results": self._results(),
        }

    def _results(self) -> dict[str, Any]:
        """What the last run left, of the nodes that are still there (``"12:3"`` is there while 12 is)."""
        results = self.last_run.as_json()
        there = {str(node.get("id")) for node in self._document.get("nodes", ()) if isinstance(node, dict)}
        for part in ("outputs", "errors"):
            results[part] = {key: item for key, item in results[part].items() if key.split(":")[0] in there}
        return results

    def close(self) -> None:
        """Let go of the editor; the last holder's call saves it and ends it. Its edits stay on disk."""
        with self._lock:
            self._handles -= 1
            if self._handles > 0 or self.closed:
                return
            self.closed = True
        self._parts.later.drop(("autosave", self.id))
        self._parts.later.drop(("stale", self.id))
        if self.rev:
            self.save_now()
        self._publish("cn.closed")
        self._unsubscribe()

    def hold_again(self) -> None:
        with self._lock:
            self._handles += 1

    def _save_soon(self) -> None:
        if self._autosave is not None:
            self._parts.later.call(("autosave", self.id), AUTOSAVE_SECONDS, self.save_now)

    def save_now(self) -> None:
        """Write the autosave; what prevents it is told as a notice."""
        if self._autosave is None:
            return
        try:
            with self._saving:  # an older document must not land on a newer one
                document, origin = self._document, self._origin
                self._autosave.write(document, origin)
        except OSError as exc:
            self.notice("warn", "Edits could not be saved", f"{exc}. They are kept in this kernel only.")

    def _on_event(self, event: Event) -> None:
        if event.client_id == self.id and self.last_run.on_event(event):
            self._parts.later.call(("stale", self.id), 0.0, self.refresh_stale)

    def _publish(self, kind: str, **data: Any) -> None:
        self._parts.bus.publish(Event(kind, {"editor": self.id, **data}, client_id=self.id))

    def restore_edits(self) -> None:
        """Bring back the edits of an earlier kernel."""
        if self._autosave is None:
            return
        restored = self._autosave.read(self._origin)
        if restored.document is not None:
            self._document = restored.document
            self.rev = 1
        if restored.notice:
            self.remember_notice(restored.notice)

    def remember_notice(self, detail: str) -> None:
        """A notice for views that come later: they find it in ``describe``."""
        self.notices.append({"severity": "warn", "summary": self.title, "detail": detail})

    def follow_source(self, source: Source) -> None:
        """The same editor was asked for again: a source that changed since replaces the document."""
        new = fingerprint(source.document)
        if new == self._origin or self._autosave is None:
            return
        if self.rev:
            self.save_now()
        self._origin = new
        restored = self._autosave.read(new)
        if new != fingerprint(self._document):
            self.replace(source.document)
        if restored.notice:
            self.remember_notice(restored.notice)
            self.notice("warn", self.title, restored.notice)
