from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.packs.loader import PackLoader
from comfy_notebook.session import Session

EXAMPLES = Path(__file__).parent / "examples"
WritePack = Callable[..., Path]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    modules, path = set(sys.modules), list(sys.path)
    made = sessions.use(Session(Folders(base=tmp_path, temp=tmp_path / "temp")))
    yield made
    made.close()
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(str(tmp_path)) or "_x_" in name:
            del sys.modules[name]


@pytest.fixture
def loader(session: Session) -> PackLoader:
    return session.pack_loader


@pytest.fixture
def write_pack(tmp_path: Path) -> WritePack:
    """``write_pack(name, source, **other files)`` → the folder below ``custom_nodes``."""

    def write(name: str, source: str, files: dict[str, str] | None = None) -> Path:
        folder = tmp_path / "custom_nodes" / name
        for file, text in {"__init__.py": source, **(files or {})}.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write


def node_source(name: str = "Answer", value: int = 42) -> str:
    """A pack with one node that gives a number."""
    return f"""
class {name}:
    INPUT_TYPES = classmethod(lambda cls: {{"required": {{}}}})
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    def run(self):
        return ({value},)
NODE_CLASS_MAPPINGS = {{"{name}": {name}}}
"""
