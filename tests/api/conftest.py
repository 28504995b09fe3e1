"""A session of its own for each test, in an empty folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import folders as folder_module
from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.session import Session


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before_folders, before_session = folder_module._current, sessions._current
    session = sessions.use(Session(Folders(base=tmp_path, temp=tmp_path / "temp")))
    yield session
    session.close()
    folder_module._current, sessions._current = before_folders, before_session


#: EmptyImage (8 x 4, one colour) → Invert → Save and Preview.
INVERT: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 4, "batch_size": 1, "color": 0xFF00FF}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "inverted"}},
    "4": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}, "_meta": {"title": "Before"}},
}


class Served:
    """A server process, started as a script starts it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.started = time.monotonic()
        command = [sys.executable, "-m", "comfy_notebook.cli", "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        line = ""
        while not line.startswith("To see the GUI go to:"):  # packs may print before
            line = self.process.stdout.readline()
            assert line, "the server ended"
        self.url = line.rsplit(" ", 1)[-1].strip()

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        data = None if body is None else json.dumps(body).encode()
        address, _, query = self.url.partition("?")
        request = urllib.request.Request(f"{address}{path}" + (f"?{query}" if query else ""), data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null"), answer.headers
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read()), refused.headers

    def run(self, prompt: dict[str, Any]) -> dict[str, Any]:
        prompt_id = self.ask("prompt", {"prompt": prompt})[1]["prompt_id"]
        end = time.monotonic() + 60
        while not (found := self.ask(f"history/{prompt_id}")[1]):
            assert time.monotonic() < end
            time.sleep(0.05)
        return dict(found[prompt_id])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    running: list[Served] = []

    def start(*arguments: str) -> Served:
        running.append(Served(tmp_path, *arguments))
        return running[-1]

    yield start
    for served in running:
        served.process.kill()
        served.process.wait(10)
