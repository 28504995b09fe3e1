"""Frames of the graph view beside litegraph alone: the same graphs and the same real mouse in one browser.

Chromium draws as fast as it can (no frame limit); a frame time is the time from one animation frame in which the graph
was drawn to the next, so it holds drawing, rasterising and input.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .table import print_table

JS = Path(__file__).resolve().parents[1] / "js"
WIDTH, HEIGHT = 1200, 800
SIZES = (100, 1000, 3000)
ROUNDS = 3
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-frame-rate-limit",
    "--disable-gpu-vsync",
    "--allow-file-access-from-files",
]
DEFINITION = {
    "Bench": {
        "input": {
            "required": {
                "a": ["IMAGE", {}],
                "b": ["IMAGE", {}],
                "steps": ["INT", {"default": 20, "min": 1, "max": 1000}],
                "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}],
                "sampler": [["euler", "heun", "ddim"], {}],
            }
        },
        "output": ["IMAGE", "MASK"],
        "output_name": ["IMAGE", "MASK"],
    }
}
# Notes how long it takes from a frame that draws to the next frame, whatever the order of callbacks inside a frame.
WATCH = """() => {
  const { canvas } = view.raw;
  const state = (window.bench ??= { drawn: null, frames: [], on: false });
  if (!canvas.benchWatched) {
    canvas.benchWatched = true;
    const draw = canvas.drawFrontCanvas.bind(canvas);
    canvas.drawFrontCanvas = () => { state.drawn = document.timeline.currentTime; draw(); };
  }
  state.frames.length = 0;
  state.drawn = null;
  state.on = true;
  const frame = (now) => {
    if (state.drawn !== null && now > state.drawn) {
      state.frames.push(now - state.drawn);
      state.drawn = null;
    }
    if (state.on) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
UNWATCH = "() => { bench.on = false; return bench.frames; }"
LOAD = """(document) => {
  const start = performance.now();
  view.load(document);
  return performance.now() - start;
}"""
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => done(null)))"
LOOK = """([scale, x, y]) => {
  const { ds } = view.raw.canvas;
  ds.min_scale = Math.min(scale, 0.05);
  ds.scale = scale;
  ds.offset = [x, y];
  view.raw.canvas.setDirty(true, true);
}"""


def graph(count: int) -> dict[str, Any]:
    """A square of nodes with three widgets, four slots and links to the two nodes before each."""
    columns = round(count**0.5 * 1.2)
    nodes: list[dict[str, Any]] = []
    links: list[list[Any]] = []
    for index in range(count):
        inputs: list[dict[str, Any]] = [{"name": name, "type": "IMAGE", "link": None} for name in "ab"]
        outputs: list[dict[str, Any]] = [{"name": name, "type": name, "links": []} for name in ("IMAGE", "MASK")]
        for slot, origin in enumerate((index - 1, index - columns)):
            if origin < 0:
                continue
            links.append([len(links) + 1, origin + 1, 0, index + 1, slot, "IMAGE"])
            inputs[slot]["link"] = len(links)
            nodes[origin]["outputs"][0]["links"].append(len(links))
        position = [(index % columns) * 320, (index // columns) * 230]
        nodes.append(
            {
                "id": index + 1,
                "type": "Bench",
                "pos": position,
                "size": [240, 160],
                "flags": {},
                "order": index,
                "mode": 0,
                "inputs": inputs,
                "outputs": outputs,
                "properties": {},
                "widgets_values": [20, 8, "euler"],
            }
        )
    return {
        "last_node_id": count,
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": [],
        "version": 0.4,
        "extra": {},
    }


def looks(document: dict[str, Any]) -> dict[str, list[float]]:
    """Scale and offset of the two views that are measured."""
    right = max(node["pos"][0] for node in document["nodes"]) + 240
    bottom = max(node["pos"][1] for node in document["nodes"]) + 160
    whole = min(WIDTH / (right + 80), HEIGHT / (bottom + 110), 1.0)
    return {"1:1": [1.0, -right / 2 + WIDTH / 2, -bottom / 2 + HEIGHT / 2], "whole": [whole, 40, 70]}


@contextmanager
def pages() -> Iterator[dict[str, Any]]:
    """The graph view and bare litegraph, each in its own page of one browser."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for name in ("graph", "bare"):
            flags = ["--bundle", "--format=esm", "--target=es2022", "--minify", "--log-level=error"]
            command = [str(JS / "node_modules/.bin/esbuild"), f"dev/{name}.ts", *flags, f"--outfile={folder}/{name}.js"]
            subprocess.run(command, cwd=JS, check=True)
            shutil.copy(JS / "dev" / f"{name}.html", folder)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        made = {}
        for name in ("bare", "graph"):
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(Path(folder, f"{name}.html").as_uri())
            page.wait_for_function("!!window.view?.raw")
            made[name] = page
        made["graph"].evaluate("d => view.setDefinitions(d)", DEFINITION)
        yield made
        browser.close()


def frames(page: Any, look: list[float], gesture: Any) -> list[float]:
    page.evaluate(LOOK, look)
    page.wait_for_timeout(250)
    page.evaluate(WATCH)
    gesture(page)
    taken: list[float] = page.evaluate(UNWATCH)
    return taken


def pan(page: Any) -> None:
    """60 real moves of the pressed middle button."""
    x, y = WIDTH - 10, HEIGHT - 5
    page.mouse.move(x, y)
    page.mouse.down(button="middle")
    for step in range(1, 61):
        page.mouse.move(x - step * 4, y - step * 3)
        page.evaluate(NEXT_FRAME)
    page.mouse.up(button="middle")


def zoom(page: Any) -> None:
    """40 real turns of the wheel, out and in again."""
    page.mouse.move(WIDTH / 2, HEIGHT / 2)
    for step in range(40):
        page.mouse.wheel(0, 120 if step % 20 < 10 else -120)
        page.evaluate(NEXT_FRAME)


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else float("nan")


def main() -> None:
    rows: list[list[str]] = []
    loads: list[list[str]] = []
    with pages() as made:
        for count in SIZES:
            document = graph(count)
            taken: dict[tuple[str, str, str], list[float]] = defaultdict(list)
            loaded = {name: [float(page.evaluate(LOAD, document)) for _ in range(3)] for name, page in made.items()}
            # taking turns: what else the machine does should hit both alike
            for name, page in [*made.items()] * ROUNDS:
                page.bring_to_front()
                for where, look in looks(document).items():
                    for gesture in (pan, zoom):
                        taken[name, where, gesture.__name__] += frames(page, look, gesture)
            loads.append([str(count), *(f"{min(loaded[name]):.0f} ms" for name in ("graph", "bare"))])
            for where in ("1:1", "whole"):
                for action in ("pan", "zoom"):
                    ours, bare = taken["graph", where, action], taken["bare", where, action]
                    middle = [statistics.median(values) if values else float("nan") for values in (ours, bare)]
                    rows.append(
                        [
                            str(count),
                            where,
                            action,
                            f"{middle[0]:.1f}",
                            f"{p95(ours):.1f}",
                            f"{middle[1]:.1f}",
                            f"{p95(bare):.1f}",
                            f"{middle[0] / middle[1]:.2f}",
                        ]
                    )
    head = ["nodes", "view", "action", "ours median", "ours p95", "litegraph median", "litegraph p95", "ratio"]
    print_table(f"Canvas: frame time in ms at {WIDTH} x {HEIGHT}, no frame limit (goal: ratio <= 1)", head, rows)
    print_table("Canvas: load of a document", ["nodes", "ours", "litegraph"], loads)


if __name__ == "__main__":
    main()
