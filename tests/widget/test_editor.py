"""``cn.Editor`` from Python: its graph, its values, what it leaves in the notebook."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from comfy_notebook.api import Workflow
from comfy_notebook.server import cells
from comfy_notebook.session import Session
from comfy_notebook.widget import Editor
from comfy_notebook.widget import editor as module
from comfy_notebook.widget.editor import DOCUMENT_MIME, WIDGET_MIME
from comfy_notebook.workflow import WorkflowError

from .conftest import RecordingComm

GRAPH: dict[str, Any] = {
    "last_node_id": 3,
    "last_link_id": 2,
    "nodes": [
        {
            "id": 1,
            "type": "EmptyImage",
            "title": "Red",
            "pos": [0, 0],
            "size": [200, 130],
            "inputs": [],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
            "widgets_values": [32, 16, 1, 16711680],
        },
        {
            "id": 2,
            "type": "ImageInvert",
            "pos": [300, 0],
            "size": [200, 40],
            "inputs": [{"name": "image", "type": "IMAGE", "link": 1}],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}],
        },
        {
            "id": 3,
            "type": "PreviewImage",
            "title": "Seen",
            "pos": [600, 0],
            "size": [200, 240],
            "inputs": [{"name": "images", "type": "IMAGE", "link": 2}],
            "outputs": [],
        },
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
    "groups": [],
    "config": {},
    "extra": {},
    "version": 0.4,
}


@pytest.fixture
def editor(session: Session, comms: list[RecordingComm]) -> Editor:
    return Editor(GRAPH, name="test")


def test_the_synced_state_is_small_and_holds_no_document(editor: Editor, comms: list[RecordingComm]) -> None:
    state = next(one.state for one in comms if "_esm" in one.state)
    assert {key for key in state if not key.startswith("_")} == {"height", "layout", "picture", "tabbable", "tooltip"}
    without_shell = {key: value for key, value in state.items() if key != "_esm"}
    assert len(json.dumps(without_shell)) < 1000


def test_what_is_stored_per_editor_without_the_document_is_bounded(editor: Editor) -> None:
    data, _ = editor._repr_mimebundle_()
    stored = {key: value for key, value in data.items() if key != DOCUMENT_MIME}
    state = len(json.dumps([editor._esm, editor.picture]))  # only where a notebook saves widget state
    assert editor.picture.startswith("<svg")
    assert len(json.dumps(stored)) + state <= 30_000


def test_the_output_has_the_view_the_picture_and_the_graph(editor: Editor) -> None:
    data, _ = editor._repr_mimebundle_()
    assert data[WIDGET_MIME]["model_id"] == editor.model_id
    assert data["image/svg+xml"].startswith("<svg")
    assert "width: 32" in data["image/svg+xml"]
    assert data[DOCUMENT_MIME] == GRAPH
    assert data["text/plain"] == "<Editor 'test': 3 nodes>"
    json.dumps(data, allow_nan=False)


def test_a_graph_with_nan_can_be_shown(session: Session, comms: list[RecordingComm]) -> None:
    graph = json.loads(json.dumps(GRAPH))
    graph["nodes"][0]["widgets_values"][0] = float("nan")
    data, _ = Editor(graph, name="nan")._repr_mimebundle_()
    json.dumps(data, allow_nan=False)


def test_values_are_read_and_set_by_name(editor: Editor) -> None:
    assert editor["Red"].width == 32
    before = editor._state.rev
    editor["Red"].width = 64
    assert editor._state.rev == before + 1
    assert editor.document["nodes"][0]["widgets_values"][0] == 64
    with pytest.raises(AttributeError, match="widht"):
        editor["Red"].widht = 3
    with pytest.raises(KeyError, match="Seen"):
        editor["Sene"]


def test_the_document_is_a_copy(editor: Editor) -> None:
    editor.document["nodes"].clear()
    editor.workflow["Red"].width = 1
    assert len(editor.document["nodes"]) == 3
    assert editor["Red"].width == 32


def test_a_run_gives_its_results_by_title(editor: Editor) -> None:
    assert editor.last_run is None
    with pytest.raises(LookupError, match="press Run"):
        editor.value("Seen")
    results = editor.run().result(timeout=60)
    assert tuple(results["Seen"].tensor.shape) == (1, 16, 32, 3)
    assert results["Seen"].image.getpixel((0, 0)) == (0, 255, 255)
    assert tuple(editor.value("Seen").shape) == (1, 16, 32, 3)


def test_nodes_that_a_run_did_not_reach_keep_their_results(editor: Editor, session: Session) -> None:
    twice = copy.deepcopy(GRAPH)
    twice["nodes"].append(
        {**twice["nodes"][2], "id": 4, "title": "Copy", "inputs": [{**twice["nodes"][2]["inputs"][0], "link": 3}]}
    )
    twice["links"].append([3, 2, 0, 4, 0, "IMAGE"])
    editor.document = twice
    editor.run().result(timeout=60)
    editor["Red"].width = 8
    session.engine.wait(editor._state.run(targets=["4"]).prompt_id, 60)
    assert editor.results["Copy"].image.size == (8, 16)
    assert editor.results["Seen"].image.size == (32, 16)
    assert tuple(editor.value("Seen").shape) == (1, 16, 32, 3)
    assert set(editor.results) == {"Seen", "Copy"}


def test_overrides_hold_for_one_run_only(editor: Editor) -> None:
    results = editor.run(width=8).result(timeout=60)
    assert tuple(results["Seen"].tensor.shape) == (1, 16, 8, 3)
    assert editor["Red"].width == 32
    with pytest.raises(KeyError):
        editor.run(no_such_input=1)


def test_saving_and_opening(editor: Editor, tmp_path: Path) -> None:
    path = editor.save(tmp_path / "graph.json")
    assert json.loads(path.read_text()) == GRAPH
    api = json.loads(editor.save(tmp_path / "api.json", format="api").read_text())
    assert api["2"]["class_type"] == "ImageInvert"
    editor.document = {"nodes": [], "links": [], "version": 0.4}
    assert editor.document["nodes"] == []
    editor.open(path)
    assert [node["id"] for node in editor.document["nodes"]] == [1, 2, 3]
    editor.open(Workflow(GRAPH))


@pytest.mark.parametrize("bad", ["{not json", b"\x89PNG\r\n\x1a\n", {"nothing": 1}, "missing.json"])
def test_what_can_not_be_opened_leaves_the_graph(editor: Editor, bad: Any) -> None:
    with pytest.raises((WorkflowError, OSError)):
        editor.open(bad)
    assert editor.document == GRAPH


def test_running_its_cell_again_ends_the_earlier_editor(
    session: Session, comms: list[RecordingComm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "current_cell", lambda: "notebook#cell#0")
    first = Editor(GRAPH)
    first["Red"].width = 48
    second = Editor(GRAPH)
    assert first.comm is None
    assert second.comm is not None
    assert second["Red"].width == 48  # the edited graph is back
    assert second._state.id == first._state.id


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"metadata": {"cellId": "a"}}, {"metadata": {"cellId": "a"}}, True),
        ({"metadata": {"cellId": "a"}}, {"metadata": {"cellId": "b"}}, False),
        ({"metadata": {"colab": {"cell_id": "a"}}}, {"metadata": {"colab": {"cell_id": "a"}}}, True),
        ({"metadata": {"colab": {"cell_id": "a"}}}, {"metadata": {"colab": {"cell_id": "b"}}}, False),
        ({"content": {"code": "cn.Editor()"}}, {"content": {"code": "cn.Editor()"}}, True),  # no id: the text stands in
        ({"content": {"code": "cn.Editor()"}}, {"content": {"code": "cn.Editor( )"}}, False),
    ],
)
def test_a_cell_is_known_by_what_its_notebook_tells(
    session: Session,
    comms: list[RecordingComm],
    monkeypatch: pytest.MonkeyPatch,
    first: dict[str, Any],
    second: dict[str, Any],
    same: bool,
) -> None:
    running: dict[str, Any] = {}
    kernel = SimpleNamespace(get_parent=lambda _: running)
    monkeypatch.setattr(cells, "_shell", lambda: SimpleNamespace(kernel=kernel, user_ns={}))
    running = {**first, "header": {"msg_id": "1"}}
    before = Editor()
    running = {**second, "header": {"msg_id": "2"}}
    after = Editor()
    assert (before.comm is None) is same
    assert after.comm is not None


def test_without_a_browser_no_comm_is_opened(
    session: Session, comms: list[RecordingComm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfy_notebook.widget.view.is_headless", lambda: True)
    editor = Editor(GRAPH, name="headless")
    data, _ = editor._repr_mimebundle_()
    assert WIDGET_MIME not in data
    assert set(data) == {"text/plain", "image/svg+xml", DOCUMENT_MIME}
    assert not any("_esm" in comm.state for comm in comms)
    editor.close()
