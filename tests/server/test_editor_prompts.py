"""What the packs of an open editor ask of it: documents converted as they show them, prompts queued as the editor's."""

from __future__ import annotations

import copy
from typing import Any

import aiohttp
import pytest

from comfy_notebook.session import Session

from .conftest import SAY_SHOW, finished, say_show_document


async def test_a_document_is_converted_without_becoming_the_editors(
    client: aiohttp.ClientSession, session: Session
) -> None:
    editor = session.editors.create(say_show_document(), name="a")
    shown = say_show_document()
    shown["nodes"][0]["widgets_values"] = {"text": "by name"}
    body = {"document": shown, "values": {"1": {"before": ["a", "list"]}}}
    answer = await (await client.post(f"/cn/editors/{editor.id}/convert", json=body)).json()
    assert answer["prompt"]["1"]["inputs"] == {"text": "by name", "before": {"__value__": ["a", "list"]}}
    assert answer["prompt"]["2"]["inputs"] == {"text": ["1", 0]}
    assert answer["warnings"] == []
    assert answer["missing"] == {}
    assert editor.rev == 0
    assert editor.document["nodes"][0]["widgets_values"] == ["hello"]


async def test_unknown_types_are_named(client: aiohttp.ClientSession, session: Session) -> None:
    editor = session.editors.create(say_show_document(), name="a")
    shown = say_show_document()
    shown["nodes"][0]["type"] = "Elsewhere"
    answer = await (await client.post(f"/cn/editors/{editor.id}/convert", json={"document": shown})).json()
    assert answer["missing"] == {"Elsewhere": ["1"]}
    assert "Elsewhere" in answer["warnings"][0]


@pytest.mark.parametrize(
    "body",
    [{}, {"document": 3}, {"document": {"nodes": []}, "values": [1]}, {"document": {"nodes": []}, "values": {"1": 2}}],
)
async def test_what_is_no_document_is_refused(client: aiohttp.ClientSession, session: Session, body: Any) -> None:
    editor = session.editors.create(say_show_document(), name="a")
    assert (await client.post(f"/cn/editors/{editor.id}/convert", json=body)).status == 400


async def test_prompts_with_the_editors_client_id_are_its_runs(client: aiohttp.ClientSession, session: Session) -> None:
    editor = session.editors.create(say_show_document(), name="a")
    workflow = {**say_show_document(), "extra": {"note": "as the pack shows it"}}
    body = {
        "prompt": copy.deepcopy(SAY_SHOW),
        "client_id": editor.id,
        "extra_data": {"extra_pnginfo": {"workflow": workflow}},
    }
    answer = await (await client.post("/prompt", json=body)).json()
    await finished(client, answer["prompt_id"])
    results = editor.describe()["results"]
    assert results["run"]["prompt_id"] == answer["prompt_id"]
    assert results["run"]["state"] == "success"
    assert "2" in results["outputs"]
    entry = await (await client.get(f"/history/{answer['prompt_id']}")).json()
    assert entry[answer["prompt_id"]]["prompt"][3]["extra_pnginfo"]["workflow"] == workflow


async def test_a_prompt_of_the_editor_that_is_refused_marks_its_nodes(
    client: aiohttp.ClientSession, session: Session
) -> None:
    editor = session.editors.create(say_show_document(), name="a")
    prompt = copy.deepcopy(SAY_SHOW)
    del prompt["1"]["inputs"]["text"]
    reply = await client.post(
        "/prompt", json={"prompt": prompt, "client_id": editor.id, "extra_data": {"extra_pnginfo": 7}}
    )
    assert reply.status == 400
    assert "1" in editor.describe()["results"]["errors"]


async def test_results_behind_nodes_that_only_scripts_know_are_not_stale(
    client: aiohttp.ClientSession, session: Session
) -> None:
    shown = say_show_document()
    shown["nodes"].append({"id": 3, "type": "OfAScript", "outputs": [{"name": "out", "type": "STRING", "links": [2]}]})
    shown["nodes"][1]["inputs"][0]["link"] = 2
    shown["links"] = [[2, 3, 0, 2, 0, "STRING"]]
    editor = session.editors.create(shown, name="a")
    body = {"prompt": copy.deepcopy(SAY_SHOW), "client_id": editor.id}
    answer = await (await client.post("/prompt", json=body)).json()
    await finished(client, answer["prompt_id"])
    editor.apply({"nodes": {"set": [{**shown["nodes"][0], "pos": [9, 9]}]}}, "v")
    editor.refresh_stale()
    assert editor.describe()["results"]["stale"] == []
