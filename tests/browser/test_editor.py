"""The real editor through the real widget: it shows the graph, runs it, follows Python, in every kind of host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.server import bundle
from comfy_notebook.session import Session
from comfy_notebook.widget import Editor

from ..widget.test_editor import GRAPH
from .harness import ROOT, VARIANTS, OpenPage

VIEW = f"{ROOT}.comfyNotebook.view"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    if not bundle.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path)))
    yield made
    made.close()
    sessions._current = before


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_graph_appears_and_python_reaches_it(session: Session, editor_page: OpenPage, variant: str) -> None:
    editor = Editor(GRAPH, name=variant)
    with editor_page(editor, variant=variant) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        editor["Red"].width = 64
        realm.wait_for_function(f"{VIEW}.serialize().nodes[0].widgets_values[0] === 64")
        assert page.errors == []


def test_a_run_from_python_shows_its_picture_in_the_view(
    session: Session, editor_page: OpenPage, tmp_path: Path
) -> None:
    editor = Editor(GRAPH, name="run")
    with editor_page(editor) as page:
        realm = page.editor()
        realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        results = editor.run().result(timeout=60)
        assert results["Seen"].image.size == (32, 16)
        page.page.wait_for_timeout(1000)
        page.screenshot(tmp_path / "run.png")
        x, y = page.client_pos(node=3)
        assert (x, y) != (0, 0)


def test_two_editors_on_a_page_keep_to_themselves(session: Session, editor_page: OpenPage) -> None:
    first, second = Editor(GRAPH, name="one"), Editor(json.loads(json.dumps(GRAPH)), name="two")
    with editor_page(first, second) as page:
        realms = [page.editor(0), page.editor(1)]
        for realm in realms:
            realm.wait_for_function(f"{VIEW}.serialize().nodes.length === 3")
        first["Red"].width = 100
        realms[0].wait_for_function(f"{VIEW}.serialize().nodes[0].widgets_values[0] === 100")
        assert realms[1].evaluate(f"{VIEW}.serialize().nodes[0].widgets_values[0]") == 32


def test_eight_runs_of_a_cell_leave_one_frame_of_the_real_editor(session: Session, editor_page: OpenPage) -> None:
    with editor_page(Editor(GRAPH, name="n")) as page:
        page.editor()
        before = page.frame_count()
        for _ in range(8):
            fresh = Editor(GRAPH, name="n")
            page.page.evaluate("for (const model of notebook.models.values()) model.close()")
            page.display(fresh)
            page.editor()
        page.page.wait_for_timeout(500)
        assert page.frame_count() <= before
        assert page.errors == []
