"""A page that stands in for VS Code: its own widget manager in a webview of its kind, and a real Jupyter kernel."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page

HERE = Path(__file__).parent

#: Test-only parts from npm: name, version, SHA-256 of the package, the file we need, its name here.
PACKAGES = [
    (
        "@vscode/jupyter-ipywidgets8@1.0.9",
        "9c0680c126bae81427625a8dae4c9edfaa408c8c694a20641002b5d7d77d1ca8",
        "package/dist/ipywidgets.js",
        "ipywidgets.js",
    ),
    (
        "requirejs@2.3.8",
        "777158e89275e16bd51aec3ef714fbcb5dc45789e7078659933bc814916d7dec",
        "package/require.js",
        "require.js",
    ),
]


@pytest.fixture(scope="session")
def webview_files(request: pytest.FixtureRequest) -> Path:
    """A folder with the page, VS Code's widget manager, RequireJS and anywidget's own script."""
    import anywidget

    folder = request.config.cache.mkdir("vscode")
    for package, digest, member, name in PACKAGES:
        if not (folder / name).is_file():
            _fetch(package, digest, member, folder / name)
    shutil.copy(Path(anywidget.__file__).parent / "nbextension" / "index.js", folder / "anywidget.js")
    for page in ("workbench.html", "webview.html", "content.html", "notebook.js"):
        shutil.copy(HERE / page, folder / page)
    return folder


def _fetch(package: str, digest: str, member: str, target: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is needed to fetch VS Code's widget manager")
    done = subprocess.run(
        [npm, "pack", package, "--silent"], cwd=target.parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"npm could not fetch {package}: {done.stderr[-300:]}")
    archive = target.parent / done.stdout.strip().splitlines()[-1]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == digest, f"{package} is not what it was"
    with tarfile.open(archive) as tar:
        source = tar.extractfile(member)
        assert source is not None
        target.write_bytes(source.read())
    archive.unlink()


@pytest.fixture(scope="session")
def page_server(webview_files: Path) -> Iterator[int]:
    """Serves the page; gives its port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """No log."""

    handler = functools.partial(Quiet, directory=str(webview_files))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Jupyter server without a front end; gives its address."""
    folder = tmp_path_factory.mktemp("vscode")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}"),
        *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="),
        *("--ServerApp.disable_check_xsrf=True", "--ServerApp.allow_origin=*", "--ServerApp.log_level=ERROR"),
    ]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the Jupyter server ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api/status", timeout=2):
            return
        time.sleep(0.2)
    raise TimeoutError("the Jupyter server did not start")


class VSCodePage:
    """A notebook in the webview: ``run`` cells, look into ``editor()``, read what the workbench was told."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console: list[str] = []
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))

    @property
    def content(self) -> Frame:
        """The document the cell outputs live in."""
        outer = self.page.wait_for_selector("iframe")
        webview = outer.content_frame() if outer else None
        assert webview is not None
        inner = webview.wait_for_selector("#active-frame", state="attached")
        frame = inner.content_frame() if inner else None
        assert frame is not None
        return frame

    def run(self, code: str, index: int | None = None) -> str:
        """Run a cell in a new output, or again in the ``index``-th; gives what it printed."""
        output = "undefined" if index is None else f"document.querySelectorAll('#outputs > div')[{index}]"
        result = self.content.evaluate(f"code => runCell(code, {output})", code)
        assert result["status"] == "ok", result["text"]
        return str(result["text"])

    def editor(self, index: int = 0, timeout: float = 20) -> Frame:
        """The realm of the n-th editor."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            frames = self.content.query_selector_all("iframe.comfy-notebook-frame")
            frame = frames[index].content_frame() if len(frames) > index else None
            if frame and frame.evaluate("() => document.querySelector('#comfy-notebook')?.childElementCount ?? 0"):
                return frame
            self.page.wait_for_timeout(30)
        said = self.content.evaluate("document.body.innerText")
        raise AssertionError(f"no editor; the page says {said!r}; console: {self.console}")

    def forwarded(self) -> list[str]:
        """Keys and wheels that reached the workbench."""
        result: list[str] = self.page.evaluate("forwarded")
        return result


@pytest.fixture
def vscode(chromium: Browser, page_server: int, jupyter: str) -> Iterator[VSCodePage]:
    """A fresh notebook with a kernel of its own."""
    request = urllib.request.Request(f"{jupyter}/api/kernels", data=b'{"name": "python3"}', method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        kernel = json.load(answer)["id"]
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    page = VSCodePage(context.new_page())
    address = f"{jupyter.replace('http', 'ws')}/api/kernels/{kernel}"
    page.page.goto(f"http://127.0.0.1:{page_server}/workbench.html?kernel={address}")
    page.content.wait_for_selector("body[data-ready]", state="attached", timeout=30_000)
    yield page
    context.close()
    urllib.request.urlopen(urllib.request.Request(f"{jupyter}/api/kernels/{kernel}", method="DELETE"), timeout=30)


Vscode = Callable[[], VSCodePage]
