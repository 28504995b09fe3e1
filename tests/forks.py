"""Fresh interpreters that have imported what takes long already: forks of one that waits."""

from __future__ import annotations

import atexit
import functools
import subprocess
import sys
from pathlib import Path

_SERVER = """
import importlib, os, runpy, sys, traceback
for name in sys.argv[1:]:
    importlib.import_module(name)
for line in sys.stdin:
    file = line.rstrip("\\n")
    child = os.fork()
    if child == 0:
        for stream, ending in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(file + ending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        failed = 0
        try:
            runpy.run_path(file, run_name="__main__")
        except BaseException:
            traceback.print_exc()
            failed = 1
        sys.stdout.flush()
        os._exit(failed)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@functools.cache
def _server(folder: Path, imports: tuple[str, ...]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _SERVER, *imports]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder)
    atexit.register(server.kill)
    return server


def run_file(file: Path, folder: Path, imports: tuple[str, ...]) -> str:
    """What the Python program ``file`` prints in ``folder``, after ``imports``; ``AssertionError`` if it fails."""
    server = _server(folder, imports)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{file}\n")
    server.stdin.flush()
    status = server.stdout.readline()
    assert status == "0\n", Path(f"{file}.err").read_text()
    return Path(f"{file}.out").read_text()
