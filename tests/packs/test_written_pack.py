"""The packs of the page "Write a node in a notebook, ship it as a pack", loaded the way ComfyUI loads packs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from comfy_notebook.packs.loader import PackLoader

from .conftest import WritePack

REPOSITORY = Path(__file__).parents[2]
BLOCKS: list[str] = re.findall(
    r"^```python\n(.*?)^```", (REPOSITORY / "docs/write-a-pack.md").read_text("utf-8"), re.M | re.S
)


def block(start: str) -> str:
    """The one block of the page that begins with ``start``, without its first line where that is a magic."""
    [found] = [text for text in BLOCKS if text.startswith(start)]
    return found.split("\n", 1)[1] if found.startswith("%%") else found


PACKS: dict[str, tuple[str, str, dict[str, float], float]] = {
    "function": (block("%%writefile custom_nodes/posterize/__init__.py"), "posterize", {"levels": 3}, 0.5),
    "class": (block("class Threshold"), "Threshold", {"level": 0.3}, 1.0),
    "class with a script": (
        block("%%writefile custom_nodes/threshold/__init__.py"),
        "Threshold",
        {"level": 0.3},
        1.0,
    ),
    "V3": (block("from comfy_api.latest import"), "Fade", {"amount": 1.0}, 0.5),
}

#: What ComfyUI does with a pack, after its documentation.
COMFYUI = """
import importlib.util, sys, types
theirs = types.ModuleType("nodes")
theirs.NODE_CLASS_MAPPINGS, theirs.NODE_DISPLAY_NAME_MAPPINGS = {}, {}
sys.modules["nodes"] = theirs
spec = importlib.util.spec_from_file_location("custom_nodes_x_pack", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
cls = module.NODE_CLASS_MAPPINGS[sys.argv[2]]
inputs = cls.INPUT_TYPES()
assert inputs["required"]["image"][0] == "IMAGE", inputs
assert cls.RETURN_TYPES == ("IMAGE",) and cls.CATEGORY == "image/colour"
assert not getattr(cls, "OUTPUT_NODE", False)
import torch
[result] = getattr(cls(), cls.FUNCTION)(image=torch.full((1, 2, 2, 3), 0.376), **eval(sys.argv[3]))
assert tuple(result.shape) == (1, 2, 2, 3) and abs(result.mean().item() - float(sys.argv[4])) < 1e-6, result
made = sys.modules.get("comfy_notebook.session")
assert made is None or made._current is None, "a session was made inside ComfyUI"
print("ok", module.NODE_DISPLAY_NAME_MAPPINGS)
"""


def test_the_lines_of_the_cell_are_those_of_the_file() -> None:
    assert PACKS["function"][0] == block("import comfy_notebook as cn\n\n\n@cn.node")
    assert PACKS["class with a script"][0] == PACKS["class"][0] + 'WEB_DIRECTORY = "js"\n'


@pytest.mark.parametrize("kind", ["function", "class"])
def test_the_folder_works_in_comfyui(kind: str, tmp_path: Path) -> None:
    source, name, inputs, expected = PACKS[kind]
    file = tmp_path / "__init__.py"
    file.write_text(source)
    command = [sys.executable, "-c", COMFYUI, str(file), name, repr(inputs), str(expected)]
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok")
    assert {item.name for item in tmp_path.iterdir()} <= {"__init__.py", "__pycache__"}


@pytest.mark.parametrize("kind", PACKS)
def test_the_folder_works_here(kind: str, loader: PackLoader, write_pack: WritePack) -> None:
    source, name, inputs, expected = PACKS[kind]
    folder = write_pack("written", source)
    (folder / "js").mkdir()
    [report] = loader.load_all()
    assert report.nodes == [name], report
    definition = loader.session.registry.get(name)
    assert definition is not None
    assert definition.python_module == "custom_nodes.written"
    prompt = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 2, "height": 2, "batch_size": 1, "color": 0x606060},
        },
        "2": {"class_type": name, "inputs": {"image": ["1", 0], **inputs}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    engine = loader.session.engine
    prompt_id = engine.submit(prompt).prompt_id
    assert engine.wait(prompt_id, 60)["status"]["status_str"] == "success"
    values = engine.values(prompt_id, "2")
    assert values is not None
    assert values[0][0].mean().item() == pytest.approx(expected)
