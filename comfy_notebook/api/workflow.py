"""A workflow in Python: load it, read and change values, run it, save it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .document_nodes import DocumentNodes
from .overrides import read_overrides, with_overrides
from .run import Run, start
from .widget_node import WidgetNode

if TYPE_CHECKING:
    from ..session import Session

Values = Mapping[str, Any]


class Workflow:
    """A ComfyUI workflow: the graph as UI JSON, with values to read and set by node and widget name.

    ``wf["KSampler"].seed = 7`` sets a widget of the node with that title, id or class type.
    """

    def __init__(
        self,
        source: Any = None,
        *,
        path: str | os.PathLike[str] | None = None,
        title: str | None = None,
        session: Session | None = None,
    ) -> None:
        """``source``: UI JSON or an API prompt as dict or text, a file's bytes, a path, another workflow, or nothing.

        Raises ``WorkflowError`` when it holds no workflow. ``warnings`` tells what was odd about it.
        """
        from .. import session as sessions
        from ..server.sources import EMPTY_DOCUMENT
        from ..workflow.document import Document, read_document

        self._session = session or sessions.current()
        if isinstance(source, Workflow):
            given = source
            path, title, source = path or given.path, title or given.title, given.document
        elif path is None and _is_path(source):
            path = Path(source).expanduser()
            source = path
        read = Document(copy.deepcopy(EMPTY_DOCUMENT)) if source is None else read_document(source, self._info())
        self.document: dict[str, Any] = read.data  # a copy of what was given
        self.path: Path | None = None if path is None else Path(path)
        self.title: str = title or (self.path.stem if self.path else "Workflow")
        self.warnings = list(read.warnings)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Workflow:
        """The workflow in a ``.json`` file, or in the metadata of an image or video that ComfyUI or we made."""
        return cls(Path(path))

    def save(self, path: str | os.PathLike[str] | None = None, *, format: str = "ui") -> Path:
        """Write the workflow as ``"ui"`` JSON (what editors open) or ``"api"`` JSON (what servers run).

        Without ``path`` it goes back to where it came from, where that was a ``.json`` file. A ``.png`` or ``.webp``
        picture that is there already takes it into its metadata and keeps its pixels. Raises ``ValueError`` for
        another format, another kind of file or without a path, ``OSError`` where it can't be written.
        """
        from . import saving

        if format not in ("ui", "api"):
            raise ValueError(f"format must be 'ui' or 'api', not {format!r}")
        target = Path(path) if path is not None else self.path
        if target is None or (path is None and target.suffix.lower() != ".json"):
            raise ValueError("say where to: save('name.json')")
        target = saving.save(target, self.document, self.to_api, format=format)
        if path is None or (format == "ui" and self.path is None and target.suffix.lower() == ".json"):
            self.path = target
        return target

    def to_api(self, values: Values | None = None, /, **named: Any) -> dict[str, Any]:
        """The API prompt: ``{node id: {class_type, inputs, _meta}}``, with the values of :meth:`run` if given."""
        return self.prepare(values, **named)[0]

    def prepare(self, values: Values | None = None, /, **named: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a run with these values queues: the API prompt, and the document as saved pictures will carry it."""
        prompt = self._convert(self.document)
        chosen = {**(values or {}), **named}
        if not chosen:
            return prompt, self.document
        document = copy.deepcopy(self.document)
        nodes, info = DocumentNodes(document, self._info()), self._info()
        overrides = read_overrides(prompt, chosen, nodes, info, self._session.folders)
        homeless = []  # fed by a link, or shared with another instance of the subgraph: these change the prompt alone
        for override in overrides:
            value = override.value
            plain = value["__value__"] if isinstance(value, dict) and "__value__" in value else value
            try:
                nodes.find(override.node_id).set_alone(override.input, plain)
            except (KeyError, ValueError):
                homeless.append(override)
        prompt = self._convert(document)
        return with_overrides(prompt, [*homeless, *(each for each in overrides if each.literal)]), document

    def _convert(self, document: dict[str, Any]) -> dict[str, Any]:
        from .. import workflow

        conversion = workflow.to_api(document, self._info())
        self.warnings = [str(warning) for warning in conversion.warnings]
        return conversion.prompt

    def to_python(self) -> str:
        """A script that runs the same graph without the workflow file."""
        from .script import to_python

        return to_python(self.to_api())

    def run(self, values: Values | None = None, /, *, front: bool = False, **named: Any) -> Run:
        """Queue the workflow and return at once.

        Values for this run alone: ``run(seed=7)`` where one node has that input, ``run({"KSampler.seed": 7})`` or
        ``run(KSampler__seed=7)`` otherwise (``"Subgraph/KSampler.seed"`` inside subgraphs). Texts are taken as they
        are, without dynamic prompts; fields in file names see the new values. Pictures (PIL, tensor ``[1,H,W,C]``)
        may be given to a Load Image node.
        Raises :class:`RunError` when the graph can't run as it is, ``KeyError`` for names it does not have.
        """
        prompt, document = self.prepare(values, **named)
        return start(self._session, prompt, document, front=front)

    def __getitem__(self, name: str | int) -> WidgetNode:
        """A node by title, id or class type; ``wf["Subgraph/Node"]`` and ``wf["12:3"]`` are nodes inside subgraphs,
        where what is set counts for every instance that does not show the widget as its own.

        Raises ``KeyError`` with the candidates.
        """
        return self._nodes().find(name)

    @property
    def nodes(self) -> list[WidgetNode]:
        """Every node, in the order of the document; those inside a subgraph are its own ``nodes``."""
        return self._nodes().all()

    def __iter__(self) -> Iterator[WidgetNode]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.document.get("nodes", ()))

    def __repr__(self) -> str:
        return f"<Workflow {self.title!r}: {len(self)} nodes>"

    def _nodes(self) -> DocumentNodes:
        return DocumentNodes(self.document, self._info(), self._changed)

    def _changed(self, patch: dict[str, Any]) -> None:
        """A widget value was set, which is this document patch; an editor's workflow passes it on."""

    def _info(self) -> Callable[[str], Mapping[str, Any] | None]:
        from ..server.node_info import info_source

        self._session.pack_loader.wait()
        return info_source(self._session.registry)


def _is_path(source: Any) -> bool:
    return isinstance(source, os.PathLike) or (isinstance(source, str) and not source.lstrip().startswith("{"))
