"""The still picture of a graph: well-formed, inert, bounded, whatever the document holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from comfy_notebook.widget import picture

SVG = "{http://www.w3.org/2000/svg}"
QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.json"


def node(number: int, **extra: Any) -> dict[str, Any]:
    at = [number % 40 * 240, number // 40 * 160]
    return {"id": number, "type": "Blur", "pos": at, "size": [200, 100], **extra}


def parse(document: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(picture.draw(document))


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_it_shows_titles_slots_values_links_and_groups() -> None:
    document = {
        "nodes": [
            node(1, title="Photo", outputs=[{"name": "IMAGE", "type": "IMAGE"}], widgets_values=["cat.png", 3]),
            node(2, inputs=[{"name": "image", "type": "IMAGE"}], mode=4),
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
        "groups": [{"title": "Load", "bounding": [0, -60, 300, 200]}],
    }
    root = parse(document)
    assert {"Photo", "Blur", "IMAGE", "image", "cat.png", "3", "Load"} <= set(texts(root))
    assert len(list(root.iter(f"{SVG}path"))) == 1
    assert [group.get("opacity") for group in root.iter(f"{SVG}g") if group.get("transform")] == [None, ".5"]


def test_links_join_the_slots_they_name() -> None:
    document = {
        "nodes": [
            node(1, outputs=[{"name": "a", "type": "A"}, {"name": "b", "type": "B"}]),
            node(2, inputs=[{"name": "x", "type": "A"}, {"name": "y", "type": "B"}]),
        ],
        "links": [{"id": 1, "origin_id": 1, "origin_slot": 1, "target_id": 2, "target_slot": 1, "type": "B"}],
    }
    (path,) = parse(document).iter(f"{SVG}path")
    # node 1 spans x = 240..440; the second slot lies 20 below the first, both nodes at the same height
    assert (path.get("d") or "").startswith("M440 34C")
    assert (path.get("d") or "").endswith("480 34")


@pytest.mark.parametrize(
    "title",
    [
        "<img src=x onerror=alert(1)>",
        "</text><script>alert(1)</script>",
        '"\' onload="alert(1)',
        "]]>&lt;&#60;",
        "a\x00b\x1b[31m\u202eevil",
        "😀" * 500,
        "\ud800",
    ],
)
def test_hostile_text_stays_text(title: str) -> None:
    hostile = node(1, title=title, inputs=[{"name": title, "type": title}], widgets_values=[title])
    document = {"nodes": [hostile], "groups": [{"title": title, "bounding": [0, 0, 9, 9]}]}
    svg = picture.draw(document)
    svg.encode()
    root = ElementTree.fromstring(svg)
    allowed = {f"{SVG}{name}" for name in ("svg", "title", "rect", "g", "text", "circle", "path")}
    assert {element.tag for element in root.iter()} <= allowed
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"nodes": None, "links": 3},
        {"nodes": [None, 1, "x", {}, {"id": 1}, {"pos": "ab"}, {"pos": [float("nan"), 1]}, {"pos": [1]}]},
        {"nodes": [node(1, size=None, inputs=3, outputs=[None, 4], widgets_values={"a": None, "b": float("inf")})]},
        {"nodes": [node(1, pos={"0": 5, "1": 6}, size={"0": 10, "1": -4}, flags=[])]},
        {"nodes": [node(1)], "links": [[1, 1, 0, 99, 0, "X"], [1], None, {"origin_id": 1}, [1, 1, "a", 1, -5, None]]},
        {"nodes": [node(1, pos=[1e300, 0])], "groups": [{"bounding": [1, 2]}, None, {"bounding": "abcd"}]},
    ],
)
def test_broken_documents_still_give_a_picture(document: dict[str, Any]) -> None:
    assert parse(document).tag == f"{SVG}svg"


@pytest.mark.parametrize("count", [0, 1, 12, 60, 200, 800, 3000, 20_000])
def test_its_size_is_bounded_for_any_graph(count: int) -> None:
    slots = [{"name": f"slot {index}", "type": "IMAGE"} for index in range(4)]
    nodes = [node(index, inputs=slots, outputs=slots, widgets_values=["long text " * 9] * 3) for index in range(count)]
    links = [[index, index, 0, index + 1, 0, "IMAGE"] for index in range(count - 1)]
    svg = picture.draw({"nodes": nodes, "links": links})
    assert len(svg.encode()) <= picture.MAX_BYTES
    root = ElementTree.fromstring(svg)
    assert f"{count} nodes" in (root.findtext(f"{SVG}title") or "")


def test_the_quickstart_is_drawn_in_full_detail() -> None:
    document = json.loads(QUICKSTART.read_text())
    shown = texts(parse(document))
    titles = {str(item.get("title") or item["type"]) for item in document["nodes"]}
    assert titles <= set(shown)


def test_values_are_named_where_the_node_is_known() -> None:
    root = ElementTree.fromstring(picture.draw({"nodes": [node(1)]}, lambda _: {"radius": 3, "image": "x.png"}))
    assert {"radius: 3", "image: x.png"} <= set(texts(root))


def test_a_node_whose_values_can_not_be_read_is_drawn_without() -> None:
    def fails(_: object) -> dict[str, Any]:
        raise RuntimeError

    assert "Blur" in texts(ElementTree.fromstring(picture.draw({"nodes": [node(1)]}, fails)))
