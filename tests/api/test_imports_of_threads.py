"""A session's threads never race for the first import of a module they share."""

from __future__ import annotations

import subprocess
import sys

PROBE = """
import sys
from comfy_notebook.session import Session
session = Session()
session.engine, session.server
before = set(sys.modules)
import importlib, threading
sys.setswitchinterval(1e-6)
names = ["api", "api.results", "api.run", "workflow", "workflow.metadata", "server.view", "server.uploads", "nodes"]
failures = []
def load(name):
    start.wait()
    try:
        importlib.import_module("comfy_notebook." + name)
    except Exception as error:
        failures.append(f"{name}: {error!r}")
start = threading.Barrier(len(names))
threads = [threading.Thread(target=load, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
late = [n for n in sys.modules if n.startswith("comfy_notebook.") and n not in before and ".nodes.ops" not in n]
print(failures, late)
session.close()
"""


def test_threads_import_nothing_of_ours_at_the_same_time() -> None:
    answer = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[] []", answer.stdout + answer.stderr
