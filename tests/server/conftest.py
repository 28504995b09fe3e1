"""One application in two ways in: every test that takes ``client`` runs over a socket pair and over TCP."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from PIL import Image

from comfy_notebook import folders as folder_module
from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.protocol.context import context
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.session import Session


class Say:
    """A text, joined to the one that comes in."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"text": ("STRING", {"default": "a"})},
            "optional": {"before": ("STRING", {"forceInput": True})},
        }

    RETURN_TYPES = ("STRING",)
    FUNCTION = "say"
    CATEGORY = "test"

    def say(self, text: str, before: str = "") -> tuple[str]:
        return (before + text,)


class Show:
    """Shows a text."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"text": ("STRING", {"forceInput": True})}}

    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True
    CATEGORY = "test"

    def show(self, text: str) -> dict[str, Any]:
        return {"ui": {"text": [text]}}


class Steps:
    """Works for ``steps`` steps of 20 ms, each with a preview, then gives its seed as a text; steps < 0 fails."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        seed = ("INT", {"default": 0, "min": 0, "max": 1000})
        return {"required": {"steps": ("INT", {"default": 3, "min": -1, "max": 10000}), "seed": seed}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "work"
    CATEGORY = "test"

    def work(self, steps: int, seed: int) -> tuple[str]:
        if steps < 0:
            raise ValueError("there is no negative work")
        for step in range(steps):
            time.sleep(0.02)
            context().progress(step + 1, steps, Image.new("RGB", (8, 8), (step % 255, 0, 0)))
        return (str(seed),)


def register_test_nodes(registry: Registry) -> None:
    for cls in (Say, Show, Steps):
        registry.register(definition_from_class(cls.__name__, cls, cls.__name__, "tests"))


SAY_SHOW = {
    "1": {"class_type": "Say", "inputs": {"text": "hello"}},
    "2": {"class_type": "Show", "inputs": {"text": ["1", 0]}},
}


def steps_prompt(steps: int, seed: int = 0) -> dict[str, Any]:
    return {
        "1": {"class_type": "Steps", "inputs": {"steps": steps, "seed": seed}},
        "2": {"class_type": "Show", "inputs": {"text": ["1", 0]}},
    }


def say_show_document() -> dict[str, Any]:
    """Say → Show as the editor saves it."""
    say = {
        "id": 1, "type": "Say", "pos": [0, 0], "size": [200, 60], "flags": {}, "order": 0, "mode": 0,
        "inputs": [{"name": "text", "type": "STRING", "widget": {"name": "text"}, "link": None}],
        "outputs": [{"name": "STRING", "type": "STRING", "links": [1]}],
        "properties": {}, "widgets_values": ["hello"], "title": "Greeting",
    }  # fmt: skip
    show = {
        "id": 2, "type": "Show", "pos": [300, 0], "size": [200, 60], "flags": {}, "order": 1, "mode": 0,
        "inputs": [{"name": "text", "type": "STRING", "link": 1}], "outputs": [], "properties": {},
    }  # fmt: skip
    return {
        "last_node_id": 2, "last_link_id": 1, "nodes": [say, show], "links": [[1, 1, 0, 2, 0, "STRING"]],
        "groups": [], "config": {}, "extra": {}, "version": 0.4,
    }  # fmt: skip


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before_folders, before_session = folder_module._current, sessions._current
    session = sessions.use(Session(Folders(base=tmp_path, temp=tmp_path / "temp"), max_upload_size=1024 * 1024))
    register_test_nodes(session.registry)
    yield session
    session.close()
    folder_module._current, sessions._current = before_folders, before_session


class PairConnector(aiohttp.BaseConnector):
    """Connections made by ``Server.connect``."""

    allowed_protocol_schema_set = frozenset({"http", "ws"})

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: ResponseHandler(loop), sock=self._session.server.connect())
        return protocol


@pytest.fixture(params=["pair", "tcp"])
async def client(request: pytest.FixtureRequest, session: Session) -> AsyncIterator[aiohttp.ClientSession]:
    if request.param == "pair":
        http = aiohttp.ClientSession("http://notebook", connector=PairConnector(session))
    else:
        http = aiohttp.ClientSession(session.server.listen(port=0).url)
    async with http:
        yield http


@pytest.fixture
async def pair(session: Session) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession("http://notebook", connector=PairConnector(session)) as http:
        yield http


def png_bytes(color: tuple[int, ...] = (255, 0, 0), size: tuple[int, int] = (4, 3), **save: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA" if len(color) == 4 else "RGB", size, color).save(buffer, "PNG", **save)
    return buffer.getvalue()


async def finished(http: aiohttp.ClientSession, prompt_id: str, seconds: float = 20) -> dict[str, Any]:
    """The history item of a prompt, once it is there."""
    for _ in range(int(seconds / 0.02)):
        async with http.get(f"/history/{prompt_id}") as response:
            found = await response.json()
        if prompt_id in found:
            return dict(found[prompt_id])
        await asyncio.sleep(0.02)
    raise AssertionError(f"{prompt_id} did not finish in {seconds} s")
