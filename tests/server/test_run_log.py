"""What a server process logs of its prompts."""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
import pytest

from comfy_notebook.engine.history import HistoryEntry
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.server.run_log import log_run
from comfy_notebook.session import Session


class Breaks:
    """Fails."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"
    CATEGORY = "test"

    def go(self) -> tuple[str]:
        raise ValueError("no luck today")


SHOW = {"class_type": "Show", "inputs": {"text": ["1", 0]}}
PROMPTS = [
    (
        {"1": {"class_type": "Say", "inputs": {"text": "a"}}, "2": SHOW},
        ["got prompt {id}", "prompt {id} is done after"],
    ),
    (
        {"1": {"class_type": "Breaks", "inputs": {}}, "2": SHOW},
        ["got prompt {id}", "node 1 (Breaks) of prompt {id} failed: ValueError: no luck today", 'raise ValueError("no'],
    ),
]


def broken_listener(entry: HistoryEntry) -> None:
    raise RuntimeError("a listener that fails")


@pytest.mark.parametrize(("prompt", "lines"), PROMPTS, ids=["done", "failed"])
async def test_prompts_are_logged_also_where_no_client_listens(
    client: aiohttp.ClientSession,
    session: Session,
    caplog: pytest.LogCaptureFixture,
    prompt: dict[str, Any],
    lines: list[str],
) -> None:
    session.registry.register(definition_from_class("Breaks", Breaks))
    session.engine.when_ended += [broken_listener, log_run]
    with caplog.at_level(logging.INFO, "comfy_notebook"):
        answer = await (await client.post("/prompt", json={"prompt": prompt})).json()
        session.engine.wait(answer["prompt_id"], 20)
    for line in lines:
        assert line.format(id=answer["prompt_id"]) in caplog.text
    errors = [record for record in caplog.records if record.levelno == logging.ERROR and "run_log" in record.name]
    assert len(errors) == ("Breaks" in str(prompt))


async def test_what_is_refused_is_logged(client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "comfy_notebook"):
        response = await client.post("/prompt", json={"prompt": {"1": {"class_type": "Nothing", "inputs": {}}}})
    assert response.status == 400
    assert "refused a prompt: Node 'Nothing' is not installed" in caplog.text
