"""The examples of the README and of the pages in ``docs`` run as they stand, in a real kernel."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^(?P<expression>\S.*?)  # → (?P<expected>.+)$", re.MULTILINE)


def checked(block: str) -> str:
    """The block with every ``expression  # → repr`` as an assertion."""
    return SHOWN.sub(lambda found: f"assert repr({found[1]}) == {found[2]!r}, repr({found[1]})", block)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/write-a-pack.md"])
def test_the_examples_run(page: str, folder: Path, kernel: str) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert len(blocks) > 2
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(checked(block)) for block in blocks])
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(book, timeout=120, kernel_name=kernel, resources=resources).execute()


def test_what_is_shown_is_checked() -> None:
    assert checked("len(wf)  # → 20\n") == "assert repr(len(wf)) == '20', repr(len(wf))\n"
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    assert sum(len(SHOWN.findall(block)) for block in BLOCK.findall(page)) > 10
