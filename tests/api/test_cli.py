"""The command line, as a person calls it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

import comfy_notebook as cn
from comfy_notebook import cli
from comfy_notebook.session import Session

from .conftest import INVERT


@dataclass
class Call:
    """What one call of the command line gave."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def call(session: Session, capsys: pytest.CaptureFixture[str]) -> Callable[..., Call]:
    def run(*arguments: str) -> Call:
        capsys.readouterr()
        status = cli.main(arguments)
        out = capsys.readouterr()
        return Call(status, out.out, out.err)

    return run


def test_nodes_lists_names(call: Callable[..., Call]) -> None:
    listed = call("nodes", "--json")
    assert listed.returncode == 0, listed.stderr
    assert {"LoadImage", "SaveImage", "ImageInvert"} <= set(json.loads(listed.stdout))
    assert "SaveImage" in call("nodes").stdout


def test_convert_reads_ui_api_and_pictures(call: Callable[..., Call], tmp_path: Path) -> None:
    workflow = cn.Workflow(INVERT)
    workflow.save(tmp_path / "ui.json")
    workflow.save(tmp_path / "api.json", format="api")
    picture = workflow.run().result(30)["SaveImage"].files[0]
    for path in (tmp_path / "ui.json", tmp_path / "api.json", picture):
        converted = call("convert", str(path))
        assert converted.returncode == 0, converted.stderr
        assert json.loads(converted.stdout) == workflow.to_api()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', "not json"])
def test_convert_explains_what_it_cannot_read(call: Callable[..., Call], tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    converted = call("convert", "bad.json")
    assert (converted.returncode, converted.stdout) == (1, "")
    assert converted.stderr.startswith("comfy-notebook: ")
    assert "Traceback" not in converted.stderr
    assert call("convert", "missing.json").returncode == 1


def test_run_sets_values_and_copies_results(call: Callable[..., Call], tmp_path: Path) -> None:
    (tmp_path / "wf.json").write_text(json.dumps(INVERT))
    done = call("run", "wf.json", "--set", "EmptyImage.color=255", "--set", "filename_prefix=007", "--output", "out")
    assert done.returncode == 0, done.stderr
    assert "Save Image" in done.stdout
    (saved,) = (tmp_path / "out").glob("007_*.png")
    assert Image.open(saved).getpixel((0, 0)) == (255, 255, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "EmptyImage.widht=3"], "did you mean 'width'"),
        (["--set", "nonsense"], "NODE.INPUT=VALUE"),
        (["--set", "width=0"], "width"),
        (["--set", "width=wide"], "takes a number"),
    ],
)
def test_run_explains_wrong_values(
    call: Callable[..., Call], tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "wf.json").write_text(json.dumps(INVERT))
    failed = call("run", "wf.json", *arguments)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr


def test_serve_answers_and_ends_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "comfy_notebook.cli", "serve", "--port", "0"]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().rsplit(" ", 1)[-1].strip()
    body = json.dumps({"prompt": {}}).encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url + "prompt", body, method="POST"))
    assert caught.value.code == 400
    assert time.monotonic() - started < 10
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
