"""Edits follow a workflow file that was moved; a closed editor says so."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import Editor
from comfy_notebook.session import Session

DOCUMENT: dict[str, Any] = {
    "nodes": [{"id": 1, "type": "EmptyImage", "pos": [0, 0], "size": [200, 100], "widgets_values": [8, 9, 1, 0]}],
    "links": [],
    "version": 0.4,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def _edit(session: Session, path: str, width: int) -> None:
    editor = Editor(path, session=session)
    editor["EmptyImage"].width = width
    editor.close()


def test_edits_follow_a_renamed_file(session: Session) -> None:
    Path("w.json").write_text(json.dumps(DOCUMENT))
    _edit(session, "w.json", 33)
    Path("w.json").rename("moved.json")
    editor = Editor("moved.json", session=session)
    assert editor["EmptyImage"].width == 33
    assert len(editor.notices) == 1
    assert "w.json" in editor.notices[0]
    editor.close()
    again = Editor("moved.json", session=session)  # now they are its own
    assert again["EmptyImage"].width == 33
    assert again.notices == []
    again.close()
    shutil.copy("moved.json", "w.json")  # another file of the old name begins anew
    fresh = Editor("w.json", session=session)
    assert fresh["EmptyImage"].width == 8
    fresh.close()


def test_a_copy_begins_without_the_edits_of_its_original(session: Session) -> None:
    Path("w.json").write_text(json.dumps(DOCUMENT))
    _edit(session, "w.json", 33)
    shutil.copy("w.json", "copy.json")
    editor = Editor("copy.json", session=session)
    assert editor["EmptyImage"].width == 8
    assert editor.notices == []
    editor.close()


def test_a_moved_file_that_was_changed_shows_itself(session: Session) -> None:
    Path("w.json").write_text(json.dumps(DOCUMENT))
    _edit(session, "w.json", 33)
    Path("w.json").unlink()
    changed = copy.deepcopy(DOCUMENT)
    changed["nodes"][0]["widgets_values"][0] = 5
    Path("moved.json").write_text(json.dumps(changed))
    editor = Editor("moved.json", session=session)
    assert editor["EmptyImage"].width == 5
    editor.close()


@pytest.mark.parametrize("damage", ["{", '"document":[]', ""])
def test_damaged_autosaves_of_others_do_no_harm(session: Session, damage: str) -> None:
    Path("w.json").write_text(json.dumps(DOCUMENT))
    _edit(session, "w.json", 33)
    saved = next(Path(".comfy_notebook").glob("w-*.json"))
    saved.write_text(saved.read_text()[:150] + damage)
    Path("w.json").rename("moved.json")
    editor = Editor("moved.json", session=session)
    assert editor["EmptyImage"].width == 8
    editor.close()


def test_notices_tell_what_was_odd_about_the_file(session: Session) -> None:
    editor = Editor({**DOCUMENT, "extra": 3}, session=session)
    assert editor.notices == ["'extra' was 3, not an object; it was left out."]
    editor.close()


def test_a_closed_editor_says_so(session: Session) -> None:
    editor = Editor(DOCUMENT, session=session)
    assert "closed" not in repr(editor)
    editor.close()
    assert repr(editor).endswith("1 nodes, closed>")
    data, _ = editor._repr_mimebundle_()
    assert list(data) == ["text/plain"]
    assert "This editor is closed" in data["text/plain"]
