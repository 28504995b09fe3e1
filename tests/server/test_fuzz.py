"""Whatever a client sends is answered with JSON and never with an error of ours; nothing of it leaves its folder."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from comfy_notebook.session import Session

from .conftest import SAY_SHOW, png_bytes, say_show_document
from .test_websocket import ends, kinds, receive_until

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORDS = [
    *("prompt", "client_id", "prompt_id", "extra_data", "front", "number", "partial_execution_targets", "class_type"),
    *("inputs", "_meta", "title", "is_changed", "__value__", "clear", "delete", "free_memory", "unload_models"),
    *("extra_pnginfo", "workflow", "job_ids", "clientId", "enabled", "Say", "Show", "Steps", "text", "steps", "1", "2"),
    *("view", "base", "patch", "nodes", "links", "set", "remove", "order", "id", "values", "targets", "definitions"),
]
odd_texts = st.sampled_from(["../../x", "\0", "a" * 5000, "💥", "\ud800", "C:\\x", "NaN", "1e999", "__proto__"])
texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=8), odd_texts)
odd_numbers = st.sampled_from([10**400, -(10**20), 2**63, 1e308, float("nan"), float("-inf"), -0.0])
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_numbers, texts)


def nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value] if depth % 2 else {"a": value}
    return value


values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
) | st.builds(nested, scalars, st.sampled_from([30, 150, 250]))
nodes = st.fixed_dictionaries(
    {}, optional={"class_type": st.sampled_from(["Say", "Show", "Steps", "Nope", 3]), "inputs": values, "_meta": values}
)
say = st.fixed_dictionaries({"class_type": st.just("Say"), "inputs": st.fixed_dictionaries({"text": values})})
show = st.just({"class_type": "Show", "inputs": {"text": ["1", 0]}})
prompts = st.one_of(
    st.dictionaries(st.sampled_from(["1", "2", "3", ""]), nodes | values, max_size=4),
    st.fixed_dictionaries({"1": say, "2": show}),  # what is likely to run
)
workflows = values | st.fixed_dictionaries({"workflow": values | st.fixed_dictionaries({"id": values})})
extra_data = st.dictionaries(
    st.sampled_from(["extra_pnginfo", "preview_method", "create_time", "x"]), values | workflows
)
submissions = st.fixed_dictionaries(
    {"prompt": prompts},
    optional={
        **dict.fromkeys(["client_id", "prompt_id", "number", "front", "partial_execution_targets"], values),
        "extra_data": extra_data | values,
    },
)
#: Every route that takes JSON.
JSON_ROUTES = [
    *("/prompt", "/queue", "/history", "/interrupt", "/free", "/jobs/cancel", "/jobs/x/cancel", "/settings"),
    *("/settings/a", "/userdata/a.json", "/userdata/a.json/move/b.json", "/internal/logs/subscribe"),
]
requests = st.one_of(
    st.tuples(st.just("/prompt"), submissions),
    st.tuples(st.sampled_from(JSON_ROUTES), values | st.dictionaries(st.sampled_from(WORDS), values, max_size=5)),
)
#: What must still be told after anything.
LISTS = ["/prompt", "/queue", "/history", "/jobs", "/settings", "/internal/logs/raw"]


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


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def check_that_all_is_well(wire: Wire) -> None:
    for path in LISTS:
        status, content = wire.send("GET", path)
        assert status == 200, (path, content)
        json.loads(content, parse_constant=pytest.fail)


@QUICK
@given(requests)
def test_any_json_is_answered(wire: Wire, session: Session, request: tuple[str, Any]) -> None:
    path, body = request
    status, content = wire.send("PATCH" if path.endswith("subscribe") else "POST", path, as_json(body))
    assert status < 500, (path, body, content)
    if status >= 400:
        assert json.loads(content)["error"]["message"]
    if status == 200 and path == "/prompt":
        entry = session.engine.wait(json.loads(content)["prompt_id"], 20)
        assert entry["status"]["status_str"] in ("success", "error")
    check_that_all_is_well(wire)
    session.engine.queue.clear()
    session.engine.interrupt()


@QUICK
@given(extra_data, scalars | values, st.sampled_from(["number", "client_id", "x"]))
@example({"extra_pnginfo": 3}, 1, "x")
@example({"extra_pnginfo": {"workflow": {"id": []}}}, 1, "x")
@example({"preview_method": []}, float("nan"), "number")
@example({"client_id": []}, 3, "client_id")
def test_what_comes_with_a_prompt_spoils_nothing(
    wire: Wire, session: Session, extra: dict[str, Any], value: Any, key: str
) -> None:
    status, content = wire.send("POST", "/prompt", as_json({"prompt": SAY_SHOW, "extra_data": extra, key: value}))
    assert status in (200, 400), content
    if status == 200:
        entry = session.engine.wait(json.loads(content)["prompt_id"], 20)
        assert entry["outputs"] == {"2": {"text": ["hello"]}}
    check_that_all_is_well(wire)
    wire.send("POST", "/history", b'{"clear": true}')


ODD_TEXTS = [
    *(b"", b" ", b"nul", b"\xef\xbb\xbf{}", b"{}{}", b'{"a":1,"a":2}', b"\xff", b"'a'", b"{a:1}", b"[1,]", b"1" * 5000),
    *(b"-", b"1e99999", b'"\\ud800"', b'"\\u0000"', b"[" * 3000, b'{"a":' * 3000, b'{"prompt":' + b"9" * 5000 + b"}"),
    *(b"NaN", b"Infinity", b'{"prompt": NaN}', b"true", b'"text"', b"\x00", b"{" + b" " * 10_000 + b"}"),
]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_texts_at_every_route(wire: Wire, text: bytes) -> None:
    for path in JSON_ROUTES:
        status, content = wire.send("PATCH" if path.endswith("subscribe") else "POST", path, text)
        assert status < 500, (path, text[:40], content)
        assert status < 400 or json.loads(content)["error"]["message"]
    check_that_all_is_well(wire)


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
    status, content = wire.send("POST", f"/cn/editors/{editor.id}/patch", as_json(body))
    assert status < 500, (body, content)
    status, content = wire.send("GET", f"/cn/editors/{editor.id}/document")
    assert isinstance(json.loads(content)["document"]["nodes"], list), body
    if run:
        status, content = wire.send("POST", f"/cn/editors/{editor.id}/run", b"{}")
        assert status < 500, (editor.document, content)
    status, content = wire.send("GET", f"/cn/editors/{editor.id}")
    assert status == 200, content
    editor.replace(say_show_document())


field_names = st.sampled_from(["image", "type", "subfolder", "overwrite", "original_ref", "", "x"])
file_names = st.sampled_from(["a.png", "../a.png", "", "\0", "ü.png", "a" * 300, ".", "C:\\a.png", "a;b=c.png"])
contents = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [png_bytes(), b"input", b"nope", b"..", b"a/b", b'{"filename": "a.png", "type": "input"}', b"true"]
    ),
)


@QUICK
@given(st.lists(st.tuples(field_names, st.none() | file_names, contents), max_size=5), st.booleans(), st.booleans())
def test_any_form_is_answered(
    wire: Wire, session: Session, parts: list[tuple[str, str | None, bytes]], mask: bool, whole: bool
) -> None:
    body = b""
    for name, filename, content in parts:
        given_name = "" if filename is None else f'; filename="{filename}"'
        body += f'--x\r\nContent-Disposition: form-data; name="{name}"{given_name}\r\n\r\n'.encode() + content + b"\r\n"
    body += b"--x--\r\n" if whole else b""
    path = "/upload/mask" if mask else "/upload/image"
    status, content = wire.send("POST", path, body, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert status < 500, (body, content)
    assert status < 400 or json.loads(content)["error"]["message"]
    assert not list(session.folders.base.parent.glob("*.png"))
    assert not list(session.folders.base.rglob("*.part"))


async def test_any_message_on_the_socket_is_survived(pair: aiohttp.ClientSession) -> None:
    """Hypothesis makes the messages; one socket hears them all."""
    messages: list[Any] = []
    flags = st.fixed_dictionaries({"type": st.sampled_from(["feature_flags", "x", 3])}, optional={"data": values})

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.one_of(st.binary(max_size=50), st.text(max_size=50), (values | flags).map(json.dumps)))
    def collect(message: Any) -> None:
        messages.append(message.encode("utf-8", "replace").decode() if isinstance(message, str) else message)

    collect()
    async with pair.ws_connect("/ws?clientId=me") as socket:
        await socket.receive_json()
        for message in messages:
            await (socket.send_bytes if isinstance(message, bytes) else socket.send_str)(message)
        await socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
        await pair.post("/prompt", json={"prompt": SAY_SHOW, "client_id": "me"})
        heard = await receive_until(socket, ends)
    assert "executed" in kinds(heard)
    assert kinds(heard)[0] == "feature_flags"
