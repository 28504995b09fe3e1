"""Packs in a kernel: they load beside the first cell, and a run waits for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .conftest import WritePack, node_source

PROMPT = {
    "1": {"class_type": "Answer", "inputs": {}},
    "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
}


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_run_waits_for_the_packs_of_the_working_folder(write_pack: WritePack, tmp_path: Path) -> None:
    write_pack("slow", "import time; time.sleep(1)\nprint('chatter')\n" + node_source())
    code = f"""
import time, comfy_notebook as cn
started = time.perf_counter()
workflow = cn.Workflow({PROMPT!r})
assert time.perf_counter() - started < 5
print(workflow.run().result()["2"].text)
"""
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "42"


def test_a_pack_that_uses_the_session_while_it_is_imported(write_pack: WritePack, tmp_path: Path) -> None:
    write_pack("curious", f"import comfy_notebook as cn\nlen(cn.Workflow({PROMPT!r}).nodes)\n" + node_source())
    done = python(f"import comfy_notebook as cn; print(cn.Workflow({PROMPT!r}).run().result()['2'].text)", tmp_path)
    assert done.stdout.strip() == "42", done.stderr


def test_the_command_line_lists_and_examines(write_pack: WritePack, tmp_path: Path) -> None:
    write_pack(
        "fine",
        "from comfy.text_encoders import hydit\nprint('hello')\n"
        + node_source("Fine").replace("return (42,)", "return (hydit.HyditModel,)"),
    )
    write_pack("ill", "import nobody_has_it")
    cli = "import sys; from comfy_notebook.cli import main; sys.exit(main({}))"
    listed = python(cli.format(["packs", "list"]), tmp_path)
    assert listed.returncode == 1
    lines = listed.stdout.splitlines()
    assert lines[0].startswith("✓ fine: 1 node, ")
    assert lines[1] == "✗ ill: needs the package 'nobody_has_it', which is not installed → pip install nobody_has_it"
    examined = python(cli.format(["packs", "doctor", "fine"]), tmp_path)
    assert examined.returncode == 0, examined.stderr
    assert "0 of 1 nodes need nothing that is not here" in examined.stdout
    assert "~ Fine may call comfy.text_encoders.hydit.HyditModel" in examined.stdout
    assert "| hello" in examined.stdout
    unknown = python(cli.format(["packs", "doctor", "gone"]), tmp_path)
    assert unknown.returncode == 1
    assert "there is no pack 'gone'" in unknown.stderr
