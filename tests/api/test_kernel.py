"""In a real notebook kernel: cells go on while a graph runs, Stop cancels it, edits survive a restart."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

manager = pytest.importorskip("jupyter_client.manager")

NODES = """
import time
import comfy_notebook as cn
from comfy_notebook import session

@cn.node(output_node=True)
def slow(steps: int = 1) -> str:
    for step in range(steps):
        time.sleep(0.02)
        cn.context().progress(step + 1, steps)
    return "done"

workflow = cn.Workflow({"1": {"class_type": "slow", "inputs": {"steps": 5000}}})
"""


class Kernel:
    """A kernel that runs cells with the metadata JupyterLab sends."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
        self.manager, self.client = manager.start_new_kernel(cwd=str(folder), env=environment)

    def start(self, code: str, cell: str | None = None) -> str:
        """Send a cell; returns the id of its execution."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        metadata = {"cellId": cell} if cell else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def output(self, execution: str) -> str:
        """What a cell printed, and its error, once it has ended."""
        text = ""
        while True:
            message: dict[str, Any] = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != execution:
                continue
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                text += content["text"]
            elif message["msg_type"] == "error":
                text += "\n".join(content["traceback"])
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return text

    def run(self, code: str, cell: str | None = None) -> str:
        return self.output(self.start(code, cell)).strip()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


def test_other_cells_run_and_stop_cancels(kernel: Kernel) -> None:
    assert kernel.run(NODES) == ""
    assert "running" in kernel.run(
        "run = workflow.run()\nwhile run.state == 'queued': time.sleep(0.01)\nprint(run.state)"
    )
    assert kernel.run("print(1 + 1, run.state)") == "2 running"
    waiting = kernel.start("run.result()")
    time.sleep(0.5)
    kernel.manager.interrupt_kernel()
    assert "KeyboardInterrupt" in kernel.output(waiting)
    assert kernel.run("time.sleep(0.2); print(run.state)") == "interrupted"
    awaiting = kernel.start("run = workflow.run()\nawait run")
    time.sleep(0.5)
    kernel.manager.interrupt_kernel()
    kernel.output(awaiting)
    assert kernel.run("time.sleep(0.2); print(run.state)") == "interrupted"
    assert kernel.run("print((await workflow.run(steps=2))['slow'].value)") == "done"
    failed = kernel.run("workflow.run(steps='x')")
    assert "Slow.steps takes a number" in failed


def test_running_the_cell_of_a_helper_again_makes_its_nodes_stale(kernel: Kernel) -> None:
    kernel.run("AMOUNT = 2\ndef scaled(value): return value * AMOUNT")
    kernel.run(NODES + "@cn.node(output_node=True)\ndef scale(value: int = 3) -> int: return scaled(value)")
    kernel.run("one = {'1': {'class_type': 'scale', 'inputs': {'value': 3}}}")
    kernel.run("editor = session.current().editors.create(one, 'one')")
    kernel.run("engine = session.current().engine\ndef run(): engine.wait(editor.run().prompt_id, 20)")
    values = "print(engine.values(editor.last_run.as_json()['run']['prompt_id'], '1'))"
    stale = "time.sleep(0.3); print(editor.last_run.as_json()['stale'])"
    kernel.run("run()")
    assert kernel.run(values) == "([6],)"
    assert kernel.run(stale) == "[]"
    for cell, now in [("AMOUNT = 10", 30), ("def scaled(value): return value + 1", 4)]:
        kernel.run(cell)
        assert kernel.run(stale) == "['1']"
        kernel.run("run()")
        assert kernel.run(values) == f"([{now}],)"
        assert kernel.run(stale) == "[]"


def test_an_error_is_shown_without_our_frames(kernel: Kernel) -> None:
    kernel.run(NODES)
    shown = kernel.run("cn.Workflow({'1': {'class_type': 'SaveImage', 'inputs': {}}}).run()")
    assert "Save Image (SaveImage), input 'images'" in shown
    assert len(shown.splitlines()) <= 6


def test_editors_are_known_by_their_cell(kernel: Kernel) -> None:
    kernel.run(NODES + "editors = session.current().editors")
    make = "one, two = editors.create(), editors.create(); print(one.id, two.id, one.document['extra'])"
    in_a = kernel.run(make, "a")
    assert kernel.run(make, "a") == in_a
    assert kernel.run(make, "b") != in_a
    without_id = kernel.run(make)
    assert kernel.run(make) == without_id
    kernel.run("one.apply({'set': {'extra': {'edited': 1}}})")
    assert kernel.run(make).endswith("{'edited': 1}")
    kernel.run("session.current().flush()")
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=60)
    kernel.run(NODES + "editors = session.current().editors")
    assert kernel.run(make).endswith("{'edited': 1}")
    assert kernel.run(make, "a").endswith("{}")
