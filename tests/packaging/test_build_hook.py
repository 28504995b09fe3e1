"""The build hook builds the front end when it must, and only then."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from .environments import ROOT


@pytest.fixture
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("js/src/editor/index.ts", "js/build.mjs", "js/package-lock.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("source")
        os.utime(file, (1_000, 1_000))
    for name in ("shell.js", "packs.js", "editor.js"):
        file = tmp_path / "comfy_notebook" / "static" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("built")
        os.utime(file, (2_000, 2_000))
    return tmp_path


def test_built_files_newer_than_the_sources_are_current(hook: ModuleType, project: Path) -> None:
    assert hook.is_current(project)


def test_a_changed_source_asks_for_a_build(hook: ModuleType, project: Path) -> None:
    os.utime(project / "js/src/editor/index.ts", (3_000, 3_000))
    assert not hook.is_current(project)


def test_a_missing_built_file_asks_for_a_build(hook: ModuleType, project: Path) -> None:
    (project / "comfy_notebook/static/shell.js").unlink()
    assert not hook.is_current(project)


def test_without_node_the_message_says_what_to_do(
    hook: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(RuntimeError, match="Install Node"):
        hook.build_front_end(project)
