"""The comm protocol from the kernel's side, spoken by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from comfy_notebook.engine.events import Event
from comfy_notebook.session import Session
from comfy_notebook.widget import Editor, bridge

from .conftest import RecordingComm

MiB = 2**20
Open = Callable[[], tuple[Editor, RecordingComm]]


@pytest.fixture
def opened(session: Session, comms: list[RecordingComm]) -> tuple[Editor, RecordingComm]:
    editor = Editor(name="bridge")
    return editor, next(one for one in comms if "_esm" in one.state)


def hello(comm: RecordingComm, view: str = "v1") -> dict[str, Any]:
    comm.say({"kind": "hello", "view": view, "protocol": 1})
    return comm.expect(kind="welcome", view=view)[0]


def http(comm: RecordingComm, rid: str, path: str, **more: Any) -> None:
    comm.say({"kind": "http", "rid": rid, "method": "GET", "path": path, "headers": {}, "size": 0, **more})


def test_nothing_is_said_before_hello(session: Session, opened: tuple[Editor, RecordingComm]) -> None:
    editor, comm = opened
    session.bus.publish(Event("executing", {"node": "1"}, editor._state.id))
    session.bus.publish(Event("cn.nodes_changed", {}))
    welcome = hello(comm)
    assert comm.kinds() == ["welcome"]
    assert welcome["editor"] == editor._state.id
    assert welcome["protocol"] == 1
    assert len(welcome["bundle"]) == 64


def test_a_request_is_answered_by_the_application(opened: tuple[Editor, RecordingComm]) -> None:
    editor, comm = opened
    hello(comm)
    http(comm, "v1:1", f"/cn/editors/{editor._state.id}")
    head, buffers = comm.expect(kind="head", rid="v1:1")
    assert (head["status"], head["last"]) == (200, True)
    assert json.loads(buffers[0])["title"] == "bridge"


def test_what_the_hello_asks_is_answered_with_the_welcome(opened: tuple[Editor, RecordingComm]) -> None:
    editor, comm = opened
    asks = {"v1:1": "/cn/editors/{editor}/document", "v1:2": "/object_info"}
    comm.say({"kind": "hello", "view": "v1", "protocol": 1, "asks": asks})
    comm.expect(kind="welcome", view="v1")
    _, buffers = comm.expect(kind="head", rid="v1:1", status=200)
    assert json.loads(buffers[0])["rev"] == editor._state.rev
    _, buffers = comm.expect(kind="head", rid="v1:2", status=200)
    assert "LoadImage" in json.loads(buffers[0])


def test_the_bundle_of_the_welcome_is_there(opened: tuple[Editor, RecordingComm]) -> None:
    _, comm = opened
    welcome = hello(comm)
    http(comm, "v1:1", f"/cn/bundle/{welcome['bundle']}.js")
    head, _ = comm.expect(kind="head", rid="v1:1")
    assert head["status"] == 200
    assert head["headers"]["content-type"].startswith("text/javascript")


def test_an_upload_in_parts_is_acknowledged_part_by_part(opened: tuple[Editor, RecordingComm]) -> None:
    editor, comm = opened
    hello(comm)
    document = {"nodes": [], "links": [], "version": 0.4, "extra": {"padding": "x" * (2 * MiB)}}
    body = json.dumps(document).encode()
    parts = [body[start : start + MiB] for start in range(0, len(body), MiB)]
    path = f"/cn/editors/{editor._state.id}/open?name=big.json"
    comm.say(
        {"kind": "http", "rid": "v1:1", "method": "POST", "path": path, "headers": {}, "size": len(body)}, parts[0]
    )
    for seq, part in enumerate(parts[1:], 1):
        comm.say({"kind": "body", "rid": "v1:1", "seq": seq}, part)
    head, _ = comm.expect(kind="head", rid="v1:1")
    assert head["status"] == 200
    assert [content["seq"] for content, _ in comm.sent if content["kind"] == "ack"] == [0, 1, 2]
    assert len(editor.document["extra"]["padding"]) == 2 * MiB


def test_a_lost_part_of_an_upload_fails_the_request(opened: tuple[Editor, RecordingComm]) -> None:
    _, comm = opened
    hello(comm)
    comm.say({"kind": "http", "rid": "v1:1", "method": "POST", "path": "/prompt", "headers": {}, "size": 10}, b"12345")
    comm.say({"kind": "body", "rid": "v1:1", "seq": 2}, b"67890")
    failure, _ = comm.expect(kind="fail", rid="v1:1")
    assert "lost" in failure["message"]


@pytest.mark.parametrize(
    "content",
    [
        None,
        7,
        {},
        {"kind": 3},
        {"kind": "unheard of"},
        {"kind": "hello"},
        {"kind": "hello", "view": "v3", "asks": 3},
        {"kind": "hello", "view": "v3", "asks": {"v3:1": None}},
        {"kind": "http"},
        {"kind": "http", "rid": "v1:9"},
        {"kind": "http", "rid": "v1:9", "path": "//elsewhere", "size": "x"},
        {"kind": "http", "rid": ["a"], "path": "/"},
        {"kind": "http", "rid": "v1:9", "path": "/prompt", "headers": [1]},
        {"kind": "body", "rid": "nobody", "seq": 1},
        {"kind": "body"},
        {"kind": "cancel", "rid": {}},
        {"kind": "bye"},
    ],
)
def test_malformed_messages_hurt_nobody(opened: tuple[Editor, RecordingComm], content: Any) -> None:
    _, comm = opened
    hello(comm)
    comm.say(content)
    http(comm, "v1:2", "/queue")
    assert comm.expect(kind="head", rid="v1:2")[0]["status"] == 200


def test_a_path_can_not_reach_another_host(opened: tuple[Editor, RecordingComm]) -> None:
    _, comm = opened
    hello(comm)
    for rid, path in {"v1:1": "http://example.org/", "v1:2": "@example.org/"}.items():
        http(comm, rid, path)
        assert "start with /" in comm.expect(kind="fail", rid=rid)[0]["message"]


def test_the_pulse_beats_while_a_view_lives(
    opened: tuple[Editor, RecordingComm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "PULSE_SECONDS", 0.05)
    _, comm = opened
    hello(comm)
    comm.expect(kind="pulse")
    comm.say({"kind": "bye", "view": "v1"})
    http(comm, "v1:1", "/queue")
    comm.expect(kind="head", rid="v1:1")
    count = comm.kinds().count("pulse")
    with pytest.raises(AssertionError):
        comm.expect(0.3, kind="never")
    assert comm.kinds().count("pulse") <= count + 1


def test_closing_says_so_once_and_ends_everything(opened: tuple[Editor, RecordingComm]) -> None:
    editor, comm = opened
    hello(comm)
    editor.close()
    editor.close()
    assert comm.kinds()[-1] == "closed"
    assert comm.kinds().count("closed") == 1
    assert comm.closed
    comm.say({"kind": "hello", "view": "late", "protocol": 1})
    assert comm.kinds()[-1] == "closed"
