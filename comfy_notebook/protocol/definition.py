"""The one normal form of a node: whatever it was written as, the rest of the program reads a ``NodeDefinition``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .types import WIDGET_TYPES, type_name

#: Begins the names of hidden values of nodes that keep them apart.
HIDDEN_PREFIX = "hidden "


@dataclass(frozen=True, eq=False)
class InputDefinition:
    """One declared input. ``type`` is kept exactly as declared (a ``str``, a ``str`` subclass or a list of options)."""

    name: str
    type: Any
    options: Mapping[str, Any]
    category: str  # "required" | "optional"

    @property
    def is_lazy(self) -> bool:
        return bool(self.options.get("lazy"))

    @property
    def is_raw_link(self) -> bool:
        return bool(self.options.get("rawLink"))

    @property
    def is_widget(self) -> bool:
        """Whether the built-in editor draws a widget for it (it is an input socket in any case)."""
        kind = self.options.get("widgetType", type_name(self.type))
        if self.options.get("forceInput") or not isinstance(kind, str):
            return False
        return any(str.__eq__(kind, name) for name in WIDGET_TYPES)  # packs have types that equal everything


@dataclass(frozen=True, eq=False)
class OutputDefinition:
    """One output slot."""

    name: str
    type: Any
    is_list: bool = False
    tooltip: str | None = None


@dataclass(frozen=True, eq=False)
class NodeDefinition:
    """A node as the executor, validation, ``object_info`` and the editor see it.

    ``node_class`` answers to the V1 protocol (V3 nodes and functions come wrapped so); ``input_types`` is a callable
    because the protocol asks for a fresh answer on every use: combos may list files. ``code`` is there for code that
    may change under a running kernel; its fingerprint enters the cache key, so that old results are not reused.
    ``keeps_hidden_apart``: hidden values reach the node under names that no input can have (see :func:`hidden_name`).
    """

    name: str
    node_class: type
    function: str
    input_types: Callable[[], Mapping[str, Any]]
    outputs: tuple[OutputDefinition, ...]
    display_name: str = ""
    category: str = "sd"
    description: str = ""
    python_module: str = ""
    is_output_node: bool = False
    input_is_list: bool = False
    not_idempotent: bool = False
    deprecated: bool = False
    experimental: bool = False
    api_node: bool = False
    dev_only: bool = False
    has_intermediate_output: bool = False
    search_aliases: tuple[str, ...] = ()
    essentials_category: str | None = None
    keeps_hidden_apart: bool = False
    code: Callable[[], str] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code_version(self) -> str:
        """The fingerprint of the node's code as it is now; ``""`` for code that does not change."""
        return "" if self.code is None else self.code()

    def output_type(self, slot: int) -> Any:
        """The type of an output; raises ``IndexError`` beyond the last one. Packs give ``RETURN_TYPES`` that answer for
        any slot, so those are asked through ``[]``."""
        declared = getattr(self.node_class, "RETURN_TYPES", None)
        if isinstance(declared, (tuple, list)) and type(declared) not in (tuple, list):
            return declared[slot]
        return self.outputs[slot].type

    def hidden_name(self, name: str) -> str:
        """The argument under which the hidden value declared as ``name`` reaches the node."""
        return HIDDEN_PREFIX + name if self.keeps_hidden_apart else name

    def inputs(self) -> Iterator[InputDefinition]:
        """The declared inputs, required then optional, in their declared order; asked afresh."""
        declared = self.input_types()
        for category in ("required", "optional"):
            for name, spec in (declared.get(category) or {}).items():
                yield input_definition(name, spec, category)


def input_definition(name: str, spec: Any, category: str) -> InputDefinition:
    """Read one ``name: (TYPE, {options})`` entry."""
    options = spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
    return InputDefinition(name, spec[0], options, category)
