"""Virtual environments that hold the built wheel, and a kernel client that plays the browser's part on the comm."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What the command printed; ``AssertionError`` with everything it said when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def make_environment(folder: Path) -> Path:
    """A fresh virtual environment without anything in it; returns its Python."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    return folder / "bin" / "python"


def lend_packages(python: Path) -> None:
    """Let the environment fall back on this one's packages: torch alone would take minutes to install again.

    A plain path line: what the environment holds itself comes first, and no ``.pth`` of the lender (such as the one of
    an editable install) is read.
    """
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())
    (site / "zz_lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")


def install(python: Path, *arguments: str | Path) -> None:
    """Install into the environment of ``python`` with the pip of this one, which spares each of them a copy."""
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--disable-pip-version-check", *arguments)


class Page:
    """Plays the browser's part: one view of the editor, talking over the kernel's comm."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self._ids = itertools.count()
        self.comm_id = ""
        self.state: dict[str, Any] = {}
        self.displayed: list[dict[str, Any]] = []
        self.heard: list[tuple[dict[str, Any], list[bytes]]] = []

    def execute(self, code: str, timeout: float = 120) -> str:
        """Run a cell and return what it printed; widgets that it opens are noticed."""
        message_id = self._client.execute(code)
        printed = ""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            message = self._next(0.5)
            if message is None:
                continue
            content, kind = message["content"], message["msg_type"]
            if kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            if kind == "stream" and message["parent_header"].get("msg_id") == message_id:
                printed += content["text"]
            ours = message["parent_header"].get("msg_id") == message_id
            if ours and kind == "status" and content["execution_state"] == "idle":
                return printed
        raise AssertionError(f"the cell did not end in {timeout} s: {code}")

    def hello(self) -> dict[str, Any]:
        """Say hello as a view does; returns the kernel's welcome."""
        self._send({"kind": "hello", "view": "page", "protocol": 1})
        return self._wait(lambda content: content.get("kind") == "welcome")[0]

    def get(self, path: str) -> tuple[int, bytes]:
        """One HTTP request over the comm; returns status and body."""
        rid = f"page:{next(self._ids)}"
        self._send({"kind": "http", "rid": rid, "method": "GET", "path": path, "headers": {}, "size": 0})
        head, buffers = self._wait(lambda content: content.get("rid") == rid and content["kind"] in ("head", "fail"))
        assert head["kind"] == "head", head
        body = b"".join(buffers)
        while len(body) < head["size"]:
            _, buffers = self._wait(lambda content: content.get("rid") == rid and content["kind"] == "data")
            body += b"".join(buffers)
        return int(head["status"]), body

    def _send(self, content: dict[str, Any]) -> None:
        data = {"comm_id": self.comm_id, "data": {"method": "custom", "content": content}}
        self._client.shell_channel.send(self._client.session.msg("comm_msg", data))

    def _wait(self, wanted: Any, timeout: float = 60) -> tuple[dict[str, Any], list[bytes]]:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for position, (content, _) in enumerate(self.heard):
                if wanted(content):
                    return self.heard.pop(position)
            self._next(0.5)
        raise AssertionError(f"no such message; heard {[content for content, _ in self.heard][-10:]}")

    def _next(self, timeout: float) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] = self._client.get_iopub_msg(timeout=timeout)
        except queue.Empty:
            return None
        content, kind = message["content"], message["msg_type"]
        if kind == "comm_open" and "_esm" in content["data"].get("state", {}):
            self.comm_id, self.state = content["comm_id"], content["data"]["state"]
        elif kind in ("display_data", "execute_result"):
            self.displayed.append(content["data"])
        elif kind == "comm_msg" and content["data"].get("method") == "custom":
            self.heard.append((content["data"]["content"], [bytes(buffer) for buffer in message["buffers"]]))
        return message


@contextmanager
def kernel_page(python: Path, folder: Path) -> Iterator[Page]:
    """A real kernel of the environment, working in ``folder``, and a page on it."""
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(
        argv=[str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        language="python",
        display_name="test",
    )
    manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Page(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def small_graph() -> str:
    """A workflow file of three built-in nodes: a red picture, inverted, shown."""
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0xFF0000}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}, "_meta": {"title": "Shown"}},
    }
    return json.dumps(prompt)
