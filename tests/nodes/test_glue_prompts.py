"""Glue nodes as workflows use them: from the saved document through the conversion to the engine's results."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from node_prompts import node, run

from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.engine.events import Event
from comfy_notebook.protocol.object_info import all_object_info
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.workflow import from_api, to_api


def shown(engine: Engine, prompt: dict[str, Any]) -> dict[str, str]:
    """The texts that the PreviewAny nodes of ``prompt`` show."""
    entry = run(engine, prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]
    return {key: ui["text"][0] for key, ui in entry["outputs"].items()}


def test_a_switch_whose_chosen_input_is_open_skips_what_follows(engine: Engine) -> None:
    prompt = {
        "no": node("PrimitiveString", value="no"),
        "switch": node("ComfySwitchNode", switch=True, on_false=["no", 0]),
        "after": node("PreviewAny", source=["switch", 0]),
        "other": node("PreviewAny", source=["no", 0]),
    }
    assert shown(engine, prompt) == {"other": "no"}
    prompt["switch"]["inputs"]["switch"] = False
    assert shown(engine, prompt) == {"other": "no", "after": "no"}


def test_a_switch_does_not_compute_the_other_branch(engine: Engine) -> None:
    prompt = {
        "fails": node("GetItemFromList", list=["yes", 0], index=9),
        "yes": node("PrimitiveString", value="yes"),
        "switch": node("ComfySwitchNode", switch=True, on_false=["fails", 0], on_true=["yes", 0]),
        "after": node("PreviewAny", source=["switch", 0]),
    }
    assert shown(engine, prompt) == {"after": "yes"}


def combo_document(choice: dict[str, Any]) -> dict[str, Any]:
    """Three options, the second chosen, as the official templates save it."""
    return {
        "nodes": [
            {
                "id": 1,
                "type": "CustomCombo",
                "inputs": [choice],
                "widgets_values": ["Draft", 1, "Best", "Draft", "Fast", ""],
            },
            {"id": 2, "type": "PreviewAny", "inputs": [{"name": "source", "type": "*", "link": 1}]},
            {"id": 3, "type": "PreviewAny", "inputs": [{"name": "source", "type": "*", "link": 2}]},
            {"id": 4, "type": "PrimitiveString", "outputs": [{"links": [3]}], "widgets_values": ["Fast"]},
        ],
        "links": [[1, 1, 0, 2, 0, "STRING"], [2, 1, 1, 3, 0, "INT"], [3, 4, 0, 1, 0, "STRING"]],
    }


@pytest.mark.parametrize(("link", "text", "position"), [(None, "Draft", "1"), (3, "Fast", "2")])
def test_a_custom_combo_knows_the_position_of_its_choice(
    engine: Engine, registry: Registry, link: int | None, text: str, position: str
) -> None:
    choice = {"name": "choice", "type": "COMBO", "link": link, "widget": {"name": "choice"}}
    info = all_object_info(registry).get
    prompt = to_api(combo_document(choice), info).prompt
    options = {key: value for key, value in prompt["1"]["inputs"].items() if key.startswith("option")}
    assert options == {"option1": "Best", "option2": "Draft", "option3": "Fast", "option4": ""}
    assert shown(engine, prompt) == {"2": text, "3": position}
    assert to_api(from_api(prompt, info), info).prompt == prompt


def test_inputs_that_grew_reach_their_node(engine: Engine, registry: Registry) -> None:
    names = [f"values.{letter}" for letter in "abcdef"]  # a new node shows four
    slots = [{"name": name, "type": "FLOAT,INT,BOOLEAN", "link": number} for number, name in enumerate(names, 1)]
    numbers = [{"id": n, "type": "PrimitiveInt", "widgets_values": [10**n, "fixed"]} for n in range(1, 7)]
    total = {"id": 7, "type": "ComfyMathExpression", "inputs": slots, "widgets_values": ["sum(values) + f"]}
    shows = {"id": 8, "type": "PreviewAny", "inputs": [{"name": "source", "type": "*", "link": 7}]}
    links = [[n, n, 0, 7, n - 1, "INT"] for n in range(1, 7)]
    document = {"nodes": [*numbers, total, shows], "links": [*links, [7, 7, 1, 8, 0, "INT"]]}
    info = all_object_info(registry).get
    prompt = to_api(document, info).prompt
    assert [prompt["7"]["inputs"][name] for name in names] == [[str(n), 0] for n in range(1, 7)]
    assert shown(engine, prompt) == {"8": "2111110"}
    assert to_api(from_api(prompt, info), info).prompt == prompt


def test_cancel_does_not_wait_for_a_runaway_pattern(engine: Engine) -> None:
    pattern = node("RegexMatch", string="a" * 60 + "!", regex_pattern="(a|aa)+$", case_insensitive=False)
    pattern["inputs"] |= {"multiline": False, "dotall": False}
    submission = engine.submit({"1": pattern, "2": node("PreviewAny", source=["1", 0])})
    threading.Timer(0.2, engine.interrupt).start()
    started = time.monotonic()
    entry = engine.wait(submission.prompt_id, timeout=30)
    assert "execution_interrupted" in dict(entry["status"]["messages"])
    assert time.monotonic() - started < 2, "the search itself gives up after 5 s"


def test_websocket_images_are_sent_whole(engine: Engine, bus: EventBus) -> None:
    events: list[Event] = []
    bus.subscribe(events.append)
    images = node("EmptyImage", width=600, height=8, batch_size=3, color=0x336699)
    prompt = {"1": images, "2": node("SaveImageWebsocket", images=["1", 0])}
    engine.wait(engine.submit(prompt, client_id="me").prompt_id, timeout=60)
    sent = [event for event in events if event.type == "b_preview_with_metadata"]
    assert len(sent) == 3
    assert {event.data["image_type"] for event in sent} == {"image/png"}
    assert all(bytes(event.buffers[0]).startswith(b"\x89PNG") for event in sent)
