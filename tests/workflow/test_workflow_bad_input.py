"""Damaged, hostile and huge input: a clear message or a warning, never a crash, nothing lost silently."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
import recorded_workflows as recorded
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from comfy_notebook.workflow import WorkflowError, from_api, read_document, read_templates, to_api

INVERT = {"input": {"required": {"image": ["IMAGE", {}]}}, "output": ["IMAGE"], "display_name": "Invert Image"}
NUMBERS = {"input": {"required": {"n": ["INT", {}], "x": ["FLOAT", {}], "s": ["STRING", {}]}}, "output": ["INT"]}


def info(kind: str) -> Any:
    return {"ImageInvert": INVERT, "Numbers": NUMBERS}.get(kind)


def png(**texts: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    for key, value in texts.items():
        chunks.add_text(key, value)
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


WORKFLOW = '{"nodes": [{"id": 1, "type": "ImageInvert"}], "links": [], "version": 0.4}'

REFUSED: list[tuple[str, Any, str]] = [
    ("truncated JSON", WORKFLOW[:40], r"ends too early, at line 1 column 3\d"),
    ("truncated inside a text", WORKFLOW[:30], "truncated"),
    ("truncated bytes", WORKFLOW[:-2].encode(), "ends too early"),
    ("JSON with a comma too many", '{"nodes": [,]}', "not valid JSON.*line 1 column 12"),
    ("error on a later line", '{\n "nodes": [\n  oops]}', "line 3 column 3"),
    ("empty file", b"", "empty"),
    ("a list", "[1, 2]", "not a workflow: it is a list"),
    ("a number", b"5", "not a workflow: it is a number"),
    ("null", b"null", "not a workflow: it is empty"),
    ("an object of another kind", '{"a": 1}', "neither nodes nor prompt entries, but 'a'"),
    ("nodes that are no list", '{"nodes": {"a": 1}}', "'nodes' is not a list"),
    ("a PNG without metadata", png(), "carries no workflow in its metadata"),
    ("a PNG of A1111", png(parameters="a cat\nSteps: 20"), "AUTOMATIC1111 generation parameters.*a cat"),
    ("a PNG with broken JSON", png(workflow='{"nodes": ['), "no workflow.*'workflow' entry.*ends too early"),
    ("a PNG cut in the header", png(workflow=WORKFLOW)[:60], "no workflow"),
    ("a WEBP of zeros", b"RIFF\0\0\0\0WEBP" + bytes(40), "damaged"),
    ("random bytes", bytes(range(128, 256)) * 4, "neither a workflow"),
    ("a file that is not there", "no/such/file.json", "no file"),
    ("a path with a zero", "a\0b", "no file|cannot be read"),
    ("an object of Python", object(), "not from a object"),
    ("a dict with an object in it", {"nodes": [{"id": 1, "type": object()}]}, "JSON cannot hold"),
    ("deep nesting in text", "[" * 100_000, "nested too deeply"),
    ("deep nesting of objects", '{"a":' * 50_000, "nested too deeply"),
    ("a number with 10,000 digits", '{"nodes": [' + "9" * 10_000 + "]}", "thousands of digits"),
    ("a number of that size in an object", {"nodes": [{"id": 1, "widgets_values": [10**5000]}]}, "thousands of digits"),
    ("and in a prompt", {"1": {"class_type": "A", "inputs": {"n": -(10**5000)}}}, "thousands of digits"),
    ("node templates", '{"templates": [{"name": "mine", "data": "{}"}]}', "node templates .mine., not a workflow"),
]


@pytest.mark.parametrize(("source", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_with_a_readable_message(source: Any, message: str) -> None:
    with pytest.raises(WorkflowError, match=f"(?s){message}") as caught:
        read_document(source)
    assert len(str(caught.value)) < 700


def test_deep_dict_is_refused() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(WorkflowError, match="nested too deeply"):
        read_document({"nodes": [], "extra": {"deep": deep}})


def test_nan_and_infinity_are_emptied_with_a_warning() -> None:
    text = '{"nodes": [{"id": 1, "type": "Numbers", "widgets_values": [NaN, -Infinity, "NaN"]}], "links": []}'
    document = read_document(text)
    assert document.data["nodes"][0]["widgets_values"] == [None, None, "NaN"]
    assert "(2 of them)" in document.warnings[0]
    json.dumps(document.data, allow_nan=False)
    assert read_document(png(workflow=text)).data == document.data


def test_links_to_missing_nodes_are_kept_with_warnings() -> None:
    node = {"id": 1, "type": "ImageInvert", "inputs": [{"name": "image", "type": "IMAGE", "link": 5}]}
    data = {"nodes": [node], "links": [[5, 99, 0, 1, 0, "IMAGE"], [6, 1, 0, 98, 0, "IMAGE"]]}
    document = read_document(data)
    assert document.data["links"] == data["links"]
    assert [text for text in document.warnings if "99" in text]
    assert [text for text in document.warnings if "98" in text]
    conversion = to_api(document, info)
    assert conversion.prompt["1"]["inputs"] == {}
    assert any("node 99, which does not exist" in text for text in conversion.warnings)


def test_wrong_types_are_mended_with_warnings() -> None:
    data = {
        "nodes": [
            {"id": 1, "type": "Numbers", "pos": {"0": 3, "1": 4}, "widgets_values": ["x", [1], {"a": 1}]},
            {"id": 1, "type": "Numbers", "mode": "loud", "size": "big", "flags": 3, "widgets_values": 7},
            {"id": None, "type": 5, "inputs": "none", "outputs": [3], "title": ["t"], "properties": []},
            "not a node",
            {"id": "text", "type": "Numbers", "inputs": [{"name": 5, "link": {}}, None]},
        ],
        "links": ["x", [1, 2], None, [1, 1, 0, "text", 0]],
        "groups": 5,
        "extra": [],
        "definitions": "none",
        "last_node_id": "many",
        "strange": {"kept": [1, 2]},
    }
    document = read_document(data)
    nodes = document.data["nodes"]
    assert [node["id"] for node in nodes] == [1, 2, 3, "text"]
    assert nodes[0]["pos"] == [3, 4]
    assert nodes[0]["widgets_values"] == ["x", [1], {"a": 1}], "values are never judged"
    assert nodes[1]["mode"] == 0
    assert document.data["strange"] == {"kept": [1, 2]}
    assert document.data["links"] == [[1, 1, 0, "text", 0, "*"]]
    assert document.data["last_node_id"] == 3
    mentioned = "\n".join(document.warnings)
    for word in ("loud", "big", "not a node", "used twice", "'inputs'", "'groups'", "'extra'", "malformed"):
        assert word in mentioned
    prompt = to_api(document, info).prompt
    assert prompt["1"]["inputs"] == {"n": "x", "x": {"__value__": [1]}, "s": {"a": 1}}
    assert read_document(document.data).data == document.data
    assert read_document(document.data).warnings == []


def test_hostile_titles_stay_text() -> None:
    title = "<img onerror=alert(1)>%date:yyyy%{a|b}\u202e\0"
    data = {"nodes": [{"id": 1, "type": "<script>", "title": title}], "links": []}
    conversion = to_api(read_document(data), info)
    assert conversion.prompt["1"]["_meta"]["title"] == title
    assert from_api(conversion.prompt, info)["nodes"][0]["title"] == title
    assert list(conversion.missing) == ["<script>"]


def subgraph(key: str, inner: list[str]) -> dict[str, Any]:
    nodes = [{"id": number, "type": kind} for number, kind in enumerate(inner)]
    return {"id": key, "version": 1, "name": key, "nodes": nodes, "links": [], "inputs": [], "outputs": []}


def test_a_subgraph_in_itself_is_refused() -> None:
    definitions = {"subgraphs": [subgraph("A", ["B"]), subgraph("B", ["A"])]}
    data = {"nodes": [{"id": 1, "type": "A"}], "links": [], "definitions": definitions}
    document = read_document(data)
    with pytest.raises(WorkflowError, match="contains itself"):
        to_api(document, info)


def test_subgraphs_that_double_at_each_level_are_refused_in_time() -> None:
    levels = [subgraph(f"S{i}", [f"S{i + 1}"] * 10) for i in range(30)]
    data = {"nodes": [{"id": 1, "type": "S0"}], "links": [], "definitions": {"subgraphs": levels}}
    with pytest.raises(WorkflowError, match="unfold to more than"):
        to_api(read_document(data), info)


def test_a_circle_of_bypassed_nodes_ends() -> None:
    def node(number: int, link: int, mode: int) -> dict[str, Any]:
        slots = {
            "inputs": [{"name": "image", "type": "IMAGE", "link": link}],
            "outputs": [{"name": "o", "type": "IMAGE"}],
        }
        return {"id": number, "type": "ImageInvert", "mode": mode, **slots}

    links = [[1, 2, 0, 1, 0, "IMAGE"], [2, 1, 0, 2, 0, "IMAGE"], [3, 2, 0, 3, 0, "IMAGE"]]
    data = {"nodes": [node(1, 1, 4), node(2, 2, 4), node(3, 3, 0)], "links": links}
    conversion = to_api(read_document(data), info)
    assert conversion.prompt["3"]["inputs"] == {}
    assert "circle" in conversion.warnings[0]


def chain(count: int, mode: int = 0) -> dict[str, Any]:
    """Inverting nodes in a row; ``mode`` is that of all but the first and the last."""
    nodes = [
        {
            "id": i,
            "type": "ImageInvert",
            "inputs": [{"name": "image", "type": "IMAGE", "link": i - 1 or None}],
            "mode": mode,
        }
        for i in range(1, count + 1)
    ]
    nodes[0]["mode"] = nodes[-1]["mode"] = 0
    return {"nodes": nodes, "links": [[i, i, 0, i + 1, 0, "IMAGE"] for i in range(1, count)]}


def test_a_graph_of_20000_nodes_converts_in_seconds_and_linearly() -> None:
    def measure(text: str) -> float:
        gc.collect()
        gc.disable()  # its pauses grow with whatever else the process holds
        start = time.process_time()
        try:
            conversion = to_api(read_document(text), info)
        finally:
            gc.enable()
        assert len(conversion.prompt) == text.count("ImageInvert")
        return time.process_time() - start

    short, long = json.dumps(chain(4_000)), json.dumps(chain(20_000))
    small, large = min(measure(short), measure(short)), measure(long)
    assert large < 6, f"{large:.1f} s of processor time"
    assert large < 5 * small * 2.5, "five times the nodes should take about five times as long"


def test_a_chain_of_8000_bypassed_nodes_resolves() -> None:
    conversion = to_api(read_document(chain(8_000, mode=4)), info)
    assert conversion.prompt["8000"]["inputs"] == {"image": ["1", 0]}


def test_templates_file() -> None:
    inner = {
        "nodes": [
            {"type": "ImageInvert", "outputs": [{"name": "IMAGE", "type": "IMAGE"}]},
            {"type": "ImageInvert", "inputs": [{"name": "image", "type": "IMAGE", "link": 77}]},
        ],
        "links": [[0, 0, 1, 0, 77]],
    }
    found = read_templates({"templates": [{"name": "two", "data": json.dumps(inner)}]})
    assert to_api(found["two"], info).prompt["2"]["inputs"] == {"image": ["1", 0]}
    with pytest.raises(WorkflowError, match="no node templates"):
        read_templates(WORKFLOW)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "type", "name", "link", "links", "inputs", "widget", "nodes", "0", "1"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KEYS = ["id", "type", "pos", "size", "mode", "inputs", "outputs", "widgets_values", "properties", "title", "flags"]
node = st.dictionaries(st.sampled_from(KEYS), junk, max_size=6) | junk
link = st.lists(st.integers(-20, 4) | junk, min_size=4, max_size=6) | junk
damaged = st.fixed_dictionaries(
    {"nodes": st.lists(node, max_size=4)},
    optional={
        "links": st.lists(link, max_size=4) | junk,
        "extra": junk,
        "definitions": junk,
        "state": junk,
        "version": junk,
    },
)


@settings(max_examples=120, deadline=None)
@given(damaged)
def test_any_damage_ends_in_a_document_or_a_workflow_error(data: dict[str, Any]) -> None:
    try:
        document = read_document(data)
        json.dumps(to_api(document, info, choose=lambda _count: 0).prompt, allow_nan=False)
    except WorkflowError:
        return
    again = read_document(document.data)
    assert again.data == document.data
    assert again.warnings == [text for text in document.warnings if "does not exist" in text]


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_real_file_damaged_anywhere(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(recorded.COPIED.glob("bp-*.ui.json"))[:6]))
    raw = recorded.load(path)
    spots: list[tuple[Any, Any]] = []
    work: list[Any] = [raw]
    while work:
        container = work.pop()
        for key, child in container.items() if isinstance(container, dict) else enumerate(container):
            spots.append((container, key))
            if isinstance(child, (dict, list)):
                work.append(child)
    for container, key in data.draw(st.lists(st.sampled_from(spots), min_size=1, max_size=4)):
        container[key] = data.draw(junk)
    with contextlib.suppress(WorkflowError):
        to_api(read_document(raw), recorded.info)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=80),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBP", b"\xff\xd8\xff", b"fLaC", b"glTF", b"{"]),
)
def test_any_bytes(tail: bytes, head: bytes) -> None:
    with pytest.raises(WorkflowError):
        read_document(head + tail)


def test_what_is_read_stays_as_it_was() -> None:
    raw = recorded.load(sorted(recorded.COPIED.glob("bp-*.ui.json"))[0])
    before = json.dumps(raw)
    document = read_document(raw)
    data = json.dumps(document.data)
    to_api(document, recorded.info)
    assert json.dumps(raw) == before
    assert json.dumps(document.data) == data, "a conversion leaves the document alone"


def test_subgraphs_a_thousand_deep() -> None:
    levels = [subgraph(f"S{i}", [f"S{i + 1}"]) for i in range(1_000)]
    levels.append(subgraph("S1000", ["ImageInvert"]))
    data = {"nodes": [{"id": 0, "type": "S0"}], "links": [], "definitions": {"subgraphs": levels}}
    assert list(to_api(read_document(data), info).prompt) == [":".join(["0"] * 1_002)]


def test_paths_of_every_form(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text("\ufeff" + WORKFLOW, "utf-8")
    expected = read_document(WORKFLOW).data
    assert read_document(path).data == expected
    assert read_document(str(path)).data == expected
    assert read_document(json.loads(WORKFLOW)).data == expected
    assert read_document(WORKFLOW.encode("utf-16")).data == expected
