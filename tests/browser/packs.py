"""Editors with packs: a session whose ``custom_nodes`` holds them, and a page that shows the editor."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame

from comfy_notebook.session import Session
from comfy_notebook.widget import Editor

from .harness import ROOT, EditorPage, OpenPage

EXAMPLES = Path(__file__).parents[1] / "packs" / "examples"
PARTS = f"{ROOT}.comfyNotebook"

#: What Chromium itself reports, with or without packs.
_NOT_OURS = ("Slow network is detected", "[Violation]")


class PackPage:
    """An editor whose packs' scripts have run. ``realm`` is its frame, where ``app`` is a global."""

    def __init__(self, page: EditorPage, editor: Editor, realm: Frame) -> None:
        self.page, self.editor, self.realm = page, editor, realm

    def js(self, expression: str, argument: Any = None) -> Any:
        """Evaluate in the frame of the editor."""
        return self.realm.evaluate(expression, argument)

    def until(self, expression: str, argument: Any = None, seconds: float = 20) -> None:
        self.realm.wait_for_function(expression, arg=argument, timeout=seconds * 1000)

    def problems(self) -> list[str]:
        """Errors of the page and its console."""
        lines = [line for line in self.page.console if line.startswith("error:")]
        return self.page.errors + [line for line in lines if not any(part in line for part in _NOT_OURS)]

    def menu(self, node: int | None = None) -> None:
        """Open the context menu of a node, or of empty canvas (a corner of it)."""
        if node is not None:
            at = self.page.client_pos(node=node, title=True)
        else:
            dx, dy = self.page.offset()
            box = self.realm.locator("#graph-canvas").bounding_box()
            assert box is not None
            at = (box["x"] + 40, box["y"] + box["height"] - 60)
            assert at[0] >= dx
            assert at[1] >= dy
        self.page.click(at, button="right")

    def pick(self, *entries: str) -> None:
        """Click through a menu, one entry after the other."""
        for entry in entries:
            found = self.realm.get_by_text(entry, exact=True).last
            found.hover()
            found.click()

    def run(self) -> None:
        """Click the editor's Run button."""
        self.realm.locator(".cn-run").first.click()

    def status(self, word: str, seconds: float = 40) -> None:
        """Wait until the bar says ``word``."""
        text = "word => document.querySelector('.cn-status')?.textContent.includes(word)"
        self.realm.wait_for_function(text, arg=word, timeout=seconds * 1000)


OpenPacks = Callable[..., Any]


def install(session: Session, packs: Iterable[Path]) -> None:
    """Copy packs into the session's ``custom_nodes`` and load all that are there; raises ``AssertionError`` where one
    fails."""
    folder = session.folders.base / "custom_nodes"
    for pack in packs:
        shutil.copytree(pack, folder / pack.name, ignore=shutil.ignore_patterns("__pycache__", ".git"))
    reports = session.load_packs([folder])
    assert not any(report.problem for report in reports), [str(report) for report in reports]


@contextmanager
def shown(
    editor_page: OpenPage, document: dict[str, Any], extensions: Iterable[str] = (), **options: Any
) -> Iterator[PackPage]:
    """Show ``document`` and wait until the ``extensions`` have registered and the document is in the graph."""
    editor = Editor(document, name=options.pop("name", None))
    with editor_page(editor, **options) as page:
        realm = page.editor(timeout=60)
        opened = PackPage(page, editor, realm)
        names = list(extensions)
        try:
            opened.until(
                "names => names.every(name => window.app?.extensions?.some(one => one.name === name))", names, 40
            )
            opened.until("count => window.app?.graph?._nodes.length >= count", len(document["nodes"]), 60)
        except Exception as error:
            raise AssertionError(f"{error}; console: {page.console}; errors: {page.errors}") from error
        yield opened
