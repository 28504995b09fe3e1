"""Nodes and torch: no autograd while they run, sizes of tensors; the engine itself imports none of it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from comfy_notebook.engine.memory import sizes_of

from . import sample_nodes
from .conftest import Door, node
from .test_events import register

torch = pytest.importorskip("torch")


class Differentiable(sample_nodes.Node):
    INPUT_TYPES = sample_nodes.inputs({"seed": ("INT", {})})
    RETURN_TYPES = ("IMAGE",)

    def go(self, seed: int) -> Any:
        weight = torch.nn.Parameter(torch.ones(3))
        assert torch.is_inference_mode_enabled()
        return ((weight * 2).reshape(1, 1, 1, 3),)


def test_nodes_run_without_autograd_and_the_caller_keeps_it(door: Door) -> None:
    register(door, Differentiable)
    prompt = {"x": node("Differentiable", seed=1), "s": node("Gather", value=["x", 0])}
    (image,) = door.value(prompt, "x")
    assert not image.requires_grad
    assert image.tolist() == [[[[2.0, 2.0, 2.0]]]]
    assert not torch.is_inference_mode_enabled()


def test_async_nodes_too(door: Door) -> None:
    class Later(Differentiable):
        async def go(self, seed: int) -> Any:  # type: ignore[override]
            return super().go(seed)

    register(door, Later)
    (image,) = door.value({"x": node("Later", seed=1), "s": node("Gather", value=["x", 0])}, "x")
    assert not image.requires_grad


def test_tensors_in_error_payloads_are_described_not_printed(door: Door) -> None:
    class Picky(sample_nodes.Node):
        INPUT_TYPES = sample_nodes.inputs({"image": ("IMAGE", {})})
        OUTPUT_NODE = True

        def go(self, image: Any) -> Any:
            raise ValueError("wrong size")

    register(door, Differentiable)
    register(door, Picky)
    entry = door.run({"x": node("Differentiable", seed=1), "p": node("Picky", image=["x", 0])})
    assert entry["status"]["messages"][-1][1]["current_inputs"] == {"image": ["Tensor torch.float32 [1, 1, 1, 3]"]}


def test_sizes_of_tensors() -> None:
    assert sum(sizes_of([{"samples": torch.zeros(4, 8, dtype=torch.float16)}])) == pytest.approx(64, abs=200)
    assert sum(sizes_of(torch.zeros(1000))) == 4000


def test_running_nodes_loads_no_torch() -> None:
    code = """
import sys
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.protocol.registry import Registry
def f(a: int) -> None: ...
registry = Registry()
registry.register(definition_from_function(f))
engine = Engine(registry, EventBus())
id = engine.submit({"1": {"class_type": "f", "inputs": {"a": 1}}}).prompt_id
assert engine.wait(id, 20)["status"]["completed"]
print([name for name in ("torch", "numpy", "PIL", "aiohttp", "ipywidgets") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


FIRST_IMPORT = """
import sys, threading, time
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.protocol.registry import Registry
seen = []
def blocking(a: int) -> None:
    import torch
    seen.append((torch.is_inference_mode_enabled(), (torch.nn.Parameter(torch.ones(2)) * 2).requires_grad))
async def later(a: int) -> None:
    blocking(a)
def plain(a: int) -> None:
    pass
registry, bus = Registry(), EventBus()
for function in (blocking, later, plain):
    registry.register(definition_from_function(function))
engine = Engine(registry, bus)
def run(name, a):
    entry = engine.wait(engine.submit({"1": {"class_type": name, "inputs": {"a": a}}}).prompt_id, 60)
    assert entry["status"]["completed"], entry["status"]["messages"]
"""


def seen_after(code: str) -> str:
    code = f"{FIRST_IMPORT}\n{code}\nprint(seen)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["blocking", "later"])
def test_a_node_that_imports_torch_first_runs_as_it_does_later(name: str) -> None:
    runs = f"run({name!r}, 1); run({name!r}, 2)\nimport torch\nassert not torch.is_inference_mode_enabled()"
    assert seen_after(runs) == "[(True, False), (True, False)]"


def test_a_torch_that_another_thread_is_loading_is_waited_for() -> None:
    start = "loading = threading.Thread(target=lambda: __import__('torch')); loading.start()"
    until = "while 'torch' not in sys.modules: time.sleep(0.001)"
    assert seen_after(f"{start}\n{until}\nrun('blocking', 1); loading.join()") == "[(True, False)]"


def test_a_torch_that_cannot_be_loaded_is_the_nodes_affair() -> None:
    code = (
        "import tempfile, pathlib\nfolder = pathlib.Path(tempfile.mkdtemp())\n"
        "(folder / 'torch.py').write_text('raise ImportError(\"broken\")')\nsys.path.insert(0, str(folder))\n"
        "run('plain', 1)\n"
        "entry = engine.wait(engine.submit({'1': {'class_type': 'blocking', 'inputs': {'a': 1}}}).prompt_id, 60)\n"
        "assert entry['status']['messages'][-1][1]['exception_message'].startswith('broken')\nrun('plain', 2)"
    )
    assert seen_after(code) == "[]"
