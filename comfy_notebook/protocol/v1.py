"""Node classes of the V1 protocol (``INPUT_TYPES``, ``RETURN_TYPES``, ``FUNCTION`` …) as a ``NodeDefinition``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from operator import methodcaller
from typing import Any

from .code_version import version_of_class
from .definition import NodeDefinition, OutputDefinition
from .errors import NodeDefinitionError
from .v3 import definition_from_v3, is_v3_class


def definition_from_class(
    name: str, cls: type, display_name: str | None = None, python_module: str = "nodes"
) -> NodeDefinition:
    """Read a V1 class registered as ``name``, or a V3 class that stands in a V1 mapping.

    ``display_name`` is the title shown to people (the name when None), ``python_module`` tells where it came from
    (``"nodes"``, ``"custom_nodes.<pack>"``). Raises :class:`NodeDefinitionError` when a required attribute is missing.
    ``INPUT_TYPES`` is not called here: the protocol asks for a fresh call on every use, and it may fail later.
    """
    if not isinstance(cls, type):
        raise NodeDefinitionError(f"node {name!r}: a class belongs here, not {type(cls).__name__}")
    if is_v3_class(cls):
        return definition_from_v3(cls, name, display_name, python_module)
    for attribute in ("INPUT_TYPES", "RETURN_TYPES", "FUNCTION"):
        if not hasattr(cls, attribute):
            raise NodeDefinitionError(f"node {name!r}: the class {cls.__name__} has no {attribute}")
    function = cls.FUNCTION  # type: ignore[attr-defined]
    if not callable(getattr(cls, function, None)) and not _has_functions_of_its_instances(cls):
        raise NodeDefinitionError(f"node {name!r}: FUNCTION names {function!r}, which {cls.__name__} does not define")
    return NodeDefinition(
        name=name,
        node_class=cls,
        function=function,
        input_types=partial(methodcaller("INPUT_TYPES"), cls),  # as it is when asked: packs replace it later
        outputs=_outputs(cls),
        display_name=display_name or name,
        category=str(getattr(cls, "CATEGORY", "sd")),
        description=_text(getattr(cls, "DESCRIPTION", "")),
        python_module=python_module,
        is_output_node=bool(getattr(cls, "OUTPUT_NODE", False)),
        input_is_list=bool(getattr(cls, "INPUT_IS_LIST", False)),
        not_idempotent=bool(getattr(cls, "NOT_IDEMPOTENT", False)),
        deprecated=bool(getattr(cls, "DEPRECATED", False)),
        experimental=bool(getattr(cls, "EXPERIMENTAL", False)),
        api_node=bool(getattr(cls, "API_NODE", False)),
        dev_only=bool(getattr(cls, "DEV_ONLY", False)),
        has_intermediate_output=bool(getattr(cls, "HAS_INTERMEDIATE_OUTPUT", False)),
        search_aliases=tuple(str(alias) for alias in _sequence(getattr(cls, "SEARCH_ALIASES", ()))),
        essentials_category=getattr(cls, "ESSENTIALS_CATEGORY", None),
        code=version_of_class(cls),
    )


def _has_functions_of_its_instances(cls: type) -> bool:
    """Whether the function may be there only once an instance is."""
    return vars(cls).get("__init__", object.__init__) is not object.__init__ or hasattr(cls, "__getattr__")


def _outputs(cls: type) -> tuple[OutputDefinition, ...]:
    """The output slots; names, list flags and tooltips may be shorter than the types, or missing."""
    types = _sequence(getattr(cls, "RETURN_TYPES", ()))
    names = _sequence(getattr(cls, "RETURN_NAMES", ()))
    lists = _sequence(getattr(cls, "OUTPUT_IS_LIST", ()))
    tooltips = _sequence(getattr(cls, "OUTPUT_TOOLTIPS", ()))
    return tuple(
        OutputDefinition(
            name=names[slot] if slot < len(names) else kind,
            type=kind,
            is_list=bool(lists[slot]) if slot < len(lists) else False,
            tooltip=tooltips[slot] if slot < len(tooltips) else None,
        )
        for slot, kind in enumerate(types)
    )


def _sequence(value: Any) -> Sequence[Any]:
    """``("IMAGE")`` without its comma is a common slip: a lone string is a sequence of one."""
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, (Sequence, Mapping, set, frozenset)):
        return (value,)
    return tuple(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value or "")
