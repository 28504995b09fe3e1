"""``cn.Editor``: a workflow in a cell, edited by hand and driven from Python."""

from __future__ import annotations

import copy
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ..api import Workflow
from ..server import bundle
from ..server.cells import current_cell
from . import picture
from .plain import plain
from .view import BridgedWidget

if TYPE_CHECKING:
    from ..api.results import Results
    from ..api.run import Run
    from ..api.widget_node import WidgetNode
    from ..server.editors import EditorState
    from ..session import Session

#: The document beside its picture in the notebook's output.
DOCUMENT_MIME = "application/vnd.comfyui.workflow+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"

#: The picture in the widget's own state is small: notebooks that store that state have one in the output, too.
STILL_BYTES = 6_000

_of_cell: weakref.WeakValueDictionary[str, Editor] = weakref.WeakValueDictionary()


class _ShownWorkflow(Workflow):
    """A copy of an editor's graph whose changes go back to the editor."""

    state: EditorState

    def _changed(self, patch: dict[str, Any]) -> None:
        self.state.apply(patch)


class Editor(BridgedWidget):
    """A node editor. As the last line of a cell it appears there; it may be shown in several cells at once.

    The document lives in Python: edits by hand and edits by code meet in it, and every view follows.
    """

    _ended = False

    def __init__(
        self, source: Any = None, *, name: str | None = None, height: int = 560, session: Session | None = None
    ) -> None:
        """``source``: a path (``.json``, or an image or video that carries a workflow), a file's bytes, UI JSON or an
        API prompt as dict or text, a :class:`Workflow`, or nothing for an empty graph.

        ``name`` tells editors without a path apart when the kernel is restarted; ``height`` is in CSS pixels. Running
        a cell again brings its edited graph back and ends the editor that the earlier run showed. Raises
        ``WorkflowError`` when the source holds no workflow and ``OSError`` when it can't be read.
        """
        from .. import session as sessions

        self._session = session or sessions.current()
        cell = current_cell()
        self._state: EditorState = self._session.editors.create(source, name, cell=cell)
        super().__init__(
            editor_id=self._state.id,
            endpoint=self._session.server,
            bus=self._session.bus,
            bundle=bundle.digest,
            height=height,
        )
        if cell is not None:
            replaced = _of_cell.pop(cell, None)
            _of_cell[cell] = self
            if replaced is not None:
                replaced.close()

    @property
    def document(self) -> dict[str, Any]:
        """A copy of the graph as it is now, as UI JSON 0.4. Assigning replaces the graph (views can undo it)."""
        return copy.deepcopy(self._state.document)

    @document.setter
    def document(self, document: Mapping[str, Any]) -> None:
        self._state.replace(self._read(dict(document)).document)

    @property
    def workflow(self) -> Workflow:
        """The graph as it is now, as a :class:`Workflow` of its own: changing that does not change the editor."""
        workflow = Workflow(self._state.document, title=self._state.title, session=self._session)
        workflow.path = self._state.path
        return workflow

    def __getitem__(self, node: str | int) -> WidgetNode:
        """A node by title, id or class type: ``ed["KSampler"].seed = 7`` changes it in the graph and in every view."""
        shown = _ShownWorkflow(self._state.document, session=self._session)
        shown.state = self._state
        return shown[node]

    def run(self, values: Mapping[str, Any] | None = None, /, *, front: bool = False, **named: Any) -> Run:
        """Queue the graph and return at once; progress and pictures appear in the editor.

        Values hold for this run alone, as in :meth:`Workflow.run`: ``run(seed=7)``. Raises ``RunError`` when the graph
        can't run as it is and ``KeyError`` for names it does not have.
        """
        from ..api.run import start

        prompt, document = self.workflow.prepare(values, **named)
        return start(self._session, prompt, document, editor=self._state, front=front)

    @property
    def last_run(self) -> Run | None:
        """The run this editor shows, whether Python or the Run button started it; None before the first."""
        from ..api.run import Run

        shown = self._state.last_run.as_json()["run"]
        if shown is None:
            return None
        item = self._session.engine.history.get(shown["prompt_id"])
        prompt = item["prompt"][2] if item is not None else {}
        submission = SimpleNamespace(prompt_id=shown["prompt_id"], number=0, node_errors={})
        return Run(self._session, prompt, submission, self._state.last_run.shown_by())

    @property
    def results(self) -> Results:
        """The results of the last run, waiting for its end; nodes it did not reach give what they still show of earlier
        runs. Raises ``LookupError`` when nothing ran yet."""
        run = self.last_run
        if run is None:
            raise LookupError("Nothing has run in this editor yet: press Run or call ed.run().")
        return run.result()

    @property
    def notices(self) -> list[str]:
        """What was said about this graph as it was opened: odd parts of the file, edits brought back or kept aside."""
        return [notice["detail"] for notice in self._state.notices]

    def value(self, node: str | int) -> Any:
        """The first value of a node in the last run, by title, id or class type: an IMAGE is float32 ``[B,H,W,C]``."""
        return self.results[node].value

    def open(self, file: Any = None) -> None:
        """Show the workflow in ``file`` (whatever ``Editor(...)`` takes) instead; views can undo it.

        Raises ``WorkflowError`` when it holds no workflow and ``OSError`` when it can't be read; the graph stays then.
        """
        if file is None:  # how ipywidgets asks for the comm, by the same name
            super().open()
            return
        workflow = self._read(file)
        self._state.replace(workflow.document, title=workflow.title)

    def save(self, path: str | os.PathLike[str] | None = None, *, format: str = "ui") -> Path:
        """Write the graph as ``"ui"`` or ``"api"`` JSON, without ``path`` to the file it came from."""
        return self.workflow.save(path, format=format)

    def show(self) -> None:
        """Show one more view here."""
        from IPython.display import display

        display(self)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End every view; the edits stay saved. The second call does nothing."""
        state: EditorState | None = getattr(self, "_state", None)
        if state is not None and not self._ended:
            self._ended = True
            state.close()
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets hides the method, so that nothing would be said

    def _read(self, source: Any) -> Workflow:
        return Workflow(source, session=self._session)

    def _values_of(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        from ..server.node_info import info_source
        from ..workflow.widget_values import widget_values

        entry = info_source(self._session.registry)(str(node.get("type")))
        return widget_values(node, entry) if entry else {}

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and for readers without a kernel a picture of the graph and the graph itself."""
        if self._ended:
            return {"text/plain": f"{self!r}\nThis editor is closed; make it again to go on with its graph."}, {}
        document = self._state.document
        data: dict[str, Any] = {}
        metadata: dict[str, Any] = {}
        if self.comm is not None:
            self.picture = picture.draw(document, self._values_of, STILL_BYTES)
            live = super()._repr_mimebundle_(**kwargs)
            data, metadata = live if isinstance(live, tuple) else (live or {}, {})
        data = {WIDGET_MIME: data[WIDGET_MIME]} if WIDGET_MIME in data else {}
        data["text/plain"] = repr(self)
        data["image/svg+xml"] = picture.draw(document, self._values_of)
        data[DOCUMENT_MIME] = plain(document)
        return data, metadata

    def __repr__(self) -> str:
        state: EditorState | None = getattr(self, "_state", None)
        if state is None:
            return "<Editor>"
        closed = ", closed" if self._ended else ""
        return f"<Editor {state.title!r}: {len(state.document.get('nodes', ()))} nodes{closed}>"
