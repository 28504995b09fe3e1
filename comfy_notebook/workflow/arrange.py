"""Places nodes in columns from left to right: links run forward, nothing overlaps, neighbours stand close."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

from .specs import InputSpec

Json = dict[str, Any]

TITLE, SLOT, WIDGET, TEXT_AREA, PREVIEW, PLAYER = 30, 20, 24, 110, 240, 60
GAP_X, GAP_Y = 90, 50
_SWEEPS = 4
_SHOWS_IMAGE = ("Preview", "SaveImage", "LoadImage", "SaveAnimated", "SaveVideo", "SaveWEBM", "LoadVideo")
_SHOWS_PLAYER = ("PreviewAudio", "SaveAudio", "LoadAudio")


def node_size(node: Json, widgets: list[InputSpec], title: str) -> list[float]:
    """Width and height a node will about have: title, slots, widgets, text areas, image preview."""
    inputs, outputs = node.get("inputs") or [], node.get("outputs") or []
    sockets = [slot for slot in inputs if "widget" not in slot]
    areas = sum(bool(spec.options.get("multiline")) for spec in widgets)
    height = SLOT * max(len(sockets), len(outputs), 1) + WIDGET * (len(widgets) - areas) + TEXT_AREA * areas + 10
    longest_in = max((len(slot["name"]) for slot in sockets), default=0)
    longest_out = max((len(str(slot.get("name", ""))) for slot in outputs), default=0)
    width = max(
        210, 60 + 8 * len(title), 60 + 7 * (longest_in + longest_out), 270 if widgets else 0, 400 if areas else 0
    )
    if node["type"].startswith(_SHOWS_PLAYER):
        height += PLAYER
    elif node["type"].startswith(_SHOWS_IMAGE):
        height += PREVIEW
    return [min(width, 480), height]


def arrange(nodes: list[Json], links: list[list[Any]]) -> None:
    """Set ``pos`` of every node from its ``size`` and the links; linear but for the sorting of columns."""
    sizes = {str(node["id"]): node["size"] for node in nodes}
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for link in links:
        source, target = str(link[1]), str(link[3])
        if source in sizes and target in sizes and source != target:
            before[target].append(source)
            after[source].append(target)
    columns = _columns(list(sizes), before, after)
    _untangle(columns, before, after)
    places = _place(_broken(columns, sizes), sizes, before)
    for node in nodes:
        x, y = places[str(node["id"])]
        node["pos"] = [x, y]


def _columns(keys: list[str], before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[list[str]]:
    """Nodes by their longest way from a source; sources move right, next to who needs them."""
    depth: dict[str, int] = {}
    open_inputs = {key: len(before.get(key, ())) for key in keys}
    ready = deque(key for key in keys if not open_inputs[key])
    order: list[str] = []
    left = iter(keys)
    while len(order) < len(keys):
        if not ready:  # a circle: begin it anywhere
            ready.append(next(key for key in left if key not in depth))
        key = ready.popleft()
        if key in depth:
            continue
        depth[key] = 1 + max((depth[source] for source in before.get(key, ()) if source in depth), default=-1)
        order.append(key)
        for target in after.get(key, ()):
            open_inputs[target] -= 1
            if not open_inputs[target]:
                ready.append(target)
    for key in reversed(order):
        if not before.get(key) and after.get(key):
            depth[key] = max(0, min(depth[target] for target in after[key]) - 1)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in keys:
        columns[depth[key]].append(key)
    return [column for column in columns if column]


def _untangle(columns: list[list[str]], before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> None:
    """Sort each column by the mean place of its neighbours, forward and back a few times."""
    rank = {key: place for column in columns for place, key in enumerate(column)}
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        for column in columns if forward else reversed(columns):
            wish = {key: _mean([rank[other] for other in neighbours.get(key, ())], rank[key]) for key in column}
            column.sort(key=wish.__getitem__)
            rank.update((key, place) for place, key in enumerate(column))


def _broken(columns: list[list[str]], sizes: Mapping[str, list[float]]) -> list[list[str]]:
    """Columns that would be far taller than the whole is wide go side by side."""
    area = sum((width + GAP_X) * (height + TITLE + GAP_Y) for width, height in sizes.values())
    limit = max(1600.0, 1.5 * math.sqrt(area))
    broken: list[list[str]] = []
    for column in columns:
        part: list[str] = []
        height = 0.0
        for key in column:
            if part and height + sizes[key][1] > limit:
                broken.append(part)
                part, height = [], 0.0
            part.append(key)
            height += sizes[key][1] + TITLE + GAP_Y
        broken.append(part)
    return broken


def _place(
    columns: list[list[str]], sizes: Mapping[str, list[float]], before: Mapping[str, list[str]]
) -> dict[str, tuple[float, float]]:
    places: dict[str, tuple[float, float]] = {}
    x = 0.0
    for column in columns:
        wishes = {
            key: _mean([places[o][1] + sizes[o][1] / 2 for o in before.get(key, ()) if o in places], None)
            for key in column
        }
        tops: dict[str, float] = {}
        bottom = -math.inf
        for key in column:
            wish = wishes[key]
            wanted = (0.0 if bottom == -math.inf else bottom) if wish is None else wish - sizes[key][1] / 2
            tops[key] = max(bottom, wanted)
            bottom = tops[key] + sizes[key][1] + TITLE + GAP_Y
        # the column as a whole goes where its members wish on average
        pulls = [wishes[key] - sizes[key][1] / 2 - tops[key] for key in column if wishes[key] is not None]
        shift = _mean(pulls, 0.0) or 0.0
        for key in column:
            places[key] = (x, float(round(tops[key] + shift)))
        x += max(sizes[key][0] for key in column) + GAP_X
    top = min((y for _, y in places.values()), default=0.0)
    return {key: (x, y - top) for key, (x, y) in places.items()}


def _mean(numbers: list[Any], otherwise: Any) -> Any:
    return sum(numbers) / len(numbers) if numbers else otherwise
