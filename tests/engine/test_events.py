"""The messages of a run: which, to whom, in which order, how often."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from PIL import Image

from comfy_notebook.engine import Event
from comfy_notebook.protocol.context import context

from . import sample_nodes
from .conftest import Door, node

PROMPT = {"a": node("Number", value=1), "s": node("Show", value=["a", 0])}


def without_progress(door: Door) -> list[str]:
    return [type for type in door.types() if type not in ("progress_state", "progress")]


def test_the_order_of_a_run(door: Door) -> None:
    prompt_id = door.run(PROMPT)["id"]
    assert without_progress(door) == [
        "status",
        "status",
        "execution_start",
        "execution_cached",
        "executing",
        "executing",
        "executed",
        "execution_success",
        "status",
        "executing",
    ]
    assert door.of("executing") == [
        {"node": "a", "display_node": "a", "prompt_id": prompt_id},
        {"node": "s", "display_node": "s", "prompt_id": prompt_id},
        {"node": None, "prompt_id": prompt_id},
    ]
    assert door.of("executed") == [
        {"node": "s", "display_node": "s", "output": {"text": ["1"]}, "prompt_id": prompt_id}
    ]
    left = [data["status"]["exec_info"]["queue_remaining"] for data in door.of("status")]
    assert left == [1, 1, 0]
    assert [set(data) for data in door.of("execution_start")] == [{"prompt_id", "timestamp"}]
    states = door.of("progress_state")[-1]["nodes"]
    assert {id: state["state"] for id, state in states.items()} == {"a": "finished", "s": "finished"}
    assert set(states["a"]) == {
        "value", "max", "state", "node_id", "prompt_id", "display_node_id", "parent_node_id", "real_node_id",
    }  # fmt: skip
    kinds = door.types()
    assert kinds.index("progress_state") < kinds.index("executing")
    assert max(i for i, kind in enumerate(kinds) if kind == "progress_state") < kinds.index("execution_success")


def test_history_is_there_before_the_end_marker(door: Door) -> None:
    found: list[Any] = []

    def at_the_end(event: Event) -> None:
        if event.type == "executing" and event.data["node"] is None:
            found.append(door.engine.history.get(event.data["prompt_id"]))

    door.engine.bus.subscribe(at_the_end)
    door.run(PROMPT)
    assert found[0]["status"]["completed"]


def test_events_reach_the_client_that_asked(door: Door) -> None:
    others: list[Event] = []
    door.engine.bus.subscribe(others.append, "other")
    door.run(PROMPT)
    assert {event.type for event in others} == {"status"}
    nobody = door.engine.submit({"b": node("Number", value=9), "s": node("Show", value=["b", 0])})
    door.engine.wait(nobody.prompt_id, 10)
    assert {event.type for event in others} == {"status"}


def test_an_output_without_ui_is_told_only_when_cached(door: Door) -> None:
    prompt = {"a": node("Number", value=1), "q": node("Quiet", value=["a", 0])}
    door.run(prompt)
    assert door.of("executed") == []
    prompt_id = door.run(prompt)["id"]
    assert door.of("executed") == [{"node": "q", "display_node": "q", "output": None, "prompt_id": prompt_id}]


@pytest.mark.parametrize("steps", [300])
def test_progress_is_coalesced_and_its_last_state_arrives(door: Door, steps: int) -> None:
    started = time.monotonic()
    door.run({"x": node("Slow", value=1, steps=steps), "s": node("Show", value=["x", 0])})
    seconds = time.monotonic() - started
    progress = door.of("progress")
    assert 2 <= len(progress) <= seconds * 10 + 3
    assert (progress[-1]["value"], progress[-1]["max"], progress[-1]["node"]) == (steps, steps, "x")
    values = [data["value"] for data in progress]
    assert values == sorted(values)
    assert len(door.of("progress_state")) <= seconds * 10 + 4
    assert door.of("progress_state")[-1]["nodes"]["x"]["state"] == "finished"


def test_progress_arrives_while_a_node_is_busy(door: Door) -> None:
    """A state noted right after a flush goes out by itself, without another call."""
    seen: list[Any] = []

    class Busy(sample_nodes.Node):
        INPUT_TYPES = sample_nodes.inputs({})
        OUTPUT_NODE = True

        def go(self) -> Any:
            context().progress(1, 4)
            time.sleep(0.4)
            seen.extend(door.of("progress"))
            return (0,)

    register(door, Busy)
    door.run({"x": node("Busy")})
    assert [data["value"] for data in seen] == [1]


def register(door: Door, cls: type) -> None:
    from comfy_notebook.protocol.v1 import definition_from_class

    door.engine.registry.register(definition_from_class(cls.__name__, cls))


def test_previews_are_small_jpegs_and_results_whole_pngs(door: Door) -> None:
    picture = Image.new("RGBA", (2000, 1000), (255, 0, 0, 255))

    class Previewing(sample_nodes.Node):
        INPUT_TYPES = sample_nodes.inputs({})
        OUTPUT_NODE = True

        def go(self) -> Any:
            context().progress(1, 2, picture)
            context().send_image(picture)
            context().send_image(picture)
            context().text("half way")
            time.sleep(0.3)
            return (0,)

    register(door, Previewing)
    prompt_id = door.run({"x": node("Previewing")})["id"]
    events = [event for event in door.events if event.type == "b_preview_with_metadata"]
    events.sort(key=lambda event: event.data["image_type"], reverse=True)
    assert [event.data["image_type"] for event in events] == ["image/png", "image/png", "image/jpeg"]
    sizes = [Image.open(io.BytesIO(event.buffers[0])).size for event in events]
    assert sizes == [(2000, 1000), (2000, 1000), (512, 256)]
    assert dict(events[2].data) == {
        "node_id": "x",
        "prompt_id": prompt_id,
        "display_node_id": "x",
        "parent_node_id": None,
        "real_node_id": "x",
        "image_type": "image/jpeg",
    }
    assert door.of("progress_text") == [{"nodeId": "x", "text": "half way"}]


def test_errors_go_to_the_client_and_interruptions_to_all_without_one(door: Door) -> None:
    everybody: list[Event] = []
    door.engine.bus.subscribe(everybody.append, "other")
    prompt = {"f": node("Fail", value=1, kind="ValueError"), "s": node("Show", value=["f", 0])}
    door.engine.wait(door.engine.submit(prompt).prompt_id, 10)
    assert {event.type for event in everybody} == {"status"}
    slow = {"x": node("Slow", value=1, steps=5000), "s": node("Show", value=["x", 0])}
    submitted = door.engine.submit(slow)
    sample_nodes.GATE.wait(10)
    door.engine.interrupt()
    door.engine.wait(submitted.prompt_id, 10)
    assert "execution_interrupted" in {event.type for event in everybody}


def test_a_node_called_by_hand_needs_no_engine() -> None:
    context().progress(1, 2)
    context().text("nobody listens")
    assert sample_nodes.Slow().go(3, 2) == (3,)


def test_the_progress_of_the_running_prompt_can_be_read_and_written(door: Door) -> None:
    seen: list[Any] = []

    class Reads(sample_nodes.Node):
        INPUT_TYPES = sample_nodes.inputs({"value": ("INT", {})})
        OUTPUT_NODE = True

        def go(self, value: int) -> Any:
            progress = door.engine.current_progress()
            assert progress is not None
            progress.update("r", 2, 5, None)
            seen.append(progress.states())
            return ()

    register(door, Reads)
    assert door.engine.current_progress() is None
    door.run({"n": node("Number", value=1), "r": node("Reads", value=["n", 0])})
    assert {key: (one["state"], one["value"], one["max"]) for key, one in seen[0].items()} == {
        "n": ("finished", 1, 1),
        "r": ("running", 2, 5),
    }
    assert door.engine.current_progress() is None
