"""The wheel works where only the wheel is installed: an empty environment, and one with Google Colab's versions."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from .environments import ROOT, install, kernel_page, lend_packages, make_environment, run, small_graph

COLAB_PINS = ROOT / "constraints-colab.txt"


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel alone; its dependencies are lent by this environment."""
    python = make_environment(tmp_path_factory.mktemp("empty"))
    install(python, "--no-deps", "--no-index", wheel)
    lend_packages(python)
    return python


@pytest.fixture(scope="module")
def colab(wheel: Path) -> Path:
    """The Python of an environment with Colab's notebook stack; kept between runs until the pins change."""
    folder = ROOT / ".venv-colab"
    wanted = hashlib.sha256(COLAB_PINS.read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / "pins"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        python = make_environment(folder)
        try:
            install(python, "-r", COLAB_PINS, "setuptools<81")
        except AssertionError as problem:
            pytest.skip(f"Colab's versions cannot be installed here: {problem}")
        lend_packages(python)
        stamp.write_text(wanted)
    python = folder / "bin" / "python"
    install(python, "--no-deps", "--no-index", "--force-reinstall", wheel)
    return python


def test_the_installed_package_is_the_wheel(empty: Path, tmp_path: Path) -> None:
    found = run(empty, "-c", "import comfy_notebook; print(comfy_notebook.__file__)", cwd=tmp_path).strip()
    assert Path(found).is_relative_to(empty.parent.parent)


def test_import_brings_in_no_torch(empty: Path, tmp_path: Path) -> None:
    code = "import sys, comfy_notebook; print([m for m in ('torch', 'diffusers', 'aiohttp') if m in sys.modules])"
    assert run(empty, "-c", code, cwd=tmp_path).strip() == "[]"


def test_the_command_is_installed(empty: Path, tmp_path: Path) -> None:
    assert "serve" in run(empty.parent / "comfy-notebook", "--help", cwd=tmp_path)


def test_colab_environment_has_its_pins(colab: Path, tmp_path: Path) -> None:
    pins = [line for line in COLAB_PINS.read_text().splitlines() if "==" in line]
    names = [pin.split("==")[0] for pin in pins]
    code = f"from importlib.metadata import version\nfor n in {names!r}: print(n + '==' + version(n))"
    assert run(colab, "-c", code, cwd=tmp_path).split() == pins


@pytest.mark.parametrize("environment", ["empty", "colab"])
def test_editor_shows_and_runs(environment: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    python = request.getfixturevalue(environment)
    (tmp_path / "small.json").write_text(small_graph())
    with kernel_page(python, tmp_path) as page:
        page.execute("import comfy_notebook as cn; ed = cn.Editor('small.json'); display(ed)")
        assert any("application/vnd.jupyter.widget-view+json" in shown for shown in page.displayed)
        assert len(page.state["_esm"]) > 2_000

        welcome = page.hello()
        status, bundle = page.get(f"/cn/bundle/{welcome['bundle']}.js")
        assert status == 200
        assert hashlib.sha256(bundle).hexdigest() == welcome["bundle"]

        page.execute("results = ed.run().result()")
        assert page.execute("print(results['Shown'].tensor[0, 0, 0].tolist())").strip() == "[0.0, 1.0, 1.0]"
        assert page.execute("print(results['Shown'].image.getpixel((0, 0)))").strip() == "(0, 255, 255)"
