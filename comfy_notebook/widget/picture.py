"""A still picture of a graph for places without a kernel: GitHub, nbconvert, a notebook opened later.

SVG made of shapes and escaped text only, so every sanitizer lets it pass, on a ground of its own, so it reads in light
and dark. What does not fit in ``MAX_BYTES`` is drawn with less detail: first without values, then without slots, then
as bare boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

from .geometry import TITLE_HEIGHT, Box, Graph, read_graph

#: Largest picture in bytes; it is stored with every output of the notebook.
MAX_BYTES = 12_000

MAX_WIDTH = 960.0
MAX_HEIGHT = 560.0
MARGIN = 24.0

_COLORS = {
    "IMAGE": "#5ba9f2",
    "MASK": "#6fc36f",
    "LATENT": "#f283c8",
    "MODEL": "#b9a0f4",
    "CLIP": "#f2d24a",
    "VAE": "#f26464",
    "CONDITIONING": "#f4a653",
    "CONTROL_NET": "#62d1a4",
    "AUDIO": "#8fd3e8",
    "VIDEO": "#9bb3f0",
    "INT": "#86b9c9",
    "FLOAT": "#9ccfae",
    "STRING": "#b7d08a",
    "BOOLEAN": "#d99c9c",
}
_OTHER = "#a9b0bd"

ValuesOf = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def draw(document: Mapping[str, Any], values_of: ValuesOf | None = None, limit: int = MAX_BYTES) -> str:
    """The graph as SVG text of at most ``limit`` bytes. ``values_of`` names a node's widget values; never raises."""
    graph = read_graph(document, values_of)
    for detail in (3, 2, 1):
        picture = "".join(_picture(graph, detail))
        if len(picture.encode()) <= limit:
            return picture
    return _overview(graph, limit)


def _picture(graph: Graph, detail: int) -> Iterator[str]:
    yield _open(graph)
    yield from _groups(graph)
    yield '<g fill="none" stroke-width="2">'
    for (x1, y1), (x2, y2), kind in graph.links:
        bend = max(30, min(160, abs(x2 - x1) / 2))
        path = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        yield f'<path stroke="{_color(kind)}" d="{path}"/>'
    yield "</g>"
    for box in graph.boxes:
        yield from _node(box, detail)
    yield _close(graph)


def _node(box: Box, detail: int) -> Iterator[str]:
    dim = ' opacity=".5"' if box.inactive else ""
    yield f'<g transform="translate({box.x:.0f} {box.y:.0f})"{dim}>'
    yield f'<rect width="{box.width:.0f}" height="{box.height:.0f}" rx="6" fill="#2a2d34" stroke="#454a56"/>'
    title = _text(box.title, box.width - 14)
    yield f'<text x="9" y="{TITLE_HEIGHT - 10:.0f}" fill="#eceef2" font-size="14">{title}</text>'
    if detail >= 2 and not box.collapsed:
        for slot in box.inputs:
            yield f'<circle cy="{slot.y:.0f}" r="4" fill="{_color(slot.kind)}"/>'
            yield f'<text x="9" y="{slot.y + 4:.0f}">{_text(slot.name, box.width * 0.48)}</text>'
        for slot in box.outputs:
            yield f'<circle cx="{box.width:.0f}" cy="{slot.y:.0f}" r="4" fill="{_color(slot.kind)}"/>'
            end = f'x="{box.width - 9:.0f}" y="{slot.y + 4:.0f}" text-anchor="end"'
            yield f"<text {end}>{_text(slot.name, box.width * 0.48)}</text>"
    if detail >= 3 and not box.collapsed:
        for y, name, value in box.rows:
            label = f"{name}: {value}" if name else value
            yield f'<text x="12" y="{y:.0f}" fill="#8fb7e8">{_text(label, box.width - 20)}</text>'
    yield "</g>"


def _groups(graph: Graph) -> Iterator[str]:
    for title, x, y, width, height in graph.groups:
        place = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"'
        yield f'<rect {place} rx="4" fill="#3f5f8f" opacity=".25"/>'
        yield f'<text x="{x + 8:.0f}" y="{y + 24:.0f}" font-size="20" fill="#9fb4d6">{_text(title, width)}</text>'


def _overview(graph: Graph, limit: int) -> str:
    """Bare boxes, as many as fit."""
    opening, closing = _open(graph) + '<path fill="#59606e" d="', '"/>' + _close(graph)
    room = limit - len((opening + closing).encode())
    boxes = []
    for box in graph.boxes:
        shape = f"M{box.x:.0f} {box.y:.0f}h{box.width:.0f}v{box.height:.0f}h-{box.width:.0f}z"
        room -= len(shape)
        if room < 0:
            break
        boxes.append(shape)
    return opening + "".join(boxes) + closing


def _open(graph: Graph) -> str:
    x, y, width, height = graph.bounds
    x, y, width, height = x - MARGIN, y - MARGIN, width + 2 * MARGIN, height + 2 * MARGIN
    scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.0f}" height="{height * scale:.0f}" '
        f'viewBox="{x:.0f} {y:.0f} {width:.0f} {height:.0f}" role="img" style="max-width:100%;height:auto" '
        'font-family="system-ui,sans-serif" font-size="12" fill="#b9bec9">'
        f"<title>Comfy workflow, {graph.count} nodes</title>"
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="8" fill="#1b1d22"/>'
    )


def _close(graph: Graph) -> str:
    left, top, _, height = graph.bounds
    note = ""
    if graph.count > len(graph.boxes):
        size = height / 30
        note = (
            f'<text x="{left:.0f}" y="{top + height:.0f}" font-size="{size:.0f}">'
            f"{len(graph.boxes)} of {graph.count} nodes</text>"
        )
    return note + "</svg>"


def _color(kind: str) -> str:
    return _COLORS.get(kind.partition(",")[0].upper(), _OTHER)


def _text(text: str, width: float) -> str:
    """Escaped text cut to about ``width`` units; control characters are not allowed in XML."""
    room = max(3, int(width / 6.6))
    shown = "".join(char if char.isprintable() else " " for char in text)
    return escape(shown if len(shown) <= room else shown[: room - 1] + "…")
