"""The ways a person touches an editor inside JupyterLab: by pointer and keys, at the places where things are drawn."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Frame

from .lab import Notebook

PARTS = "document.querySelector('.cn-editor').comfyNotebook"


class EditorDriver:
    """One editor of a notebook. Nodes are named by id or title; positions are page coordinates."""

    def __init__(self, book: Notebook, index: int = 0) -> None:
        self.book, self.page = book, book.page
        self.frame: Frame = book.editor(index)
        self.frame.wait_for_function(f"() => document.querySelector('.cn-editor') && {PARTS}")

    def view(self, expression: str, argument: Any = None) -> Any:
        """Evaluate ``expression`` with ``view`` (the GraphView) and ``arg``."""
        return self.frame.evaluate(f"arg => {{ const view = {PARTS}.view; return {expression}; }}", argument)

    def nodes(self) -> list[dict[str, Any]]:
        described: list[dict[str, Any]] = self.view("view.describe()")
        return described

    def node(self, name: str | int) -> dict[str, Any]:
        found = [n for n in self.nodes() if name in (n["id"], n["title"])]
        assert len(found) == 1, f"{name!r} names {len(found)} of {[n['title'] for n in self.nodes()]}"
        return found[0]

    def widget(self, node: str | int, name: str) -> Any:
        return next(w["value"] for w in self.node(node)["widgets"] if w["name"] == name)

    def at(self, node: str | int, **place: Any) -> tuple[float, float]:
        """Where on the page: ``slot=`` (with ``input=False`` an output), ``widget=`` or ``title=True``."""
        local = self.view("view.clientPos(arg)", {"node": self.node(node)["id"], **place})
        box = self.frame.frame_element().bounding_box()
        assert box is not None
        return box["x"] + local["x"], box["y"] + local["y"]

    def blank(self) -> tuple[float, float]:
        """A point of the canvas where no node is drawn, in the lower left of what can be seen."""
        self.frame.frame_element().scroll_into_view_if_needed()
        box = self.frame.locator("canvas").first.bounding_box()
        size = self.page.viewport_size
        assert box is not None
        assert size is not None
        return box["x"] + 20, min(box["y"] + box["height"], size["height"] - 40) - 20

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=25)
        self.page.mouse.up()

    def click(self, at: tuple[float, float], **options: Any) -> None:
        self.page.mouse.click(*at, **options)

    def button(self, name: str) -> None:
        self.frame.get_by_role("button", name=name, exact=True).first.click()

    def until(self, expression: str, argument: Any = None, timeout: float = 20) -> None:
        """Wait until an expression over ``view`` is true."""
        deadline = time.monotonic() + timeout
        while not self.view(expression, argument):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {expression} ({argument!r}); {self.status()!r}")
            self.page.wait_for_timeout(40)

    def status(self) -> str:
        """What the bar says about the run."""
        return self.frame.locator(".cn-status").inner_text()

    def until_status(self, word: str, timeout: float = 40) -> None:
        deadline = time.monotonic() + timeout
        while word not in self.status():
            if time.monotonic() > deadline:
                self.page.screenshot(path="out/failure.png")
                raise AssertionError(f"the status never said {word!r}; it says {self.status()!r}")
            self.page.wait_for_timeout(40)

    def screenshot(self, path: str) -> None:
        self.page.screenshot(path=path)
