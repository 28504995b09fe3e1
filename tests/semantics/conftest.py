"""One session with the pack, entered through every door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import folders as folder_module
from comfy_notebook import session as sessions
from comfy_notebook.compat.extensions import read_extension, read_mappings
from comfy_notebook.folders import Folders
from comfy_notebook.session import Session

from ..widget.conftest import RecordingComm
from . import pack
from .doors import Door, Http, InProcess, Widget


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    base: Path = tmp_path_factory.mktemp("base")
    before = sessions._current, folder_module._current
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        patch.setenv("XDG_STATE_HOME", str(base / "state"))
        made = sessions.use(Session(Folders(base=base, temp=base / "temp")))
        for found in (
            read_mappings(pack.NODE_CLASS_MAPPINGS, None, "custom_nodes.semantics"),
            read_extension(pack.comfy_entrypoint, "custom_nodes.semantics"),
        ):
            assert found.failed == {}
            for definition in found.definitions:
                made.registry.register(definition)
        yield made
        made.close()
    sessions._current, folder_module._current = before


@pytest.fixture(scope="module")
def doors(session: Session) -> Iterator[list[Door]]:
    """Every way in; the widget's only where the front end is built."""
    import comm

    from comfy_notebook.widget import assets

    opened: list[RecordingComm] = []

    def create(*_: Any, **kwargs: Any) -> RecordingComm:
        opened.append(RecordingComm(**kwargs))
        return opened[-1]

    ways: list[Door] = [InProcess(session), Http(session)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comm, "create_comm", create)
        if assets.PATH.is_file():
            ways.append(Widget(opened))
        yield ways
