"""Nodes inside subgraphs from Python: found by path, read and set where their values live."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import comfy_notebook as cn
from comfy_notebook.api.document_nodes import DocumentNodes
from comfy_notebook.api.widget_node import WidgetNode
from comfy_notebook.session import Session
from comfy_notebook.workflow import to_api
from comfy_notebook.workflow.repair import definitions
from tests.workflow import recorded_workflows as recorded

IMAGE, INT = "IMAGE", "INT"


def inner_image(number: int) -> dict[str, Any]:
    """EmptyImage, width from the subgraph's input, the rest its own."""
    socket = {"name": "width", "type": INT, "widget": {"name": "width"}, "link": 1}
    output = {"name": IMAGE, "type": IMAGE, "links": [2]}
    return {"id": number, "type": "EmptyImage", "inputs": [socket], "outputs": [output], "widgets_values": [8, 4, 1, 0]}


def instance(number: int, title: str, values: list[Any], link: int) -> dict[str, Any]:
    width = {"name": "width", "type": INT, "widget": {"name": "width"}, "link": None}
    output = {"name": "image", "type": IMAGE, "links": [link]}
    return {
        "id": number,
        "type": "made",
        "title": title,
        "inputs": [width],
        "outputs": [output],
        "widgets_values": values,
    }


def preview(number: int, link: int) -> dict[str, Any]:
    socket = {"name": "images", "type": IMAGE, "link": link}
    return {"id": number, "type": "PreviewImage", "title": f"Shown {number}", "inputs": [socket], "outputs": []}


def two_instances() -> dict[str, Any]:
    """Two instances of a subgraph with one node: width is shown by each instance, colour and height are shared."""
    links = [
        {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 3, "target_slot": 0, "type": INT},
        {"id": 2, "origin_id": 3, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": IMAGE},
    ]
    made = {
        "id": "made",
        "name": "Maker",
        "nodes": [inner_image(3)],
        "links": links,
        "inputs": [{"id": "i", "name": "width", "type": INT, "linkIds": [1]}],
        "outputs": [{"id": "o", "name": "image", "type": IMAGE, "linkIds": [2]}],
    }
    nodes = [instance(1, "Left", [5], 10), instance(2, "", [], 11), preview(8, 10), preview(9, 11)]
    return {
        "version": 0.4,
        "nodes": nodes,
        "links": [[10, 1, 0, 8, 0, IMAGE], [11, 2, 0, 9, 0, IMAGE]],
        "definitions": {"subgraphs": [made]},
    }


def sizes(run: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    results = run.result(30)
    return results["8"].image.size, results["9"].image.size


def test_paths_ids_and_titles_lead_inside(session: Session) -> None:
    workflow = cn.Workflow(two_instances())
    for name in ("Left/EmptyImage", "Left/3", "1:3", "1/EmptyImage"):
        assert (workflow[name].id, workflow[name].type) == ("1:3", "EmptyImage"), name
    assert [node.title for node in workflow] == ["Left", "Maker", "Shown 8", "Shown 9"]
    assert [node.id for node in workflow["Maker"].nodes] == ["2:3"]
    assert workflow["Shown 8"].nodes == []
    assert workflow["Maker"].values == {"width": 8}
    assert repr(workflow["Left"]) == "<Left (subgraph, node 1): width=5>"
    for wrong, message in [
        ("Left/Emty", "inside 'Left'.*did you mean 'EmptyImage'"),
        ("Lft/EmptyImage", "There is no node"),
        ("1:4", "There is no node"),
    ]:
        with pytest.raises(KeyError, match=message):
            workflow[wrong]


def test_a_shown_widget_is_the_instances_own_and_the_rest_is_shared(session: Session) -> None:
    workflow = cn.Workflow(two_instances())
    assert (workflow["1:3"].width, workflow["2:3"].width) == (5, 8)
    workflow["1:3"].width = 7
    assert (workflow["Left"].width, workflow["Maker"].width) == (7, 8)
    workflow["Maker"].width = 6
    workflow["Maker/3"].height = 3
    assert (workflow["2:3"].width, workflow["1:3"].height) == (6, 3)
    assert sizes(workflow.run()) == ((7, 3), (6, 3))
    with pytest.raises(AttributeError, match="did you mean 'height'"):
        workflow["1:3"].hight = 1


def test_results_of_nodes_inside(session: Session) -> None:
    results = cn.Workflow(two_instances()).run().result(30)
    assert tuple(results["Left/EmptyImage"].tensor.shape) == (1, 4, 5, 3)
    assert tuple(results["2:3"].tensor.shape) == (1, 4, 8, 3)
    with pytest.raises(KeyError, match="inside 'Left'"):
        results["Left/Nothing"]
    with pytest.raises(KeyError, match="2 nodes are called"):
        results["EmptyImage"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Left/EmptyImage.height": 2}, ((5, 2), (8, 4))),  # shared, yet for one run it may differ
        ({"1:3.width": 2}, ((2, 4), (8, 4))),
        ({"Left.width": 2}, ((2, 4), (8, 4))),
        ({"Maker.width": 2, "2:3.height": 1}, ((5, 4), (2, 1))),
    ],
)
def test_values_for_one_run_reach_inside(session: Session, values: dict[str, Any], expected: Any) -> None:
    workflow = cn.Workflow(two_instances())
    before = copy.deepcopy(workflow.document)
    assert sizes(workflow.run(values)) == expected
    assert workflow.document == before


def test_a_run_with_a_shown_widget_is_written_down_in_the_document(session: Session) -> None:
    prompt, document = cn.Workflow(two_instances()).prepare({"Left.width": 2, "2:3.height": 1})
    again = cn.Workflow(document)
    assert again["Left"].width == 2
    assert again["2:3"].height == 4, "a value of one instance alone has no place in a shared definition"
    assert prompt["2:3"]["inputs"]["height"] == 1


def test_a_link_from_outside_names_its_source(session: Session) -> None:
    document = two_instances()
    source = {
        "id": 20,
        "type": "PrimitiveInt",
        "title": "Wide",
        "outputs": [{"name": "INT", "type": INT, "links": [12]}],
    }
    document["nodes"].append({**source, "inputs": [], "widgets_values": [3, "fixed"]})
    document["nodes"][0]["inputs"][0]["link"] = 12
    document["links"].append([12, 20, 0, 1, 0, INT])
    workflow = cn.Workflow(document)
    with pytest.raises(ValueError, match="'width' of 'Left' is linked to 'Wide'"):
        workflow["Left/3"].width = 9
    workflow["Wide"].value = 4
    assert sizes(workflow.run()) == ((4, 4), (8, 4))


def test_fields_in_file_names_see_the_values_of_this_run(session: Session) -> None:
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 4, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "w%EmptyImage.width%"}},
    }
    workflow = cn.Workflow(prompt)
    workflow["1"]._node["properties"] = {"Node name for S&R": "EmptyImage"}
    assert workflow.run(width=3).result(30)["2"].files[0].name.startswith("w3_")
    assert workflow.to_api(filename_prefix="h%EmptyImage.height%")["2"]["inputs"]["filename_prefix"] == "h4"


def test_an_editor_hears_of_values_inside(session: Session) -> None:
    state = session.editors.create(two_instances(), name="inside")
    heard: list[Any] = []
    session.bus.subscribe(heard.append, client_id=state.id)
    workflow = cn.Workflow(copy.deepcopy(state.document))
    workflow._changed = state.apply  # type: ignore[method-assign, assignment]
    workflow["1:3"].height = 2
    workflow["1:3"].width = 2
    patches = [event.data["patch"] for event in heard if event.type == "cn.document"]
    assert [list(patch) for patch in patches] == [["set"], ["nodes"]]
    assert cn.Workflow(state.document).to_api() == workflow.to_api()


def inner_nodes(nodes: list[WidgetNode]) -> Iterator[WidgetNode]:
    for node in nodes:
        yield from inner_nodes(node.nodes)
        if ":" in node.id:
            yield node


def with_subgraphs() -> list[Path]:
    return [path for path in recorded.pairs() if definitions(recorded.load(path))]


@pytest.mark.parametrize("path", with_subgraphs(), ids=recorded.name)
def test_what_is_read_and_set_inside_is_what_the_prompt_says(path: Path) -> None:
    from comfy_notebook.workflow import read_document

    document = read_document(recorded.load(path), recorded.info).data
    nodes = DocumentNodes(document, recorded.info)
    prompt = to_api(document, recorded.info).prompt
    plain = [
        (node, name)
        for node in inner_nodes(nodes.all())
        for name, value in node.values.items()
        if node.id in prompt and isinstance(value, (int, float)) and name in prompt[node.id]["inputs"]
    ]
    own = [(node, name) for node, name in plain if not isinstance(prompt[node.id]["inputs"][name], list)]
    assert {(n.id, k): n[k] for n, k in own} == {(n.id, k): prompt[n.id]["inputs"][k] for n, k in own}
    for number, (node, name) in enumerate(own):
        try:
            node[name] = number + 1000
        except ValueError:
            continue  # fed by a primitive
        assert node[name] == number + 1000
    after = to_api(document, recorded.info).prompt
    assert {(n.id, k): n[k] for n, k in own} == {(n.id, k): after[n.id]["inputs"][k] for n, k in own}
