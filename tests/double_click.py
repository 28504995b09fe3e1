"""A double click as a person makes it: once more, if the first try was too slow to count."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page


def double_click(page: Page, at: tuple[float, float], happened: Callable[[], object], tries: int = 8) -> None:
    """Double click until ``happened()``; the canvas takes two clicks for one when they are 300 ms apart.

    On a busy machine, each event of the browser's driver comes when its turn is.
    """
    for _ in range(tries):
        page.mouse.dblclick(*at)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            if happened():
                return
            page.wait_for_timeout(30)
    raise AssertionError(f"nothing came of {tries} double clicks")
