"""What a person waits for in JupyterLab, and what an editor weighs on the wire and in the saved notebook."""

from __future__ import annotations

import gzip
import json
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.lab.driver import PARTS
from tests.lab.lab import Notebook, launch, open_notebook, start_lab

from .table import print_table

STATIC = Path(__file__).resolve().parents[1] / "comfy_notebook" / "static"
CELL = """
import comfy_notebook as cn
ed = cn.Editor({"nodes": [{"id": 1, "type": "EmptyImage", "pos": [20, 20], "size": [240, 130]},
                          {"id": 2, "type": "PreviewImage", "pos": [320, 20], "size": [240, 240],
                           "inputs": [{"name": "images", "type": "IMAGE", "link": 1}]}],
                "links": [[1, 1, 0, 2, 0, "IMAGE"]], "version": 0.4}, name="bench")
ed
"""
# From the moment the cell is run to the first frame after the editor stands with its nodes drawn.
PAINTED = """() => new Promise((done) => {
  const old = new Set(document.querySelectorAll('iframe'));
  const start = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  const look = () => {
    for (const frame of document.querySelectorAll('iframe')) {
      const parts = !old.has(frame) && frame.contentDocument?.querySelector('.cn-editor')?.comfyNotebook;
      if (parts && parts.view.describe().length === 2) {
        return requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
      }
    }
    requestAnimationFrame(look);
  };
  look();
})"""
FIRST_EVENT = f"""() => new Promise((done) => {{
  const {{ editor }} = {PARTS};
  const start = performance.now();
  const stop = editor.parts.host.onEvent((event) => {{
    if (event.type !== 'executing' && event.type !== 'execution_cached' && !event.type.startsWith('progress')) return;
    stop();
    done(performance.now() - start);
  }});
  document.querySelector('.cn-run').click();
}})"""


def measure(book: Notebook) -> tuple[list[float], list[float], int]:
    """Milliseconds from cell to paint, from click to first event, and bytes saved per editor without the document."""
    book.run(0)
    painted, clicked = [], []
    for _ in range(6):
        book.select(0)
        painted.append(float(book.page.evaluate(PAINTED)))
        editor = book.editor()
        for _ in range(3):
            clicked.append(float(editor.evaluate(FIRST_EVENT)))
            book.page.wait_for_timeout(400)
    saved = book.save()
    data = next(output["data"] for output in saved["cells"][0]["outputs"] if "data" in output)
    document = sum(len(json.dumps(value)) for kind, value in data.items() if kind == "application/json")
    return painted[1:], clicked[3:], len(json.dumps(saved["cells"][0]["outputs"])) - document + state_bytes(saved)


def state_bytes(saved: dict[str, object]) -> int:
    """Bytes of the widget state that JupyterLab puts into the notebook's metadata."""
    metadata = saved["metadata"]
    assert isinstance(metadata, dict)
    return len(json.dumps(metadata.get("widgets", {})))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder) / "lab"
        root.mkdir()
        lab, browser = start_lab(root), launch(playwright)
        try:
            with open_notebook(browser, lab, [CELL]) as book:
                painted, clicked, saved = measure(book)
        finally:
            browser.close()
            lab.stop()
    sizes = {name: len(gzip.compress((STATIC / name).read_bytes(), 9)) / 1000 for name in ("shell.js", "editor.js")}
    print_table(
        "Notebook (JupyterLab, headless Chromium)",
        ["figure", "median", "worst", "goal"],
        [
            ["cell run -> editor painted, warm", ms(statistics.median(painted)), ms(max(painted)), "<= 1000 ms"],
            ["click Run -> first progress event", ms(statistics.median(clicked)), ms(max(clicked)), "<= 100 ms"],
            ["shell.js, gzip", f"{sizes['shell.js']:.1f} kB", "", "<= 12 kB"],
            ["editor.js, gzip", f"{sizes['editor.js']:.1f} kB", "", "<= 220 kB"],
            ["saved per editor, without document", f"{saved / 1000:.1f} kB", "", "<= 30 kB"],
        ],
    )


def ms(value: float) -> str:
    return f"{value:.0f} ms"


if __name__ == "__main__":
    main()
