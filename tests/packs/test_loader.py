"""Packs are found and loaded; whatever one of them does, the others are there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_notebook import folders as folder_module
from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.packs import LoadedPack
from comfy_notebook.packs.finding import find_packs
from comfy_notebook.session import Session

NODE = """
class {name}:
    @classmethod
    def INPUT_TYPES(cls):
        return {{"required": {{"value": ("INT", {{"default": 1}})}}}}
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"
    OUTPUT_NODE = True
    def go(self, value):
        return {{"ui": {{"value": [value]}}, "result": (value,)}}
NODE_CLASS_MAPPINGS = {{"{name}": {name}}}
"""

ENTRYPOINT = """
from comfy_api.latest import ComfyExtension, io
class Three(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="Three", outputs=[io.Int.Output()])
    @classmethod
    def execute(cls):
        return io.NodeOutput(3)
class Extension(ComfyExtension):
    async def get_node_list(self):
        return [Three]
async def comfy_entrypoint():
    return Extension()
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.chdir(tmp_path)
    before = folder_module._current, sessions._current
    session = sessions.use(Session(Folders(base=tmp_path, temp=tmp_path / "temp")))
    yield session
    session.close()
    folder_module._current, sessions._current = before


def pack(root: Path, name: str, source: str, **files: str) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(source)
    for file, text in files.items():
        (folder / f"{file}.py").write_text(text)


def load(session: Session, root: Path, **options: list[str]) -> dict[str, LoadedPack]:
    return {loaded.name: loaded for loaded in session.load_packs([root], **options)}


def test_what_is_a_pack(tmp_path: Path) -> None:
    pack(tmp_path, "with-hyphen", "")
    pack(tmp_path, "off.disabled", "")
    pack(tmp_path, "__pycache__", "")
    pack(tmp_path, ".git", "")
    (tmp_path / "empty").mkdir()
    (tmp_path / "single.py").write_text("")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "old.py.disabled").write_text("")
    assert [found.name for found in find_packs([tmp_path, tmp_path / "missing"])] == ["single", "with-hyphen"]
    assert [found.name for found in find_packs([tmp_path], ["with-hyphen"])] == ["with-hyphen"]
    assert find_packs([tmp_path], []) == []


def test_packs_of_both_protocols_run(session: Session, tmp_path: Path) -> None:
    pack(
        tmp_path,
        "my-pack.v1",
        "from .nodes import NODE_CLASS_MAPPINGS\nWEB_DIRECTORY = './js'",
        nodes=NODE.format(name="One"),
    )
    (tmp_path / "my-pack.v1" / "js").mkdir()
    pack(tmp_path, "v3", ENTRYPOINT)
    (tmp_path / "single.py").write_text(NODE.format(name="Two"))
    loaded = load(session, tmp_path)
    assert {name: one.nodes for name, one in loaded.items()} == {
        "my-pack.v1": ("One",),
        "v3": ("Three",),
        "single": ("Two",),
    }
    definition = session.registry.get("One")
    assert definition is not None
    assert definition.python_module == "custom_nodes.my-pack.v1"
    assert vars(definition.node_class)["RELATIVE_PYTHON_MODULE"] == "custom_nodes.my-pack.v1"
    assert [(one.name, one.web) for one in session.packs] == [
        ("my-pack.v1", tmp_path / "my-pack.v1" / "js"),
        ("v3", None),
    ]
    prompt = {"1": {"class_type": "Three", "inputs": {}}, "2": {"class_type": "One", "inputs": {"value": ["1", 0]}}}
    entry = session.engine.wait(session.engine.submit(prompt).prompt_id, 30)
    assert entry["outputs"] == {"2": {"value": [3]}}


def test_one_bad_pack_costs_itself_alone(session: Session, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pack(tmp_path, "a-missing", "import surely_not_installed.part")
    pack(tmp_path, "b-exits", "import sys; sys.exit(3)")
    pack(tmp_path, "c-broken", "def (")
    pack(tmp_path, "d-empty", "")
    pack(tmp_path, "e-partly", NODE.format(name="Good") + "NODE_CLASS_MAPPINGS['Bad'] = object()")
    pack(tmp_path, "f-prestart", NODE.format(name="Started"), prestartup_script="1 / 0")
    pack(tmp_path, "g-clash", NODE.format(name="LoadImage"))
    pack(tmp_path, "h-good", NODE.format(name="Fine"))
    loaded = load(session, tmp_path)
    assert loaded["a-missing"].error is not None
    assert "pip install surely_not_installed" in loaded["a-missing"].error
    assert loaded["b-exits"].error is not None
    assert "SyntaxError" in str(loaded["c-broken"].error)
    assert loaded["d-empty"].error is None
    assert (loaded["e-partly"].nodes, list(loaded["e-partly"].failed)) == (("Good",), ["Bad"])
    assert loaded["f-prestart"].nodes == ("Started",)
    assert loaded["g-clash"].nodes == ()
    built_in = session.registry.get("LoadImage")
    assert built_in is not None
    assert built_in.display_name == "Load Image", "built-in nodes win"
    assert loaded["h-good"].nodes == ("Fine",)
    assert "Traceback" not in caplog.text
    assert "its prestartup script failed: ZeroDivisionError" in caplog.text
    assert not any("c-broken" in name for name in sys.modules)


def test_the_last_of_two_packs_wins(session: Session, tmp_path: Path) -> None:
    pack(tmp_path, "a", NODE.format(name="Same"))
    pack(tmp_path, "b", NODE.format(name="Same"))
    load(session, tmp_path)
    definition = session.registry.get("Same")
    assert definition is not None
    assert definition.python_module == "custom_nodes.b"


def test_names_that_nodes_of_the_engine_import(session: Session, tmp_path: Path) -> None:
    source = """
from comfy_execution.graph import ExecutionBlocker as One
from comfy_execution.graph_utils import ExecutionBlocker as Two, GraphBuilder, is_link
from comfy_execution.utils import get_executing_context
assert One is Two and is_link(["1", 0]) and get_executing_context() is None
class Where:
    @classmethod
    def INPUT_TYPES(cls): return {}
    RETURN_TYPES = ()
    FUNCTION = "go"
    OUTPUT_NODE = True
    def go(self):
        now = get_executing_context()
        return {"ui": {"where": [now.node_id, now.prompt_id, now.list_index]}}
NODE_CLASS_MAPPINGS = {"Where": Where}
"""
    pack(tmp_path, "engine", source)
    assert load(session, tmp_path)["engine"].error is None
    prompt_id = session.engine.submit({"7": {"class_type": "Where", "inputs": {}}}).prompt_id
    assert session.engine.wait(prompt_id, 30)["outputs"] == {"7": {"where": ["7", prompt_id, 0]}}
