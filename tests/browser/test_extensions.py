"""What packs' JavaScript meets in the editor: hooks in order, widgets, virtual nodes, queueing, what they patch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Frame

from comfy_notebook import RunError, Workflow
from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.server import bundle
from comfy_notebook.session import Session
from comfy_notebook.widget import Editor

from .harness import EditorPage, OpenPage
from .packs import PARTS, PackPage, install, shown

SCRIPTS = Path(__file__).parent / "fixtures" / "extensions"
HOOKS = [
    "init", "addCustomNodeDefs", "getCustomWidgets", "beforeRegisterNodeDef", "registerCustomNodes",
    "beforeConfigureGraph", "nodeCreated", "loadedGraphNode", "afterConfigureGraph", "setup",
]  # fmt: skip


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    if not bundle.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path, temp=tmp_path / "temp")))
    yield made
    made.close()
    sessions._current = before


Show = Callable[..., Any]


@pytest.fixture
def with_script(session: Session, editor_page: OpenPage, tmp_path: Path) -> Show:
    """``with with_script(name, document) as page:`` — a pack with this module of fixtures/extensions is loaded."""

    def show(script: str, document: dict[str, Any], **options: Any) -> Any:
        pack = tmp_path / "made" / "testpack"
        (pack / "js").mkdir(parents=True)
        shutil.copy(SCRIPTS / "pack.py", pack / "__init__.py")
        shutil.copy(SCRIPTS / f"{script}.js", pack / "js")
        install(session, [pack])
        return shown(editor_page, document, [f"t.{script}"], **options)

    return show


def node(id_: int, type_: str, values: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    made = {"id": id_, "type": type_, "pos": [(id_ - 1) * 320 + 40, 60], "size": [260, 160], "flags": {}, "order": id_,
            "mode": 0, "properties": {}, **more}  # fmt: skip
    return made if values is None else {**made, "widgets_values": values}


def document(*nodes: dict[str, Any], links: list[Any] | None = None) -> dict[str, Any]:
    return {"last_node_id": 20, "last_link_id": 20, "nodes": list(nodes), "links": links or [], "groups": [],
            "config": {}, "extra": {"ds": {"scale": 1, "offset": [0, 0]}}, "version": 0.4}  # fmt: skip


def out(name: str, type_: str, *links: int) -> dict[str, Any]:
    return {"name": name, "type": type_, "links": list(links)}


def into(name: str, type_: str, link: int, widget: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type_, "link": link, **({"widget": {"name": name}} if widget else {})}


def got(page: PackPage, id_: int | str) -> Any:
    """What reached a node, as it told the browser in the run before."""
    page.status("Done")
    page.until("id => app.nodeOutputs[id]?.got", id_)
    return page.js("id => app.nodeOutputs[id].got[0]", id_)


def test_hooks_run_in_order_and_a_faulty_extension_costs_itself(with_script: Show) -> None:
    with with_script("order", document(node(1, "Take", ["a", 1]))) as page:
        page.until("() => window.seen.includes('setup')")
        assert page.js("() => window.seen") == HOOKS
        told = page.js("() => app.editor.packProblems.all.map(({source, message, pack}) => [source, message, pack])")
        assert ["t.faulty: beforeRegisterNodeDef", "faulty beforeRegisterNodeDef", "testpack"] in told
        assert {source for source, _, _ in told} == {f"t.faulty: {hook}" for hook in HOOKS}


def test_values_of_widgets_of_packs_reach_the_node(with_script: Show) -> None:
    shown_document = document(node(1, "Take", [None, "hello", 7, "#ff0000"]), node(2, "Loose", [5, {"on": False}, "y"]))
    with with_script("widgets", shown_document) as page:
        names = "id => app.graph.getNodeById(id).widgets.map(w => [w.name, w.value])"
        assert page.js(names, 1) == [["press", None], ["text", "hello"], ["count", 7], ["colour", "#ff0000"]]
        assert page.js(names, 2) == [["free", 5], ["own", {"on": False}], ["not sent", "y"]]
        assert page.js("() => [...document.querySelectorAll('.t-swatch')].map(e => e.value)") == ["#ff0000"]
        page.run()
        assert got(page, 1) == ["hello!", 7, "", "#ff0000"]
        assert got(page, 2) == [["free", 5], ["own", ["listed", 1]]]
        page.until("() => app.graph.getNodeById(1).widgets.at(-1).inputEl?.value.startsWith('[\"hello!\",7')")
        page.until("() => app.graph.getNodeById(2).drawn")
        # the shown text is part of the document, and comes back where it was
        kernel_sees(page, lambda nodes: len(nodes[0]["widgets_values"]) == 5)
        assert page.problems() == []


def kernel_sees(page: PackPage, condition: Callable[[list[dict[str, Any]]], bool], seconds: float = 15) -> None:
    for _ in range(int(seconds * 10)):
        if condition(page.editor.document["nodes"]):
            return
        page.page.page.wait_for_timeout(100)
    raise AssertionError(page.editor.document["nodes"])


def test_virtual_nodes_of_packs_are_led_back(with_script: Show) -> None:
    shown_document = document(
        node(1, "Take", ["one", 1], outputs=[out("STRING", "STRING", 1)]),
        node(2, "t/Put", ["x"], inputs=[into("in", "*", 1)], outputs=[out("out", "*")]),
        node(3, "t/Get", ["x"], outputs=[out("out", "*", 2)]),
        node(4, "Take", ["two", 2], inputs=[into("extra", "STRING", 2), into("count", "INT", 3, widget=True)]),
        node(5, "t/Hand", [41], outputs=[out("to", "INT", 3)]),
        links=[[1, 1, 0, 2, 0, "STRING"], [2, 3, 0, 4, 0, "STRING"], [3, 5, 0, 4, 1, "INT"]],
    )
    with with_script("virtual", shown_document) as page:
        prompt = page.js("async () => (await app.graphToPrompt()).output")
        assert sorted(prompt) == ["1", "4"]
        assert prompt["4"]["inputs"] == {"text": "two", "count": 41, "extra": ["1", 0]}
        page.run()
        assert got(page, 4) == ["two", 41, "one", None]
        saved = {item["id"]: item for item in page.js("() => app.editor.view.serialize().nodes")}
        assert saved[2]["widgets_values"] == ["x"]
        assert saved[2]["properties"] == {"kept": 1}
        titles = f"word => {PARTS}.editor.definitions.index.search(word).map(({{item}}) => item.type)"
        assert page.js(titles, "Hand")[0] == "t/Hand"
        assert page.js(titles, "Markdown Note")[0] == "MarkdownNote"
        # Python goes by what the editor wrote down; what a node would write elsewhere is not known
        assert leads(page) == {"led": {"2": {"node": 3, "to": [1, 0], "last": 1}}, "virtual": ["t/Get", "t/Put"]}
        with pytest.raises(RunError, match=r"t/Hand.*show the workflow once"):
            page.editor.run()
        # added by hand: the kernel hears of it though no edit was told
        page.js("() => app.graph.add(Object.assign(LiteGraph.createNode('t/Put'), { pos: [0, 500], title: 'late' }))")
        kernel_sees(page, lambda nodes: any(item.get("title") == "late" for item in nodes))
        assert page.problems() == []


def leads(page: PackPage) -> Any:
    """What the kernel's document says about links out of virtual nodes."""
    return page.editor.document["extra"].get("comfy_notebook")


def wait_for(condition: Callable[[], bool], page: PackPage, seconds: float = 15) -> None:
    for _ in range(int(seconds * 10)):
        if condition():
            return
        page.page.page.wait_for_timeout(100)
    raise AssertionError(page.editor.document)


def put_and_get() -> dict[str, Any]:
    """1 → Put "x"; Get "x" → 4; beside them 5 → Put "y"."""
    return document(
        node(1, "Take", ["one", 1], outputs=[out("STRING", "STRING", 1)]),
        node(2, "t/Put", ["x"], inputs=[into("in", "*", 1)], outputs=[out("out", "*")]),
        node(3, "t/Get", ["x"], outputs=[out("out", "*", 2)]),
        node(4, "Take", ["two", 2], inputs=[into("extra", "STRING", 2)]),
        node(5, "Take", ["five", 5], outputs=[out("STRING", "STRING", 4)]),
        node(6, "t/Put", ["y"], inputs=[into("in", "*", 4)], outputs=[out("out", "*")]),
        links=[[1, 1, 0, 2, 0, "STRING"], [2, 3, 0, 4, 0, "STRING"], [4, 5, 0, 6, 0, "STRING"]],
    )


def test_virtual_nodes_of_packs_run_from_python(with_script: Show, tmp_path: Path, session: Session) -> None:
    with pytest.raises(RunError, match="show the workflow once"):
        Workflow(put_and_get()).run()
    with with_script("virtual", put_and_get()) as page:
        wait_for(lambda: leads(page) is not None, page)
        assert page.editor.run().result()[4].ui["got"][0] == ["two", 2, "one", None]
        assert page.js(f"() => {PARTS}.editor.workspace.canUndo()") is False
        page.js("() => { app.graph.getNodeById(3).widgets[0].value = 'y'; }")
        wait_for(lambda: leads(page)["led"]["2"]["to"] == [5, 0], page)
        assert page.editor.run().result()[4].ui["got"][0] == ["two", 2, "five", None]
        page.editor.workflow.save(tmp_path / "saved.json")
        page.js(f"() => {PARTS}.editor.workspace.undo()")
        wait_for(lambda: leads(page)["led"]["2"]["to"] == [1, 0], page)
        page.js("() => { for (const id of [2, 3, 6]) app.graph.remove(app.graph.getNodeById(id)); }")
        wait_for(lambda: leads(page) is None, page)
        assert page.problems() == []
    assert Workflow.load(tmp_path / "saved.json").run().result()[4].ui["got"][0] == ["two", 2, "five", None]


def test_two_views_of_virtual_nodes_stay_in_step_quietly(with_script: Show, editor_page: OpenPage) -> None:
    with with_script("virtual", put_and_get()) as page, editor_page(page.editor) as other_page:
        other = PackPage(other_page, page.editor, other_page.editor(timeout=60))
        other.until("() => window.app?.graph?._nodes.length >= 6", seconds=60)
        wait_for(lambda: leads(page) is not None, page)
        page.page.page.wait_for_timeout(1500)
        revision = page.editor._state.rev
        page.page.page.wait_for_timeout(2500)
        assert page.editor._state.rev == revision
        other.js("() => { app.graph.getNodeById(3).widgets[0].value = 'y'; }")
        page.until("() => app.graph.getNodeById(3).widgets[0].value === 'y'")
        wait_for(lambda: leads(page)["led"]["2"]["to"] == [5, 0], page)
        page.page.page.wait_for_timeout(1500)
        revision = page.editor._state.rev
        page.page.page.wait_for_timeout(2500)
        assert page.editor._state.rev == revision
        saying = f"() => {PARTS}.editor.view.serialize().extra.comfy_notebook"
        assert page.js(saying) == other.js(saying) == leads(page)


def test_what_packs_put_in_place_of_app_and_canvas_is_what_runs(with_script: Show) -> None:
    with with_script("patches", document(node(1, "Take", ["mine", 3]))) as page:
        page.until("() => window.drew")
        page.run()
        assert got(page, 1) == ["patched", 99, "", None]
        page.until("() => window.calls.includes('execution_success')")
        calls = page.js("() => window.calls")
        assert calls[:4] == ["app.queuePrompt", "beforeQueued", "graphToPrompt", "api.queuePrompt 0"]
        assert {"afterQueued", "promptQueued", "execution_start", "executed"} <= set(calls)
        assert page.js("() => app.graph.getNodeById(1).widgets.find(w => w.name === 'count').value") == 3
        page.menu(node=1)
        page.pick("Beside properties")
        page.until("() => window.calls.includes('menu 1')")
        page.menu()
        page.pick("Tint all")
        page.until("() => app.graph.getNodeById(1).bgcolor === '#123456'")
        assert {"onDrawForeground", "onMouse"} <= set(page.js("() => [...window.canvasCalls]"))
        kernel_sees(page, lambda nodes: nodes[0].get("bgcolor") == "#123456")
        assert page.problems() == []


def test_packs_draw_and_place_what_they_like(with_script: Show) -> None:
    shown_document = document(
        node(1, "Take", ["a", 1, 0]), node(2, "EmptyImage", [8, 8, 1, 255], outputs=[out("IMAGE", "IMAGE")])
    )
    with with_script("looks", shown_document) as page:
        page.until("() => window.drawn.front > 0 && window.drawn.back > 0")
        page.until("() => document.querySelector('.t-shown')?.offsetHeight >= 20")
        assert page.js("() => document.querySelector('.t-hidden')?.offsetHeight ?? 0") == 0
        assert page.js("() => app.graph.getNodeById(1).isWidgetVisible(app.graph.getNodeById(1).widgets[1])") is False
        page.page.click(page.page.client_pos(node=1, widget="strip"))
        page.until("() => app.graph.getNodeById(1).widgets.find(w => w.name === 'strip').value === 1")
        assert page.js("() => window.drawn.mouse") == ["pointerdown", "pointerup"]
        for entry, pictures in (("Picture on", 1), ("Picture off", 0)):
            page.menu(node=1)
            page.pick(entry)
            count = "count => app.graph.getNodeById(1).widgets.filter(w => w.name.startsWith('$$')).length === count"
            page.until(count, pictures)
        page.menu(node=1)
        page.pick("More")
        page.realm.locator(".litecontextmenu").get_by_text("two").click()
        page.until("() => app.graph.getNodeById(1).title === 'two'")
        page.menu(node=1)
        page.pick("Fails")
        page.until("() => app.editor.packProblems.all.some(({message}) => message === 'as it must')")
        page.js("() => app.graph.remove(app.graph.getNodeById(1))")
        page.until("() => window.removed && !document.querySelector('.t-shown')")
        kernel_sees(page, lambda nodes: len(nodes) == 1)


def test_virtual_nodes_inside_subgraphs_are_led_back(with_script: Show) -> None:
    inner = {
        "id": "5b2c0b6e-0d0b-4f0e-9d3a-000000000001", "version": 1, "name": "Inside",
        "state": {"lastNodeId": 9, "lastLinkId": 9},
        "inputNode": {"id": -10, "bounding": [0, 0, 80, 60]}, "outputNode": {"id": -20, "bounding": [900, 0, 80, 60]},
        "inputs": [{"id": "i1", "name": "text", "type": "STRING", "linkIds": [1]}], "outputs": [], "widgets": [],
        "nodes": [
            node(2, "t/Put", ["x"], inputs=[into("in", "*", 1)], outputs=[out("out", "*")]),
            node(3, "t/Get", ["x"], outputs=[out("out", "*", 2)]),
            node(4, "Take", ["two", 2], inputs=[into("extra", "STRING", 2)]),
        ],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "STRING"},
            {"id": 2, "origin_id": 3, "origin_slot": 0, "target_id": 4, "target_slot": 0, "type": "STRING"},
        ],
        "groups": [],
    }  # fmt: skip
    shown_document = document(
        node(1, "Take", ["from outside", 1], outputs=[out("STRING", "STRING", 7)]),
        node(2, inner["id"], [], inputs=[into("text", "STRING", 7)]),
        links=[[7, 1, 0, 2, 0, "STRING"]],
    )
    shown_document["definitions"] = {"subgraphs": [inner]}
    with with_script("virtual", shown_document) as page:
        prompt = page.js("async () => (await app.graphToPrompt()).output")
        assert sorted(prompt) == ["1", "2:4"]
        assert prompt["2:4"]["inputs"]["extra"] == ["1", 0]
        page.run()
        assert got(page, "2:4") == ["two", 2, "from outside", None]
        lead = {"node": 3, "to": [-10, 0], "last": 1}
        assert leads(page) == {"subgraphs": {inner["id"]: {"led": {"2": lead}, "virtual": ["t/Get", "t/Put"]}}}
        assert page.editor.run({"1.text": "again"}).result()["2:4"].ui["got"][0] == ["two", 2, "again", None]
        assert page.problems() == []


def write_pack(folder: Path, script: str, **replaced: str) -> Path:
    """The test pack with one module; ``replaced`` are texts of the module and what stands in their place."""
    (folder / "js").mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text((SCRIPTS / "pack.py").read_text() + f"CHANGED = {replaced}\n")
    source = (SCRIPTS / f"{script}.js").read_text()
    for old, new in replaced.items():
        source = source.replace(old, new)
    (folder / "js" / f"{script}.js").write_text(source)
    return folder


def test_a_pack_that_comes_late_joins_and_a_changed_one_is_offered(
    session: Session, editor_page: OpenPage, tmp_path: Path
) -> None:
    editor = Editor(document(node(1, "Take", [None, "hello", 7, "#ff0000"])), name="late")
    with editor_page(editor) as shown_page:
        realm = shown_page.editor()
        page = PackPage(shown_page, editor, realm)
        page.until(f"() => {PARTS}.view.serialize().nodes.length === 1")
        assert page.js("() => 'app' in window") is False
        folder = write_pack(tmp_path / "custom_nodes" / "testpack", "widgets")
        assert all(report.ok for report in session.load_packs([folder.parent]))
        page.until("() => window.app?.graph.getNodeById(1)?.widgets?.some(w => w.name === 'press')", seconds=30)
        page.until("() => document.querySelector('.t-swatch')?.value === '#ff0000'")
        page.run()
        assert got(page, 1) == ["hello!", 7, "", "#ff0000"]
        write_pack(folder, "widgets", **{"press": "push"})
        assert [report.ok for report in session.pack_loader.reload_changed()] == [True]
        page.realm.get_by_role("button", name="Reload the editor").click(timeout=20_000)
        again = PackPage(shown_page, editor, renewed(shown_page, realm))
        again.until("() => window.app?.graph.getNodeById(1)?.widgets?.some(w => w.name === 'push')", seconds=30)
        assert shown_page.errors == []


def renewed(page: EditorPage, old: Frame) -> Frame:
    """The frame that came in the place of ``old``."""
    for _ in range(200):
        frame = page.box().query_selector("iframe.comfy-notebook-frame")
        realm = frame.content_frame() if frame else None
        if realm and realm is not old:
            return realm
        page.page.wait_for_timeout(50)
    raise AssertionError("the editor was not built anew")


def test_where_frames_are_refused_scripts_stay_out(session: Session, editor_page: OpenPage, tmp_path: Path) -> None:
    install(session, [write_pack(tmp_path / "made" / "testpack", "widgets")])
    editor = Editor(document(node(1, "Take", ["hello", 7])), name="opaque")
    with editor_page(editor, variant="opaque") as page:
        realm = page.editor()
        realm.wait_for_function(f"{PARTS}.view.serialize().nodes.length === 1")
        realm.wait_for_function("() => document.querySelector('.cn-toasts')?.textContent.includes('do not run here')")
        assert realm.evaluate("() => 'comfyAPI' in window") is False
        assert realm.evaluate(f"() => {PARTS}.view.getWidget(1, 'text')") == "hello"


def test_the_app_loads_workflows_prompts_files_and_definitions(with_script: Show) -> None:
    one = document(node(1, "Take", ["a", 1]))
    with with_script("app", one) as page:
        assert page.js("() => app.graph.extra.seen") is True
        assert page.js("() => [LiteGraph.registered_node_types['t.Front'].title, window.loaded]") == ["Only here", [1]]
        # a workflow from a pack is an edit: the kernel gets it, undo takes it back
        two = document(node(5, "Take", ["b", 2], title="Five"), node(6, "t.Front", [9]))
        page.js("async data => { await app.loadGraphData(data); }", two)
        kernel_sees(page, lambda nodes: [item["id"] for item in nodes] == [5, 6])
        page.until("() => window.changed > 0")
        assert page.js("() => app.graph.getNodeById(6).widgets[0].value") == 9
        page.js("() => app.editor.workspace.undo()")
        kernel_sees(page, lambda nodes: [item["id"] for item in nodes] == [1])
        # an API prompt
        prompt = {"3": {"class_type": "Take", "inputs": {"text": "from a prompt", "count": 8}}}
        page.js("async prompt => { await app.loadApiJson(prompt, 'p'); }", prompt)
        kernel_sees(page, lambda nodes: [item["widgets_values"][:2] for item in nodes] == [["from a prompt", 8]])
        # a file that a person opens goes through what packs put in place of handleFile
        page.realm.evaluate(
            "async text => app.editor.files.offer(new File([text], 'mine.json', { type: 'application/json' }))",
            json.dumps(two),
        )
        kernel_sees(page, lambda nodes: [item["id"] for item in nodes] == [5, 6])
        assert page.js("() => window.handled") == "mine.json"
        # definitions
        page.js("() => window.addMore()")
        assert page.js("() => window.made") == ["x", "y"]
        assert page.js("() => window.refreshed") is True
        # the clipspace
        page.js("() => window.copyPictures(5, 6)")
        assert page.js("() => app.graph.getNodeById(6).imgs.map(i => i.src)") == ["data:,"]
        assert page.problems() == []


def test_packs_open_the_mask_editor_and_the_clipspace(with_script: Show, session: Session) -> None:
    session.folders.input.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (200, 100, 50)).save(session.folders.input / "plain.png")
    with with_script("mask", document(node(1, "LoadImage", ["plain.png", "image"]))) as page:
        page.until("() => app.graph.getNodeById(1).imgs?.length === 1")
        page.js("() => window.maskOf(1)")
        dialog = page.realm.get_by_test_id("mask-editor")
        page.until("() => document.querySelector('[data-testid=mask-editor]')?.dataset.state === 'ready'")
        assert page.js("() => window.openNow()") == [True, True]
        page.realm.get_by_test_id("mask-invert").click()
        page.realm.get_by_test_id("mask-save").click()
        dialog.wait_for(state="detached")
        assert page.js("() => window.saves") == ["clipspace"]
        assert page.js("() => [...window.openNow(), window.comfyAPI.app.ComfyApp.clipspace_return_node]") == [
            False,
            False,
            None,
        ]
        kernel_sees(page, lambda nodes: nodes[0]["widgets_values"][0].startswith("clipspace/clipspace-mask-"))
        (name,) = [path.name for path in (session.folders.input / "clipspace").iterdir()]
        with Image.open(session.folders.input / "clipspace" / name) as saved:
            assert saved.getpixel((5, 5)) == (200, 100, 50, 0)
        page.js("() => window.maskByCommand(1)")
        page.until("() => document.querySelector('[data-testid=mask-editor]')?.dataset.state === 'ready'")
        size = page.realm.get_by_test_id("mask-size-number")
        before = int(size.input_value())
        page.js("() => app.extensionManager.command.execute('Comfy.MaskEditor.BrushSize.Increase')")
        assert int(size.input_value()) > before
        page.realm.get_by_test_id("mask-cancel").click()
        dialog.wait_for(state="detached")
        # the clipspace, with what packs offer for it
        page.js("() => app.openClipspace()")
        buttons = page.realm.locator(".cn-clipspace-offers button")
        assert buttons.all_inner_texts() == ["MaskEditor", "Detect"]
        buttons.get_by_text("Detect").click()
        assert page.js("() => window.offered") == 1
        assert page.problems() == []
