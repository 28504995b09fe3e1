"""What the kernel pays: importing the package, and a graph of 100 image nodes whose results are all cached."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .table import print_table

IMPORT = """
import sys, time
start = time.perf_counter()
import comfy_notebook
print((time.perf_counter() - start) * 1000, "torch" in sys.modules)
"""
EMPTY = "import time; start = time.perf_counter(); import json; print((time.perf_counter() - start) * 1000, False)"


def import_milliseconds(code: str, repeats: int = 9) -> tuple[float, bool]:
    """The median of fresh interpreters, and whether any of them loaded torch."""
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(repeats)
    ]
    answers = [run.stdout.split() for run in runs]
    return statistics.median(float(a[0]) for a in answers), any(a[1] == "True" for a in answers)


def image_chain(length: int) -> dict[str, Any]:
    """An empty image, ``length - 2`` inversions one after the other, a preview."""
    prompt: dict[str, Any] = {
        "0": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 7}}
    }
    for index in range(1, length - 1):
        prompt[str(index)] = {"class_type": "ImageInvert", "inputs": {"image": [str(index - 1), 0]}}
    prompt[str(length - 1)] = {"class_type": "PreviewImage", "inputs": {"images": [str(length - 2), 0]}}
    return prompt


def run_milliseconds(repeats: int = 20) -> tuple[float, float]:
    """Cold, and the median of all-cached runs, from submit to done."""
    from comfy_notebook.folders import Folders, use
    from comfy_notebook.session import Session

    with tempfile.TemporaryDirectory() as folder:
        use(folders := Folders(base=Path(folder)))
        session = Session(folders)

        def once() -> float:
            start = time.perf_counter()
            submission = session.engine.submit(image_chain(100))
            session.engine.wait(submission.prompt_id, 120)
            return (time.perf_counter() - start) * 1000

        import torch  # the first run should not pay for it

        torch.zeros(1)
        cold = once()
        cached = statistics.median(once() for _ in range(repeats))
        session.close()
    return cold, cached


def main() -> None:
    ours, torch_loaded = import_milliseconds(IMPORT)
    floor, _ = import_milliseconds(EMPTY)
    cold, cached = run_milliseconds()
    print_table(
        "Kernel",
        ["figure", "measured", "goal"],
        [
            [
                "import comfy_notebook",
                f"{ours:.0f} ms{' (loads torch!)' if torch_loaded else ''}",
                "<= 150 ms, no torch",
            ],
            ["  floor: import json", f"{floor:.0f} ms", ""],
            ["100 image nodes, cold", f"{cold:.0f} ms", ""],
            ["100 image nodes, all cached", f"{cached:.1f} ms", "<= 20 ms"],
        ],
    )


if __name__ == "__main__":
    main()
