"""Which shown results are marked stale: after edits, after runs of one branch, never for what moves by itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from comfy_notebook.server.editors import EditorState
from comfy_notebook.session import Session
from comfy_notebook.workflow import patch

from .conftest import say_show_document, steps_prompt
from .test_editors import Heard, eventually


def two_branches() -> dict[str, Any]:
    """Say 1 → Show 2 and Say 3 → Show 4."""
    document = say_show_document()
    say, show = copy.deepcopy(document["nodes"])
    say.update(id=3, title="Other", outputs=[{"name": "STRING", "type": "STRING", "links": [2]}])
    show.update(id=4, inputs=[{"name": "text", "type": "STRING", "link": 2}])
    document["nodes"] += [say, show]
    document["links"].append([2, 3, 0, 4, 0, "STRING"])
    return document


def set_values(editor: EditorState, node_id: int, values: list[Any]) -> None:
    edited = copy.deepcopy(editor.document)
    next(node for node in edited["nodes"] if node["id"] == node_id)["widgets_values"] = values
    editor.apply(patch.diff(editor.document, edited))


def run(session: Session, editor: EditorState, **options: Any) -> str:
    prompt_id = editor.run(**options).prompt_id
    session.engine.wait(prompt_id, 10)
    eventually(lambda: editor.describe()["results"]["run"]["state"] == "success")
    session.editors.flush()
    return prompt_id


def stale(session: Session, editor: EditorState) -> list[str]:
    session.editors.flush()
    return list(editor.describe()["results"]["stale"])


def test_an_edit_marks_the_shown_results_that_depend_on_it(session: Session) -> None:
    editor = session.editors.create(two_branches(), "one")
    heard = Heard(session, editor)
    set_values(editor, 1, ["before any run"])
    assert stale(session, editor) == []
    run(session, editor)
    set_values(editor, 1, ["edited"])
    assert eventually(lambda: heard.data("cn.stale")) == [{"editor": editor.id, "nodes": ["2"]}]
    set_values(editor, 1, ["before any run"])
    assert stale(session, editor) == [], "edited back"
    moved = copy.deepcopy(editor.document)
    moved["nodes"][0]["pos"] = [500, 500]
    editor.apply(patch.diff(editor.document, moved))
    assert stale(session, editor) == [], "where a node stands changes no result"


def test_a_run_of_one_branch_leaves_the_other_as_it_was(session: Session) -> None:
    editor = session.editors.create(two_branches(), "one")
    first = run(session, editor)
    set_values(editor, 1, ["new"])
    set_values(editor, 3, ["also new"])
    assert stale(session, editor) == ["2", "4"]
    second = run(session, editor, targets=["4"])
    assert stale(session, editor) == ["2"]
    assert editor.describe()["results"]["outputs"] == {"2": {"text": ["hello"]}, "4": {"text": ["also new"]}}
    assert editor.last_run.shown_by() == {"2": first, "4": second}
    run(session, editor)
    assert stale(session, editor) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([1, 8, "randomize"], []),
        ([1, 8, "increment"], []),
        ([2, 7, "randomize"], ["2"]),
        ([1, 8, "fixed"], ["2"]),
    ],
)
def test_a_seed_that_moves_on_makes_nothing_stale(session: Session, after: list[Any], expected: list[str]) -> None:
    document = say_show_document()
    document["nodes"][0].update(type="Steps", inputs=[], widgets_values=[1, 7, "randomize"])
    editor = session.editors.create(document, "one")
    run(session, editor)
    set_values(editor, 1, after)
    assert stale(session, editor) == expected


def test_values_for_one_run_mark_nothing(session: Session) -> None:
    editor = session.editors.create(say_show_document(), "one")
    submission = editor.run(values={"1": {"text": "for once"}})
    session.engine.wait(submission.prompt_id, 10)
    assert stale(session, editor) == []


def test_a_waiting_prompt_that_is_taken_out_is_told(session: Session) -> None:
    document = say_show_document()
    document["nodes"][0].update(type="Steps", inputs=[], widgets_values=[500, 0, "fixed"])
    editor = session.editors.create(document, "one")
    heard = Heard(session, editor)
    running = session.engine.submit(steps_prompt(500, 1), client_id="somebody").prompt_id
    waiting = editor.run().prompt_id
    other = editor.run().prompt_id
    session.engine.queue.remove([other])
    assert editor.describe()["results"]["run"]["state"] == "queued", "the first one still waits"
    session.engine.queue.remove([waiting])
    assert [data["prompt_id"] for data in heard.data("cn.prompt_dropped")] == [other, waiting]
    assert editor.describe()["results"]["run"]["state"] == "interrupted"
    session.engine.interrupt(running)
