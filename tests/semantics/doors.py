"""The ways a prompt comes in and its story comes out: in process, over HTTP and a websocket, over the widget's comm."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from comfy_notebook.api import Workflow
from comfy_notebook.api.errors import RunError
from comfy_notebook.api.run import start
from comfy_notebook.engine.events import Event
from comfy_notebook.session import Session
from comfy_notebook.widget import Editor

from ..widget.conftest import RecordingComm

Prompt = Mapping[str, Any]
Message = tuple[str, dict[str, Any]]
#: Whether a message is the one at which the person presses Cancel.
CancelAt = Callable[[Message], bool]
_SECONDS = 60
#: What the websocket library ``websockets`` takes unless told otherwise; larger messages close the connection.
LARGEST_MESSAGE = 2**20
#: Clocks and counters: different at every run.
_UNSTEADY = ("timestamp", "prompt_id", "traceback")


@dataclass
class Told:
    """What whoever sent a prompt came to know of it."""

    #: ``(node id, input)`` of every complaint of validation.
    complaints: list[tuple[str, Any]] = field(default_factory=list)
    #: The body of a refusal; None where the prompt was queued, or where only complaints are told.
    refusal: dict[str, Any] | None = None
    refused: bool = False
    messages: list[Message] = field(default_factory=list)
    entry: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, Any]:
        return dict(self.entry["outputs"])

    @property
    def status(self) -> str:
        return str(self.entry["status"]["messages"][-1][0]).removeprefix("execution_")

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [data for type, data in self.messages if type == kind]

    def executing(self) -> list[str]:
        return [data["node"] for data in self.of("executing")[:-1]]

    def story(self) -> list[Message]:
        """Everything but progress, which is coalesced by the clock, and without what differs from run to run."""
        told = [one for one in self.messages if one[0].startswith("execut")]
        return [(type, {key: value for key, value in data.items() if key not in _UNSTEADY}) for type, data in told]


class Door(Protocol):
    name: str

    def run(self, prompt: Prompt, *, targets: list[str] | None = None, cancel_at: CancelAt | None = None) -> Told: ...


def is_end(message: Message) -> bool:
    return message[0] == "executing" and message[1].get("node") is None


def complaints(node_errors: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (node_id, error["extra_info"].get("input_name"))
        for node_id, entry in node_errors.items()
        for error in entry["errors"]
    ]


class InProcess:
    """``Workflow.run``."""

    name = "in process"

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, prompt: Prompt, *, targets: list[str] | None = None, cancel_at: CancelAt | None = None) -> Told:
        told, ended = Told(), threading.Event()

        def hear(event: Event) -> None:
            if event.type == "status":
                return
            message = (event.type, dict(event.data))
            told.messages.append(message)
            if cancel_at is not None and cancel_at(message):
                self._session.engine.interrupt(event.data["prompt_id"])
            if is_end(message):
                ended.set()

        stop = self._session.bus.subscribe(hear)
        try:
            workflow = Workflow(prompt, session=self._session)
            try:
                run = start(self._session, *workflow.prepare(), targets=targets) if targets else workflow.run()
            except RunError as error:
                told.refused = True
                told.complaints = [(one.node_id, one.input) for one in error.errors]
                return told
            told.complaints = [(text.split("[node ")[1].split("]")[0], ...) for text in run.warnings]
            assert ended.wait(_SECONDS)
        finally:
            stop()
        told.entry = self._session.engine.wait(run.prompt_id, _SECONDS)
        return told


class Http:
    """``POST /prompt`` and a websocket, through a real socket."""

    name = "http"

    def __init__(self, session: Session) -> None:
        self._url = session.server.listen(port=0).url

    def run(self, prompt: Prompt, *, targets: list[str] | None = None, cancel_at: CancelAt | None = None) -> Told:
        return asyncio.run(self._run(prompt, targets, cancel_at))

    async def _run(self, prompt: Prompt, targets: list[str] | None, cancel_at: CancelAt | None) -> Told:
        told, client = Told(), str(uuid.uuid4())
        body: dict[str, Any] = {"prompt": prompt, "client_id": client}
        if targets is not None:
            body["partial_execution_targets"] = targets
        address = f"/ws?clientId={client}"
        async with (
            aiohttp.ClientSession(self._url) as http,
            http.ws_connect(address, max_msg_size=LARGEST_MESSAGE) as socket,
        ):
            async with http.post("/prompt", json=body) as response:
                answer = await response.json()
            told.complaints = complaints(answer["node_errors"])
            if response.status != 200:
                told.refused, told.refusal = True, answer
                return told
            while not (told.messages and is_end(told.messages[-1])):
                message = await socket.receive(timeout=_SECONDS)
                if message.type is aiohttp.WSMsgType.BINARY:
                    continue
                assert message.type is aiohttp.WSMsgType.TEXT, message
                heard = json.loads(message.data)
                if heard["type"] == "status":
                    continue
                told.messages.append((heard["type"], heard["data"]))
                if cancel_at is not None and cancel_at(told.messages[-1]):
                    cancel_at = None
                    await http.post("/interrupt", json={"prompt_id": answer["prompt_id"]})
            async with http.get(f"/history/{answer['prompt_id']}") as response:
                told.entry = (await response.json())[answer["prompt_id"]]
        return told


class Widget:
    """An editor in a cell: what its view says and hears over the comm."""

    name = "widget"

    def __init__(self, comms: list[RecordingComm]) -> None:
        known = len(comms)
        self._editor = Editor(name="semantics")
        self._comm = next(one for one in comms[known:] if "_esm" in one.state)
        self._path = f"/cn/editors/{self._editor._state.id}"
        self._rid = 0
        self._comm.say({"kind": "hello", "view": "v", "protocol": 1})
        self._comm.expect(_SECONDS, kind="welcome")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        self._rid += 1
        rid, data = f"v:{self._rid}", b"" if body is None else json.dumps(body).encode()
        ask = {"kind": "http", "rid": rid, "method": method, "path": path, "headers": {}, "size": len(data)}
        self._comm.say(ask, *([data] if data else []))
        head, buffers = self._comm.expect(_SECONDS, kind="head", rid=rid)
        while not head["last"]:
            more, chunk = self._comm.expect(_SECONDS, kind="data", rid=rid, seq=len(buffers))
            buffers, head = [*buffers, *chunk], {**head, "last": more["last"]}
        text = b"".join(buffers)
        return head["status"], json.loads(text) if text else None

    def run(self, prompt: Prompt, *, targets: list[str] | None = None, cancel_at: CancelAt | None = None) -> Told:
        told = Told()
        status, answer = self.ask("POST", f"{self._path}/open?name=case.json", prompt)
        assert status == 200, answer
        heard = len(self._comm.sent)
        status, answer = self.ask(
            "POST", f"{self._path}/run", {"view": "v", **({"targets": targets} if targets else {})}
        )
        told.complaints = complaints(answer["node_errors"])
        if status != 200:
            told.refused, told.refusal = True, answer
            return told
        deadline = time.monotonic() + _SECONDS
        cancelled = False
        while not (told.messages and is_end(told.messages[-1])):
            assert time.monotonic() < deadline, told.messages
            told.messages = self._events(heard, answer["prompt_id"])
            if cancel_at is not None and not cancelled and any(map(cancel_at, told.messages)):
                cancelled = True
                self.ask("POST", "/interrupt", {"prompt_id": answer["prompt_id"]})
            time.sleep(0.005)
        told.entry = self.ask("GET", f"/history/{answer['prompt_id']}")[1][answer["prompt_id"]]
        return told

    def _events(self, start: int, prompt_id: str) -> list[Message]:
        batches = [content["events"] for content, _ in self._comm.sent[start:] if content["kind"] == "events"]
        events = [(event["type"], event["data"]) for batch in batches for event in batch]
        return [event for event in events if event[1].get("prompt_id") == prompt_id]
