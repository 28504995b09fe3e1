"""Rules of the conversion that the recorded pairs do not show: prompts written by hand after the format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_notebook.workflow import WorkflowError, from_api, read_document, to_api

SEED = ["INT", {"default": 0}]
DEFINITIONS: dict[str, Any] = {
    "Image": {"input": {"required": {"name": [["a.png", "b.png"], {"image_upload": True}]}}, "output": ["IMAGE"]},
    "Sampler": {
        "input": {"required": {"image": ["IMAGE", {}], "seed": SEED, "steps": ["INT", {"default": 20}]}},
        "output": ["IMAGE"],
    },
    "Choice": {
        "input": {"required": {"c": ["COMBO", {"options": ["x", "y"], "control_after_generate": True}], "n": SEED}},
        "output": [],
    },
    "Quiet": {"input": {"required": {"seed": ["INT", {"control_after_generate": False}], "n": SEED}}, "output": []},
    "Forced": {
        "input": {"required": {"text": ["STRING", {"forceInput": True}], "n": SEED, "m": SEED}},
        "output": ["STRING"],
    },
    "Many": {"input": {"required": {"tags": ["COMBO", {"options": ["p", "q"], "multi_select": True}]}}, "output": []},
    "Custom": {"input": {"required": {"colour": ["SWATCH", {}], "image": ["IMAGE", {}], "n": SEED}}, "output": []},
    "Order": {
        "input": {"required": {"b": SEED, "a": SEED}, "optional": {"c": SEED}},
        "input_order": {"required": ["a", "b"], "optional": ["c"]},
        "output": [],
    },
    "Typed": {
        "input": {"required": {"v": ["INT,FLOAT", {"widgetType": "FLOAT"}], "w": ["INT,FLOAT", {}]}},
        "output": [],
    },
    "Resize": {
        "input": {
            "required": {
                "mode": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "factor", "inputs": {"required": {"by": ["FLOAT", {"default": 2.0}]}}},
                            {
                                "key": "size",
                                "inputs": {
                                    "required": {"width": ["INT", {"default": 64}], "height": ["INT", {"default": 32}]}
                                },
                            },
                        ]
                    },
                ],
                "method": [["area", "lanczos"]],
            }
        },
        "output": ["IMAGE"],
    },
    "Coloured": {"input": {"required": {"tint": ["COLOR", {}], "n": SEED}}, "output": []},
    "Grow": {
        "input": {
            "required": {
                "images": [
                    "COMFY_AUTOGROW_V3",
                    {
                        "template": {
                            "input": {"required": {"image": ["IMAGE", {}]}},
                            "prefix": "image",
                            "min": 2,
                            "max": 9,
                        }
                    },
                ],
                "n": SEED,
            },
            "optional": {
                "numbers": [
                    "COMFY_AUTOGROW_V3",
                    {
                        "template": {
                            "input": {"optional": {"x": ["INT", {"default": 1}]}},
                            "names": ["a", "b"],
                            "min": 0,
                        }
                    },
                ],
            },
        },
        "output": ["IMAGE"],
    },
}


def node(number: Any, kind: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "widgets_values": list(values), **more}


def socket(name: str, link: int | None, kind: str = "IMAGE") -> dict[str, Any]:
    return {"name": name, "type": kind, "link": link}


def widget(name: str, link: int | None, kind: str = "INT") -> dict[str, Any]:
    return {"name": name, "type": kind, "link": link, "widget": {"name": name}}


def convert(nodes: list[Any], links: Any = (), values: Any = None, **more: Any) -> Any:
    return to_api({"nodes": nodes, "links": list(links), "version": 0.4, **more}, DEFINITIONS.get, values)


SIZE, FACTOR = {"mode": "size", "mode.width": 8, "mode.height": 9}, {"mode": "factor", "mode.by": 3.0}
SWATCH_WIDGET, SWATCH_SOCKET = widget("colour", None, "SWATCH"), socket("colour", None, "SWATCH")
PLAIN = socket("image", None)
NAMED = {"id": 1, "type": "Order", "widgets_values": {"a": 1, "c": 3, "extra": 9, "preview": {}}}
NOBODY = [socket("i", None), widget("seed", None), widget("s", None)]

VALUES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("upload place at the end", node(1, "Image", "b.png", "image"), {"name": "b.png"}),
    ("falsy combo default is the first option", node(1, "Image"), {"name": "a.png"}),
    ("seed has a control place of its own", node(1, "Sampler", 5, "randomize", 7), {"seed": 5, "steps": 7}),
    ("combo control takes two places", node(1, "Choice", "y", "fixed", "", 4), {"c": "y", "n": 4}),
    ("control switched off", node(1, "Quiet", 3, 4), {"seed": 3, "n": 4}),
    ("forced inputs have no place", node(1, "Forced", 3, 4), {"n": 3, "m": 4}),
    ("but had one in old files", node(1, "Forced", "old", 3, 4), {"n": 3, "m": 4}),
    ("lists are wrapped", node(1, "Many", ["p", "q"]), {"tags": {"__value__": ["p", "q"]}}),
    ("input_order rules", node(1, "Order", 1, 2, 3), {"a": 1, "b": 2, "c": 3}),
    ("a union is a socket unless it names its widget", node(1, "Typed", 1.5), {"v": 1.5}),
    ("dynamic combo", node(1, "Resize", "size", 8, 9, "lanczos"), SIZE | {"method": "lanczos"}),
    ("dynamic combo, other choice", node(1, "Resize", "factor", 3.0, "area"), FACTOR | {"method": "area"}),
    ("dynamic combo, defaults", node(1, "Resize"), FACTOR | {"mode.by": 2.0, "method": "area"}),
    ("a pack's widget", node(1, "Custom", "#f", 4, inputs=[SWATCH_WIDGET, PLAIN]), {"colour": "#f", "n": 4}),
    ("a pack's widget, not in the file", node(1, "Custom", "#f", 4, inputs=[PLAIN]), {"colour": "#f", "n": 4}),
    ("a pack's socket", node(1, "Custom", 4, inputs=[SWATCH_SOCKET, PLAIN]), {"n": 4}),
    ("a colour is a widget", node(1, "Coloured", "#0a9299", 4), {"tint": "#0a9299", "n": 4}),
    ("a colour has a default", node(1, "Coloured"), {"tint": "#000000", "n": 0}),
    ("values by name", NAMED, {"a": 1, "b": 0, "c": 3, "extra": 9}),
    ("unknown type", node(1, "Nobody", 5, "randomize", "x", inputs=NOBODY), {"seed": 5, "s": "x"}),
    ("unknown type, by name", {"id": 1, "type": "Nobody", "widgets_values": {"a": [1]}}, {"a": {"__value__": [1]}}),
]


@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in VALUES], ids=[case[0] for case in VALUES])
def test_widget_values(data: dict[str, Any], expected: dict[str, Any]) -> None:
    assert convert([data]).prompt["1"]["inputs"] == expected


def test_values_from_the_browser_stand_above_the_document() -> None:
    nodes = [node(1, "Sampler", 5, "fixed", 7), node(2, "Custom", 1)]
    given = {"1": {"seed": 9}, "2": {"colour": [1, 2], "n": 3}, "77": {"x": 1}}
    prompt = convert(nodes, values=given).prompt
    assert prompt["1"]["inputs"] == {"seed": 9, "steps": 7}
    assert prompt["2"]["inputs"] == {"n": 3, "colour": {"__value__": [1, 2]}}


def test_grown_inputs_and_linked_values() -> None:
    grown = [socket("images.image0", 1), socket("images.image1", 2), socket("images.image2", None)]
    nodes = [node(1, "Image", "a.png", "image"), node(2, "Image", "b.png", "image"), node(3, "Grow", 5, inputs=grown)]
    prompt = convert(nodes, [[1, 1, 0, 3, 0, "IMAGE"], [2, 2, 0, 3, 1, "IMAGE"]]).prompt
    assert prompt["3"]["inputs"] == {"n": 5, "images.image0": ["1", 0], "images.image1": ["2", 0]}


def test_bypassed_node_passes_its_grown_inputs_on() -> None:
    grown = [socket("images.image0", 1), socket("images.image3", 2), socket("numbers.a", None, "INT")]
    nodes = [
        *(node(n, "Image", "a.png", "image") for n in (1, 2)),
        node(3, "Grow", 5, mode=4, inputs=grown, outputs=[{"name": "IMAGE", "type": "IMAGE"}]),
        node(4, "Sampler", 1, "fixed", 2, inputs=[socket("image", 3)]),
    ]
    links = [[1, 1, 0, 3, 0, "IMAGE"], [2, 2, 0, 3, 1, "IMAGE"], [3, 3, 0, 4, 0, "IMAGE"]]
    assert convert(nodes, links).prompt["4"]["inputs"]["image"] == ["1", 0]


def test_a_prompt_with_grown_inputs_gets_their_sockets() -> None:
    inputs = {"n": 3, "images.image0": ["1", 0], "images.image4": ["1", 0], "numbers.b": ["9", 0]}
    prompt = {
        "1": {"class_type": "Image", "inputs": {"name": "a.png"}},
        "2": {"class_type": "Grow", "inputs": inputs},
        "9": {"class_type": "Order", "inputs": {"a": 1, "b": 2, "c": 3}},
    }
    document = from_api(prompt, DEFINITIONS.get)
    slots = {slot["name"]: slot["type"] for slot in document["nodes"][1]["inputs"]}
    kinds = {f"images.image{number}": "IMAGE" for number in range(6)}  # a free one behind the last
    assert slots == kinds | {"numbers.a": "INT", "numbers.b": "INT"}
    assert to_api(document, DEFINITIONS.get).prompt["2"]["inputs"] == inputs


@pytest.mark.parametrize("template", [None, 5, {}, {"input": 3}, {"input": {"required": {"x": ["IMAGE"]}}, "max": -1}])
def test_odd_templates_of_growing_inputs_add_nothing(template: Any) -> None:
    entry = {"input": {"required": {"g": ["COMFY_AUTOGROW_V3", {"template": template}], "n": SEED}}, "output": []}
    inputs = to_api({"nodes": [node(1, "Odd", 4)], "links": []}, {"Odd": entry}.get).prompt["1"]["inputs"]
    assert inputs == {"n": 4}


def test_unknown_types_are_told() -> None:
    conversion = convert([node(5, "Nobody"), node(6, "Nobody", title="N")])
    assert conversion.missing == {"Nobody": ["5", "6"]}
    assert "no node type 'Nobody' (node 5, 6)" in conversion.warnings[0]
    assert conversion.prompt["6"] == {"inputs": {}, "class_type": "Nobody", "_meta": {"title": "N"}}


SUBGRAPH: dict[str, Any] = {
    "id": "sub",
    "version": 1,
    "name": "Sub",
    "nodes": [node(10, "Sampler", 1, "fixed", 2, inputs=[socket("image", 1), widget("seed", 2), widget("steps", 3)])],
    "links": [
        {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 10, "target_slot": 0, "type": "IMAGE"},
        {"id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 10, "target_slot": 1, "type": "INT"},
        {"id": 3, "origin_id": -10, "origin_slot": 2, "target_id": 10, "target_slot": 2, "type": "INT"},
        {"id": 4, "origin_id": 10, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "IMAGE"},
    ],
    "inputs": [{"name": "image", "type": "IMAGE"}, {"name": "seed", "type": "INT"}, {"name": "n", "type": "INT"}],
    "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
}
OLD, NEW = {"frontendVersion": "1.27.10"}, {"frontendVersion": "1.35.9"}
FIVE = [["10", "steps"], ["-1", "seed"]]

PROMOTED: list[tuple[str, list[Any], Any, dict[str, Any], dict[str, Any]]] = [
    ("(a) by input", [5, 6], None, OLD, {"seed": 5, "steps": 6}),
    ("(a) newest files", [5, 6], None, NEW, {"seed": 5, "steps": 6}),
    ("no values: the inner ones", [], None, NEW, {"seed": 1, "steps": 2}),
    ("(b) proxies to inner widgets without values", [], [["10", "seed"]], NEW, {"seed": 1, "steps": 2}),
    ("(b) own and inner, values by proxy", [7, 8], FIVE, NEW, {"seed": 8, "steps": 7}),
    ("(b) as JSON text", [7, 8], json.dumps(FIVE), NEW, {"seed": 8, "steps": 7}),
    ("(b) old front end: by input", [7], FIVE, OLD, {"seed": 7, "steps": 2}),
    ("(c) null keeps the inner value", [None, 8], [["10", "seed"], ["10", "steps"]], NEW, {"seed": 1, "steps": 8}),
    ("no version: by input, as recorded", [7, 8], FIVE, {}, {"seed": 7, "steps": 8}),
    (
        "no version: proxies inside alone give way",
        [7, 8],
        [["10", "steps"], ["10", "seed"]],
        {},
        {"seed": 7, "steps": 8},
    ),
    ("a third part of a proxy is no matter", [7], [["10", "seed", "10"]], NEW, {"seed": 7, "steps": 2}),
    ("broken JSON text counts as none", [5, 6], "[[", NEW, {"seed": 5, "steps": 6}),
]


@pytest.mark.parametrize(
    ("values", "proxies", "extra", "expected"), [c[1:] for c in PROMOTED], ids=[c[0] for c in PROMOTED]
)
def test_promoted_widgets(values: list[Any], proxies: Any, extra: dict[str, Any], expected: dict[str, Any]) -> None:
    properties = {} if proxies is None else {"proxyWidgets": proxies}
    instance = node(2, "sub", *values, properties=properties, inputs=[socket("image", 1)])
    definitions = {"subgraphs": [SUBGRAPH]}
    nodes = [
        node(1, "Image", "a.png", "image"),
        instance,
        node(3, "Sampler", 0, "fixed", 0, inputs=[socket("image", 2)]),
    ]
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]]
    prompt = convert(nodes, links, definitions=definitions, extra=extra).prompt
    assert prompt.keys() == {"1", "2:10", "3"}
    assert prompt["2:10"]["inputs"] == {**expected, "image": ["1", 0]}
    assert prompt["3"]["inputs"]["image"] == ["2:10", 0]


# One input of its own (seed), and a proxy of the widget inside that has none (steps).
OWN_THEN_INNER: list[tuple[str, list[Any], Any, dict[str, Any], dict[str, Any]]] = [
    ("no version", [33, 44], [["-1", "seed"], ["10", "steps"]], {}, {"seed": 33, "steps": 44}),
    ("new", [33, 44], [["-1", "seed"], ["10", "steps"]], NEW, {"seed": 33, "steps": 44}),
    ("old", [33, 44], [["-1", "seed"], ["10", "steps"]], OLD, {"seed": 33, "steps": 2}),
    ("null keeps the inner value", [33, None], [["-1", "seed"], ["10", "steps"]], {}, {"seed": 33, "steps": 2}),
    ("fewer values than proxies", [33], [["-1", "seed"], ["10", "steps"]], {}, {"seed": 33, "steps": 2}),
    ("inner first, no version", [33, 44], [["10", "steps"], ["-1", "seed"]], {}, {"seed": 33, "steps": 2}),
    ("inner first, new", [33, 44], [["10", "steps"], ["-1", "seed"]], NEW, {"seed": 44, "steps": 33}),
    ("inner alone, no version", [44], [["10", "steps"]], {}, {"seed": 44, "steps": 2}),
    ("inner alone, new", [44], [["10", "steps"]], NEW, {"seed": 1, "steps": 44}),
]


@pytest.mark.parametrize(
    ("values", "proxies", "extra", "expected"), [c[1:] for c in OWN_THEN_INNER], ids=[c[0] for c in OWN_THEN_INNER]
)
def test_own_and_inner_proxies(
    values: list[Any], proxies: Any, extra: dict[str, Any], expected: dict[str, Any]
) -> None:
    definition = {
        **SUBGRAPH,
        "nodes": [node(10, "Sampler", 1, "fixed", 2, inputs=[widget("seed", 2), widget("steps", None)])],
        "inputs": [{"name": "seed", "type": "INT"}],
        "links": [{"id": 2, "origin_id": -10, "origin_slot": 0, "target_id": 10, "target_slot": 0, "type": "INT"}],
    }
    instance = node(2, "sub", *values, properties={"proxyWidgets": proxies})
    prompt = convert([instance], definitions={"subgraphs": [definition]}, extra=extra).prompt
    assert prompt["2:10"]["inputs"] == expected


def test_a_proxy_reaches_through_a_nested_instance() -> None:
    inner = node(5, "sub", inputs=[socket("image", None)])
    outer = {"id": "outer", "version": 1, "name": "Outer", "nodes": [inner], "links": [], "inputs": [], "outputs": []}
    instance = node(1, "outer", 77, properties={"proxyWidgets": [["5", "seed"]]})
    prompt = convert([instance], definitions={"subgraphs": [SUBGRAPH, outer]}, extra=NEW).prompt
    assert prompt["1:5:10"]["inputs"] == {"seed": 77, "steps": 2}


def test_around_a_bypassed_instance_the_definition_counts_the_inputs() -> None:
    definition = {
        **SUBGRAPH,
        "inputs": [{"name": "seed", "type": "INT"}, {"name": "image", "type": "IMAGE"}],
        "links": [],
    }
    definition["outputs"] = [{"name": "n", "type": "INT"}, {"name": "IMAGE", "type": "IMAGE"}]
    # the file leaves out the unlinked seed, so the image stands first in it
    outputs = [{"name": "n", "type": "INT"}, {"name": "IMAGE", "type": "IMAGE"}]
    instance = node(2, "sub", mode=4, inputs=[socket("image", 1)], outputs=outputs)
    nodes = [node(1, "Image", "a.png", "image"), instance, node(3, "Sampler", 0, "fixed", 0)]
    nodes[2]["inputs"] = [socket("image", 2), widget("seed", 3)]
    links = [[1, 1, 0, 2, 1, "IMAGE"], [2, 2, 1, 3, 0, "IMAGE"], [3, 2, 0, 3, 1, "INT"]]
    prompt = convert(nodes, links, definitions={"subgraphs": [definition]}).prompt
    assert prompt.keys() == {"1", "3"}
    assert prompt["3"]["inputs"] == {"seed": 0, "steps": 0, "image": ["1", 0]}


def test_group_nodes() -> None:
    group = {
        "nodes": [
            {
                "type": "Image",
                "index": 0,
                "widgets_values": ["a.png", "image"],
                "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            },
            {
                "type": "Sampler",
                "index": 1,
                "widgets_values": [1, "fixed", 2],
                "inputs": [socket("image", None)],
                "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            },
            {
                "type": "Sampler",
                "index": 2,
                "widgets_values": [3, "fixed", 4],
                "inputs": [socket("image", None)],
                "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            },
        ],
        "links": [[0, 0, 1, 0, 1, "IMAGE"], [1, 0, 2, 0, 2, "IMAGE"]],
        "external": [],
    }
    instance = node(7, "workflow>Two", "b.png", "image", 11, "fixed", 12, 13, "fixed", 14)
    instance["inputs"] = [widget("Sampler seed", 1)]
    after = node(9, "Sampler", 0, "fixed", 0, inputs=[socket("image", 2)])
    number = node(8, "PrimitiveNode", 99, "fixed", outputs=[{"name": "INT", "type": "INT", "links": [1]}])
    links = [[1, 8, 0, 7, 0, "INT"], [2, 7, 0, 9, 0, "IMAGE"]]
    prompt = convert([instance, number, after], links, extra={"groupNodes": {"Two": group}}).prompt
    assert prompt["7:0"]["inputs"] == {"name": "b.png"}
    assert prompt["7:1"]["inputs"] == {"seed": 11, "steps": 12, "image": ["7:0", 0]}
    assert prompt["7:2"]["inputs"] == {"seed": 99, "steps": 14, "image": ["7:1", 0]}
    assert prompt["9"]["inputs"]["image"] == ["7:2", 0]


def test_a_group_without_its_definition_is_an_unknown_type() -> None:
    assert convert([node(1, "workflow>Gone", 1)]).missing == {"workflow>Gone": ["1"]}


def test_1_0_documents_read_like_0_4() -> None:
    data = {
        "version": 1,
        "state": {"lastNodeId": 7, "lastLinkId": 5, "lastGroupId": 0, "lastRerouteId": 2},
        "nodes": [node(1, "Image", "a.png", "image"), node(2, "Sampler", 1, "fixed", 2, inputs=[socket("image", 5)])],
        "links": [
            {
                "id": 5,
                "origin_id": 1,
                "origin_slot": 0,
                "target_id": 2,
                "target_slot": 0,
                "type": "IMAGE",
                "parentId": 2,
            }
        ],
        "reroutes": [{"id": 2, "pos": [1, 2], "linkIds": [5]}],
        "floatingLinks": [],
    }
    document = read_document(data).data
    assert document["links"] == [[5, 1, 0, 2, 0, "IMAGE"]]
    assert (document["version"], document["last_node_id"], document["last_link_id"]) == (0.4, 7, 5)
    assert document["extra"] == {"linkExtensions": [{"id": 5, "parentId": 2}], "reroutes": data["reroutes"]}
    assert document["floatingLinks"] == []
    assert to_api(document, DEFINITIONS.get).prompt["2"]["inputs"]["image"] == ["1", 0]


def test_wrapped_documents_are_found() -> None:
    prompt = {"1": {"class_type": "Image", "inputs": {"name": "b.png"}}}
    workflow = {"nodes": [node(1, "Image", "b.png", "image")], "links": []}
    expected = {"name": "b.png"}
    for wrapped in (
        prompt,
        {"prompt": prompt, "client_id": "x"},
        {"prompt": prompt, "extra_data": {"extra_pnginfo": {"workflow": workflow}}},
        {"workflow": workflow, "output": prompt},
    ):
        assert to_api(wrapped, DEFINITIONS.get).prompt["1"]["inputs"] == expected


def test_a_prompt_with_something_beside_its_nodes() -> None:
    prompt = {"1": {"class_type": "Image", "inputs": {"name": "b.png"}}, "version": 2, "note": {"by": "me"}}
    document = read_document(prompt, DEFINITIONS.get)
    assert to_api(document, DEFINITIONS.get).prompt.keys() == {"1"}
    assert "'version', 'note'" in document.warnings[0]


def test_no_workflow() -> None:
    with pytest.raises(WorkflowError):
        to_api({"a": 1}, DEFINITIONS.get)


def test_values_of_widgets_that_a_pack_moved_are_read_by_the_names_beside_them() -> None:
    names = ["press", "b", "own", "a"]
    node = {"id": 1, "type": "Order", "widgets_values": [None, 5, "x", 7]}
    moved = {**node, "properties": {"comfy_notebook_widgets": names}}
    prompt = to_api({"nodes": [moved], "links": [], "version": 0.4}, DEFINITIONS.get).prompt
    assert prompt["1"]["inputs"] == {"a": 7, "b": 5, "c": 0, "own": "x"}
    stale = {**node, "widgets_values": [5, 7], "properties": {"comfy_notebook_widgets": names}}
    prompt = to_api({"nodes": [stale], "links": [], "version": 0.4}, DEFINITIONS.get).prompt
    assert prompt["1"]["inputs"] == {"a": 5, "b": 7, "c": 0}
