"""V3 nodes through the door of API mode: what clients read about them, prompts they send, results they fetch."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_notebook import folders as folder_module
from comfy_notebook.compat.comfy_api.latest import io, ui
from comfy_notebook.folders import Folders
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.session import Session

GROWING = io.Autogrow.Input("parts", template=io.Autogrow.TemplatePrefix(io.String.Input("part"), "part", min=1, max=5))
CASES = io.DynamicCombo.Input(
    "case", options=[io.DynamicCombo.Option("as is", []), io.DynamicCombo.Option("cut", [io.Int.Input("at", min=0)])]
)


class Glue(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Glue", inputs=[GROWING, CASES], outputs=[io.String.Output("text")], is_output_node=True
        )

    @classmethod
    async def execute(cls, parts: dict[str, str], case: dict[str, Any]) -> io.NodeOutput:
        text = "".join(parts.values())
        text = text if case["case"] == "as is" else text[: case["at"]]
        return io.NodeOutput(text, ui=ui.PreviewText(text))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    before = folder_module.current()
    session = Session(Folders(base=tmp_path_factory.mktemp("base")))
    session.registry.register(definition_from_function(Glue))
    yield f"http://127.0.0.1:{session.server.listen('127.0.0.1', 0).port}"
    session.close()
    folder_module.use(before)


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def glue(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "Glue", "inputs": {name.replace("__", "."): value for name, value in inputs.items()}}


def test_a_v3_node_from_its_description_to_its_result(url: str) -> None:
    info = ask(f"{url}/object_info/Glue")["Glue"]
    assert info["input"]["required"]["parts"][0] == "COMFY_AUTOGROW_V3"
    assert [option["key"] for option in info["input"]["required"]["case"][1]["options"]] == ["as is", "cut"]
    prompt = {
        "a": glue(parts__part0="note", parts__part1="book", case="as is"),
        "b": glue(parts__part0=["a", 0], parts__part3="!!", case="cut", case__at=6),
    }
    queued = ask(f"{url}/prompt", {"prompt": prompt})
    assert queued["node_errors"] == {}
    deadline = time.monotonic() + 20
    history: Any = {}
    while not history and time.monotonic() < deadline:
        history = ask(f"{url}/history/{queued['prompt_id']}")
        time.sleep(0.02)
    outputs = history[queued["prompt_id"]]["outputs"]
    assert outputs == {"a": {"text": ["notebook"]}, "b": {"text": ["notebo"]}}


@pytest.mark.parametrize(
    ("inputs", "errors"),
    [
        ({"case": "as is"}, [("required_input_missing", "parts.part0")]),
        ({"parts__part0": "x", "case": "cut"}, [("required_input_missing", "case.at")]),
        ({"parts__part0": "x", "case": "cut", "case__at": -3}, [("value_smaller_than_min", "case.at")]),
        ({"parts__part0": "x", "case": "melt"}, [("value_not_in_list", "case")]),
        ({"parts__part0": ["gone", 0], "case": {"deep": []}}, None),
        ({"parts": {"part0": "x"}, "case": ["as is"]}, None),
    ],
)
def test_wrong_inputs_are_told_by_their_flat_names(url: str, inputs: Any, errors: Any) -> None:
    answer = ask(f"{url}/prompt", {"prompt": {"g": glue(**inputs)}})
    assert answer["error"]["type"] == "prompt_outputs_failed_validation"
    if errors is not None:
        found = [(one["type"], one["extra_info"]["input_name"]) for one in answer["node_errors"]["g"]["errors"]]
        assert found == errors
