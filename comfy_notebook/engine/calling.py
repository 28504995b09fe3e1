"""List mapping: lists of inputs into calls, returns of calls into lists of outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..protocol.blocking import ExecutionBlocker
from ..protocol.definition import NodeDefinition


def list_calls(lists: Mapping[str, Any], input_is_list: bool) -> list[dict[str, Any]]:
    """The arguments of each call: the longest list says how many calls, shorter ones repeat their last element.

    With ``input_is_list`` there is one call with the lists as they are; without any element one call without arguments.
    An empty list beside a filled one raises ``IndexError``.
    """
    if input_is_list:
        return [dict(lists)]
    count = max(map(len, lists.values()), default=0)
    if count == 0:
        return [{}]
    if count == 1:
        return [{name: values[0] for name, values in lists.items()}]
    return [
        {name: values[i] if i < len(values) else values[-1] for name, values in lists.items()} for i in range(count)
    ]


def find_blocker(arguments: Mapping[str, Any], input_is_list: bool) -> ExecutionBlocker | None:
    """The first blocker among the arguments of a call, or inside its lists."""
    for value in arguments.values():
        if isinstance(value, ExecutionBlocker):
            return value
        if input_is_list and isinstance(value, (list, tuple)):
            for item in value:
                if isinstance(item, ExecutionBlocker):
                    return item
    return None


@dataclass
class Returned:
    """One call's return, taken apart. ``values`` None: a blocker for every output, held in ``blocker``."""

    values: Sequence[Any] = ()
    ui: Mapping[str, Any] | None = None
    expand: Mapping[str, Any] | None = None
    blocker: ExecutionBlocker | None = None


def read_return(value: Any, definition: NodeDefinition) -> Returned:
    """Take apart what a node function returned; raises ``TypeError`` for what is no node result."""
    if isinstance(value, ExecutionBlocker):
        return Returned(blocker=value)
    if isinstance(value, Mapping):
        result = value.get("result", ())
        ui, expand = value.get("ui"), value.get("expand")
        if isinstance(result, ExecutionBlocker):
            return Returned(ui=ui, expand=expand, blocker=result)
        return Returned(_slots(result if result is not None else (), definition), ui, expand)
    if not definition.outputs and not isinstance(value, (tuple, list)):
        return Returned()  # several output nodes of packs return a text that nobody gets
    return Returned(_slots(value, definition))


def _slots(value: Any, definition: NodeDefinition) -> Sequence[Any]:
    if isinstance(value, (tuple, list)):
        return value
    raise TypeError(
        f"{definition.name}.{definition.function} returned {'None' if value is None else type(value).__name__}; "
        f"a node returns a tuple with one element per output ({len(definition.outputs)}), even for a single one"
    )


def merge_outputs(returns: Sequence[Returned], definition: NodeDefinition) -> tuple[list[Any], ...]:
    """One list per output slot: a list output spreads its elements, any other adds one element per call."""
    count = max((len(one.values) for one in returns if one.blocker is None), default=0)
    if any(one.blocker is not None for one in returns):
        count = max(count, len(definition.outputs))
    slots: tuple[list[Any], ...] = tuple([] for _ in range(count))
    for one in returns:
        for slot in range(count):
            if one.blocker is not None:
                slots[slot].append(one.blocker)
            elif slot < len(one.values):
                add_output(slots[slot], one.values[slot], is_list_output(definition, slot))
    return slots


def is_list_output(definition: NodeDefinition, slot: int) -> bool:
    return slot < len(definition.outputs) and definition.outputs[slot].is_list


def add_output(slot: list[Any], value: Any, is_list: bool) -> None:
    if is_list and not isinstance(value, ExecutionBlocker):
        slot.extend(value)
    else:
        slot.append(value)


def merge_ui(returns: Iterable[Mapping[str, Any] | None]) -> dict[str, list[Any]] | None:
    """The ``ui`` dicts of several calls, their lists concatenated; the first call says which keys there are."""
    dicts = [ui for ui in returns if ui]
    if not dicts:
        return None
    for ui in dicts:
        if not isinstance(ui, Mapping):
            raise TypeError(f"ui is a dict of lists, not {type(ui).__name__}")
    return {key: [item for ui in dicts for item in _ui_list(key, ui.get(key, ()))] for key in dicts[0]}


def _ui_list(key: str, value: Any) -> Iterable[Any]:
    if not isinstance(value, Iterable):
        raise TypeError(f"the ui value {key!r} is a list, not {type(value).__name__}")
    return value
