"""Where the parts of a graph lie, read from UI JSON that may be broken: what makes no sense is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TITLE_HEIGHT = 30.0
SLOT_HEIGHT = 20.0

#: More nodes than this are only counted.
MAX_BOXES = 2000
MUTED, BYPASSED = 2, 4


@dataclass
class Slot:
    """A socket: ``y`` from the top of the box, title included."""

    name: str
    kind: str
    y: float


@dataclass
class Box:
    """A node with its title, in graph units."""

    id: str
    x: float
    y: float
    width: float
    height: float
    title: str
    inactive: bool
    collapsed: bool
    inputs: list[Slot] = field(default_factory=list)
    outputs: list[Slot] = field(default_factory=list)
    rows: list[tuple[float, str, str]] = field(default_factory=list)


Point = tuple[float, float]


@dataclass
class Graph:
    """What a picture shows; ``count`` is the number of nodes of the document, drawn or not."""

    boxes: list[Box]
    links: list[tuple[Point, Point, str]]
    groups: list[tuple[str, float, float, float, float]]
    bounds: tuple[float, float, float, float]
    count: int


def read_graph(
    document: Mapping[str, Any], values_of: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
) -> Graph:
    """Read the top level of a document; never raises."""
    nodes = [node for node in _items(document.get("nodes")) if isinstance(node, Mapping)]
    boxes = [box for node in nodes[:MAX_BOXES] if (box := _box(node, values_of)) is not None]
    by_id = {box.id: box for box in boxes}
    links = [found for link in _items(document.get("links")) if (found := _link(link, by_id)) is not None]
    groups = [area for group in _items(document.get("groups")) if (area := _group(group)) is not None]
    return Graph(boxes, links, groups, _bounds(boxes, groups), len(nodes))


def _box(node: Mapping[str, Any], values_of: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None) -> Box | None:
    position, size = _pair(node.get("pos")), _pair(node.get("size")) or (200.0, 60.0)
    if position is None:
        return None
    flags = node.get("flags")
    collapsed = isinstance(flags, Mapping) and bool(flags.get("collapsed"))
    title = str(node.get("title") or node.get("type") or "node")
    width, height = max(40.0, size[0]), max(0.0, size[1])
    if collapsed:
        width, height = min(width, 40.0 + 8 * len(title)), 0.0
    box = Box(
        id=str(node.get("id")),
        x=position[0],
        y=position[1] - TITLE_HEIGHT,
        width=width,
        height=height + TITLE_HEIGHT,
        title=title,
        inactive=node.get("mode") in (MUTED, BYPASSED),
        collapsed=collapsed,
    )
    sockets = [slot for slot in _items(node.get("inputs")) if isinstance(slot, Mapping) and not slot.get("widget")]
    box.inputs = _slots(sockets)
    box.outputs = _slots(_items(node.get("outputs")))
    if not collapsed:
        box.rows = _rows(node, box, values_of)
    return box


def _slots(slots: list[Any]) -> list[Slot]:
    return [
        Slot(
            str(slot.get("label") or slot.get("name") or ""),
            str(slot.get("type") or "*"),
            TITLE_HEIGHT + (index + 0.7) * SLOT_HEIGHT,
        )
        for index, slot in enumerate(slots)
        if isinstance(slot, Mapping)
    ]


def _rows(
    node: Mapping[str, Any], box: Box, values_of: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None
) -> list[tuple[float, str, str]]:
    """Widget values below the slots, as many as the node has room for."""
    values: Mapping[str, Any] = {}
    if values_of is not None:
        try:
            values = values_of(node)
        except Exception:  # a picture with fewer words is better than none
            values = {}
    pairs = [(str(name), value) for name, value in values.items()]
    if not pairs:
        saved = node.get("widgets_values")
        pairs = [("", value) for value in (saved.values() if isinstance(saved, Mapping) else _items(saved))]
    top = TITLE_HEIGHT + max(len(box.inputs), len(box.outputs)) * SLOT_HEIGHT + 20
    room = max(0, int((box.height - top) / SLOT_HEIGHT) + 1)
    shown = [(name, value) for name, value in pairs if isinstance(value, (str, int, float, bool))]
    return [(top + row * SLOT_HEIGHT, name, str(value)) for row, (name, value) in enumerate(shown[:room])]


def _link(link: Any, boxes: Mapping[str, Box]) -> tuple[Point, Point, str] | None:
    if isinstance(link, Mapping):
        names = ("origin_id", "origin_slot", "target_id", "target_slot", "type")
        origin, out, target, into, kind = (link.get(name) for name in names)
    elif isinstance(link, (list, tuple)) and len(link) >= 6:
        origin, out, target, into, kind = link[1:6]
    else:
        return None
    start, end = boxes.get(str(origin)), boxes.get(str(target))
    if start is None or end is None:
        return None
    y1 = _slot_y(start.outputs, out, start)
    y2 = _slot_y(end.inputs, into, end)
    return (start.x + start.width, start.y + y1), (end.x, end.y + y2), str(kind or "*")


def _slot_y(slots: list[Slot], index: Any, box: Box) -> float:
    if box.collapsed or not isinstance(index, int) or not 0 <= index < len(slots):
        return TITLE_HEIGHT / 2
    return slots[index].y


def _group(group: Any) -> tuple[str, float, float, float, float] | None:
    if not isinstance(group, Mapping):
        return None
    bounding = group.get("bounding")
    if not isinstance(bounding, (list, tuple)) or len(bounding) != 4 or not all(map(_is_finite, bounding)):
        return None
    x, y, width, height = (float(number) for number in bounding)
    return str(group.get("title") or ""), x, y, max(0.0, width), max(0.0, height)


def _bounds(boxes: list[Box], groups: list[Any]) -> tuple[float, float, float, float]:
    areas = [(box.x, box.y, box.width, box.height) for box in boxes] + [group[1:] for group in groups]
    if not areas:
        return 0.0, 0.0, 320.0, 120.0
    left, top = min(area[0] for area in areas), min(area[1] for area in areas)
    right, bottom = max(area[0] + area[2] for area in areas), max(area[1] + area[3] for area in areas)
    return left, top, max(1.0, right - left), max(1.0, bottom - top)


def _pair(value: Any) -> Point | None:
    if isinstance(value, Mapping):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, (list, tuple)) and len(value) >= 2 and _is_finite(value[0]) and _is_finite(value[1]):
        return float(value[0]), float(value[1])
    return None


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1e7


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
