"""The Stop button of a notebook: SIGINT while a cell waits, while it works on its own, and from another thread."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

NODES = """
import sys, threading, time
import comfy_notebook as cn

steps_done = []

@cn.node(output_node=True)
def slow(steps: int = 1) -> str:
    for step in range(steps):
        time.sleep(0.05)
        steps_done.append(step)
        cn.context().progress(step + 1, steps)
    return "done"

def prompt(steps):
    return cn.Workflow({"1": {"class_type": "slow", "inputs": {"steps": steps}}})

ticks = []
def tick():
    while True:
        time.sleep(0.01)
        ticks.append(time.monotonic())
threading.Thread(target=tick, daemon=True).start()
"""

WAITING = """
run = prompt(10_000).run()
while run.state != "running" or not steps_done: time.sleep(0.01)
try:
    print("ready", flush=True)
    run.result()
except KeyboardInterrupt:
    stopped = len(steps_done)
    at = time.monotonic()
    while not run.done(): time.sleep(0.005)
    print("took", len(steps_done) - stopped, time.monotonic() - at < 1, run.state)
print("next", prompt(2).run().result(10)["slow"].value, len(ticks) > 10)
"""

ELSEWHERE = """
run = prompt(80).run()
while run.state != "running": time.sleep(0.01)
try:
    print("ready", flush=True)
    while True: time.sleep(0.01)
except KeyboardInterrupt:
    print("state", run.state)
print("result", run.result(20)["slow"].value)
"""

AWAITED = """
import asyncio
async def cell():
    run = prompt(10_000).run()
    while run.state != "running": await asyncio.sleep(0.01)
    try:
        print("ready", flush=True)
        await run
    except asyncio.CancelledError:
        while not run.done(): time.sleep(0.005)
        print("state", run.state)
        raise
try:
    asyncio.run(cell())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (WAITING, [r"took [01] True interrupted", "next done True"]),
        (ELSEWHERE, ["state running", "result done"]),
        (AWAITED, ["state interrupted", "interrupted"]),
    ],
    ids=["while a cell waits", "while a cell does something else", "while a cell awaits"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process on Windows")
def test_sigint(tmp_path: Path, body: str, expected: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NODES + body], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)  # the cell has gone on to what it waits for
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    lines = out.splitlines()
    assert len(lines) == len(expected), (out, errors)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line)
