"""What packs' JavaScript meets in the editor: hooks in order, widgets, virtual nodes, queueing, patches of the app and the canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.server import bundle
from comfy_notebook.session import Session

from .harness import OpenPage
from .packs import PackPage, install, shown

PYTHON = '''
class Take:
    """Keeps what reached it."""
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": "a"}), "count": ("INT", {"default": 1})},
                "optional": {"extra": ("STRING", {"forceInput": True}), "colour": ("SWATCH", {})}}
    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"
    OUTPUT_NODE = True
    def go(self, text, count, extra="", colour=None):
        return {"ui": {"got": [[text, count, extra, colour]]}, "result": (text,)}

class Anything(dict):
    def __contains__(self, key): return True
    def __getitem__(self, key): return ("*",)

class Loose:
    """Takes whatever the browser sends."""
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": Anything()}
    RETURN_TYPES = ()
    FUNCTION = "go"
    OUTPUT_NODE = True
    def go(self, **more):
        return {"ui": {"got": [sorted(more.items())]}}

NODE_CLASS_MAPPINGS = {"Take": Take, "Loose": Loose}
WEB_DIRECTORY = "js"
'''

HOOKS = """
import { app } from "../../scripts/app.js";
const seen = window.seen = [];
const note = (hook) => (...args) => { if (seen.at(-1) !== hook) seen.push(hook); if (args.at(-1) !== app) seen.push(hook + " without app"); };
app.registerExtension({
  name: "t.order", init: note("init"), addCustomNodeDefs: note("addCustomNodeDefs"), beforeRegisterNodeDef: note("beforeRegisterNodeDef"),
  getCustomWidgets(a) { note("getCustomWidgets")(a); return {}; },
  registerCustomNodes: note("registerCustomNodes"), beforeConfigureGraph: note("beforeConfigureGraph"), nodeCreated: note("nodeCreated"),
  loadedGraphNode: note("loadedGraphNode"), afterConfigureGraph: note("afterConfigureGraph"), setup: note("setup"),
});
const faulty = { name: "t.faulty" };
for (const hook of ["init", "addCustomNodeDefs", "beforeRegisterNodeDef", "getCustomWidgets", "registerCustomNodes", "beforeConfigureGraph",
  "nodeCreated", "loadedGraphNode", "afterConfigureGraph", "setup"]) faulty[hook] = () => { throw new Error("faulty " + hook); };
app.registerExtension(faulty);
"""

WIDGETS = """
import { app } from "../../scripts/app.js";
import { ComfyWidgets } from "../../scripts/widgets.js";
app.registerExtension({
  name: "t.widgets",
  getCustomWidgets() {
    return { SWATCH(node, name) {
      const element = document.createElement("input");
      element.className = "t-swatch";
      element.value = "#102030";
      return { widget: node.addDOMWidget(name, "SWATCH", element, { getValue: () => element.value, setValue: (v) => { element.value = v; } }) };
    } };
  },
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name !== "Take") return;
    const executed = nodeType.prototype.onExecuted;
    nodeType.prototype.onExecuted = function (output) {
      executed?.apply(this, arguments);
      this.got = output.got;
      const widget = this.widgets.find(w => w.name === "shown") ?? ComfyWidgets.STRING(this, "shown", ["STRING", { multiline: true }], app).widget;
      widget.inputEl.readOnly = true;
      widget.value = JSON.stringify(output.got[0]);
      widget.serializeValue = () => undefined;
    };
  },
  nodeCreated(node) {
    if (node.comfyClass === "Take") {
      const text = node.widgets.find(w => w.name === "text");
      text.serializeValue = async () => text.value + "!";
      node.addWidget("button", "press", null, () => { node.color = "#223344"; });
      node.widgets.unshift(node.widgets.pop());
    }
    if (node.comfyClass === "Loose") {
      node.addWidget("number", "free", 3, () => {}, {});
      node.addCustomWidget({ type: "t.own", name: "own", value: { on: true, list: [1, 2] }, draw(ctx, n, width, y) { ctx.fillRect(0, y, width, 4); n.drawn = true; },
        computeSize: (width) => [width, 20], serializeValue: (n, i) => ["listed", i] });
      node.addWidget("text", "not sent", "x", () => {}, { serialize: false });
    }
  },
});
"""

VIRTUAL = """
import { app } from "../../scripts/app.js";
app.registerExtension({
  name: "t.virtual",
  registerCustomNodes() {
    class Put extends LGraphNode {
      constructor(title) {
        super(title);
        this.isVirtualNode = true; this.serialize_widgets = true; this.properties = { kept: 1 };
        this.addInput("in", "*"); this.addOutput("out", "*");
        this.addWidget("text", "name", "a", () => {}, {});
      }
    }
    class Get extends LGraphNode {
      constructor(title) {
        super(title);
        this.isVirtualNode = true; this.serialize_widgets = true;
        this.addOutput("out", "*");
        this.addWidget("text", "name", "a", () => {}, {});
      }
      getInputLink(slot) {
        const put = this.graph._nodes.find(n => n.type === "t/Put" && n.widgets[0].value === this.widgets[0].value);
        return put && this.graph.links[put.inputs[0].link];
      }
    }
    class Hand extends LGraphNode {
      constructor(title) { super(title); this.isVirtualNode = true; this.addOutput("to", "INT"); this.addWidget("number", "n", 41, () => {}, {}); this.serialize_widgets = true; }
      applyToGraph() {
        for (const id of this.outputs[0].links ?? []) {
          const link = app.graph.links[id], target = app.graph.getNodeById(link.target_id);
          target.widgets.find(w => w.name === target.inputs[link.target_slot].widget.name).value = this.widgets[0].value;
        }
      }
    }
    LiteGraph.registerNodeType("t/Put", Put);
    LiteGraph.registerNodeType("t/Get", Get);
    LiteGraph.registerNodeType("t/Hand", Hand);
  },
});
"""

PATCHES = """
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
window.calls = [];
const draw = LGraphCanvas.prototype.drawNode;
LGraphCanvas.prototype.drawNode = function (node) { window.drew = true; return draw.apply(this, arguments); };
const options = LGraphCanvas.prototype.getCanvasMenuOptions;
LGraphCanvas.prototype.getCanvasMenuOptions = function () {
  const list = options.apply(this, arguments);
  list.push(null, { content: "<b>Tint</b> all", callback: () => { for (const n of app.graph._nodes) n.bgcolor = "#123456"; } });
  return list;
};
const nodeOptions = LGraphCanvas.prototype.getNodeMenuOptions;
LGraphCanvas.prototype.getNodeMenuOptions = function (node) {
  const list = nodeOptions.apply(this, arguments);
  list.splice(list.findIndex(o => o?.content === "Properties"), 0, { content: "Beside properties", callback: () => window.calls.push("menu " + node.id) });
  return list;
};
const menu = LiteGraph.ContextMenu;
LiteGraph.ContextMenu = function (values, options) { window.calls.push("list " + values.length); return menu.call(this, values, options); };
LiteGraph.ContextMenu.prototype = menu.prototype;
app.registerExtension({
  name: "t.patches",
  setup() {
    const toPrompt = app.graphToPrompt;
    app.graphToPrompt = async function () {
      const node = app.graph._nodes.find(n => n.comfyClass === "Take");
      const before = node.widgets.find(w => w.name === "count").value;
      node.widgets.find(w => w.name === "count").value = 99;
      const result = toPrompt.apply(app, arguments);
      node.widgets.find(w => w.name === "count").value = before;
      const prompt = await result;
      prompt.output["1"].inputs.text = "patched";
      window.calls.push("graphToPrompt");
      return prompt;
    };
    const queue = api.queuePrompt;
    api.queuePrompt = async function (number, prompt) { window.calls.push("api.queuePrompt " + number); return queue.apply(api, arguments); };
    const run = app.queuePrompt;
    app.queuePrompt = async function () { window.calls.push("app.queuePrompt"); return run.apply(app, arguments); };
    for (const type of ["promptQueued", "executed", "execution_start", "execution_success"]) api.addEventListener(type, () => window.calls.push(type));
  },
  nodeCreated(node) {
    const w = node.widgets?.find(w => w.name === "text");
    if (w) { w.beforeQueued = () => window.calls.push("beforeQueued"); w.afterQueued = () => window.calls.push("afterQueued"); }
  },
});
"""


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
    """``with with_script({file: source}, document) as page:`` — one pack with these modules is loaded."""

    def show(scripts: dict[str, str], document: dict[str, Any], **options: Any) -> Any:
        pack = tmp_path / "made" / "testpack"
        (pack / "js").mkdir(parents=True)
        (pack / "__init__.py").write_text(PYTHON)
        for name, source in scripts.items():
            (pack / "js" / name).write_text(source)
        install(session, [pack])
        return shown(editor_page, document, [f"t.{name.split('.')[0]}" for name in scripts], **options)

    return show


def node(id_: int, type_: str, values: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    made = {"id": id_, "type": type_, "pos": [(id_ - 1) * 320 + 40, 60], "size": [260, 160], "flags": {}, "order": id_, "mode": 0,
            "properties": {}, **more}  # fmt: skip
    return made if values is None else {**made, "widgets_values": values}


def document(*nodes: dict[str, Any], links: list[Any] | None = None) -> dict[str, Any]:
    return {"last_node_id": 20, "last_link_id": 20, "nodes": list(nodes), "links": links or [], "groups": [], "config": {},
            "extra": {"ds": {"scale": 1, "offset": [0, 0]}}, "version": 0.4}  # fmt: skip


def out(name: str, type_: str, *links: int) -> dict[str, Any]:
    return {"name": name, "type": type_, "links": list(links)}


def into(name: str, type_: str, link: int, widget: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type_, "link": link, **({"widget": {"name": name}} if widget else {})}


def got(page: PackPage, id_: int) -> Any:
    """What reached a node, as it told the browser in the run before."""
    page.status("Done")
    page.until("id => app.nodeOutputs[id]?.got", id_)
    return page.js("id => app.nodeOutputs[id].got[0]", id_)


def test_hooks_run_in_order_and_a_faulty_extension_costs_itself(with_script: Show) -> None:
    with with_script({"order.js": HOOKS}, document(node(1, "Take", ["a", 1]))) as page:
        page.until("() => window.seen.includes('setup')")
        assert page.js("() => window.seen") == [
            "init", "addCustomNodeDefs", "getCustomWidgets", "beforeRegisterNodeDef", "registerCustomNodes", "beforeConfigureGraph",
            "nodeCreated", "loadedGraphNode", "afterConfigureGraph", "setup",
        ]  # fmt: skip
        told = page.js("() => app.editor.packProblems.all.map(({source, message, pack}) => [source, message, pack])")
        assert ["t.faulty: beforeRegisterNodeDef", "faulty beforeRegisterNodeDef", "testpack"] in told
        assert {source for source, _, _ in told} == {
            f"t.faulty: {hook}" for hook in ("init", "addCustomNodeDefs", "beforeRegisterNodeDef", "getCustomWidgets", "registerCustomNodes",
                                              "beforeConfigureGraph", "nodeCreated", "loadedGraphNode", "afterConfigureGraph", "setup")
        }  # fmt: skip


def test_values_of_widgets_of_packs_reach_the_node(with_script: Show) -> None:
    shown_document = document(node(1, "Take", [None, "hello", 7, "#ff0000"]), node(2, "Loose", [5, {"on": False}, "y"]))
    with with_script({"widgets.js": WIDGETS}, shown_document) as page:
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
    with with_script({"virtual.js": VIRTUAL}, shown_document) as page:
        prompt = page.js("async () => (await app.graphToPrompt()).output")
        assert sorted(prompt) == ["1", "4"]
        assert prompt["4"]["inputs"] == {"text": "two", "count": 41, "extra": ["1", 0]}
        page.run()
        assert got(page, 4) == ["two", 41, "one", None]
        saved = {item["id"]: item for item in page.js("() => app.editor.view.serialize().nodes")}
        assert saved[2]["widgets_values"] == ["x"]
        assert saved[2]["properties"] == {"kept": 1}
        # added by hand: the kernel hears of it though no edit was told
        page.js(
            "() => { const n = LiteGraph.createNode('t/Put'); n.widgets[0].value = 'late'; app.graph.add(n); n.pos = [0, 500]; }"
        )
        kernel_sees(page, lambda nodes: any(item.get("widgets_values") == ["late"] for item in nodes))
        assert page.problems() == []


def test_what_packs_put_in_place_of_app_and_canvas_is_what_runs(with_script: Show) -> None:
    with with_script({"patches.js": PATCHES}, document(node(1, "Take", ["mine", 3]))) as page:
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
        kernel_sees(page, lambda nodes: nodes[0].get("bgcolor") == "#123456")
        assert page.problems() == []
