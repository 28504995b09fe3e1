"""What reaches a node: declared inputs, links, hidden values; asked the way packs rely on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

from ..protocol.definition import NodeDefinition
from ..protocol.dynamic_inputs import flattened, is_dynamic
from ..protocol.expansion import is_link
from .prompt import constant

#: Every value on its way to a node is a list, one element per call of the node.
InputLists = dict[str, Any]
_NOT_ASKED = (None,)
HIDDEN_MARKERS = (
    *("PROMPT", "DYNPROMPT", "EXTRA_PNGINFO", "UNIQUE_ID", "AUTH_TOKEN_COMFY_ORG", "API_KEY_COMFY_ORG"),
    *("COMFY_USAGE_SOURCE", "EXECUTION_LIST"),
)


class InputInfo:
    """How one name is declared: ``category`` is None for an undeclared one."""

    __slots__ = ("category", "is_lazy", "is_raw_link")

    def __init__(self, category: str | None, options: Mapping[str, Any]) -> None:
        self.category = category
        self.is_lazy = bool(options.get("lazy"))
        self.is_raw_link = bool(options.get("rawLink"))


class DeclaredInputs:
    """One answer of ``INPUT_TYPES``, consulted only through ``in`` and ``[]``: packs return dicts whose
    ``__contains__`` accepts any name and whose ``__getitem__`` supplies its type."""

    def __init__(self, definition: NodeDefinition, declared: Mapping[str, Any] | None = None) -> None:
        self.definition = definition
        self.declared = _Asked().get_input_info(definition) if declared is None else declared
        self._infos: dict[str, InputInfo] = {}
        hidden = self.declared.get("hidden")
        self.hidden: list[tuple[str, str]] = [
            (name, marker) for name, value in pairs(hidden) if (marker := hidden_marker(value)) is not None
        ]
        self.wants_unique_id = any(marker == "UNIQUE_ID" for _, marker in self.hidden)

    @cached_property
    def code_version(self) -> str:
        """The fingerprint of the node's code, taken once."""
        return self.definition.code_version

    @cached_property
    def has_groups(self) -> bool:
        return any(is_dynamic(spec) for kind in ("required", "optional") for _, spec in pairs(self.declared.get(kind)))

    def with_inputs(self, inputs: Mapping[str, Any]) -> DeclaredInputs:
        """What is declared for a node that holds ``inputs``: groups of inputs replaced by their members."""
        if not self.has_groups:
            return self
        return DeclaredInputs(self.definition, flattened(self.declared, inputs).declared)

    def info(self, name: str) -> InputInfo:
        known = self._infos.get(name)
        if known is None:
            known = self._infos[name] = self._read(name)
        return known

    def _read(self, name: str) -> InputInfo:
        for category in ("required", "optional", "hidden"):
            inputs = self.declared.get(category)
            if inputs is not None and name in inputs:
                spec = inputs[name]
                has_options = isinstance(spec, (tuple, list)) and len(spec) > 1 and isinstance(spec[1], Mapping)
                return InputInfo(category, spec[1] if has_options else {})
        return InputInfo(None, {})

    def links(self, inputs: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
        """``(input name, source id, lazy)`` of every link, undeclared and raw ones too: what a raw link
        leads to runs first as well, the node only gets the link in place of the value."""
        found = []
        for name, value in inputs.items():
            if is_link(value):
                info = self._infos.get(name) or self.info(name)
                found.append((name, value[0], info.is_lazy))
        return found


def get_input_info(definition: NodeDefinition) -> Mapping[str, Any]:
    """A fresh ``INPUT_TYPES`` answer while a prompt runs. Two packs look in ``inspect.stack()`` for a caller of this
    very name, one frame up and two frames up; what they answer then accepts any input."""
    return definition.input_types()


class _Asked:
    def get_input_info(self, definition: NodeDefinition) -> Mapping[str, Any]:
        """The frame above."""
        return get_input_info(definition)


def pairs(container: Any) -> Iterable[tuple[str, Any]]:
    """``(name, spec)`` of a dict or of something that only looks like one; nothing of what lists no names."""
    if container is None or not (hasattr(container, "items") or hasattr(container, "keys")):
        return ()
    if hasattr(container, "items"):
        return list(container.items())
    return [(key, container[key]) for key in container.keys()]  # noqa: SIM118 - not a dict


def hidden_marker(value: Any) -> str | None:
    """The marker of a hidden entry, written plain or as a tuple of one; None for anything else."""
    if isinstance(value, (tuple, list)) and value:
        value = value[0]
    if not isinstance(value, str):
        return None
    plain = str.__str__(value)  # "any type" classes of packs equal every text and cannot be hashed
    return plain if plain in HIDDEN_MARKERS else None


def gather(
    declared: DeclaredInputs,
    inputs: Mapping[str, Any],
    from_link: Callable[[str, int], Any],
    hidden: Mapping[str, Any],
    asked: Collection[str] = (),
) -> InputLists:
    """The lists a call is made from. ``from_link(source, slot)`` answers with a list. Lazy inputs are ``(None,)`` until
    they are ``asked`` for, also where another node had their source run: results depend on nothing but the graph."""
    lists: InputLists = {}
    for name, value in inputs.items():
        info = declared.info(name)
        if is_link(value) and not info.is_raw_link:
            withheld = info.is_lazy and name not in asked
            lists[name] = _NOT_ASKED if withheld else from_link(value[0], int(value[1]))
        elif info.category is not None:
            lists[name] = [constant(value)]
    for name, marker in declared.hidden:
        lists[declared.definition.hidden_name(name)] = [hidden.get(marker)]
    return lists


def gather_static(declared: DeclaredInputs, inputs: Mapping[str, Any], node_id: str) -> InputLists:
    """What ``VALIDATE_INPUTS`` and ``IS_CHANGED`` receive: constants, None for links, an empty ``PROMPT``."""
    hidden = {"PROMPT": {}, "UNIQUE_ID": node_id}
    return gather(declared, inputs, lambda source, slot: (None,), hidden)
