"""The command line, as a person calls it."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import comfy_notebook as cn
from comfy_notebook import cli
from comfy_notebook.server import serve as serving
from comfy_notebook.session import Session

from .conftest import INVERT, Served
from .test_subgraphs import two_instances


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


def test_run_tells_of_previews_that_stay(
    call: Callable[..., Call], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = {**INVERT, "9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    (tmp_path / "wf.json").write_text(json.dumps(prompt))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    done = call("run", "wf.json")
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert Path(line.split(": ", 1)[1]).is_file(), line
    assert "Preview Image: " in done.stdout
    before = sorted((tmp_path / "tmp").iterdir())
    assert call("run", "wf.json", "--set", "nonsense").returncode == 1
    assert call("run", "wf.json", "--output", "out").returncode == 0
    assert sorted((tmp_path / "tmp").iterdir()) == before, "nothing is left where nothing is told"


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
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().rsplit(" ", 1)[-1].strip()
    body = json.dumps({"prompt": {}}).encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url + "prompt", body, method="POST"))
    assert caught.value.code == 400
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_serve_ends_where_it_is_told_to_as_soon_as_it_speaks(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "comfy_notebook", "serve", "--port", "0"]
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.read(1)
            process.send_signal(number)
            assert process.wait(30) == 0


def cpu_seconds(pid: int) -> float:
    """What a process has worked so far: what it would take on a machine that does nothing else."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


#: LoadImage → Invert → Preview: needs torch to run, not to be accepted.
LOADED = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
}


@pytest.mark.parametrize("prompt", [INVERT, LOADED], ids=["made", "loaded"])
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_first_prompt_is_answered_within_three_seconds(
    serve: Callable[..., Served], tmp_path: Path, prompt: dict[str, Any]
) -> None:
    (tmp_path / "input").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "input" / "a.png")
    served = serve()
    status, answer, _ = served.ask("prompt", {"prompt": prompt})
    wall, worked = time.monotonic() - served.started, cpu_seconds(served.process.pid)
    assert (status, answer["node_errors"]) == (200, {})
    assert min(wall, worked) < 3  # the machine may be busy with something else


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m comfy_notebook nodes --json | head -c 1"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[", "")


def test_serve_takes_the_options_of_the_reference(serve: Callable[..., Served], tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "extra.yaml").write_text("a:\n  base_path: models\n  loras: mine\n")
    served = serve(
        *("--output-directory", "saved", "--input-directory", "given", "--temp-directory", "passing"),
        *("--base-directory", "base", "--extra-model-paths-config", "config/extra.yaml", "--cpu", "--cache-lru", "0"),
        *("--disable-metadata", "--preview-method", "auto", "--disable-all-custom-nodes"),
        *("--whitelist-custom-nodes", "a-pack", "--max-upload-size", "1", "--verbose", "--disable-auto-launch"),
        *("--enable-cors-header", "http://page.example", "--feature-flag", "one=1", "--feature-flag", "two"),
    )
    item = served.run(INVERT)
    saved = tmp_path / "saved" / item["outputs"]["3"]["images"][0]["filename"]
    with Image.open(saved) as image:
        assert image.info == {}
    assert list((tmp_path / "passing").glob("*.png"))
    assert str(tmp_path / "config" / "models" / "mine") in served.ask("internal/folder_paths")[1]["loras"]
    assert served.ask("features")[1]["max_upload_size"] == 1024 * 1024
    status, _, headers = served.ask("queue", None, Origin="http://page.example")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "http://page.example")
    assert served.ask("queue", None, Origin="http://other.example")[0] == 403
    served.process.send_signal(signal.SIGTERM)
    _, errors = served.process.communicate(timeout=20)
    assert "ignored: --disable-auto-launch --feature-flag" in errors
    assert f"To see the GUI go to: {served.url}" in errors, "for launchers that read the other stream"
    assert served.process.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--normalvram", "--fp16-vae", "--use-pytorch-cross-attention"],
        ["--front-end-version", "Comfy-Org/ComfyUI_frontend@latest", "--windows-standalone-build"],
        ["--fast", "--directml"],
        ["--fast", "fp16_accumulation", "cublas_ops", "--default-device", "1"],
        ["--preview-size", "512", "--default-hashing-function", "md5"],
        ["--fp8_e4m3fn-unet", "--async-offload", "2", "--multi-user"],
    ],
)
def test_options_that_change_nothing_are_taken(arguments: list[str]) -> None:
    options = cli.parser().parse_args(["serve", *arguments, "--port", "1"])
    assert options.port == 1
    assert options.ignored == [argument for argument in arguments if argument.startswith("--")]
    assert not cli.parser().parse_args(["serve"]).ignored


def test_options_about_memory_reach_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from comfy_notebook.diffusion import memory

    monkeypatch.setattr(memory, "policy", memory.Policy())
    told = ["--lowvram", "--reserve-vram", "1.5", "--cpu-vae", "--force-fp16"]
    cli._set_memory_policy(cli.parser().parse_args(["serve", *told]))
    assert memory.policy == memory.Policy(lowvram=True, reserve=3 * 2**29, cpu_vae=True, force_fp16=True)
    cli._set_memory_policy(cli.parser().parse_args(["serve", "--cpu", "--gpu-only"]))
    assert memory.policy == memory.Policy(cpu=True, gpu_only=True, reserve=3 * 2**29)


def test_it_ends_once_all_is_loaded_where_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "comfy_notebook", "serve", "--port", "0", "--quick-test-for-ci", "--cpu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "To see the GUI go to: http://127.0.0.1:" in done.stdout) == (0, True), done.stderr


def test_a_port_that_is_taken_is_told_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "comfy_notebook", "serve", "--port", str(port)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"Can't listen on 127.0.0.1, port {port}: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")
def test_https(serve: Callable[..., Served], tmp_path: Path) -> None:
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2", *files]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    served = serve("--tls-keyfile", "key.pem", "--tls-certfile", "cert.pem", "--enable-compress-response-body")
    assert served.url.startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    asked = urllib.request.Request(served.url + "object_info", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(asked, context=trusting, timeout=30) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "LoadImage" in json.loads(gzip.decompress(answer.read()))
    broken = [sys.executable, "-m", "comfy_notebook", "serve", "--port", "0", "--tls-keyfile", "none.pem"]
    for more in ([], ["--tls-certfile", "none.pem"]):
        done = subprocess.run([*broken, *more], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)


PACK = """
import logging

from comfy_execution.graph_utils import GraphBuilder

print("loading")
logging.info("as the root")
logging.getLogger("of.the.pack").warning("as itself")

class Twice:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": "a"})}}
    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"
    CATEGORY = "packed"
    OUTPUT_NODE = True
    def go(self, text):
        return {"ui": {"text": [text * 2]}, "result": (text * 2,)}

NODE_CLASS_MAPPINGS = {"Twice": Twice}
NODE_DISPLAY_NAME_MAPPINGS = {"Twice": "Twice the text"}
"""


def test_packs_beside_the_workflows_are_loaded(
    serve: Callable[..., Served], call: Callable[..., Call], tmp_path: Path
) -> None:
    folder = tmp_path / "custom_nodes" / "a-pack"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(PACK)
    prompt = {"1": {"class_type": "Twice", "inputs": {"text": "ab"}}}
    assert serve("--disable-all-custom-nodes").ask("prompt", {"prompt": prompt})[0] == 400
    allowed = serve("--disable-all-custom-nodes", "--whitelist-custom-nodes", "a-pack")
    assert allowed.ask("object_info/Twice")[1]["Twice"]["python_module"] == "custom_nodes.a-pack"
    logged = allowed.ask("internal/logs")[1]
    for line in ("as the root", "as itself", "a-pack: "):
        assert logged.count(line) == 1, (line, logged)
    (tmp_path / "extra.yaml").write_text("a:\n  custom_nodes: custom_nodes\n")
    elsewhere = serve("--base-directory", "empty", "--extra-model-paths-config", "extra.yaml")
    assert elsewhere.run(prompt)["outputs"] == {"1": {"text": ["abab"]}}
    listed = call("nodes", "--json")
    assert "Twice" in json.loads(listed.stdout)
    (tmp_path / "wf.json").write_text(json.dumps(prompt))
    assert "abab" in call("run", "wf.json", "--set", "text=ab").stdout


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [([], "ram"), (["--cache-ram"], "ram"), (["--cache-ram", "2", "4"], "ram"), (["--cache-classic"], "classic"),
     (["--cache-lru", "0"], "classic"), (["--cache-lru", "3"], "lru"), (["--cache-none"], "none")],
)  # fmt: skip
def test_cache_options(arguments: list[str], mode: str) -> None:
    assert serving.cache_of(cli.parser().parse_args(["serve", *arguments])).mode == mode


@pytest.mark.parametrize(
    "arguments",
    [["--cache-lru", "-1"], ["--cache-none", "--cache-classic"], ["--preview-method", "x"], ["--port", "a"],
     ["--prot", "1"], ["--no-such-option"], ["stray"], ["--port", "70000"], ["--max-upload-size", "-1"]],
)  # fmt: skip
def test_wrong_calls_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["serve", *arguments])
    assert caught.value.code == 2
    with pytest.raises(SystemExit):
        cli.main(["run", "x.json", "--no-such-option"])


def test_a_wide_address_needs_its_token(serve: Callable[..., Served]) -> None:
    served = serve("--listen", "0.0.0.0")
    assert "?token=" in served.url
    assert served.ask("queue")[0] == 200
    served.url = served.url.partition("?")[0]
    assert served.ask("queue")[0] == 401
    token = serve("--listen", "--token", "chosen")  # every address
    assert token.url.endswith("?token=chosen")
    assert token.ask("queue")[0] == 200


FORKS = """
import os, sys, time
import comfy_notebook.session as sessions
from comfy_notebook.cli import main
from comfy_notebook.protocol.function import definition_from_function

def fork() -> int:
    child = os.fork()
    if child == 0:
        time.sleep(600)
    return child

opened = sessions.use
def use(session):
    session.registry.register(definition_from_function(fork, name="Fork", output_node=True))
    return opened(session)
sessions.use = use
main(["serve", "--port", sys.argv[1]])
"""


def port_for_us_alone() -> int:
    """A free port below those that systems hand out, so that no other program gets it once it is free again."""
    for port in random.sample(range(20_000, 32_000), 50):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.skip("no port is free")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_server_leaves_nothing_that_holds_its_port(tmp_path: Path) -> None:
    (tmp_path / "forks.py").write_text(FORKS)
    port = port_for_us_alone()
    command = [sys.executable, "forks.py", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True)
    served = Served.__new__(Served)
    assert process.stdout is not None
    served.process, served.url = process, process.stdout.readline().rsplit(" ", 1)[-1].strip()
    try:
        served.run({"1": {"class_type": "Fork", "inputs": {}}})
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with socket.create_server(("127.0.0.1", port)):
            pass
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def test_run_draws_a_bar_on_a_terminal(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    (tmp_path / "wf.json").write_text(json.dumps(INVERT))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "comfy_notebook.cli", "run", "wf.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                drawn += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        out = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert b"[########################] 4/4" in drawn
    assert "Save Image: " in out


def test_a_failing_node_is_readable_its_traceback_is_for_who_asks(call: Callable[..., Call], tmp_path: Path) -> None:
    broken = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "broken.png"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "wf.json").write_text(json.dumps(broken))
    failed = call("run", "wf.json")
    assert failed.returncode == 1
    assert "Load Image (LoadImage)" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "image_load.py" not in failed.stderr
    assert "image_load.py" in call("run", "wf.json", "--verbose").stderr


def test_run_reaches_into_subgraphs_and_keeps_files_apart(call: Callable[..., Call], tmp_path: Path) -> None:
    prompt = {
        **INVERT,
        "5": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "sub/inverted"}},
    }
    (tmp_path / "wf.json").write_text(json.dumps(prompt))
    assert call("run", "wf.json", "--output", "out").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("inverted*")) == [
        "inverted_00001_ (1).png",
        "inverted_00001_.png",
    ]
    (tmp_path / "sub.json").write_text(json.dumps(two_instances()))
    done = call("run", "sub.json", "--set", "Left/EmptyImage.height=2", "--set", "Maker.width=3")
    assert done.returncode == 0, done.stderr


def test_coverage_tells_which_missing_nodes_would_help_most(call: Callable[..., Call], tmp_path: Path) -> None:
    folder = tmp_path / "many"
    (folder / "deep").mkdir(parents=True)
    wanted = {"runs": ["ImageInvert"], "one": ["X", "ImageInvert"], "two": ["X", "Y"], "three": ["Z", "Y"]}
    for name, kinds in wanted.items():
        nodes = [{"id": number, "type": kind} for number, kind in enumerate(kinds)]
        (folder / "deep" / f"{name}.json").write_text(json.dumps({"nodes": nodes, "links": []}))
    (folder / "broken.json").write_text("{")
    (folder / ".hidden.json").write_text("{")
    (folder / "notes.txt").write_text("{")
    told = call("convert", "--coverage", str(folder))
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0] == "1 of 5 workflows run with the nodes there are; 3 lack nodes, 1 can't be read."
    assert [line.split() for line in lines[3:6]] == [["2", "2", "X"], ["3", "2", "Y"], ["4", "1", "Z"]]
    assert lines[-1].startswith("  broken.json: broken.json ends too early")


def test_coverage_of_no_folder(call: Callable[..., Call], tmp_path: Path) -> None:
    told = call("convert", "--coverage", str(tmp_path / "none"))
    assert told.returncode == 1
    assert "There is no folder" in told.stderr
    with pytest.raises(SystemExit):
        call("convert")
