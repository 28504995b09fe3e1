"""Queue, interruption, history, waiting, shutting down."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from comfy_notebook.engine import PromptRejected
from comfy_notebook.engine.queue import PromptQueue
from comfy_notebook.engine.run_services import QueueItem

from . import sample_nodes
from .conftest import Door, node


def quick(value: int) -> dict[str, Any]:
    return {"n": node("Number", value=value), "s": node("Show", value=["n", 0])}


def slow(steps: int = 5000, value: int = 1) -> dict[str, Any]:
    return {"x": node("Slow", value=value, steps=steps), "s": node("Show", value=["x", 0])}


def start_slow(door: Door, steps: int = 5000) -> str:
    sample_nodes.GATE.clear()
    prompt_id = door.engine.submit(slow(steps), client_id="client").prompt_id
    assert sample_nodes.GATE.wait(10)
    return prompt_id


def test_lower_numbers_first_and_front_before_all(door: Door) -> None:
    running = start_slow(door)
    last = door.engine.submit(quick(1), number=50).prompt_id
    middle = door.engine.submit(quick(2), number=10).prompt_id
    first = door.engine.submit(quick(3), front=True).prompt_id
    assert [item.prompt_id for item in door.engine.queue.running()] == [running]
    assert [item.prompt_id for item in door.engine.queue.pending()] == [first, middle, last]
    door.engine.interrupt()
    for prompt_id in (first, middle, last):
        assert door.engine.wait(prompt_id, 10)["status"]["completed"]
    assert list(door.engine.history.all()) == [running, first, middle, last]


def test_interrupt_stops_within_a_step(door: Door) -> None:
    prompt_id = start_slow(door)
    started = time.monotonic()
    assert door.engine.interrupt()
    entry = door.engine.wait(prompt_id, 10)
    assert time.monotonic() - started < 3
    assert entry["status"]["status_str"] == "error"
    name, data = entry["status"]["messages"][-1]
    assert (name, data["node_id"], data["node_type"], data["executed"]) == ("execution_interrupted", "x", "Slow", [])
    assert door.types()[-1] == "executing"
    assert door.run(quick(4))["status"]["completed"], "the next prompt is not interrupted"


def test_interrupt_by_id_spares_the_others(door: Door) -> None:
    running = start_slow(door, steps=40)
    waiting = door.engine.submit(quick(5)).prompt_id
    assert not door.engine.interrupt("no such prompt")
    assert door.engine.interrupt(waiting)
    entry = door.engine.wait(waiting, 1)
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert door.engine.history.get(waiting) is None
    assert door.engine.wait(running, 10)["status"]["completed"]


def test_interrupt_while_only_async_nodes_run(door: Door) -> None:
    prompt = {"x": node("AsyncForever", value=1), "s": node("Show", value=["x", 0])}
    prompt_id = door.engine.submit(prompt).prompt_id
    assert sample_nodes.GATE.wait(10)
    door.engine.interrupt(prompt_id)
    assert door.engine.wait(prompt_id, 5)["status"]["messages"][-1][0] == "execution_interrupted"


def test_nothing_to_interrupt(door: Door) -> None:
    assert not door.engine.interrupt()
    assert door.run(quick(1))["status"]["completed"]


def test_clearing_the_queue_ends_whoever_waits(door: Door) -> None:
    running = start_slow(door)
    waiting = [door.engine.submit(quick(n)).prompt_id for n in range(3)]
    ended: list[str] = []
    threads = [
        threading.Thread(target=lambda id=id: (door.engine.wait(id, 10), ended.append(id)))  # type: ignore[misc]
        for id in waiting
    ]
    for thread in threads:
        thread.start()
    assert sorted(door.engine.queue.clear()) == sorted(waiting)
    for thread in threads:
        thread.join(10)
    assert sorted(ended) == sorted(waiting)
    door.engine.interrupt(running)
    door.engine.wait(running, 10)


def test_waiting(door: Door) -> None:
    with pytest.raises(KeyError):
        door.engine.wait("no such prompt")
    prompt_id = start_slow(door)
    with pytest.raises(TimeoutError):
        door.engine.wait(prompt_id, 0.05)


def test_an_id_may_be_chosen_but_not_taken_twice(door: Door) -> None:
    prompt_id = start_slow(door)
    with pytest.raises(PromptRejected) as caught:
        door.engine.submit(quick(1), prompt_id=prompt_id)
    assert caught.value.error["type"] == "invalid_prompt_id"
    door.engine.interrupt()
    door.engine.wait(prompt_id, 10)
    assert door.engine.submit(quick(1), prompt_id="mine").prompt_id == "mine"
    assert door.engine.wait("mine", 10)["status"]["completed"]


def test_history(door: Door) -> None:
    ids = [door.run(quick(n), extra_data={"auth_token_comfy_org": "secret", "x": 1})["id"] for n in range(4)]
    history = door.engine.history
    entry = history.get(ids[0])
    assert entry is not None
    number, prompt_id, prompt, extra, outputs = entry["prompt"]
    assert (number, prompt_id, outputs) == (0, ids[0], ["s"])
    assert prompt == quick(0)
    assert "secret" not in repr(entry)
    assert extra["x"] == 1
    assert isinstance(extra["create_time"], int)
    assert entry["meta"] == {"s": {"node_id": "s", "display_node": "s", "parent_node": None, "real_node": "s"}}
    assert list(history.all(max_items=2)) == ids[2:]
    assert list(history.all(max_items=2, offset=1)) == ids[1:3]
    history.remove([ids[1], "unknown"])
    assert list(history.all()) == [ids[0], *ids[2:]]
    history.clear()
    assert history.all() == {}


def test_two_hundred_prompts_from_many_threads(door: Door) -> None:
    ids: list[str] = []

    def submit(start: int) -> None:
        ids.extend(door.engine.submit(quick(start * 20 + n), client_id=f"c{start}").prompt_id for n in range(20))

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(door.engine.wait(id, 30)["status"]["completed"] for id in ids)
    assert len(set(ids)) == 200
    assert door.engine.queue.remaining() == 0


def test_shutdown_stops_what_runs_and_refuses_more(door: Door) -> None:
    running = start_slow(door)
    waiting = door.engine.submit(quick(1)).prompt_id
    door.engine.shutdown(timeout=5)
    assert door.engine.wait(running, 5)["status"]["status_str"] == "error"
    assert door.engine.wait(waiting, 5)["status"]["status_str"] == "error"
    with pytest.raises(RuntimeError):
        door.engine.submit(quick(1))


def test_the_queue_is_fair_among_equals() -> None:
    queue = PromptQueue()
    for name in "abc":
        queue.put(QueueItem(1, name, {}, {}, []))
    taken = [queue.take() for _ in range(3)]
    assert [item.prompt_id for item in taken if item] == ["a", "b", "c"]
    queue.close()
    assert queue.take() is None
