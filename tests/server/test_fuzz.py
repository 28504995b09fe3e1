"""Whatever a client sends is answered with JSON and never with an error of ours; nothing of it leaves its folder."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfy_notebook.session import Session

from .conftest import say_show_document

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORDS = [
    *("prompt", "client_id", "prompt_id", "extra_data", "front", "number", "partial_execution_targets", "class_type"),
    *("inputs", "_meta", "title", "is_changed", "__value__", "clear", "delete", "free_memory", "unload_models"),
    *("extra_pnginfo", "workflow", "job_ids", "clientId", "enabled", "Say", "Show", "Steps", "text", "steps", "1", "2"),
    *("view", "base", "patch", "nodes", "links", "set", "remove", "order", "id", "values", "targets", "definitions"),
]
texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=8), st.sampled_from(["../../x", "\0", "a" * 5000, "💥"]))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
nodes = st.fixed_dictionaries(
    {}, optional={"class_type": st.sampled_from(["Say", "Show", "Steps", "Nope", 3]), "inputs": values, "_meta": values}
)
prompts = st.dictionaries(st.sampled_from(["1", "2", "3", ""]), nodes | values, max_size=4)
requests = st.one_of(
    st.tuples(st.just("/prompt"), st.fixed_dictionaries({"prompt": prompts}, optional={"extra_data": values})),
    st.tuples(
        st.sampled_from(
            [
                "/prompt",
                "/queue",
                "/history",
                "/interrupt",
                "/free",
                "/jobs/cancel",
                "/settings",
                "/settings/a",
            ]
        ),
        values | st.dictionaries(st.sampled_from(WORDS), values, max_size=5),
    ),
)


class Wire:
    """A client on one end of a socket pair, without any library's good manners."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("notebook", timeout=20)
            self._connection.sock = self._session.server.connect()
            self._connection.sock.settimeout(20)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.will_close:
            self.close()
        return answer.status, content

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.fixture
def wire(session: Session) -> Iterator[Wire]:
    wire = Wire(session)
    yield wire
    wire.close()


@QUICK
@given(requests)
def test_any_json_is_answered(wire: Wire, session: Session, request: tuple[str, Any]) -> None:
    path, body = request
    status, content = wire.send("POST", path, json.dumps(body).encode())
    assert status < 500, (path, body, content)
    if status >= 400:
        assert json.loads(content)["error"]["message"]
    session.engine.queue.clear()
    session.engine.interrupt()


@QUICK
@given(st.binary(max_size=200), st.sampled_from(["/prompt", "/queue", "/upload/image", "/upload/mask", "/settings/x"]))
def test_any_bytes_are_answered(wire: Wire, body: bytes, path: str) -> None:
    status, content = wire.send("POST", path, body, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert status < 500, content
    assert status < 400 or json.loads(content)["error"]["message"]


PATHS = [
    *("/view", "/history/", "/object_info/", "/models/", "/userdata/", "/jobs/", "/view_metadata/loras"),
    *("/experiment/models/preview/loras/0/", "/internal/files/", "/cn/editors/", "/extensions/x/"),
    *("/global_subgraphs/", "/settings/"),
]


@QUICK
@given(
    st.sampled_from(PATHS), st.text(alphabet="abc./\\%0250?&=;[]~é\0 ", max_size=20), st.sampled_from(["GET", "DELETE"])
)
def test_any_path_is_answered(wire: Wire, path: str, rest: str, method: str) -> None:
    from urllib.parse import quote

    status, content = wire.send(method, path + quote(rest, safe="./%?&=;~[]"))
    assert status < 500, (path, rest, content)


@QUICK
@given(values | st.fixed_dictionaries({"patch": values}, optional={"base": values, "view": values}), st.booleans())
def test_any_patch_leaves_a_document_that_can_be_shown(wire: Wire, session: Session, body: Any, run: bool) -> None:
    editor = session.editors.create(say_show_document(), "fuzzed")
    status, content = wire.send("POST", f"/cn/editors/{editor.id}/patch", json.dumps(body).encode())
    assert status < 500, (body, content)
    status, content = wire.send("GET", f"/cn/editors/{editor.id}/document")
    assert isinstance(json.loads(content)["document"]["nodes"], list), body
    if run:
        status, content = wire.send("POST", f"/cn/editors/{editor.id}/run", b"{}")
        assert status < 500, (editor.document, content)
    status, content = wire.send("GET", f"/cn/editors/{editor.id}")
    assert status == 200, content
    editor.replace(say_show_document())
