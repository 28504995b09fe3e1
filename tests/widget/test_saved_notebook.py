"""A notebook executed without a browser and read without a kernel still shows the graph."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from comfy_notebook.widget import assets
from comfy_notebook.widget.editor import DOCUMENT_MIME, WIDGET_MIME

from .test_editor import GRAPH

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if not assets.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    folder = tmp_path_factory.mktemp("notebook")
    graph = json.loads(json.dumps(GRAPH))
    graph["nodes"][0]["title"] = HOSTILE
    (folder / "graph.json").write_text(json.dumps(graph))
    cells = ["import comfy_notebook as cn\ned = cn.Editor('graph.json')\ned", "ed.run().result()['Seen'].tensor.shape"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute()


def test_the_output_is_the_picture_and_the_graph(executed: Any) -> None:
    (output,) = executed.cells[0].outputs
    assert set(output.data) == {"text/plain", "image/svg+xml", DOCUMENT_MIME}
    assert WIDGET_MIME not in output.data
    assert output.data[DOCUMENT_MIME]["nodes"][0]["title"] == HOSTILE
    assert "[1, 16, 32, 3]" in executed.cells[1].outputs[0].data["text/plain"]


def test_what_is_stored_besides_the_graph_is_small(executed: Any, tmp_path: Path) -> None:
    graph = len(json.dumps(executed.cells[0].outputs[0].data[DOCUMENT_MIME]))
    assert len(nbformat.writes(executed, indent=None)) - graph <= 30_000


def test_html_shows_the_picture_and_nothing_of_it_runs(executed: Any) -> None:
    html, _ = HTMLExporter().from_notebook_node(executed)
    pictures = [base64.b64decode(data) for data in re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", html)]
    assert any(b"Comfy workflow, 3 nodes" in picture for picture in pictures)
    assert HOSTILE not in html


def test_html_shows_the_picture_in_a_browser(executed: Any, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    from shutil import which

    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: install the package 'chromium'")
    page_file = tmp_path / "notebook.html"
    page_file.write_text(HTMLExporter().from_notebook_node(executed)[0])

    def picture_width() -> int:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(offline=True)
            page.goto(page_file.as_uri(), wait_until="domcontentloaded")
            page.wait_for_selector(".jp-OutputArea img", state="visible")
            width = page.evaluate("document.querySelector('.jp-OutputArea img').naturalWidth")
            browser.close()
            return int(width)

    with ThreadPoolExecutor(1) as pool:  # playwright may be running in this thread for other tests
        assert pool.submit(picture_width).result() > 300
