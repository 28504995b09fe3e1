"""One JupyterLab server and one browser for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, sync_playwright

from .lab import CHROMIUM, LabServer, Notebook, launch, open_notebook, start_lab

REPOSITORY = Path(__file__).resolve().parents[2]


class OpenNotebook(Protocol):
    def __call__(self, cells: list[str], name: str = ...) -> AbstractContextManager[Notebook]: ...


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    server = start_lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture
def quickstart(lab: LabServer) -> str:
    """The quickstart's workflow and pictures, beside the notebook that opens it."""
    shutil.copytree(REPOSITORY / "notebooks" / "input", lab.folder / "input", dirs_exist_ok=True)
    shutil.copy(REPOSITORY / "notebooks" / "quickstart.json", lab.folder)
    return "quickstart.json"


@pytest.fixture(scope="package")  # playwright cannot run twice in a thread, and other folders have theirs
def lab_browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def notebook(lab: LabServer, lab_browser: Browser) -> OpenNotebook:
    """Opens notebooks: ``with notebook(["cell", "cell"]) as book: …``."""

    def opening(cells: list[str], name: str = "test.ipynb") -> AbstractContextManager[Notebook]:
        return open_notebook(lab_browser, lab, cells, name)

    return opening
