"""What a run brought: images, tensors and texts by the name of their node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..folders import Folders
from .errors import title_of
from .lookup import NameNotFound, find_node, is_link, not_found
from .pictures import figure, is_tensor, png, to_pil

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..engine import Engine

#: Entries of a node's ``ui`` that list saved files.
FILE_LISTS = ("images", "gifs", "audio", "video", "videos", "files")


class RunRecord:
    """A finished prompt: what it was, what its nodes showed, and where their values are kept."""

    def __init__(self, engine: Engine, folders: Folders, prompt_id: str, item: Mapping[str, Any]) -> None:
        self.folders = folders
        self.prompt_id = prompt_id
        self.prompt: Mapping[str, Any] = item["prompt"][2]
        self.ui: Mapping[str, Mapping[str, Any]] = item.get("outputs", {})
        self._engine = engine
        self._kept: dict[str, tuple[list[Any], ...]] = {}
        for node_id in self.ui:  # what a person reads most must outlive the next run
            for source, _ in self.sources(node_id):
                self.values(source)

    def values(self, node_id: str) -> tuple[list[Any], ...] | None:
        """The output slots of a node, each a list; None once the engine let go of them."""
        if node_id not in self._kept:
            found = self._engine.values(self.prompt_id, node_id)
            if found is None:
                return None
            self._kept[node_id] = tuple([_own(value) for value in slot] for slot in found)
        return self._kept[node_id]

    def sources(self, node_id: str) -> list[tuple[str, int]]:
        """Where the linked inputs of a node come from: (node id, output slot)."""
        inputs = self.prompt.get(node_id, {}).get("inputs", {})
        return [(str(value[0]), int(value[1])) for value in inputs.values() if is_link(self.prompt, value)]


class NodeResult:
    """The results of one node. For an output node (save, preview) the values are those that reached it."""

    def __init__(self, record: RunRecord, node_id: str, output_names: tuple[str, ...]) -> None:
        self._record = record
        self._output_names = output_names
        self.id = node_id
        self.title = title_of(record.prompt, node_id)
        self.class_type = str(record.prompt[node_id].get("class_type"))

    @property
    def ui(self) -> Mapping[str, Any]:
        """What the node sent to its view, as ComfyUI's ``ui`` dict."""
        return self._record.ui.get(self.id, {})

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The node's outputs by name; an output that is a list of several values stays a list."""
        values = self._record.values(self.id)
        if values is None:
            raise LookupError(self._gone())
        names = [*self._output_names, *(f"output {slot}" for slot in range(len(self._output_names), len(values)))]
        counted: dict[str, Any] = {}
        for slot, (name, items) in enumerate(zip(names, values, strict=False)):
            counted[name if name not in counted else f"{name} {slot}"] = items[0] if len(items) == 1 else list(items)
        return counted

    def __getitem__(self, name: str | int) -> Any:
        """An output by name or slot number."""
        if isinstance(name, int):
            return list(self.outputs.values())[name]
        if name not in self.outputs:
            raise NameNotFound(not_found(f"output of {self.title!r} called", name, self.outputs))
        return self.outputs[name]

    @cached_property
    def tensors(self) -> list[Any]:
        """Every torch tensor that came out of the node (or reached it); latents give their ``samples``."""
        return [tensor for value in self._values() for tensor in _tensors(value)]

    @property
    def tensor(self) -> Any:
        """The first of :attr:`tensors`: an IMAGE is float32 ``[B,H,W,C]``, a MASK ``[B,H,W]``, both 0..1."""
        if not self.tensors:
            raise LookupError(f"{self.title!r} gave no tensor. " + self._has())
        return self.tensors[0]

    @cached_property
    def images(self) -> list[Image]:
        """Every image as PIL: the files the node wrote, else its tensors."""
        from PIL import Image

        found = []
        for path in self.files:
            try:
                with Image.open(path) as image:
                    image.load()
                    found.append(image.copy())
            except (OSError, ValueError):
                continue
        return found or [image for value in self._values() for image in _images(value)]

    @property
    def image(self) -> Image:
        """The first of :attr:`images`; raises ``LookupError`` when there is none."""
        if not self.images:
            raise LookupError(f"{self.title!r} gave no image. " + self._has())
        return self.images[0]

    @property
    def files(self) -> list[Path]:
        """The files the node wrote that are still there."""
        found = []
        for key in FILE_LISTS:
            for entry in self.ui.get(key, ()):
                if isinstance(entry, Mapping) and "filename" in entry:
                    folder = self._record.folders.by_type(str(entry.get("type", "output")))
                    found.append(folder / str(entry.get("subfolder", "")) / str(entry["filename"]))
        return [path for path in found if path.is_file()]

    @property
    def text(self) -> str:
        """The text the node showed, else the first text that came out of it."""
        shown = self.ui.get("text")
        if shown is not None:
            return shown if isinstance(shown, str) else "\n".join(map(str, shown))
        texts = [value for value in self._values() if isinstance(value, str)]
        if not texts:
            raise LookupError(f"{self.title!r} gave no text. " + self._has())
        return texts[0]

    @property
    def value(self) -> Any:
        """The first value that came out of the node (or reached it)."""
        values = self._values()
        if not values:
            raise LookupError(f"{self.title!r} has no value.")
        return values[0]

    def _values(self) -> list[Any]:
        own = self._record.values(self.id)
        if own:
            return [value for slot in own for value in slot]
        reached = []
        for source, slot in self._record.sources(self.id):
            slots = self._record.values(source)
            if slots is not None and slot < len(slots):
                reached += slots[slot]
        if not reached and own is None and not self.ui:
            raise LookupError(self._gone())
        return reached

    def _gone(self) -> str:
        return f"The values of {self.title!r} are no longer in memory; run the workflow again to read them."

    def _has(self) -> str:
        kinds = sorted({type(value).__name__ for value in self._values()})
        return f"It has {', '.join(kinds)}." if kinds else "It has no values."

    def __repr__(self) -> str:
        shape = f", tensor {tuple(self.tensors[0].shape)}" if self._readable() and self.tensors else ""
        return f"<NodeResult {self.title!r} ({self.class_type}, node {self.id}){shape}>"

    def _repr_png_(self) -> bytes | None:
        return png(self.images[0]) if self._readable() and self.images else None

    def _readable(self) -> bool:
        try:
            self._values()
        except LookupError:
            return False
        return True


class Results(Mapping[str, NodeResult]):
    """The results of a run by node: ``results["SaveImage"]`` by title, id or class type.

    Iterating gives the titles of the nodes that showed something (ids where titles repeat).
    """

    def __init__(
        self,
        record: RunRecord,
        output_names: Mapping[str, tuple[str, ...]],
        earlier: Mapping[str, RunRecord] | None = None,
        inside: Callable[[str], str] | None = None,
    ) -> None:
        """``earlier``: what nodes that this run did not reach showed in runs before it; ``inside(path)``: the id of a
        node inside a subgraph, or ``KeyError``."""
        self._inside = inside
        self._record = record
        self._output_names = output_names
        self._earlier = {node: found for node, found in (earlier or {}).items() if node not in record.ui}

    @property
    def prompt_id(self) -> str:
        """The id of the run in the queue's history."""
        return self._record.prompt_id

    @property
    def prompt(self) -> Mapping[str, Any]:
        """The API prompt that ran."""
        return self._record.prompt

    def __getitem__(self, name: str | int) -> NodeResult:
        """Also by path, ``"Subgraph/Node"``; raises ``KeyError`` with the candidates when the name is ambiguous or
        unknown."""
        try:
            return self._result(find_node(self._record.prompt, name))
        except NameNotFound:
            if self._inside is None or "/" not in str(name):
                raise
            return self._result(find_node(self._record.prompt, self._inside(str(name))))

    def _result(self, node_id: str) -> NodeResult:
        record = self._earlier.get(node_id, self._record)
        kind = str(record.prompt[node_id].get("class_type"))
        return NodeResult(record, node_id, self._output_names.get(kind, ()))

    def __iter__(self) -> Iterator[str]:
        shown = self._shown()
        titles = [title_of(self._record.prompt, node_id) for node_id in shown]
        every = [title_of(self._record.prompt, node_id) for node_id in self._record.prompt]
        return iter([title if every.count(title) == 1 else node for title, node in zip(titles, shown, strict=True)])

    def __len__(self) -> int:
        return len(self._shown())

    def _shown(self) -> list[str]:
        return [node for node in self._record.prompt if node in self._record.ui or node in self._earlier]

    @property
    def images(self) -> list[Image]:
        """Every image of every node that showed some."""
        return [image for node_id in self._shown() for image in self._result(node_id).images]

    @property
    def image(self) -> Image:
        """The first of :attr:`images`."""
        if not self.images:
            raise LookupError("No node of this run showed an image.")
        return self.images[0]

    def __repr__(self) -> str:
        return f"<Results of {', '.join(map(repr, self)) or 'a run without shown outputs'}>"

    def _repr_html_(self) -> str | None:
        figures = [
            figure(image, result.title)
            for result in (self._result(node_id) for node_id in self._shown())
            for image in result.images[:8]
        ]
        return "".join(figures) or None


def _own(value: Any) -> Any:
    """A tensor of the person's own: changing it in place must not change what the engine keeps, and autograd, which was
    off while the nodes ran, works on it."""
    if is_tensor(value):
        return value.clone()
    if isinstance(value, dict) and any(map(is_tensor, value.values())):
        return {key: _own(item) for key, item in value.items()}
    return value


def _tensors(value: Any) -> list[Any]:
    if is_tensor(value):
        return [value]
    if isinstance(value, Mapping):
        return [item for key in ("samples", "waveform") if is_tensor(item := value.get(key))]
    return []


def _images(value: Any) -> list[Image]:
    if not is_tensor(value):
        return []
    try:
        return to_pil(value)
    except ValueError:
        return []
