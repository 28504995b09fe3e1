"""A session of its own for each test, in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
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
