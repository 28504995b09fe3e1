"""Progress on its way to the clients: everything is noted at once, messages go out at most ten times a second.

State: ``_nodes`` holds the newest state of every node that started (what ``progress_state`` sends), ``_dirty`` the ids
whose ``progress`` has not been sent, ``_previews`` the newest picture of each node. Whoever notes something flushes if
the last flush is long enough ago; otherwise one background thread does when it is time.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..protocol.context import InterruptProcessingException
from .failure import is_a_persons_stop
from .prompt import DynamicPrompt

log = logging.getLogger(__name__)

INTERVAL = 0.1
PREVIEW_SIDE = 512
#: A preview takes no more: ten of them a second go through a notebook's connection.
PREVIEW_BYTES = 60_000
_QUALITIES = (75, 45, 20)
Send = Callable[[str, Mapping[str, Any], tuple[bytes, ...]], None]
#: Hears of everything at once, on the thread that noted it: ("start", "update" or "finish", node id, state, preview).
Listener = Callable[[str, str, Mapping[str, Any], Any], None]


class Waker(Protocol):
    """Sees to it that a reporter flushes before long."""

    def wake(self, reporter: ProgressReporter) -> None: ...


class ProgressReporter:
    """The progress of one prompt. ``send(type, data, buffers)`` publishes to the client that queued it; ``listeners``
    are those of packs, which see all of it as ``registry``."""

    def __init__(self, prompt_id: str, send: Send, ticker: Waker) -> None:
        self.prompt_id = prompt_id
        self.dynprompt: DynamicPrompt | None = None
        self.listeners: list[Listener] = []
        self.registry: Any = None
        self._send = send
        self._ticker = ticker
        self._lock = threading.RLock()
        self._nodes: dict[str, dict[str, Any]] = {}
        self._changed = False
        self._dirty: dict[str, tuple[float, float]] = {}
        self._previews: dict[str, Any] = {}
        self._flushed = float("-inf")

    def states(self) -> dict[str, Mapping[str, Any]]:
        """The newest state of every node that has started, in the form of ``progress_state``."""
        with self._lock:
            return dict(self._nodes)

    def start(self, node_id: str, ids: Mapping[str, Any]) -> None:
        """``ids``: display_node_id, parent_node_id, real_node_id."""
        state = {"value": 0, "max": 1, "state": "running", "node_id": node_id, "prompt_id": self.prompt_id, **ids}
        self._note(node_id, state)
        if self.listeners:
            self._tell("start", node_id, state)

    def update(self, node_id: str, value: float, maximum: float, preview: Any | None) -> None:
        with self._lock:
            known = self._nodes.get(node_id)
            if known is None:
                return
            self._dirty[node_id] = (value, maximum)
            if preview is not None:
                self._previews[node_id] = preview
            state = {**known, "value": value, "max": maximum}
            self._note(node_id, state)
        self._tell("update", node_id, state, preview)

    def finish(self, node_id: str, state: str = "finished") -> None:
        known = self._nodes.get(node_id)
        if known is not None:
            value = known["max"] if state == "finished" else known["value"]
            final = {**known, "value": value, "state": state}
            self._note(node_id, final)
            if self.listeners:
                self._tell("finish", node_id, final)

    def _tell(self, what: str, node_id: str, state: Mapping[str, Any], preview: Any = None) -> None:
        for listener in list(self.listeners):
            try:
                listener(what, node_id, state, preview)
            except InterruptProcessingException:
                raise
            except BaseException as error:
                if is_a_persons_stop(error):
                    raise
                log.exception("a progress handler failed")

    def image(self, node_id: str, image: Any) -> None:
        """Send a picture that is a result, not a preview: unscaled, at once, none left out."""
        ids = self._nodes.get(node_id)
        if ids is not None:
            self._send(*_picture_event(image, ids, "PNG", None))

    def _note(self, node_id: str, state: dict[str, Any]) -> None:
        with self._lock:
            self._nodes[node_id] = state
            self._changed = True
            if time.monotonic() - self._flushed >= INTERVAL and not self._previews:
                self.flush()
            else:
                self._ticker.wake(self)

    def flush(self) -> None:
        """Send what has changed since the last flush."""
        with self._lock:
            self._flushed = time.monotonic()
            dirty, previews, changed = self._dirty, self._previews, self._changed
            self._dirty, self._previews, self._changed = {}, {}, False
            if changed:
                # States are replaced, never mutated, so a shallow copy is a snapshot.
                self._send("progress_state", {"prompt_id": self.prompt_id, "nodes": dict(self._nodes)}, ())
            for node_id, (value, maximum) in dirty.items():
                data = {"value": value, "max": maximum, "prompt_id": self.prompt_id, "node": node_id}
                self._send("progress", data, ())
        for node_id, image in previews.items():  # encoding takes milliseconds: not while the node waits for the lock
            self._send_preview(node_id, image)

    def _send_preview(self, node_id: str, image: Any) -> None:
        try:
            format, side = "JPEG", PREVIEW_SIDE
            if isinstance(image, tuple):
                format, image, side = image
            format, content = small_picture(image, str(format).upper(), side)
            self._send(*_event_of(self._nodes[node_id], format, content))
        except Exception:  # a preview that cannot be drawn must not fail the node
            log.exception("the preview of node %s could not be encoded", node_id)


def _picture_event(
    image: Any, ids: Mapping[str, Any], format: str, side: int | None
) -> tuple[str, Mapping[str, Any], tuple[bytes, ...]]:
    return _event_of(ids, format, _encoded(_scaled(image, side), format))


def _event_of(ids: Mapping[str, Any], format: str, content: bytes) -> tuple[str, Mapping[str, Any], tuple[bytes, ...]]:
    names = ("node_id", "prompt_id", "display_node_id", "parent_node_id", "real_node_id")
    data = {name: ids.get(name) for name in names}
    data["image_type"] = f"image/{format.lower()}"
    return "b_preview_with_metadata", data, (content,)


def small_picture(image: Any, format: str, side: int | None, limit: int = PREVIEW_BYTES) -> tuple[str, bytes]:
    """``image``, no longer than ``side``, in at most ``limit`` bytes: as a worse JPEG, and then as a smaller one, where
    it takes more. Answers its format and the bytes."""
    image = _scaled(image, side)
    content = _encoded(image, format)
    while len(content) > limit:
        for quality in _QUALITIES:
            format, content = "JPEG", _encoded(image, "JPEG", quality=quality)
            if len(content) <= limit:
                break
        image = _scaled(image, max(image.size) // 2)
    return format, content


def _scaled(image: Any, side: int | None) -> Any:
    if side is not None and max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side))
    return image


def _encoded(image: Any, format: str, **options: Any) -> bytes:
    if format == "JPEG" and image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


class Ticker:
    """Flushes reporters that have something left to say; one daemon thread for all, started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, ProgressReporter] = {}
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def wake(self, reporter: ProgressReporter) -> None:
        if id(reporter) in self._waiting:
            return
        with self._lock:
            self._waiting[id(reporter)] = reporter
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="comfy-notebook-progress", daemon=True)
                self._thread.start()
        self._woken.set()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    def _run(self) -> None:
        while not self._stopped:
            self._woken.wait()
            self._woken.clear()
            time.sleep(INTERVAL)
            with self._lock:
                due, self._waiting = list(self._waiting.values()), {}
            for reporter in due:
                try:
                    reporter.flush()
                except Exception:
                    log.exception("progress could not be sent")
