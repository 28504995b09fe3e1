"""The editor under VS Code's widget manager with a real kernel: it appears, runs, and keeps its keys to itself."""

from __future__ import annotations

from pathlib import Path

from .conftest import VSCodePage

ROOT = Path(__file__).parents[3]

#: In the kernel: a widget whose editor is the small page that shows its Host.
SMALL = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.browser.app import TestApplication
app = TestApplication()
app.widget("e1", height=300)
"""


def test_the_editor_appears_and_reaches_the_application(vscode: VSCodePage) -> None:
    vscode.run(SMALL)
    frame = vscode.editor()
    assert "editor e1" in frame.locator("ul").inner_text()
    assert frame.evaluate("host.theme") == {
        "dark": True,
        "variables": {"--host-bg": "#1e1e1e", "--host-fg": "#cccccc"},
    }
    size = 3 * 2**20
    up = frame.evaluate("async n => (await host.request('/echo', {body: new Uint8Array(n)})).json()", size)
    assert up["size"] == size
    down = frame.evaluate("async n => (await (await host.request('/bytes/' + n)).arrayBuffer()).byteLength", size)
    assert down == size


def test_while_a_cell_runs_events_arrive_and_the_kernel_is_busy_not_lost(vscode: VSCodePage) -> None:
    vscode.run(SMALL)
    frame = vscode.editor()
    vscode.run(
        "import threading, time\n"
        "from comfy_notebook.engine.events import Event\n"
        "def ticks():\n"
        "    for n in range(10):\n"
        "        app.bus.publish(Event('progress', {'node': str(n)}, 'e1')); time.sleep(0.3)\n"
    )
    vscode.content.evaluate("() => { window.cell = runCell('threading.Thread(target=ticks).start(); time.sleep(4)'); }")
    frame.evaluate("() => { window.answer = host.request('/echo').then(r => r.status); }")
    frame.wait_for_function("received.length >= 5", timeout=3500)
    frame.wait_for_function("host.kernel === 'busy' || window.done", timeout=3500)
    assert frame.evaluate("answer") == 200
    vscode.content.evaluate("cell")
    assert "lost" not in frame.evaluate("kernelStates")


def test_keys_and_wheel_are_not_forwarded_to_the_workbench(vscode: VSCodePage) -> None:
    vscode.run(SMALL)
    frame = vscode.editor()
    frame.locator("canvas").click()
    for key in ("d", "d", "b", "m", "Delete", "Control+b", "Control+Enter", "Control+s", "Control+z", "Escape"):
        vscode.page.keyboard.press(key)
    vscode.page.mouse.wheel(0, 200)
    frame.locator("input").fill("typed")
    vscode.page.wait_for_timeout(200)
    assert vscode.forwarded() == []
    assert frame.locator("input").input_value() == "typed"


def test_running_the_cell_again_leaves_one_editor(vscode: VSCodePage) -> None:
    vscode.run(SMALL)
    vscode.editor()
    for _ in range(3):
        vscode.run("app.widget('again', height=300)", 0)
        assert "editor again" in vscode.editor().locator("ul").inner_text()
    assert len(vscode.content.query_selector_all("iframe.comfy-notebook-frame")) == 1
