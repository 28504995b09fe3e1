"""Editors in a real browser without a notebook: the real widget in this process, its comm bridged to a Chromium page.

def test_something(editor_page):
    with editor_page(cn.Editor("flow.json")) as page:      # variant="plain" | "colab" | "opaque"
        page.click(page.client_pos(node=3, widget="steps"))
        page.screenshot("after-click.png")
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, ElementHandle, Frame, Page, sync_playwright

from .kernel import FakeKernel

#: In JavaScript: the element the editor was mounted in; its ``comfyNotebook`` holds the editor's parts.
ROOT = "document.querySelector('#comfy-notebook, .comfy-notebook-direct')"

VARIANTS = ("plain", "colab", "opaque")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",  # test pages that need no server load their modules from a folder
]


def chromium_path() -> str | None:
    """The system's Chromium; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    """One headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class EditorPage:
    """A page that shows widgets. ``page`` is playwright's; ``editor(n)`` the frame the n-th editor runs in."""

    def __init__(self, page: Page, variant: str, kernel: FakeKernel) -> None:
        self.page, self.variant, self.kernel = page, variant, kernel
        self.console: list[str] = []
        self.errors: list[str] = []
        page.on("console", lambda message: self.console.append(f"{message.type}: {_words(message)}"))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def outer(self, index: int = 0) -> Frame:
        """The document that hosts the n-th widget: the page, or its output frame."""
        if self.variant == "plain":
            return self.page.main_frame
        handle = self.page.locator("iframe.output-frame").nth(index).element_handle()
        return _content(handle)

    def box(self, index: int = 0) -> ElementHandle:
        """The n-th view's box in the cell."""
        local = index if self.variant == "plain" else 0
        selector = ".comfy-notebook-view"
        outer = self.outer(index)
        outer.wait_for_function("([s, n]) => document.querySelectorAll(s).length > n", arg=[selector, local])
        return outer.query_selector_all(selector)[local]

    def editor(self, index: int = 0, timeout: float = 20) -> Frame:
        """The realm of the n-th editor once it has mounted: its own frame, or the host's where frames are refused."""
        deadline = time.monotonic() + timeout
        while True:
            box = self.box(index)
            frame = box.query_selector("iframe.comfy-notebook-frame")
            realm = frame.content_frame() if frame else self.outer(index)
            root = "#comfy-notebook" if frame else ".comfy-notebook-direct"
            if realm and realm.evaluate("s => (document.querySelector(s)?.childElementCount ?? 0) > 0", root):
                return realm
            if time.monotonic() > deadline:
                notice = box.query_selector(".comfy-notebook-notice")
                said = notice.text_content() if notice else "nothing"
                raise AssertionError(f"the editor did not appear; the cell says {said!r}; console: {self.console}")
            self.page.wait_for_timeout(30)

    def notice(self, index: int = 0, timeout: float = 10) -> str:
        """The message shown in place of the n-th editor, waiting for it."""
        element = self.box(index).wait_for_selector(".comfy-notebook-notice", timeout=timeout * 1000)
        return (element.text_content() or "") if element else ""

    def offset(self, index: int = 0) -> tuple[float, float]:
        """Where the origin of the n-th editor's realm lies on the page, in CSS pixels."""
        frame = self.box(index).query_selector("iframe.comfy-notebook-frame")
        if frame is not None:
            rect = frame.bounding_box()
        elif self.variant == "plain":
            return 0.0, 0.0
        else:
            rect = self.page.locator("iframe.output-frame").nth(index).bounding_box()
        assert rect is not None
        return rect["x"], rect["y"]

    def client_pos(self, index: int = 0, **where: Any) -> tuple[float, float]:
        """Page coordinates of ``node=…`` with ``slot=…``, ``widget=…`` or ``title=True``."""
        realm = self.editor(index)
        at = realm.evaluate(f"where => {ROOT}.comfyNotebook.view.clientPos(where)", where)
        dx, dy = self.offset(index)
        return at["x"] + dx, at["y"] + dy

    def click(self, at: tuple[float, float], **options: Any) -> None:
        """Click a point of the page."""
        self.page.mouse.click(*at, **options)

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        """Press at ``start``, move, release at ``end``."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=steps)
        self.page.mouse.up()

    def display(self, widget: Any) -> None:
        """Show one more view in the same document (plain), as a second cell output would."""
        self.page.evaluate("id => notebook.display(id)", widget.model_id)

    def screenshot(self, path: str | Path) -> Path:
        """The page as a PNG file."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path))
        return Path(path)

    def frame_count(self) -> int:
        """How many frames the browser keeps alive for this page, after garbage collection."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("HeapProfiler.collectGarbage")
        session.send("Performance.enable")
        metrics = {item["name"]: item["value"] for item in session.send("Performance.getMetrics")["metrics"]}
        return int(metrics["Frames"])


def _words(message: ConsoleMessage) -> str:
    """What was said; of a resource that did not load, which one."""
    return f"{message.text} {message.location['url']}" if message.text.startswith("Failed to load") else message.text


def _content(handle: ElementHandle | None) -> Frame:
    frame = handle.content_frame() if handle else None
    assert frame is not None
    return frame


OpenPage = Callable[..., Any]


def page_opener(browser: Browser, kernel: FakeKernel) -> OpenPage:
    """``editor_page(*widgets, variant="plain", dark=False)``: a context manager that gives an :class:`EditorPage`.

    ``clock=True`` lets the test move the page's time (``page.page.clock``). Widgets are closed at the end.
    """

    @contextmanager
    def editor_page(
        *widgets: Any, variant: str = "plain", dark: bool = False, clock: bool = False, **context: Any
    ) -> Iterator[EditorPage]:
        assert variant in VARIANTS, f"variant is one of {VARIANTS}"
        context.setdefault("viewport", {"width": 1280, "height": 800})
        opened = browser.new_context(color_scheme="dark" if dark else "light", **context)
        try:
            page = EditorPage(opened.new_page(), variant, kernel)
            if clock:
                page.page.clock.install()
            models = ",".join(widget.model_id for widget in widgets)
            page.page.goto(f"http://127.0.0.1:{kernel.port}/page?variant={variant}&models={models}")
            yield page
        finally:
            opened.close()
            for widget in widgets:
                widget.close()

    return editor_page
