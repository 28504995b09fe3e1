"""Events on their way to the browser: the first at once, few messages, no result lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from comfy_notebook.engine.events import Event
from comfy_notebook.widget.outbox import BURST, RATE, Outbox


class Received:
    """What left, and when."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.events: list[tuple[str, dict[str, Any], bytes]] = []

    def send(self, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        self.times.append(time.monotonic())
        parts = iter(buffers)
        for event in content["events"]:
            self.events.append((event["type"], event["data"], b"".join(next(parts) for _ in range(event["buffers"]))))

    def until(self, count: int) -> None:
        deadline = time.monotonic() + 5
        while len(self.events) < count:
            assert time.monotonic() < deadline, f"only {len(self.events)} of {count} events left"
            time.sleep(0.005)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


def picture(number: int, kind: str) -> Event:
    return Event(
        "b_preview_with_metadata", {"node_id": "3", "prompt_id": "p", "image_type": kind}, None, (b"%d" % number,)
    )


def test_pictures_that_are_results_all_arrive_and_of_previews_the_newest(loop: asyncio.AbstractEventLoop) -> None:
    received = Received()
    outbox = Outbox(loop, received.send)
    for number in range(3):
        outbox.put(picture(number, "image/jpeg"))
        outbox.put(picture(number, "image/png"))
    outbox.put(Event("executing", {"node": None}))
    received.until(5)
    sent = [data for kind, _, data in received.events if kind.startswith("b_")]
    assert sent == [b"0", b"1", b"2", b"2"]
    assert [event[1]["image_type"] for event in received.events[:4]].count("image/jpeg") == 1
    assert received.events[-1][0] == "executing"


def test_the_first_messages_leave_at_once_and_a_flood_is_gathered(loop: asyncio.AbstractEventLoop) -> None:
    received = Received()
    outbox = Outbox(loop, received.send)
    started = time.monotonic()
    for number in range(BURST):  # a run's start: one event after the other, each as soon as it happens
        outbox.put(Event("executing", {"node": str(number)}))
        received.until(number + 1)
    assert time.monotonic() - started < 1 / RATE * (BURST - 1)
    flood = 400
    for number in range(flood):
        outbox.put(Event("executed", {"node": str(number)}))
        time.sleep(0.001)
    received.until(BURST + flood)
    took = received.times[-1] - received.times[0]
    assert len(received.times) <= BURST + took * RATE + 1
    assert [data["node"] for kind, data, _ in received.events if kind == "executed"] == [str(n) for n in range(flood)]
