// litegraph as it comes, with one node type: what the graph view is measured against (benchmarks/canvas.py).
import { LGraph, LGraphCanvas, LGraphNode, LiteGraph } from "@comfyorg/litegraph";

class Bench extends LGraphNode {
  static override title = "Bench";

  constructor(title: string) {
    super(title);
    this.serialize_widgets = true;
    this.addInput("a", "IMAGE");
    this.addInput("b", "IMAGE");
    this.addOutput("IMAGE", "IMAGE");
    this.addOutput("MASK", "MASK");
    this.addWidget("number", "steps", 20, () => undefined, { min: 1, max: 1000 });
    this.addWidget("number", "cfg", 8, () => undefined, { min: 0, max: 100 });
    this.addWidget("combo", "sampler", "euler", () => undefined, { values: ["euler", "heun", "ddim"] });
  }
}

LiteGraph.registerNodeType("Bench", Bench);
const element = document.querySelector("#view") as HTMLCanvasElement;
element.width = window.innerWidth;
element.height = window.innerHeight;
const graph = new LGraph();
const canvas = new LGraphCanvas(element, graph);
LiteGraph.canvasNavigationMode = "legacy";

const view = {
  raw: { graph, canvas },
  load: (document: unknown) => graph.configure(document as never),
};
Object.assign(window, { view });
