"""One HTTP request of a view: its body comes in acknowledged chunks, its answer leaves in chunks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

log = logging.getLogger(__name__)

#: Largest binary part of one comm message; far below the 10 MiB at which Jupyter drops the connection.
CHUNK_BYTES = 2**20

#: A request unanswered for this long is acknowledged, so that the view does not take a slow route for a busy kernel.
ACK_SECONDS = 0.5

#: Pause between the parts of a stream of unknown length, against floods of small messages.
STREAM_PAUSE = 0.02

#: Sends one comm message: its content and its binary parts. Safe from any thread.
Sender = Callable[[dict[str, Any], Sequence[bytes]], None]

_ORIGIN = "http://comfy.invalid"
_NOT_FORWARDED = frozenset({"host", "content-length", "connection", "transfer-encoding", "origin", "accept-encoding"})


@dataclass
class Exchange:
    """A request and its answer; everything runs on the server's loop."""

    rid: str
    method: str
    path: str
    headers: dict[str, str]
    size: int
    send: Sender
    _chunks: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    _expected: int = 1
    _task: asyncio.Task[None] | None = None
    _heard: bool = False

    @classmethod
    def from_message(cls, content: Mapping[str, Any], chunk: bytes, send: Sender) -> Exchange:
        """Read an ``http`` message; raises ``KeyError``, ``TypeError`` or ``ValueError`` when it is malformed."""
        path, size = content["path"], int(content.get("size") or 0)
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError(f"path {path!r} does not start with /")
        headers = {
            str(key): str(value)
            for key, value in dict(content.get("headers") or {}).items()
            if str(key).lower() not in _NOT_FORWARDED
        }
        exchange = cls(content["rid"], str(content.get("method") or "GET").upper(), path, headers, size, send)
        if size:
            exchange._chunks.put_nowait(chunk)
        return exchange

    def start(self, session: aiohttp.ClientSession, done: Callable[[], object]) -> None:
        """Begin; ``done`` is called once, however it ends."""
        self._task = asyncio.get_running_loop().create_task(self._run(session))
        self._task.add_done_callback(lambda _: done())
        if not self.size:
            asyncio.get_running_loop().call_later(ACK_SECONDS, self._acknowledge_late)

    def feed(self, seq: int, chunk: bytes) -> None:
        """Take the body's chunk number ``seq``; chunks come in order because the comm keeps it."""
        if seq != self._expected:
            self._fail(f"Part {self._expected} of the upload was lost (got part {seq}); please try again.")
            self.cancel()
            return
        self._expected += 1
        self._chunks.put_nowait(chunk)

    def cancel(self) -> None:
        """Stop; the view has gone or no longer wants the answer."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, session: aiohttp.ClientSession) -> None:
        try:
            await self._exchange(session)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
            self._fail(f"The kernel could not answer {self.method} {self.path}: {type(exc).__name__}: {exc}")
        except Exception as exc:
            log.exception("%s %s failed in the bridge", self.method, self.path)
            self._fail(f"The kernel could not answer {self.method} {self.path}: {type(exc).__name__}: {exc}")

    async def _exchange(self, session: aiohttp.ClientSession) -> None:
        headers = dict(self.headers)
        if self.size:
            headers["Content-Length"] = str(self.size)
        data = self._body() if self.size else None
        url = URL(_ORIGIN + self.path, encoded=True)
        async with session.request(self.method, url, headers=headers, data=data, allow_redirects=False) as response:
            self._heard = True
            length = response.content_length
            if length is not None and length <= CHUNK_BYTES:
                self._head(response, await response.read(), last=True)
                return
            self._head(response, b"", last=False)
            await self._stream(response, known=length is not None)

    async def _body(self) -> AsyncIterator[bytes]:
        sent = seq = 0
        while sent < self.size:
            chunk = await self._chunks.get()
            yield chunk
            sent += len(chunk)
            self._heard = True
            self.send({"kind": "ack", "rid": self.rid, "seq": seq}, [])
            seq += 1

    def _head(self, response: aiohttp.ClientResponse, body: bytes, *, last: bool) -> None:
        head = {
            "kind": "head",
            "rid": self.rid,
            "status": response.status,
            "headers": {key.lower(): value for key, value in response.headers.items()},
            "size": response.content_length,
            "last": last,
        }
        self.send(head, [body] if body else [])

    async def _stream(self, response: aiohttp.ClientResponse, *, known: bool) -> None:
        """Full chunks of a body of known length; whatever is there of an endless one, so that it stays live."""
        seq = 0
        waiting = bytearray()
        async for part in response.content.iter_any():
            waiting += part
            while len(waiting) >= CHUNK_BYTES:
                self._data(seq, bytes(waiting[:CHUNK_BYTES]), last=False)
                del waiting[:CHUNK_BYTES]
                seq += 1
            if waiting and not known:
                self._data(seq, bytes(waiting), last=False)
                waiting.clear()
                seq += 1
                await asyncio.sleep(STREAM_PAUSE)
        self._data(seq, bytes(waiting), last=True)

    def _data(self, seq: int, chunk: bytes, *, last: bool) -> None:
        self.send({"kind": "data", "rid": self.rid, "seq": seq, "last": last}, [chunk] if chunk else [])

    def _acknowledge_late(self) -> None:
        if self._task is not None and not self._task.done() and not self._heard:
            self.send({"kind": "ack", "rid": self.rid, "seq": 0}, [])

    def _fail(self, message: str) -> None:
        self.send({"kind": "fail", "rid": self.rid, "message": message}, [])
