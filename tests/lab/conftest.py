"""One JupyterLab server and one browser for all tests of this folder."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, sync_playwright

from .lab import CHROMIUM, LabServer, LabWindow, Notebook, launch, start_lab

REPOSITORY = Path(__file__).resolve().parents[2]


class OpenNotebook(Protocol):
    def __call__(self, cells: list[str], name: str = ...) -> AbstractContextManager[Notebook]: ...


class Windows:
    """The JupyterLab page that the tests share; one in which a test failed is not used again."""

    def __init__(self, browser: Browser, lab: LabServer) -> None:
        self._browser, self._lab = browser, lab
        self._window: LabWindow | None = None
        self._count = itertools.count(1)

    @contextmanager
    def notebook(self, cells: list[str], name: str = "") -> Iterator[Notebook]:
        self._window = self._window or LabWindow(self._browser, self._lab)
        try:
            with self._window.notebook(cells, name or f"test-{next(self._count)}.ipynb") as book:
                yield book
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._window is not None:
            self._window.close()
        self._window = None


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


@pytest.fixture(scope="package")
def windows(lab: LabServer, lab_browser: Browser) -> Iterator[Windows]:
    made = Windows(lab_browser, lab)
    yield made
    made.close()


@pytest.fixture
def notebook(windows: Windows) -> OpenNotebook:
    """Opens notebooks: ``with notebook(["cell", "cell"]) as book: …``."""
    return windows.notebook
