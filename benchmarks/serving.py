"""What a server costs: from its start to the first answered prompt, and the memory it holds when idle."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .table import print_table

PROMPT = {
    "1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}},
    "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
}
SETTLED = 15  # seconds after which torch, which loads in the background, is there


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def resident_megabytes(pid: int) -> float:
    """Linux alone tells without further packages; NaN elsewhere."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def started(port: int, *, settle: bool = False) -> tuple[float, float, float]:
    """Seconds to the first answered prompt, megabytes then, and megabytes once nothing moves any more."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "comfy_notebook.cli", "serve", "--port", str(port), "--base-directory", folder]
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    ask(f"http://127.0.0.1:{port}/prompt", {"prompt": PROMPT})
                    break
                except (urllib.error.URLError, ConnectionError):
                    assert process.poll() is None, "the server ended"
                    time.sleep(0.02)
            seconds, early = time.perf_counter() - begun, resident_megabytes(process.pid)
            if settle:
                time.sleep(SETTLED)
            return seconds, early, resident_megabytes(process.pid)
        finally:
            process.terminate()
            process.wait(20)


def main() -> None:
    runs = [started(18588 + index, settle=index == 0) for index in range(3)]
    print_table(
        "Server",
        ["figure", "measured", "goal"],
        [
            ["start to first answered prompt", f"{statistics.median(run[0] for run in runs):.1f} s", "<= 3 s"],
            ["resident then", f"{runs[0][1]:.0f} MB", ""],
            [f"resident when idle (after {SETTLED} s)", f"{runs[0][2]:.0f} MB", "(the reference: 534 MB)"],
        ],
    )


if __name__ == "__main__":
    main()
