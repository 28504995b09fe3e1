"""A view without a browser: it records what the widget sends and speaks the comm protocol by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.session import Session


class RecordingComm:
    """One comm; ``sent`` holds what the kernel said, ``say`` speaks as a view."""

    kernel = True

    def __init__(self, comm_id: str = "", data: Any = None, **_: Any) -> None:
        self.comm_id = comm_id or f"comm{id(self)}"
        self.state = (data or {}).get("state", {})
        self.closed = False
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self._callback: Callable[[dict[str, Any]], None] | None = None
        self._news = threading.Condition()

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = None) -> None:
        if data.get("method") == "custom":
            with self._news:
                self.sent.append((data["content"], [bytes(buffer) for buffer in buffers or ()]))
                self._news.notify_all()

    def on_msg(self, callback: Callable[[dict[str, Any]], None]) -> None:
        self._callback = callback

    def on_close(self, callback: Any) -> None:
        """Never closed from the other side."""

    def close(self, *_: Any, **__: Any) -> None:
        self.closed = True

    def say(self, content: Any, *buffers: bytes) -> None:
        """A custom message from a view."""
        assert self._callback is not None
        data = {"method": "custom", "content": content}
        self._callback({"content": {"data": data}, "buffers": [memoryview(buffer) for buffer in buffers]})

    def expect(self, timeout: float = 5, **wanted: Any) -> tuple[dict[str, Any], list[bytes]]:
        """Wait for a message with these entries."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for content, buffers in self.sent:
                    if all(content.get(key) == value for key, value in wanted.items()):
                        return content, buffers
                left = deadline - time.monotonic()
                assert left > 0, f"no message with {wanted}; sent: {[content for content, _ in self.sent]}"
                self._news.wait(left)

    def kinds(self) -> list[str]:
        return [content["kind"] for content, _ in self.sent]


@pytest.fixture
def comms(monkeypatch: pytest.MonkeyPatch) -> list[RecordingComm]:
    """Every comm that widgets open during the test, in order."""
    import comm

    opened: list[RecordingComm] = []

    def create(*_: Any, **kwargs: Any) -> RecordingComm:
        opened.append(RecordingComm(**kwargs))
        return opened[-1]

    monkeypatch.setattr(comm, "create_comm", create)
    return opened


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session of its own, its folders below the test's."""
    from comfy_notebook.widget import assets

    if not assets.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path)))
    yield made
    made.close()
    sessions._current = before
