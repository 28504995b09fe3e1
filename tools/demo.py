"""The quickstart without a display: runs it, and leaves its images and a screenshot of the editor under ``out/``.

``out/quickstart.ipynb`` is the executed notebook, ``out/*.png`` are its pictures, ``out/editor.png`` and
``out/jupyterlab.png`` show the editor in a real JupyterLab in a real, headless Chromium.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.lab.lab import CHROMIUM, CONNECTED, LabServer, Notebook, launch, start_lab  # noqa: E402 - needs the line above

NOTEBOOK = "quickstart.ipynb"


@contextlib.contextmanager
def working_copy() -> Iterator[Path]:
    """A copy of ``notebooks/`` that may be written to."""
    with tempfile.TemporaryDirectory(prefix="comfy-demo-") as folder:
        copy = Path(folder) / "notebooks"
        shutil.copytree(ROOT / "notebooks", copy, ignore=shutil.ignore_patterns("output", "user", ".*"))
        yield copy


def execute(folder: Path, out: Path) -> list[Path]:
    """Run the notebook in ``folder``; returns what it left under ``out``: the notebook and every picture it showed."""
    book = nbformat.read(folder / NOTEBOOK, as_version=4)
    NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.write(book, out / NOTEBOOK)
    written = [out / NOTEBOOK]
    for number, cell in enumerate(book.cells):
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                written.append(out / f"cell-{number:02}.png")
                written[-1].write_bytes(base64.b64decode(output["data"]["image/png"]))
    for saved in sorted((folder / "output").rglob("*.png")):
        written.append(out / saved.name)
        shutil.copy(saved, written[-1])
    return written


@contextlib.contextmanager
def opened(lab: LabServer) -> Iterator[Notebook]:
    """The quickstart, open in JupyterLab with its kernel connected."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        page.goto(f"{lab.url}/lab/tree/{NOTEBOOK}?reset", wait_until="domcontentloaded")
        page.wait_for_function("() => window.jupyterapp && window.jupyterapp.shell.currentWidget", timeout=60_000)
        page.wait_for_function(CONNECTED, timeout=60_000)
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        notebook = Notebook(page, lab, NOTEBOOK)
        with contextlib.suppress(Exception):
            notebook.command("application:toggle-left-area")  # more room for the editor
        yield notebook
        browser.close()


def cells_with(notebook: Notebook, text: str) -> list[int]:
    """Positions of the code cells whose source holds ``text``."""
    found: list[int] = notebook.page.evaluate(
        """text => window.jupyterapp.shell.currentWidget.content.widgets
                   .map((cell, index) => [cell.model.type, cell.model.sharedModel.source, index])
                   .filter(([type, source]) => type === 'code' && source.includes(text)).map(row => row[2])""",
        text,
    )
    return found


def photograph(lab: LabServer, out: Path) -> list[Path]:
    """Open the editor, run the workflow, take pictures."""
    with opened(lab) as notebook:
        last = cells_with(notebook, ".result()")[0]
        for cell in cells_with(notebook, ""):
            if cell <= last:
                notebook.run(cell)
        frame = notebook.editor()
        element = frame.frame_element()
        element.scroll_into_view_if_needed()
        settle(notebook.page)
        element.screenshot(path=out / "editor.png")
        notebook.page.screenshot(path=out / "jupyterlab.png")
    return [out / "editor.png", out / "jupyterlab.png"]


def settle(page: Page) -> None:
    """Wait for the pictures on the nodes: they are fetched after the run has ended."""
    page.wait_for_timeout(2_500)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="where the pictures go")
    out: Path = parser.parse_args(arguments).out.resolve()
    if CHROMIUM is None:
        parser.error("the screenshot needs Chromium: run `make demo`, which installs it")
    out.mkdir(parents=True, exist_ok=True)
    with working_copy() as folder:
        written = execute(folder, out)
    with working_copy() as folder:
        lab = start_lab(folder)
        try:
            written += photograph(lab, out)
        finally:
            lab.stop()
    print("The quickstart ran. It left:")
    for path in written:
        print(f"  {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
