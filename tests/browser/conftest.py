"""Fixtures of the fast browser tests; ``editor_page`` is the one to use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser

from . import harness
from .kernel import FakeKernel
from .module_page import modules_script, packs_page, packs_session, write_pack

__all__ = ["modules_script", "packs_page", "packs_session", "write_pack"]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests of this folder; gone before another folder starts playwright again."""
    if harness.chromium_path() is None:
        pytest.skip("no Chromium on this machine: install the package 'chromium'")
    with harness.launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def fake_kernel() -> FakeKernel:
    """The one stand-in for a kernel; its web server lives as long as the tests."""
    return FakeKernel()


@pytest.fixture
def editor_page(chromium: Browser, fake_kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> harness.OpenPage:
    """Open pages that show widgets made in the test: ``with editor_page(cn.Editor(…), variant="colab") as page:``."""
    import comm

    monkeypatch.setattr(comm, "create_comm", fake_kernel.create_comm)
    return harness.page_opener(chromium, fake_kernel)
