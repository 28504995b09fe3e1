"""What importing the package costs, and what it offers."""

from __future__ import annotations

import subprocess
import sys

import comfy_notebook

HEAVY = ("torch", "diffusers", "aiohttp", "ipywidgets", "anywidget", "IPython", "PIL", "numpy")


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return set(eval(shown.splitlines()[-1]))


def test_importing_loads_nothing_heavy() -> None:
    assert loaded_after("import comfy_notebook as cn; cn.Workflow; cn.node; cn.Image; cn.RunError; cn.Run") == set()


def test_registering_every_node_and_submitting_needs_no_torch() -> None:
    code = "import comfy_notebook as cn\n@cn.node\ndef f(x: int = 1) -> str: return str(x)\n"
    code += "from comfy_notebook import session\nlen(session.current().registry); session.current().editors"
    assert "torch" not in loaded_after(code)


def test_the_package_takes_a_fraction_of_its_150_ms() -> None:
    code = "import time; t = time.process_time(); import comfy_notebook; print(time.process_time() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.15


def test_every_public_name_exists_and_is_listed() -> None:
    names = [name for name in comfy_notebook.__all__ if name != "__version__"]
    assert len(names) <= 25
    for name in names:
        assert getattr(comfy_notebook, name) is not None
    assert set(comfy_notebook.__all__) <= set(dir(comfy_notebook))
