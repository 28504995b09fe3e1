"""Packs that misbehave beside packs that do not: the kernel, the server and the others live on."""

from __future__ import annotations

import importlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook.packs.loader import PackLoader
from comfy_notebook.session import Session

from .conftest import EXAMPLES, WritePack, node_source

NODE = """
import sys, threading
class {name}:
    INPUT_TYPES = classmethod(lambda cls: {{"required": {{}}}})
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True
    def run(self):
        {body}
        return {{"ui": {{"value": [1]}}, "result": (1,)}}
NODE_CLASS_MAPPINGS = {{"{name}": {name}}}
"""

MONKEYPATCHES = """
import sys, builtins, json, nodes, folder_paths, server, comfy.utils, comfy.model_management
from comfy_execution import graph

class Teller:
    def __init__(self, stream):
        self.stream = stream
    def write(self, text):
        return self.stream.write(text)
    def __getattr__(self, name):
        return getattr(self.stream, name)
sys.stdout = Teller(sys.stdout)

CALLS = []
send = server.PromptServer.instance.send_sync
server.PromptServer.instance.send_sync = lambda *a, **k: (CALLS.append(a[0]), send(*a, **k))[1]
lists = folder_paths.get_filename_list
folder_paths.get_filename_list = lambda kind: [*lists(kind), "made-up.safetensors"]
load = nodes.NODE_CLASS_MAPPINGS["ImageInvert"].invert
nodes.my_own_attribute = 7
server.PromptServer.instance.my_own_attribute = 8
folder_paths.folder_names_and_paths["my_own_kind"] = ([folder_paths.base_path], {".txt"})
comfy.model_management.soft_empty_cache = lambda force=False: None
""" + node_source("Patched")

BY_NAME = {
    "a_prints": "for n in range(3000): print('noise', n)\n" + NODE.format(name="Loud", body="print('x' * 10**6)"),
    "b_exits": "import sys; sys.exit('bye')",
    "c_node_exits": NODE.format(name="Exits", body="sys.exit(4)"),
    "d_patches": MONKEYPATCHES,
    "zz_blocks": "import os, time\nwhile not os.path.exists(__file__ + '.go'): time.sleep(0.05)\n"
    + node_source("Slow"),
    "f_many": node_source("N") + "NODE_CLASS_MAPPINGS = {f'N{i}': type(f'N{i}', (N,), {}) for i in range(500)}",
    "g_thread": "import threading\nthreading.Thread(target=lambda: 1 / 0, daemon=True).start()\n"
    + node_source("Quiet"),
    "h_recursion": "def f(): f()\nf()",
    "i_bad_text": "\x00",
    "j_odd_mapping": "NODE_CLASS_MAPPINGS = ['not', 'a', 'dict']",
    "k_bad_base": "from comfy.sd import VAE\nclass Mine(VAE):\n    pass\nNODE_CLASS_MAPPINGS = {'Mine': Mine}",
    "l_generator_exit": "raise GeneratorExit('odd')",
    "m_lazy": "class M(dict):\n    def items(self):\n        raise RuntimeError('no')\nNODE_CLASS_MAPPINGS = M(a=1)",
}


def undo_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What :data:`MONKEYPATCHES` assigns to is as it was after the test."""
    instance = module("server").PromptServer.instance
    for owner, name in (
        (module("folder_paths"), "get_filename_list"),
        (module("comfy.model_management"), "soft_empty_cache"),
        (instance, "send_sync"),
        (instance, "my_own_attribute"),
        (module("nodes"), "my_own_attribute"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name, None), raising=False)


def module(name: str) -> Any:
    """A module that packs import; there for the checker too, which knows none of them."""
    return importlib.import_module(name)


@pytest.fixture
def crowd(
    loader: PackLoader, write_pack: WritePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PackLoader]:
    """The misbehaving packs and the four examples, loaded; one of them is still at it."""
    loader._prepare()
    undo_patches(monkeypatch)
    for name, source in BY_NAME.items():
        write_pack(name, source)
    for pack in EXAMPLES.iterdir():
        shutil.copytree(pack, tmp_path / "custom_nodes" / f"z_{pack.name}")
    loader.limit = 3.0
    stdout = sys.stdout
    try:
        loader.load_all()
        yield loader
    finally:
        sys.stdout = stdout
        (tmp_path / "custom_nodes" / "zz_blocks" / "__init__.py.go").touch()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_others_load_and_everyone_is_told_what_became_of_each(
    crowd: PackLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = crowd.reports
    status = {name: report.status for name, report in reports.items()}
    failed = {"b_exits", "h_recursion", "i_bad_text", "j_odd_mapping", "l_generator_exit"}
    assert {name for name, state in status.items() if state == "failed"} == failed
    assert status["zz_blocks"] == "importing"
    assert all(status[name] == "loaded" for name in status if name.startswith("z_"))
    for report in reports.values():
        assert "\n" not in str(report)
        assert report.name in str(report)
        assert report.seconds > 0
    assert "RecursionError" in str(reports["h_recursion"])
    assert "NODE_CLASS_MAPPINGS is a list" in str(reports["j_odd_mapping"])
    assert len(reports["f_many"].nodes) == 500
    assert reports["f_many"].seconds < 1
    (reports["zz_blocks"].path / "__init__.py.go").touch()
    deadline = time.monotonic() + 30
    while not reports["zz_blocks"].ok and time.monotonic() < deadline:
        time.sleep(0.05)
    assert reports["zz_blocks"].seconds >= crowd.limit
    assert "Slow" in crowd.session.registry
    captured = capsys.readouterr()
    assert "noise" not in captured.out + captured.err


def run(session: Session, prompt: dict[str, Any]) -> Any:
    prompt_id = session.engine.submit(prompt).prompt_id
    return session.engine.wait(prompt_id, 60)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nodes_of_the_others_run(crowd: PackLoader) -> None:
    session = crowd.session
    exits = run(session, {"1": {"class_type": "Exits", "inputs": {}}})
    assert exits["status"]["status_str"] == "error"
    assert run(session, {"1": {"class_type": "Loud", "inputs": {}}})["status"]["status_str"] == "success"
    done = run(
        session,
        {
            "1": {"class_type": "ColourSwatch", "inputs": {"colour": "#0080ff", "size": 4}},
            "2": {"class_type": "InvertPicture", "inputs": {"image": ["1", 0], "strength": 1.0}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
        },
    )
    assert done["status"]["status_str"] == "success"
    folder_paths = module("folder_paths")
    assert "made-up.safetensors" in folder_paths.get_filename_list("checkpoints")
    assert folder_paths.get_folder_paths("my_own_kind") == [str(session.folders.base)]
    assert module("nodes").my_own_attribute == 7
