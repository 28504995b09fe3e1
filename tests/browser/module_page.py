"""What tests of packs' JavaScript share: a page that has loaded a session's packs, without a graph."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Frame

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.packs.files import PackFiles
from comfy_notebook.server import bundle
from comfy_notebook.session import Session
from comfy_notebook.widget.view import BridgedWidget

from .harness import EditorPage, OpenPage

JS = Path(__file__).parents[2] / "js"
WritePack = Callable[[str, dict[str, "str | bytes"]], PackFiles]
OpenPacks = Callable[..., Any]


#: The notebook page of these tests has no icon.
NO_ICON = "error: Failed to load resource: the server responded with a status of 404 (Not Found)"


def complaints(page: EditorPage) -> list[str]:
    """Warnings and errors in the console."""
    return [line for line in page.console if line.startswith(("warning", "error")) and line != NO_ICON]


@pytest.fixture(scope="package")
def modules_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the loader, the network and ``api`` alone."""
    out = tmp_path_factory.mktemp("modules") / "editor.js"
    flags = ["--bundle", "--format=iife", "--global-name=comfyNotebookEditor", "--target=es2022", "--log-level=error"]
    command = [str(JS / "node_modules/.bin/esbuild"), "dev/modules.ts", *flags, f"--outfile={out}"]
    subprocess.run(command, cwd=JS, check=True)
    return out


@pytest.fixture
def packs_session(tmp_path: Path, modules_script: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(bundle, "PATH", modules_script)
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path)))
    yield made
    made.close()
    sessions._current = before


@pytest.fixture
def write_pack(packs_session: Session, tmp_path: Path) -> WritePack:
    """``write_pack(name, {file: content})``: a pack whose front-end folder holds these files."""

    def write(name: str, files: dict[str, str | bytes]) -> PackFiles:
        folder = tmp_path / "custom_nodes" / name
        for file, content in files.items():
            path = folder / "js" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        pack = PackFiles(name, folder, folder / "js")
        packs_session.packs.add(pack)
        return pack

    return write


@pytest.fixture
def packs_page(packs_session: Session, editor_page: OpenPage) -> OpenPacks:
    """A page that has loaded the session's packs: ``with packs_page() as (page, frame): …``."""

    @contextmanager
    def opened(variant: str = "plain") -> Iterator[tuple[EditorPage, Frame]]:
        widget = BridgedWidget(
            editor_id="e1", endpoint=packs_session.server, bus=packs_session.bus, bundle=bundle.digest
        )
        with editor_page(widget, variant=variant) as page:
            frame = page.editor()
            frame.wait_for_function("window.report", timeout=30_000)
            yield page, frame

    return opened
