"""Requests that no well-behaved client sends: each gets a clear 4xx, the next one is served as if nothing had been."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import struct
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from comfy_notebook.session import Session

from .conftest import SAY_SHOW, finished, png_bytes, steps_prompt

DEEP = [100, 199, 500, 900, 5_000, 300_000]


@pytest.fixture
def port(session: Session) -> int:
    return session.server.listen(port=0).port


def ask(port: int, data: bytes, seconds: float = 10) -> tuple[int, bytes]:
    """Send raw bytes; the status and the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), seconds) as wire:
        wire.sendall(data)
        answer = http.client.HTTPResponse(wire)
        answer.begin()
        return answer.status, answer.read()


def request(head: str | bytes, *lines: bytes, body: bytes = b"", host: bytes = b"127.0.0.1") -> bytes:
    start = head.encode() if isinstance(head, str) else head
    fields = [start + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *lines]
    if body:
        fields.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def is_well(port: int) -> bool:
    return ask(port, request("GET /prompt"))[0] == 200


HEADERS = [
    *((request("GET /prompt", host=host), 403) for host in (b"[", b"[::1", b"]", b"\xff\xfe", b"", b"a b", b"evil")),
    *(
        (request("GET /prompt", b"Origin: " + origin), 403)
        for origin in (b"http://[", b"\xff", b"null", b"file://", b"http://127.0.0.1.evil", b"javascript:alert(1)")
    ),
    (request("GET http://evil.example/prompt"), 403),
    (request("GET /prompt", b"Authorization: Bearer \xff\xfe", b"Cookie: comfy_notebook_token=\xff; =;;"), 200),
    (request("POST /prompt", b"Content-Type: \xff;;==", body=b"{}"), 400),
    (request("POST /prompt", b"Content-Type: text/html; charset=nope", body=b"{}"), 400),
    (request("POST /prompt", b"Content-Encoding: gzip", body=b"{}"), 400),
    (request("POST /prompt", b"Content-Encoding: deflate", body=b"no deflated text"), 400),
    (request("POST /prompt", b"Content-Length: -3"), 400),
    (request("POST /prompt", b"Content-Length: 99999999999999"), 413),
    (request("POST /userdata/a", b"Content-Length: 99999999999999"), 413),
    (request("POST /upload/image", b"Content-Length: 99999999999999"), 413),
    (request("POST /prompt", b"Transfer-Encoding: chunked") + b"zz\r\n", 400),
    (request("GET /prompt", b"X: " + b"a" * 20_000), 400),
    (request("GET /view?filename=" + "a" * 20_000), 400),
    (b"GARBAGE\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    (request("GET /ws", b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 1"), 400),
]


@pytest.mark.parametrize(("data", "status"), HEADERS, ids=range(len(HEADERS)))
def test_heads(port: int, data: bytes, status: int) -> None:
    answered, body = ask(port, data)
    assert answered == status, body
    assert b"Traceback" not in body
    assert is_well(port)


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize("where", ["prompt", "input", "extra_data", "settings", "interrupt", "jobs"])
async def test_deep_json_breaks_nothing_later(pair: aiohttp.ClientSession, where: str, depth: int) -> None:
    nested, prompt = "[" * depth + "]" * depth, json.dumps(SAY_SHOW)
    say = '{"class_type": "Say", "inputs": {"text": 1}}'
    path, body = {
        "prompt": ("/prompt", f'{{"prompt": {nested}}}'),
        "input": ("/prompt", f'{{"prompt": {prompt[:-1]}, "3": {say[:-3]}{nested}}}}}}}}}'),
        "extra_data": ("/prompt", f'{{"prompt": {prompt}, "extra_data": {{"x": {nested}}}}}'),
        "settings": ("/settings", f'{{"x": {nested}}}'),
        "interrupt": ("/interrupt", f'{{"x": {nested}}}'),
        "jobs": ("/jobs/cancel", f'{{"job_ids": {nested}}}'),
    }[where]  # fmt: skip
    async with pair.post(path, data=body.encode()) as response:
        assert response.status in ((200, 400) if depth < 200 else (400,)), await response.text()
    await pair.post("/prompt", json={"prompt": SAY_SHOW})
    for after in ("/queue", "/history", "/jobs", "/settings"):
        async with pair.get(after) as response:
            assert response.status == 200, await response.text()


@pytest.mark.parametrize(
    "extra", [{"extra_pnginfo": 3}, {"extra_pnginfo": {"workflow": 3}}, {"x": "\ud800"}, {"x": 1e400}]
)
async def test_odd_extra_data_breaks_no_list(pair: aiohttp.ClientSession, extra: dict[str, Any]) -> None:
    body = {"prompt": SAY_SHOW, "extra_data": extra}
    prompt_id = (await (await pair.post("/prompt", json=body)).json())["prompt_id"]
    await finished(pair, prompt_id)
    for path in ("/queue", "/history", "/jobs", f"/jobs/{prompt_id}"):
        async with pair.get(path) as response:
            assert response.status == 200, await response.text()


@pytest.mark.parametrize("digits", [400, 5_000])
@pytest.mark.parametrize("path", ["/prompt", "/queue", "/settings", "/settings/a", "/free"])
async def test_huge_numbers(pair: aiohttp.ClientSession, path: str, digits: int) -> None:
    body = '{"prompt": %s, "number": 1%s, "clear": 1%s}' % (json.dumps(SAY_SHOW), "0" * digits, "0" * digits)  # noqa: UP031
    async with pair.post(path, data=body.encode()) as response:
        assert response.status == (400 if digits > 4300 or path == "/prompt" else 200), await response.text()
    assert (await pair.get("/settings")).status == 200


OUTSIDE = [
    "../secret", "a/../../secret", "/etc/passwd", "..\\secret", "a\\..\\..\\secret", "C:\\secret", "C:secret",
    "\\\\host\\share", "....//....//secret/../../../secret", "linked/secret", "\0", "a\0b", "\ud800", "x" * 300,
    "..", "../",
]  # fmt: skip


@pytest.fixture
def secret(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file outside every folder, reached by a link in each of them."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("the secret")
    folders = session.folders
    for root in (folders.input, folders.output, folders.temp, folders.user / "default"):
        root.mkdir(parents=True, exist_ok=True)
        os.symlink(outside, root / "linked")
        (root / "a").mkdir()
    return outside / "secret"


def quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize("name", OUTSIDE)
async def test_no_name_leads_out(pair: aiohttp.ClientSession, session: Session, secret: Path, name: str) -> None:
    from yarl import URL

    before = set(secret.parent.rglob("*"))
    for kind in ("input", "output", "temp"):
        for query in (f"filename={quoted(name)}", f"filename=secret&subfolder={quoted(name)}"):
            async with pair.get(URL(f"/view?type={kind}&{query}", encoded=True)) as response:
                told = await response.read()
                assert 400 <= response.status < 500, (query, response.status)
                assert b"the secret" not in told
    for method, path in [
        ("GET", "/userdata/{}"), ("POST", "/userdata/{}"), ("DELETE", "/userdata/{}"), ("GET", "/userdata?dir={}"),
        ("POST", "/userdata/a.txt/move/{}"), ("POST", "/userdata/{}/move/b"), ("GET", "/v2/userdata?path={}"),
        ("GET", "/models/{}"), ("GET", "/view_metadata/loras?filename={}.safetensors"),
        ("GET", "/view_metadata/{}?filename=a.safetensors"),
        ("GET", "/experiment/models/preview/loras/0/{}"), ("GET", "/internal/files/{}"), ("GET", "/extensions/x/{}"),
        ("GET", "/templates/{}"), ("GET", "/docs/{}"), ("GET", "/docs/{}/en.md"), ("GET", "/workflow_templates/x/{}"),
        ("GET", "/global_subgraphs/{}"), ("POST", "/jobs/{}/cancel"), ("GET", "/jobs/{}"),
    ]:  # fmt: skip
        url = path.format(quoted(name))
        if method == "POST" and "move" in path:
            (session.folders.user / "default" / "a.txt").write_text("a")
        async with pair.request(method, URL(url, encoded=True)) as response:
            told = await response.read()
            assert response.status < 500, (method, url, told)
            assert b"the secret" not in told
            assert b"Traceback" not in told
    for fields in ({"subfolder": name}, {"filename": name}):
        form = aiohttp.FormData(quote_fields=False)
        filename = fields.pop("filename", "up.png")
        if "\ud800" in name or "\0" in filename:
            continue
        form.add_field("image", png_bytes(), filename=filename, content_type="image/png")
        for key, value in fields.items():
            form.add_field(key, value)
        async with pair.post("/upload/image", data=form) as response:
            assert response.status < 500, await response.text()
    assert set(secret.parent.rglob("*")) == before
    assert not (session.folders.base.parent / "secret").exists()
    assert secret.read_text() == "the secret"


async def test_a_compressed_twin_takes_no_place(pair: aiohttp.ClientSession, session: Session) -> None:
    session.folders.output.mkdir(parents=True)
    (session.folders.output / "a.png").write_bytes(png_bytes())
    (session.folders.output / "a.png.gz").write_bytes(b"something else")
    async with pair.get("/view?filename=a.png", headers={"Accept-Encoding": "gzip, br"}) as response:
        assert await response.read() == png_bytes()
        assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize(
    "name",
    ["a.html", "a.HTM", "a.xhtml", "a.js", "a.mjs", "a.svg", "a.SVGZ", "a.xml", "a.xsl", "a.css", "a.mhtml", "a.swf",
     "a", "a.unknown", "a.html.png.html"],
)  # fmt: skip
async def test_what_a_browser_would_run_is_a_download(pair: aiohttp.ClientSession, session: Session, name: str) -> None:
    for folder, address in (
        (session.folders.output, f"/view?filename={name}"),
        (session.folders.user / "default", f"/userdata/{name}"),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("<script>alert(1)</script>")
        async with pair.get(address) as response:
            assert response.status == 200
            assert response.content_type == "application/octet-stream"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            if address.startswith("/view"):
                assert response.headers["Content-Disposition"].startswith("attachment")


def part(*lines: bytes, content: bytes = b"a", end: bytes = b"\r\n--x--\r\n") -> bytes:
    return b"--x\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + content + end


IMAGE = b'Content-Disposition: form-data; name="image"; filename="h.png"'
MULTIPART = "multipart/form-data; boundary=x"
#: (body, content type, status; None: whatever is no error of ours).
FORMS = [
    (b"--x\r\nbad", MULTIPART, 400),
    (part(IMAGE, end=b""), MULTIPART, 400),
    (b"", MULTIPART, 400),
    (b"", "multipart/form-data", 400),
    (b"--x--", "multipart/form-data; boundary=" + "x" * 500, 400),
    (part(IMAGE.replace(b"h.png", b"\xff\xfe.png")), MULTIPART, None),
    (part(b'Content-Disposition: form-data; name="image"'), MULTIPART, 400),
    (part(IMAGE.replace(b'"image"', b'"other"')), MULTIPART, 400),
    (part(b"Content-Type: multipart/mixed; boundary=y", content=b"--y--"), MULTIPART, 400),
    (part(IMAGE, b"Content-Encoding: br"), MULTIPART, None),
    (part(IMAGE, b"Content-Transfer-Encoding: base64", content=b"!"), MULTIPART, None),
    (b"{}", "application/json", 415),
    (b"a=b", "application/x-www-form-urlencoded", 415),
    (b"x", "", 415),
]


@pytest.mark.parametrize(("body", "kind", "status"), FORMS, ids=range(len(FORMS)))
@pytest.mark.parametrize("path", ["/upload/image", "/upload/mask"])
async def test_broken_forms(
    pair: aiohttp.ClientSession, session: Session, path: str, body: bytes, kind: str, status: int | None
) -> None:
    async with pair.post(path, data=body, headers={"Content-Type": kind}) as response:
        told = await response.json()
        assert (response.status == status) if status else (response.status < 500), told
    if status:
        assert told["error"]["message"]
        assert [item for item in session.folders.input.rglob("*") if item.is_file()] == []


async def test_a_file_in_the_way_of_a_folder(pair: aiohttp.ClientSession, session: Session) -> None:
    await pair.post("/userdata/a", data=b"x")
    for path in ("/userdata/a%2Fb", "/userdata/a/move/a%2Fc"):
        async with pair.post(path, data=b"x") as response:
            assert response.status == 400, await response.text()
    (session.folders.user / "default" / "folder").mkdir()
    async with pair.post("/userdata/a/move/folder") as response:
        assert response.status == 400
    form = aiohttp.FormData({"subfolder": "up.png"})
    session.folders.input.mkdir(parents=True)
    (session.folders.input / "up.png").write_bytes(b"")
    form.add_field("image", png_bytes(), filename="x.png")
    async with pair.post("/upload/image", data=form) as response:
        assert response.status == 400
    assert [path.name for path in session.folders.input.iterdir()] == ["up.png"]


FRAMES = [
    b"\xff\xff\xff\xff",  # reserved bits and an unknown kind
    b"\x81\x05hello",  # not masked
    b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0",  # longer than anything
    b"\x81\x82\0\0\0\0\xff\xfe",  # no UTF-8
    b"\x89\xfe\x01\x00\0\0\0\0" + b"a" * 256,  # a ping that is too long
    b"\x80\x81\0\0\0\0a",  # goes on with what never began
    b"\x01\x81\0\0\0\0a" * 3,  # begins three times
    b"GET / HTTP/1.1\r\n\r\n",
    b"\0" * 4096,
]


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
def test_frames_that_are_none(port: int, session: Session, frame: bytes) -> None:
    upgrade = (
        b"GET /ws?clientId=me HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    listeners = len(session.bus._subscribers)
    with socket.create_connection(("127.0.0.1", port), 10) as wire:
        wire.sendall(upgrade)
        assert b"101" in wire.recv(4096)
        wire.sendall(frame)
        wire.settimeout(0.3)
        try:
            while wire.recv(4096):
                pass
        except (TimeoutError, ConnectionError):
            pass
    assert is_well(port)
    end = time.monotonic() + 5
    while len(session.bus._subscribers) > listeners and time.monotonic() < end:
        time.sleep(0.02)
    assert len(session.bus._subscribers) == listeners


async def test_a_client_that_never_reads_does_not_hold_up_the_others(pair: aiohttp.ClientSession, port: int) -> None:
    upgrade = (
        b"GET /ws?clientId=deaf HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), 10) as deaf:
        deaf.sendall(upgrade)
        await asyncio.sleep(0.1)
        for number in range(5):
            body = {"prompt": steps_prompt(2, number), "client_id": "deaf"}
            prompt_id = (await (await pair.post("/prompt", json=body)).json())["prompt_id"]
            item = await finished(pair, prompt_id)
            assert item["status"]["status_str"] == "success"
