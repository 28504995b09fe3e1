"""Paths never leave their root; numbered names are free and filled in."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from comfy_notebook.folders import Folders, UnsafePathError, inside, list_files, save_path


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a/b/../../../x"])
def test_names_that_leave_their_root_are_refused(tmp_path: Path, name: str) -> None:
    for refuse in (lambda: inside(tmp_path / "root", name), lambda: save_path(tmp_path / "root", name)):
        with pytest.raises(UnsafePathError):
            refuse()
    with pytest.raises(UnsafePathError):
        Folders(tmp_path).resolve(name)


def test_a_link_out_of_the_root_is_followed_and_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    with pytest.raises(UnsafePathError):
        inside(tmp_path / "root", "out/secret.txt")


@pytest.mark.parametrize(
    ("name", "folder", "rest"),
    [("a.png", "input", "a.png"), ("s/b.png [output]", "output", "s/b.png"), ("c.png [temp]", "temp", "c.png")],
)
def test_annotated_names(tmp_path: Path, name: str, folder: str, rest: str) -> None:
    folders = Folders(tmp_path, temp=tmp_path / "temp")
    assert folders.resolve(name) == (tmp_path / folder / rest).resolve()


def test_numbers_go_on_from_the_highest(tmp_path: Path) -> None:
    for name in ("img_00001_.png", "img_00007_.webp", "image_00099_.png", "img_x_.png"):
        (tmp_path / name).touch()
    found = save_path(tmp_path, "img")
    assert (found.counter, found.name, found.subfolder) == (8, "img", "")
    assert save_path(tmp_path, "deep/er/img").subfolder == "deep/er"
    assert (tmp_path / "deep" / "er").is_dir()


def test_variables_of_a_prefix(tmp_path: Path) -> None:
    year = time.localtime().tm_year
    assert save_path(tmp_path, "%year%_%width%x%height%_%unknown%", 64, 32).prefix == f"{year}_64x32_%unknown%"


def test_files_are_listed_sorted(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "a.PNG", ".hidden.png", "c.txt", "sub/d.png"):
        (tmp_path / name).touch()
    assert list_files(tmp_path, {".png"}) == ["a.PNG", "b.png"]
    assert list_files(tmp_path, {".png"}, recursive=True) == ["a.PNG", "b.png", "sub/d.png"]
    assert list_files(tmp_path / "nowhere") == []


def test_links_lead_elsewhere_only_where_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "model.bin").write_bytes(b"")
    (tmp_path / "root" / "linked.bin").symlink_to(tmp_path / "model.bin")
    assert inside(tmp_path / "root", "linked.bin", links=True) == tmp_path.resolve() / "root" / "linked.bin"
    for name, links in (("linked.bin", False), ("../model.bin", True), ("a/../../model.bin", True), ("/etc", True)):
        with pytest.raises(UnsafePathError):
            inside(tmp_path / "root", name, links=links)


PROCESS = """
import os, stat
from comfy_notebook.folders import Folders
temp = Folders().temp
assert Folders().temp == temp
assert stat.S_IMODE(temp.stat().st_mode) == 0o700 or os.name == "nt"
(temp / "preview.png").write_bytes(b"1")
if hasattr(os, "fork") and os.fork() == 0:
    raise SystemExit
if hasattr(os, "wait"):
    os.wait()
assert (temp / "preview.png").exists()
print(temp)
"""


def test_temporary_files_go_with_the_process(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", PROCESS], env=environment, capture_output=True, text=True, check=True)
    assert Path(told.stdout.strip()).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
