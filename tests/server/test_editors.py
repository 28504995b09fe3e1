"""The open editors: documents in step, runs and their results, stale nodes, edits that come back."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from comfy_notebook.engine.events import Event
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.server.autosave import Autosave
from comfy_notebook.server.editors import EditorState
from comfy_notebook.session import Session
from comfy_notebook.workflow import WorkflowError, patch

from .conftest import SAY_SHOW, Say, finished, png_bytes, say_show_document


class Heard:
    """What the views of an editor hear."""

    def __init__(self, session: Session, editor: EditorState | None = None) -> None:
        self.events: list[Event] = []
        self.stop = session.bus.subscribe(self.events.append, editor.id if editor else "nobody")

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [dict(event.data) for event in self.events if event.type == kind]


def eventually(condition: Callable[[], Any], seconds: float = 10) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return found


def with_text(document: dict[str, Any], text: str) -> dict[str, Any]:
    edited = copy.deepcopy(document)
    edited["nodes"][0]["widgets_values"] = [text]
    return edited


def edit(editor: EditorState, text: str, view: str = "v") -> int:
    return editor.apply(patch.diff(editor.document, with_text(editor.document, text)), view)


def write_workflow(path: Path, document: dict[str, Any] | None = None) -> Path:
    path.write_text(json.dumps(document or say_show_document()))
    return path


async def test_patches_move_every_view_and_two_editors_stay_apart(
    client: aiohttp.ClientSession, session: Session
) -> None:
    one = session.editors.create(say_show_document(), "one")
    two = session.editors.create(say_show_document(), "two")
    heard, other = Heard(session, one), Heard(session, two)
    shown = await (await client.get(f"/cn/editors/{one.id}/document")).json()
    assert (shown["rev"], shown["document"]["nodes"][0]["title"]) == (0, "Greeting")
    change = patch.diff(shown["document"], with_text(shown["document"], "edited"))
    sent = {"view": "v1", "base": 0, "patch": change}
    answer = await client.post(f"/cn/editors/{one.id}/patch", json=sent)
    assert (answer.status, await answer.json()) == (200, {"rev": 1})
    assert heard.data("cn.document") == [{"editor": one.id, "rev": 1, "patch": change, "view": "v1"}]
    assert other.events == []
    assert one.document["nodes"][0]["widgets_values"] == ["edited"]
    assert two.document["nodes"][0]["widgets_values"] == ["hello"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"view": "v", "base": 0, "patch": {"nodes": {"set": [5]}}}, 409),
        ({"view": "v", "base": 0, "patch": 5}, 400),
        ({"view": "v", "base": "x", "patch": {}}, 400),
        ([], 400),
    ],
)
async def test_bad_patches_change_nothing(
    pair: aiohttp.ClientSession, session: Session, body: Any, status: int
) -> None:
    editor = session.editors.create(say_show_document(), "one")
    async with pair.post(f"/cn/editors/{editor.id}/patch", json=body) as response:
        assert response.status == status
        await response.json()
    assert (editor.rev, editor.document["nodes"][0]["widgets_values"]) == (0, ["hello"])


async def test_open_replaces_and_older_patches_are_refused(client: aiohttp.ClientSession, session: Session) -> None:
    editor = session.editors.create(say_show_document(), "one")
    heard = Heard(session, editor)
    data = json.dumps(with_text(say_show_document(), "opened")).encode()
    answer = await client.post(f"/cn/editors/{editor.id}/open?name=new%20one.json", data=data)
    assert await answer.json() == {"rev": 1, "warnings": []}
    assert (editor.title, editor.document["nodes"][0]["widgets_values"]) == ("new one", ["opened"])
    assert heard.data("cn.document_reset") == [{"editor": editor.id, "rev": 1}]
    late = await client.post(f"/cn/editors/{editor.id}/patch", json={"view": "v", "base": 0, "patch": {}})
    assert (late.status, (await late.json())["rev"]) == (409, 1)
    for bad in (b"", b'{"nodes": [', b"[]", png_bytes(), b"\0\1\2"):
        refused = await client.post(f"/cn/editors/{editor.id}/open", data=bad)
        assert refused.status == 400
        assert (await refused.json())["error"]["message"]
    assert editor.document["nodes"][0]["widgets_values"] == ["opened"]


async def test_export_gives_the_document_and_the_prompt(pair: aiohttp.ClientSession, session: Session) -> None:
    editor = session.editors.create(say_show_document(), 'a/"b')
    ui = await pair.get(f"/cn/editors/{editor.id}/export?format=ui")
    assert (await ui.json())["nodes"][0]["title"] == "Greeting"
    assert ui.headers["Content-Disposition"] == 'attachment; filename="a__b.json"'
    api = await (await pair.get(f"/cn/editors/{editor.id}/export?format=api")).json()
    assert {key: (node["class_type"], node["inputs"]) for key, node in api.items()} == {
        key: (node["class_type"], node["inputs"]) for key, node in SAY_SHOW.items()
    }
    assert (await pair.get(f"/cn/editors/{editor.id}/export?format=x")).status == 400
    assert (await pair.get("/cn/editors/none")).status == 404


async def test_a_run_uses_the_document_and_leaves_results(client: aiohttp.ClientSession, session: Session) -> None:
    editor = session.editors.create(say_show_document(), "one")
    heard = Heard(session, editor)
    edit(editor, "from the document")
    answer = await (await client.post(f"/cn/editors/{editor.id}/run", json={"view": "v"})).json()
    item = await finished(client, answer["prompt_id"])
    assert item["outputs"] == {"2": {"text": ["from the document"]}}
    assert item["prompt"][3]["extra_pnginfo"]["workflow"]["nodes"][0]["widgets_values"] == ["from the document"]
    eventually(lambda: heard.data("execution_success"))
    described = await (await client.get(f"/cn/editors/{editor.id}")).json()
    assert described["results"]["outputs"] == {"2": {"text": ["from the document"]}}
    assert described["results"]["run"]["state"] == "success"
    node = patch.diff(editor.document, {**editor.document, "nodes": editor.document["nodes"][:1]})
    editor.apply(node)
    assert editor.describe()["results"]["outputs"] == {}, "the node is gone"
    editor.replace(say_show_document())
    assert editor.describe()["results"]["outputs"] == {}, "another document"
    body = {"view": "v", "values": {"1": {"text": "from the browser"}}}
    answer = await (await client.post(f"/cn/editors/{editor.id}/run", json=body)).json()
    assert (await finished(client, answer["prompt_id"]))["outputs"] == {"2": {"text": ["from the browser"]}}


async def test_refused_and_failed_runs_name_the_node(pair: aiohttp.ClientSession, session: Session) -> None:
    document = say_show_document()
    document["nodes"][0].update(type="Steps", widgets_values=[-5, 0], inputs=[])
    editor = session.editors.create(document, "one")
    refused = await pair.post(f"/cn/editors/{editor.id}/run", json={})
    assert refused.status == 400
    assert (await refused.json())["node_errors"]["1"]["errors"][0]["type"] == "value_smaller_than_min"
    errors = editor.describe()["results"]["errors"]
    assert errors["1"]["inputs"] == ["steps"]
    document["nodes"][0]["widgets_values"] = [-1, 0]
    editor.replace(document)
    answer = await (await pair.post(f"/cn/editors/{editor.id}/run", json={})).json()
    await finished(pair, answer["prompt_id"])
    errors = eventually(lambda: editor.describe()["results"]["errors"])
    assert errors["1"]["message"] == "there is no negative work"
    assert errors["1"]["type"] == "ValueError"
    for body in ({"values": 3}, {"values": {"1": 3}}, {"targets": "x"}, [1]):
        assert (await pair.post(f"/cn/editors/{editor.id}/run", json=body)).status == 400


def test_a_branch_that_cannot_run_is_told_while_the_rest_runs(session: Session) -> None:
    document = say_show_document()
    document["nodes"].append({**copy.deepcopy(document["nodes"][1]), "id": 3, "inputs": []})
    editor = session.editors.create(document, "one")
    submission = editor.run()
    assert list(submission.node_errors) == ["3"]
    session.engine.wait(submission.prompt_id, 10)
    results = editor.describe()["results"]
    assert results["outputs"] == {"2": {"text": ["hello"]}}
    assert results["errors"]["3"]["inputs"] == ["text"]


def test_results_of_a_changed_node_and_what_depends_on_it_turn_stale(session: Session) -> None:
    document = say_show_document()
    apart = copy.deepcopy(document["nodes"])
    apart[0].update(
        id=3, outputs=[{"name": "STRING", "type": "STRING", "links": [2]}], type="Steps", widgets_values=[1, 0]
    )
    apart[1].update(id=4, inputs=[{"name": "text", "type": "STRING", "link": 2}])
    apart[0]["inputs"] = []
    document["nodes"] += apart
    document["links"].append([2, 3, 0, 4, 0, "STRING"])
    quiet = session.registry.get("Say")
    assert quiet is not None
    editor = session.editors.create(document, "one")
    heard = Heard(session, editor)
    session.engine.wait(editor.run().prompt_id, 10)
    eventually(lambda: heard.data("execution_success"))

    def louder(text: str) -> str:
        return text.upper()

    session.registry.register(definition_from_function(louder, name="Say"))
    assert eventually(lambda: heard.data("cn.stale")) == [{"editor": editor.id, "nodes": ["1", "2"]}]
    changed = eventually(lambda: heard.data("cn.nodes_changed"))
    assert [list(data["set"]) for data in changed] == [["Say"]]
    assert editor.describe()["results"]["stale"] == ["1", "2"]
    session.registry.register(quiet)
    eventually(lambda: heard.data("cn.stale")[-1]["nodes"] == [])
    session.registry.register(definition_from_function(louder, name="Say"))
    eventually(lambda: heard.data("cn.stale")[-1]["nodes"] == ["1", "2"])
    prompt_id = editor.run().prompt_id
    session.engine.wait(prompt_id, 10)
    eventually(lambda: editor.describe()["results"]["outputs"]["2"] == {"text": ["HELLO"]})
    eventually(lambda: heard.data("cn.stale")[-1]["nodes"] == [])


def test_a_hundred_registrations_are_told_together(session: Session) -> None:
    assert len(session.editors) == 0
    heard = Heard(session)
    for number in range(100):
        session.registry.register(definition_from_class(f"Say{number}", Say, "Say", "tests"))
    session.registry.remove("Say7")
    eventually(lambda: sum(len(data["set"]) for data in heard.data("cn.nodes_changed")) >= 99)
    assert len(heard.data("cn.nodes_changed")) < 5
    assert "Say7" in [name for data in heard.data("cn.nodes_changed") for name in data["remove"]]


def reopened(session: Session) -> Session:
    """The same folders after a kernel restart."""
    session.close()
    return Session(session.folders)


def test_edits_come_back_in_the_same_kernel_and_after_a_restart(session: Session, tmp_path: Path) -> None:
    path = write_workflow(tmp_path / "wf.json")
    before = path.read_bytes()
    editor = session.editors.create(path)
    edit(editor, "edited")
    again = session.editors.create(path)
    assert again is editor
    after = reopened(session).editors.create(str(path))
    assert after.id != editor.id
    assert after.document["nodes"][0]["widgets_values"] == ["edited"]
    assert path.read_bytes() == before, "the person's own file is theirs"
    assert [file.name[:3] for file in (tmp_path / ".comfy_notebook").iterdir()] == ["wf-"]


def test_a_changed_file_wins_and_the_edits_are_kept(session: Session, tmp_path: Path) -> None:
    path = write_workflow(tmp_path / "wf.json")
    edit(session.editors.create(path), "edited")
    restarted = reopened(session)
    write_workflow(path, with_text(say_show_document(), "newer"))
    editor = restarted.editors.create(path)
    assert editor.document["nodes"][0]["widgets_values"] == ["newer"]
    assert "kept" in editor.describe()["notices"][0]["detail"]
    (kept,) = (tmp_path / ".comfy_notebook").glob("*.backup.json")
    assert json.loads(kept.read_text())["document"]["nodes"][0]["widgets_values"] == ["edited"]


def test_a_file_that_changes_under_an_open_editor_wins_when_the_cell_runs_again(
    session: Session, tmp_path: Path
) -> None:
    path = write_workflow(tmp_path / "wf.json")
    editor = session.editors.create(path)
    heard = Heard(session, editor)
    edit(editor, "edited")
    write_workflow(path, with_text(say_show_document(), "newer"))
    assert session.editors.create(path) is editor
    assert editor.document["nodes"][0]["widgets_values"] == ["newer"]
    assert len(heard.data("cn.document_reset")) == 1
    assert len(heard.data("cn.notice")) == 1
    (kept,) = (tmp_path / ".comfy_notebook").glob("*.backup.json")
    assert json.loads(kept.read_text())["document"]["nodes"][0]["widgets_values"] == ["edited"]


@pytest.mark.parametrize(
    "rubbish", [b"", b'{"document"', b"[]", b'{"document": {"nodes": 3}, "source": ""}', b"\xff\xfe"]
)
def test_a_broken_autosave_shows_the_original_and_says_so(session: Session, tmp_path: Path, rubbish: bytes) -> None:
    path = write_workflow(tmp_path / "wf.json")
    edit(session.editors.create(path), "edited")
    restarted = reopened(session)
    (saved,) = (tmp_path / ".comfy_notebook").iterdir()
    saved.write_bytes(rubbish)
    editor = restarted.editors.create(path)
    assert editor.document["nodes"][0]["widgets_values"] == ["hello"]
    assert "could not be read" in editor.describe()["notices"][0]["detail"]
    (kept,) = (tmp_path / ".comfy_notebook").glob("*.backup.json")
    assert kept.read_bytes() == rubbish
    edit(editor, "edited again")
    editor.save_now()
    assert json.loads(saved.read_text())["document"]["nodes"][0]["widgets_values"] == ["edited again"]


def test_a_folder_that_cannot_be_written_falls_back_to_the_state_folder(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    folder.mkdir()
    (folder / ".comfy_notebook").write_text("a file where the folder should be")
    path = write_workflow(folder / "wf.json")
    edit(session.editors.create(path), "edited")
    restarted = reopened(session)
    assert len(list((tmp_path / "state" / "comfy_notebook").iterdir())) == 1
    assert restarted.editors.create(path).document["nodes"][0]["widgets_values"] == ["edited"]


def test_named_and_cell_editors_come_back_and_nameless_ones_do_not(session: Session) -> None:
    keys: list[dict[str, Any]] = [{"name": "n"}, {"cell": "c#0"}, {}, {"name": "other"}]
    for key in keys[:3]:
        edit(session.editors.create(say_show_document(), **key), "edited")
    restarted = reopened(session)
    assert len(list((session.folders.base / ".comfy_notebook").iterdir())) == 2
    texts = [
        restarted.editors.create(say_show_document(), **key).document["nodes"][0]["widgets_values"][0] for key in keys
    ]
    assert texts == ["edited", "edited", "hello", "hello"]


def test_an_editor_ends_when_its_last_holder_lets_go(session: Session) -> None:
    editor = session.editors.create(say_show_document(), "n")
    assert session.editors.create(say_show_document(), "n") is editor
    heard = Heard(session, editor)
    editor.close()
    assert session.editors.get(editor.id) is editor
    editor.close()
    editor.close()
    assert session.editors.get(editor.id) is None
    assert heard.data("cn.closed") == [{"editor": editor.id}]
    assert session.editors.create(say_show_document(), "n") is not editor


def test_what_holds_no_workflow_is_refused_and_opens_nothing(session: Session, tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"nodes": [')
    for source in (tmp_path / "half.json", tmp_path / "missing.json", b"\0", {"a": 1}):
        with pytest.raises(WorkflowError):
            session.editors.create(source)
    assert len(session.editors) == 0


KILLED = """
import sys, threading, time
from pathlib import Path
from comfy_notebook.server.autosave import Autosave
save = Autosave("path:x", "wf", Path(sys.argv[1]))
text = "x" * 3_000_000
number = 0
while True:
    number += 1
    save.write({"nodes": [], "number": number, "text": text}, "source")
    print("written", flush=True)
"""


def test_a_kill_between_writes_leaves_a_whole_autosave(tmp_path: Path) -> None:
    for attempt in range(4):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.15 + 0.037 * attempt)
        process.kill()
        process.wait()
        (saved,) = [file for file in (tmp_path / ".comfy_notebook").iterdir() if not file.name.endswith(".part")]
        assert len(json.loads(saved.read_text())["document"]["text"]) == 3_000_000
    assert Autosave("path:x", "wf", tmp_path).read("source").document is not None
    assert list((tmp_path / ".comfy_notebook").iterdir()) == [saved], "half-written files are cleared away"


def test_edits_reach_the_disk_without_being_asked_and_at_exit(session: Session, tmp_path: Path) -> None:
    editor = session.editors.create(say_show_document(), "n")
    edit(editor, "edited")
    eventually(lambda: list((tmp_path / ".comfy_notebook").glob("n-*.json")), 3)
    script = (
        "import json, sys; from comfy_notebook import session; from comfy_notebook.workflow import patch\n"
        "editor = session.current().editors.create({'nodes': [], 'links': [], 'version': 0.4}, 'atexit')\n"
        "editor.apply({'set': {'extra': {'edited': True}}})\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, env=dict(os.environ))
    (saved,) = (tmp_path / ".comfy_notebook").glob("atexit-*.json")
    assert json.loads(saved.read_text())["document"]["extra"] == {"edited": True}


async def test_fifty_patches_from_two_views_all_count(pair: aiohttp.ClientSession, session: Session) -> None:
    editor = session.editors.create(say_show_document(), "n")

    async def send(number: int) -> None:
        node = {"id": 100 + number, "type": "Note", "pos": [0, 0], "size": [1, 1], "flags": {}, "order": 0, "mode": 0}
        body = {"view": f"v{number % 2}", "base": 0, "patch": {"nodes": {"set": [node]}}}
        assert (await pair.post(f"/cn/editors/{editor.id}/patch", json=body)).status == 200

    await asyncio.gather(*(send(number) for number in range(50)))
    assert (editor.rev, len(editor.document["nodes"])) == (50, 52)
