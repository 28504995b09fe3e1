"""Very large graphs: work grows with the number of nodes, not with its square. CPU time, so a busy machine passes."""

from __future__ import annotations

import time
from typing import Any

from comfy_notebook import Workflow
from comfy_notebook.api.script import variable_names
from comfy_notebook.session import Session

NODES = 20_000


def _chain(count: int) -> dict[str, Any]:
    nodes = [
        {
            "id": number,
            "type": "ImageInvert",
            "pos": [number % 200 * 200, number // 200 * 100],
            "size": [180, 60],
            "inputs": [{"name": "image", "type": "IMAGE", "link": number if number > 1 else None}],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [number + 1]}],
            "widgets_values": [],
        }
        for number in range(1, count + 1)
    ]
    links = [[number, number - 1, 0, number, 0, "IMAGE"] for number in range(2, count + 1)]
    return {"nodes": nodes, "links": links, "version": 0.4}


def test_a_graph_of_twenty_thousand_nodes_loads_in_seconds(session: Session) -> None:
    source = _chain(NODES)
    begun = time.process_time()
    workflow = Workflow(source, session=session)
    assert time.process_time() - begun < 4  # about 0.6 s on one quiet core
    assert len(workflow) == NODES


def test_the_loaded_graph_is_a_copy(session: Session) -> None:
    source = _chain(3)
    workflow = Workflow(source, session=session)
    again = Workflow(workflow, session=session)
    workflow.document["nodes"][0]["inputs"][0]["name"] = "changed"
    assert source == _chain(3)
    assert again.document["nodes"][0]["inputs"][0]["name"] == "image"


def test_names_in_a_script_stay_linear_and_unique() -> None:
    prompt: dict[str, Any] = {str(number): {"class_type": "ImageInvert"} for number in range(40_000)}
    prompt |= {"a-1": {"class_type": "X"}, "a_1": {"class_type": "X"}, "a+1": {"class_type": "X"}}
    begun = time.process_time()
    names = variable_names(prompt)
    assert time.process_time() - begun < 4  # comparing each with all others takes more than ten
    assert len(set(names.values())) == len(prompt)
