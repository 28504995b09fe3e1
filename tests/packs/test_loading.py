"""Which packs are found, what of them is used, and what a pack that fails leaves of the others."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

import comfy_notebook as cn
from comfy_notebook.packs.explain import explain
from comfy_notebook.packs.finding import source_of
from comfy_notebook.packs.loader import PackLoader
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.session import Session

from .conftest import WritePack, node_source


def test_every_pack_of_the_folder_is_loaded_in_order(loader: PackLoader, write_pack: WritePack, tmp_path: Path) -> None:
    write_pack("b_pack", node_source("B"))
    write_pack("a_pack", node_source("A"))
    write_pack("off.disabled", node_source("Off"))
    write_pack("__pycache__", node_source("Cache"))
    (tmp_path / "custom_nodes" / "single.py").write_text(node_source("Single"))
    (tmp_path / "custom_nodes" / "notes.txt").write_text("no pack")
    reports = loader.load_all()
    assert [(report.name, report.nodes) for report in reports] == [
        ("a_pack", ["A"]),
        ("b_pack", ["B"]),
        ("single", ["Single"]),
    ]
    definition = loader.session.registry.get("Single")
    assert definition is not None
    assert definition.python_module == "custom_nodes.single"
    assert getattr(definition.node_class, "RELATIVE_PYTHON_MODULE") == "custom_nodes.single"  # noqa: B009


def test_only_wanted_packs_are_loaded(loader: PackLoader, write_pack: WritePack) -> None:
    write_pack("one", node_source("One"))
    write_pack("two", node_source("Two"))
    assert [report.name for report in loader.load_all(only=["two"])] == ["two"]
    assert "One" not in loader.session.registry


FAILING = {
    "missing package": ("import nobody_has_it", "needs the package 'nobody_has_it'", "pip install nobody_has_it"),
    "other name to install": ("import Xlib", "needs the package 'Xlib'", "pip install python-xlib"),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero (__init__.py, line 1)", None),
    "syntax": ("def f(:\n", "is no valid Python", None),
    "exit": ("import sys; sys.exit(3)", "tried to end the program while it was imported (exit code 3)", None),
    "interrupt": ("raise KeyboardInterrupt", "its import was interrupted", None),
    "no nodes": ("x = 1", "has neither NODE_CLASS_MAPPINGS nor comfy_entrypoint", None),
    "own file": ("from .gone import x", "its file for", None),
    "entrypoint": ("def comfy_entrypoint():\n    return 3", "comfy_entrypoint returned int", None),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_a_pack_that_fails_says_why_in_a_line_and_stops_no_other(
    case: str, loader: PackLoader, write_pack: WritePack, capsys: pytest.CaptureFixture[str]
) -> None:
    source, problem, remedy = FAILING[case]
    write_pack("a_broken", source)
    write_pack("b_fine", node_source("Fine"))
    broken, fine = loader.load_all()
    assert broken.status == "failed"
    assert problem in str(broken)
    assert broken.remedy == remedy
    assert "\n" not in str(broken)
    assert fine.ok
    assert "Fine" in loader.session.registry
    assert "Traceback" not in "".join(capsys.readouterr())
    assert "Error" in broken.traceback_text or "Exit" in broken.traceback_text or "Interrupt" in broken.traceback_text


def test_the_install_line_follows_the_packs_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\nopencv_python>=4.8 # pictures\nscikit.image==0.22\n")
    for module, expected in (("skimage.io", '"scikit.image==0.22"'), ("cv2", "opencv-python-headless")):
        error = ModuleNotFoundError(f"No module named {module!r}", name=module)
        assert explain(error, tmp_path)[1] == f"pip install {expected}"


def test_the_install_line_when_an_installed_package_is_another_than_expected(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("Pillow>=12\n")
    newer = ModuleNotFoundError("No module named 'yaml.schemas'", name="yaml.schemas")
    pinned = ModuleNotFoundError("No module named 'PIL.ImageNew'", name="PIL.ImageNew")
    __import__("yaml")
    assert explain(newer, tmp_path) == (
        "needs 'yaml.schemas', which the installed 'yaml' does not have",
        "pip install --upgrade pyyaml",
    )
    assert explain(pinned, tmp_path)[1] == 'pip install "Pillow>=12"'


def test_a_missing_file_of_the_pack_is_no_package_to_install(loader: PackLoader, write_pack: WritePack) -> None:
    source = "import os, sys\nsys.path.append(os.path.dirname(__file__) + '/modules')\nimport own_of_this.gone\n"
    write_pack("half", source, {"modules/own_of_this/__init__.py": ""})
    [report] = loader.load_all()
    assert str(report) == "half: its file for 'own_of_this.gone' is missing"
    del sys.modules["own_of_this"]


def test_what_a_pack_prints_is_kept_for_those_who_ask(
    loader: PackLoader, write_pack: WritePack, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pack("chatty", "import sys\nprint('hello')\nprint('oh', file=sys.stderr)\n" + node_source())
    [report] = loader.load_all()
    captured = capsys.readouterr()
    assert "hello" not in captured.out
    assert "oh" not in captured.err
    assert report.output == "hello\noh\n"


def test_programs_that_a_pack_starts_print_beside_the_cell(
    loader: PackLoader, write_pack: WritePack, capfd: pytest.CaptureFixture[str]
) -> None:
    source = """
import os, subprocess, sys
subprocess.run([sys.executable, "-c", "print('from a program')"])
assert os.system("echo from a program of the shell") == 0
assert os.waitstatus_to_exitcode(os.system("exit 3")) == 3
assert subprocess.check_output([sys.executable, "-c", "print(7)"]) == b"7\\n"
"""
    write_pack("installs", source + node_source())
    [report] = loader.load_all()
    assert report.ok, report
    assert report.output == "from a program\nfrom a program of the shell\n"
    assert "from a program" not in capfd.readouterr().out


def test_what_a_pack_expects_of_the_main_thread(loader: PackLoader, write_pack: WritePack) -> None:
    """It is imported beside the main thread, yet may ask for signals and for the running event loop."""
    source = """
import asyncio, signal
signal.signal(signal.SIGINT, lambda *_: None)
async def later():
    await asyncio.sleep(0.2)
    DONE.append(asyncio.get_running_loop())
DONE = []
TASK = asyncio.get_event_loop().create_task(later())
"""
    write_pack("main_thread", source + node_source())
    before = signal.getsignal(signal.SIGINT)
    [report] = loader.load_all()
    assert report.ok, report
    assert signal.getsignal(signal.SIGINT) is before
    assert report.notes == ["wanted to handle SIGINT: the kernel goes on doing that"]
    done = next(module for name, module in sys.modules.items() if name.endswith("main_thread")).DONE
    deadline = time.monotonic() + 10
    while not done and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done


def test_a_pack_that_takes_long_is_told_of_and_goes_on(loader: PackLoader, write_pack: WritePack) -> None:
    loader.limit = 0.3
    write_pack("a_slow", "import time; time.sleep(3)\n" + node_source("Slow"))
    write_pack("b_quick", node_source("Quick"))
    started = time.perf_counter()
    slow, quick = loader.load_all()
    assert time.perf_counter() - started < 2.5
    assert slow.status == "importing"
    assert "still importing" in str(slow)
    assert quick.ok
    deadline = time.monotonic() + 20
    while slow.status == "importing" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert slow.ok
    assert "Slow" in loader.session.registry
    assert slow.seconds > 1.0


def test_built_in_nodes_win_and_the_last_pack_wins(loader: PackLoader, write_pack: WritePack) -> None:
    built_in = loader.session.registry.get("SaveImage")
    write_pack(
        "a",
        node_source("SaveImage") + node_source("Twice", 1).replace("NODE_CLASS_MAPPINGS = ", "NODE_CLASS_MAPPINGS |= "),
    )
    write_pack("b", node_source("Twice", 2))
    a, b = loader.load_all()
    assert loader.session.registry.get("SaveImage") is built_in
    assert a.refused == {"SaveImage": "a built-in node has this name"}
    assert loader.session.registry.get("Twice").node_class().run() == (2,)  # type: ignore[union-attr]
    assert b.notes == ["Twice takes the place of the node of a"]


def test_a_node_of_a_cell_stays_until_the_pack_is_asked_for(loader: PackLoader, write_pack: WritePack) -> None:
    def answer() -> int:
        return 1

    loader.session.registry.register(definition_from_function(answer, name="Answer", python_module="__main__"))
    folder = write_pack("late", node_source())
    [report] = loader.load_all()
    assert report.refused == {"Answer": "a node of the notebook has this name"}
    assert loader.session.registry.get("Answer").python_module == "__main__"  # type: ignore[union-attr]
    (folder / "__init__.py").write_text(node_source(value=43))
    report = loader.load(source_of(folder))
    assert report.notes == ["Answer takes the place of the node of the notebook"]
    assert loader.session.registry.get("Answer").python_module == "custom_nodes.late"  # type: ignore[union-attr]


def test_a_node_that_is_none_costs_itself_alone(loader: PackLoader, write_pack: WritePack) -> None:
    write_pack("mixed", node_source("Good") + "class Bad: pass\nNODE_CLASS_MAPPINGS |= {'Bad': Bad, 'Odd': 3}\n")
    [report] = loader.load_all()
    assert report.nodes == ["Good"]
    assert "no INPUT_TYPES" in report.refused["Bad"]
    assert "a class belongs here, not int" in report.refused["Odd"]


def test_five_hundred_nodes(loader: PackLoader, write_pack: WritePack) -> None:
    write_pack(
        "many", node_source("N") + "NODE_CLASS_MAPPINGS = {f'N{i}': type(f'N{i}', (N,), {}) for i in range(500)}"
    )
    [report] = loader.load_all()
    assert len(report.nodes) == 500
    assert loader.session.registry.get("N499") is not None


def test_prestartup_scripts_run_before_every_import(loader: PackLoader, write_pack: WritePack) -> None:
    first = "import sys\nassert 'prestarted_by_z' in sys.modules\n" + node_source("First")
    write_pack("a", first)
    write_pack(
        "z", node_source("Last"), {"prestartup_script.py": "import sys, types\nsys.modules['prestarted_by_z'] = types"}
    )
    try:
        assert all(report.ok for report in loader.load_all())
    finally:
        sys.modules.pop("prestarted_by_z", None)


def test_a_prestartup_script_that_fails_leaves_its_pack(loader: PackLoader, write_pack: WritePack) -> None:
    write_pack("a", node_source("First"), {"prestartup_script.py": "raise SystemExit(1)"})
    [report] = loader.load_all()
    assert report.ok


def test_relative_and_own_absolute_imports(loader: PackLoader, write_pack: WritePack) -> None:
    source = """
import os, sys
sys.path.append(os.path.dirname(__file__))
import own_helpers_of_pack
from .src.numbers import SEVEN
from .src import numbers
assert sys.modules[__name__].__file__ == __file__
""" + node_source("Seven").replace("42", "SEVEN + own_helpers_of_pack.ONE")
    write_pack(
        "v1.2-pack", source, {"src/__init__.py": "", "src/numbers.py": "SEVEN = 7", "own_helpers_of_pack.py": "ONE = 1"}
    )
    [report] = loader.load_all()
    assert report.ok, report
    assert loader.session.registry.get("Seven").node_class().run() == (8,)  # type: ignore[union-attr]


V3 = """
from comfy_api.latest import ComfyExtension, io

class Twice(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="Twice", inputs=[io.Int.Input("n")], outputs=[io.Int.Output()])
    @classmethod
    def execute(cls, n):
        return io.NodeOutput(2 * n)

class Broken(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        raise ValueError("no schema today")

class Pack(ComfyExtension):
    loaded = False
    async def on_load(self):
        Pack.loaded = True
    async def get_node_list(self):
        assert Pack.loaded
        return [Twice, Broken]
"""


@pytest.mark.parametrize("prefix", ["", "async "])
def test_an_entry_point_is_used_without_mappings(prefix: str, loader: PackLoader, write_pack: WritePack) -> None:
    write_pack("v3", V3 + f"{prefix}def comfy_entrypoint():\n    return Pack()\n")
    [report] = loader.load_all()
    assert report.nodes == ["Twice"]
    assert "no schema today" in report.refused["Broken"]


def test_mappings_are_preferred_to_the_entry_point(loader: PackLoader, write_pack: WritePack) -> None:
    write_pack("both", node_source("Mapped") + "def comfy_entrypoint():\n    raise AssertionError\n")
    assert loader.load_all()[0].nodes == ["Mapped"]


def test_load_pack_by_path_name_and_package(session: Session, write_pack: WritePack, tmp_path: Path) -> None:
    write_pack("by_name", node_source("ByName"))
    assert cn.load_pack("by_name").nodes == ["ByName"]
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text(node_source("ByPath"))
    assert cn.load_pack(elsewhere).nodes == ["ByPath"]
    site = tmp_path / "site"
    (site / "installed_test_pack").mkdir(parents=True)
    (site / "installed_test_pack" / "__init__.py").write_text(node_source("Installed"))
    sys.path.insert(0, str(site))
    assert cn.load_pack("installed-test-pack").nodes == ["Installed"]
    assert "installed_test_pack" in sys.modules
    del sys.modules["installed_test_pack"]
    with pytest.raises(ValueError, match="there is no pack 'nowhere_at_all'"):
        cn.load_pack("nowhere_at_all")


def test_load_pack_clones_a_git_address(session: Session, write_pack: WritePack, tmp_path: Path) -> None:
    import shutil
    import subprocess

    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    origin = tmp_path / "origin" / "nice-pack"
    origin.mkdir(parents=True)
    (origin / "__init__.py").write_text(node_source("Cloned"))
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *command], cwd=origin, check=True)
    assert cn.load_pack(f"file://{origin}").nodes == ["Cloned"]
    assert (tmp_path / "custom_nodes" / "nice-pack" / "__init__.py").is_file()
    with pytest.raises(ValueError, match="git cannot clone"):
        cn.load_pack(f"file://{tmp_path}/nothing.git")
    assert not list((tmp_path / "custom_nodes").glob("*.part"))


def test_load_pack_shows_one_line_for_a_failure(
    session: Session, write_pack: WritePack, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pack("broken", "import a_package_nobody_has")
    assert not cn.load_pack("broken").ok
    shown = capsys.readouterr().err.strip()
    assert shown == (
        "broken: needs the package 'a_package_nobody_has', which is not installed → pip install a_package_nobody_has"
    )


def test_which_node_runs(loader: PackLoader, write_pack: WritePack) -> None:
    source = """
from comfy_execution.graph import ExecutionBlocker as One
from comfy_execution.graph_utils import ExecutionBlocker as Two, GraphBuilder, is_link
from comfy_execution.utils import get_executing_context
assert One is Two and is_link(["1", 0]) and get_executing_context() is None
class Where:
    INPUT_TYPES = classmethod(lambda cls: {})
    RETURN_TYPES = ()
    FUNCTION = "go"
    OUTPUT_NODE = True
    def go(self):
        now = get_executing_context()
        return {"ui": {"where": [now.node_id, now.prompt_id, now.list_index]}}
NODE_CLASS_MAPPINGS = {"Where": Where}
"""
    write_pack("engine", source)
    assert loader.load_all()[0].ok
    engine = loader.session.engine
    prompt_id = engine.submit({"7": {"class_type": "Where", "inputs": {}}}).prompt_id
    assert engine.wait(prompt_id, 30)["outputs"] == {"7": {"where": ["7", prompt_id, 0]}}


def test_types_that_equal_everything(loader: PackLoader, write_pack: WritePack) -> None:
    """The "any type" of many packs: a text that equals every other and cannot be hashed, here as a hidden input."""
    source = """
class Any(str):
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
ANY = Any("*")
class Pass:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY,)}, "hidden": {"more": (ANY,), "plain": ANY, "id": "UNIQUE_ID"}}
    RETURN_TYPES = (ANY,)
    FUNCTION = "go"
    OUTPUT_NODE = True
    def go(self, value, more=None, plain=None, id=None):
        return {"ui": {"seen": [value, more, plain, id]}, "result": (value,)}
NODE_CLASS_MAPPINGS = {"Pass": Pass}
"""
    write_pack("anything", source)
    assert loader.load_all()[0].ok
    engine = loader.session.engine
    first = {"class_type": "Pass", "inputs": {"value": 1, "more": 2}}
    second = {"class_type": "Pass", "inputs": {"value": ["1", 0], "plain": ["1", 0]}}
    prompt_id = engine.submit({"1": first, "2": second}).prompt_id
    outputs = engine.wait(prompt_id, 30)["outputs"]
    assert outputs == {"1": {"seen": [1, 2, None, "1"]}, "2": {"seen": [1, None, 1, "2"]}}


def test_a_node_without_outputs_may_return_anything(loader: PackLoader, write_pack: WritePack) -> None:
    source = node_source("Says").replace('("INT",)', "()").replace("(42,)", "'done'")
    write_pack("says", source.replace('FUNCTION = "run"', 'FUNCTION = "run"\n    OUTPUT_NODE = True'))
    assert loader.load_all()[0].ok
    engine = loader.session.engine
    prompt_id = engine.submit({"1": {"class_type": "Says", "inputs": {}}}).prompt_id
    assert engine.wait(prompt_id, 30)["status"]["status_str"] == "success"
