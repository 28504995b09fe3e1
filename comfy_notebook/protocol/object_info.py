"""``object_info``: a node definition as JSON, the form in which every client learns what a node looks like."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .definition import NodeDefinition
from .registry import Registry

log = logging.getLogger(__name__)


def object_info(definition: NodeDefinition) -> dict[str, Any]:
    """The entry of one node; plain JSON values only. Raises whatever the node's ``INPUT_TYPES`` raises."""
    declared = definition.input_types()
    info: dict[str, Any] = {
        "input": {category: _inputs(inputs) for category, inputs in _items(declared)},
        "input_order": {category: [str(name) for name, _ in _items(inputs)] for category, inputs in _items(declared)},
        "is_input_list": definition.input_is_list,
        "output": [jsonable(output.type) for output in definition.outputs],
        "output_is_list": [output.is_list for output in definition.outputs],
        "output_name": [jsonable(output.name) for output in definition.outputs],
        "name": definition.name,
        "display_name": definition.display_name or definition.name,
        "description": definition.description,
        "python_module": definition.python_module,
        "category": definition.category,
        "output_node": definition.is_output_node,
        "has_intermediate_output": definition.has_intermediate_output,
        "search_aliases": list(definition.search_aliases),
    }
    if any(output.tooltip is not None for output in definition.outputs):
        info["output_tooltips"] = [output.tooltip or "" for output in definition.outputs]
    flags = ("deprecated", "experimental", "api_node", "dev_only")
    info.update({flag: True for flag in flags if getattr(definition, flag)})
    if definition.essentials_category is not None:
        info["essentials_category"] = str(definition.essentials_category)
    info.update({key: jsonable(value) for key, value in definition.extra.items()})
    return info


def all_object_info(registry: Registry) -> dict[str, dict[str, Any]]:
    """Every registered node; one whose ``INPUT_TYPES`` raises is left out and logged."""
    entries = {}
    for definition in registry.definitions():
        try:
            entries[definition.name] = object_info(definition)
        except (Exception, SystemExit, GeneratorExit):
            log.exception("node %r is left out: its INPUT_TYPES failed", definition.name)
    return entries


def jsonable(value: Any) -> Any:
    """``value`` with everything JSON cannot say replaced: tuples by lists, infinities by the largest float, the rest
    by text."""
    if isinstance(value, (str, bool, int, type(None))):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return math.copysign(sys.float_info.max, value) if math.isinf(value) else value
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [jsonable(item) for item in value]
    return str(value)


def _inputs(inputs: Any) -> dict[str, Any]:
    return {str(name): jsonable(spec) for name, spec in _items(inputs)}


def _items(container: Any) -> Iterable[tuple[Any, Any]]:
    """The pairs of a dict or of one of the dict-like containers that packs return; nothing of anything else."""
    if container is None:
        return ()
    if hasattr(container, "items"):
        return list(container.items())
    if hasattr(container, "keys"):
        return [(key, container[key]) for key in container.keys()]  # noqa: SIM118 - not a dict, only looks like one
    return ()
