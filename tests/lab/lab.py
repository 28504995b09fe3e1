"""A real JupyterLab in a real Chromium: start the server, open a notebook, run cells, look at the editor."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Frame, Page, Playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONNECTED = """() => {
  const app = window.jupyterapp, widget = app && app.shell.currentWidget;
  const session = widget && widget.sessionContext && widget.sessionContext.session;
  const kernel = session && session.kernel;
  return !!kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}"""

SHUT_DOWN = "() => window.jupyterapp.serviceManager.sessions.shutdownAll()"
CLOSE = """() => {
  const { shell, serviceManager } = window.jupyterapp;
  const { id } = shell.currentWidget.sessionContext.session;
  shell.currentWidget.dispose();
  void serviceManager.sessions.shutdown(id);
}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LabServer:
    """A running JupyterLab; ``folder`` is its root."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()


def start_lab(folder: Path) -> LabServer:
    """Start JupyterLab on ``folder`` with settings and state of its own; ``RuntimeError`` with its log if it fails."""
    port = free_port()
    state = folder.parent / f"{folder.name}-jupyter"
    state.mkdir(parents=True, exist_ok=True)
    notifications = state / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notifications.parent.mkdir(parents=True, exist_ok=True)
    notifications.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    log = (state / "lab.log").open("wb")
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_DATA_DIR": str(state / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--expose-app-in-browser"),
            *(f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
            *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--LabApp.news_url=None"),
            *("--ServerApp.terminals_enabled=False", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
        ],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api/status", timeout=2):
            return LabServer(url, folder, process)
        time.sleep(0.2)
    process.kill()
    raise RuntimeError("JupyterLab did not start:\n" + (state / "lab.log").read_text(errors="replace")[-4000:])


def write_notebook(path: Path, cells: list[str]) -> None:
    """A notebook of code cells for the kernel of this Python."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.write_text(nbformat.writes(book))


@dataclass
class Notebook:
    """A notebook open in JupyterLab, and the ways a person touches it."""

    page: Page
    lab: LabServer
    name: str

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate(
            "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments)", [name, arguments]
        )

    def select(self, index: int) -> None:
        self.page.evaluate(
            """index => { const content = window.jupyterapp.shell.currentWidget.content;
                          content.activeCellIndex = index; content.deselectAll(); }""",
            index,
        )

    def run(self, index: int, *, wait: bool = True, timeout: float = 60) -> None:
        """Run one cell; with ``wait`` return when the kernel has finished it, raising the traceback if it failed."""
        self.select(index)
        self.page.evaluate(
            "() => { window.cellRun = window.jupyterapp.commands.execute('notebook:run-cell').then(() => true); }"
        )
        if not wait:
            return
        handle = self.page.evaluate_handle(
            "limit => Promise.race([window.cellRun, new Promise(done => setTimeout(() => done(false), limit))])",
            timeout * 1000,
        )
        if not handle.json_value():
            raise TimeoutError(f"cell {index} did not finish in {timeout} s")
        for output in self.outputs(index):
            if output["output_type"] == "error":
                raise AssertionError("\n".join(output["traceback"]))

    def outputs(self, index: int) -> list[dict[str, Any]]:
        outputs: list[dict[str, Any]] = self._model(index)["outputs"]
        return outputs

    def text(self, index: int) -> str:
        """What the cell printed."""
        return "".join("".join(o.get("text", "")) for o in self.outputs(index) if o["output_type"] == "stream")

    def cell_count(self) -> int:
        return int(self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length"))

    def _model(self, index: int) -> dict[str, Any]:
        model: dict[str, Any] = self.page.evaluate(
            "i => window.jupyterapp.shell.currentWidget.content.widgets[i].model.sharedModel.toJSON()", index
        )
        return model

    def set_source(self, index: int, source: str) -> None:
        self.page.evaluate(
            "([i, s]) => { window.jupyterapp.shell.currentWidget.content.widgets[i].model.sharedModel.setSource(s); }",
            [index, source],
        )

    def frames(self) -> list[Frame]:
        """The editor frames on the page that have shown their canvas."""
        return [f for f in self.page.frames if f != self.page.main_frame and f.query_selector("canvas") is not None]

    def editor(self, index: int = 0, timeout: float = 30) -> Frame:
        """The ``index``-th editor on the page, once its graph is drawn."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(Exception):  # frames come and go while the notebook renders
                frames = self.frames()
                if len(frames) > index:
                    return frames[index]
            self.page.wait_for_timeout(50)
        raise TimeoutError(f"no editor {index} appeared; frames: {[f.url for f in self.page.frames]}")

    def wait_connected(self) -> None:
        self.page.wait_for_function(CONNECTED, timeout=60_000)

    def frame_count(self) -> int:
        """How many frames the browser keeps alive for this page, after garbage collection."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("HeapProfiler.collectGarbage")
        session.send("Performance.enable")
        metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
        session.detach()
        return int(metrics["Frames"])

    def theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        light = "true" if "Light" in name else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
        self.page.wait_for_timeout(300)  # the style sheets of the theme before go later

    def save(self) -> dict[str, Any]:
        """Save as a person would, and read the file."""
        self.command("docmanager:save")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
        saved: dict[str, Any] = json.loads((self.lab.folder / self.name).read_text())
        return saved


def _theme_settings(lab: LabServer) -> Path:
    state = lab.folder.parent / f"{lab.folder.name}-jupyter"
    return state / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"


class LabWindow:
    """JupyterLab in one browser page: loading it takes seconds, opening one more notebook in it does not."""

    def __init__(self, browser: Browser, lab: LabServer) -> None:
        self.lab = lab
        _theme_settings(lab).unlink(missing_ok=True)
        self._context = browser.new_context(viewport={"width": 1400, "height": 1000})
        self.page = self._context.new_page()
        self._problems: list[str] = []
        self.page.on("pageerror", lambda error: self._problems.append(error.stack or str(error)))
        self.page.goto(f"{lab.url}/lab?reset", wait_until="domcontentloaded")
        self.page.wait_for_function("() => window.jupyterapp && window.jupyterapp.shell.currentWidget", timeout=60_000)
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    @contextlib.contextmanager
    def notebook(self, cells: list[str], name: str) -> Iterator[Notebook]:
        """Write a notebook, open it and wait for its kernel (idle *and* connected); afterwards it is gone, unsaved."""
        write_notebook(self.lab.folder / name, cells)
        self._problems.clear()
        book = Notebook(self.page, self.lab, name)
        self.page.evaluate(
            """async path => {
              await window.jupyterapp.commands.execute('docmanager:open', { path, factory: 'Notebook' });
            }""",
            name,
        )
        book.wait_connected()
        yield book
        assert not self._problems, f"errors in the page: {self._problems}"
        self.page.evaluate(CLOSE)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.page.evaluate(SHUT_DOWN)
        self._context.close()


@contextlib.contextmanager
def open_notebook(browser: Browser, lab: LabServer, cells: list[str], name: str = "test.ipynb") -> Iterator[Notebook]:
    """A notebook in a JupyterLab page of its own."""
    window = LabWindow(browser, lab)
    try:
        with window.notebook(cells, name) as book:
            yield book
    finally:
        window.close()


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
