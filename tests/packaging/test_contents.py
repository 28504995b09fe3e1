"""What is in the wheel and in the source archive."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from .environments import ROOT, run


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.file_size for entry in archive.infolist()}


def test_wheel_holds_the_whole_package(in_wheel: dict[str, int]) -> None:
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "comfy_notebook").rglob("*.py")}
    assert len(sources) > 20
    assert sources - set(in_wheel) == set()
    assert "comfy_notebook/py.typed" in in_wheel


def test_wheel_holds_the_built_front_end(in_wheel: dict[str, int]) -> None:
    assert 2_000 < in_wheel["comfy_notebook/static/shell.js"] <= 30 * 1024
    assert in_wheel["comfy_notebook/static/editor.js"] > 100_000  # litegraph alone is larger
    assert in_wheel["comfy_notebook/static/packs.js"] > 30_000
    for name in ("pi.css", "pi.woff2", "mdi.css", "mdi.woff2"):
        assert in_wheel[f"comfy_notebook/static/icons/{name}"] > 10_000


@pytest.mark.parametrize(
    ("model", "smallest", "largest"),
    [("upscale_models/realesr-animevideov3-x4", 1.0, 1.5), ("checkpoints/emoji", 4, 25)],
)
def test_wheel_holds_the_models(in_wheel: dict[str, int], model: str, smallest: float, largest: float) -> None:
    name = f"comfy_notebook/models/{model}.safetensors"
    if not (ROOT / name).is_file():
        pytest.skip(f"{name} is not there: see training/README.md")
    assert smallest < in_wheel[name] / 2**20 <= largest
    tracked = run("git", "ls-files", name, cwd=ROOT) if (ROOT / ".git").exists() else name
    assert tracked.strip() == name


def test_wheel_holds_nothing_else(in_wheel: dict[str, int]) -> None:
    tops = {name.split("/")[0] for name in in_wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"comfy_notebook"}
    assert [name for name in in_wheel if "node_modules" in name or name.endswith((".ts", ".map", ".pyc"))] == []


def test_wheel_carries_the_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if "/licenses/" in name}
    assert "Apache License" in texts["LICENSE"]
    assert "Copyright (C) 2013 by Javi Agenjo" in texts["NOTICE"]
    assert "Permission is hereby granted, free of charge" in texts["NOTICE"]
    for made_from in ("Real-ESRGAN", "Fluent Emoji", "openai/CLIP"):
        assert made_from in texts["NOTICE"]


def test_source_archive_can_rebuild_the_front_end(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    needed = {"js/package.json", "js/package-lock.json", "js/build.mjs", "js/src/shell/index.ts", "hatch_build.py"}
    assert needed - names == set()
    assert "comfy_notebook/static/editor.js" in names
    assert [name for name in names if "node_modules" in name] == []


def test_lockfile_names_no_registry() -> None:
    assert "resolved" not in (ROOT / "js" / "package-lock.json").read_text()
