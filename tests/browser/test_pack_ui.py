"""What packs add to the editor: seen, reached by pointer and keys, and looking as if it belonged, dark and light."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from comfy_notebook import session as sessions
from comfy_notebook.folders import Folders
from comfy_notebook.server import bundle
from comfy_notebook.session import Session

from .harness import ROOT, OpenPage
from .looks import CONTRAST
from .packs import PackPage, install, shown

PACK = Path(__file__).parent / "fixtures" / "pack_ui"
FLOW: dict[str, Any] = {
    "nodes": [
        {"id": 1, "type": "EmptyImage", "pos": [60, 90], "size": [240, 150], "widgets_values": [32, 16, 1, 255],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
        {"id": 2, "type": "PreviewImage", "pos": [380, 90], "size": [240, 160], "widgets_values": [],
         "inputs": [{"name": "images", "type": "IMAGE", "link": 1}]},
        {"id": 3, "type": "PrimitiveStringMultiline", "pos": [60, 300], "size": [300, 120], 
         "widgets_values": ["words"]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]], "groups": [], "config": {}, "extra": {"ds": {"scale": 1, "offset": [0, 0]}},
    "version": 0.4, "last_node_id": 3, "last_link_id": 1,
}  # fmt: skip

#: A menu of litegraph's own, near the lower edge of a low editor.
CONTEXT_MENU = """() => {
    const entries = [{content: 'One'}, null, {content: 'Two', has_submenu: true, submenu: {options: ['a']}},
        {content: 'Three', disabled: true}];
    const event = new MouseEvent('click', {clientX: 300, clientY: 250});
    new LiteGraph.ContextMenu(entries, {title: 'Title', event});
}"""

#: What the page's CSS variables are worth as colours.
READ_COLOURS = """names => names.map((name) => {
    const box = document.body.appendChild(document.createElement('div'));
    box.style.color = `var(--${name})`;
    const found = getComputedStyle(box).color;
    box.remove();
    return found;
})"""

Packed = Callable[..., Any]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    if not bundle.PATH.is_file():
        pytest.skip("the front end is not built: run `make install`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = sessions._current
    made = sessions.use(Session(Folders(tmp_path, temp=tmp_path / "temp")))
    yield made
    made.close()
    sessions._current = before


@pytest.fixture
def packed(session: Session, editor_page: OpenPage) -> Packed:
    """``with packed() as page:`` — the pack is loaded, its scripts have run."""
    install(session, [PACK])
    return lambda **options: shown(editor_page, FLOW, ["test.pack_ui"], **options)


def ready(page: PackPage) -> PackPage:
    page.until("() => window.sheet && document.querySelector('.cn-rail-button')")
    return page


def happened(page: PackPage) -> list[Any]:
    """What the pack noted since it was last asked."""
    return list(page.js("happened.splice(0)"))


def screenshot(page: PackPage, name: str) -> None:
    """Kept where ``$COMFY_NOTEBOOK_SHOTS`` names a folder."""
    folder = os.environ.get("COMFY_NOTEBOOK_SHOTS")
    if folder:
        page.page.page.wait_for_timeout(300)
        page.page.screenshot(Path(folder) / f"{name}.png")


def test_commands_run_by_key_menu_and_selection(packed: Packed) -> None:
    with packed() as page:
        ready(page)
        keyboard = page.page.page.keyboard
        page.page.page.evaluate(
            "() => { window.leaked = []; addEventListener('keydown', ({key}) => leaked.push(key)) }"
        )
        happened(page)
        page.js("app.canvasEl.focus()")
        keyboard.press("Control+k")
        keyboard.press("j")
        page.realm.locator("textarea").first.focus()
        keyboard.press("Control+k")
        keyboard.type("j")
        assert [name for name, *_ in happened(page)] == ["star", "robot"]
        assert page.page.page.evaluate("leaked") == []

        page.realm.get_by_label("Menu", exact=True).click()
        expect(page.realm.locator(".cn-dropdown-title")).to_have_text("Extensions \u203a Tests")
        page.realm.get_by_role("menuitem", name="Send the robot").click()
        page.js(f"{ROOT}.comfyNotebook.view.select([2])")
        page.realm.locator(".cn-toolbox").get_by_label("Give a star").click()
        assert happened(page) == [["robot"], ["star", 2]]
        assert page.problems() == []


def test_settings_are_set_in_the_dialog_and_kept(packed: Packed, session: Session) -> None:
    with packed(name="kept") as page:
        ready(page)
        happened(page)
        page.js("app.ui.settings.show()")
        dialog = page.realm.get_by_role("dialog", name="Settings")
        dialog.get_by_role("tab", name="Tests", exact=True).click()
        dialog.get_by_role("switch", name="Switch it on").click()
        dialog.get_by_label("A number").fill("12")
        dialog.get_by_label("A choice").select_option("Third")
        dialog.get_by_text("Old button").click()
        assert happened(page) == [["on", True, False]]
        values = "['Tests.General.on', 'Tests.General.number', 'Tests.Looks.choice', 'Tests.Old']"
        read = f"() => {values}.map(id => app.extensionManager.setting.get(id))"
        assert page.js(read) == [True, 9, "c", "pressed"]
        page.page.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    with packed(name="again") as page:
        ready(page)
        assert page.js(read) == [True, 9, "c", "pressed"]
        assert happened(page)[0] == ["on", True, None]


def inside(page: PackPage, selector: str) -> None:
    """The element is wholly within the editor."""
    box = page.js(
        "selector => { const a = document.querySelector(selector).getBoundingClientRect(); const b ="
        " document.querySelector('.cn-editor').getBoundingClientRect(); return [a.width > 0 && a.height > 0,"
        " a.left >= b.left - 1, a.top >= b.top - 1, a.right <= b.right + 1, a.bottom <= b.bottom + 1] }",
        selector,
    )
    assert all(box), (selector, box)


@pytest.mark.parametrize(("width", "height"), [(1000, 560), (620, 420)])
@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_every_surface_fits_and_is_readable(packed: Packed, width: int, height: int, dark: bool) -> None:
    name = f"{'dark' if dark else 'light'}-{width}"
    with packed(dark=dark, viewport={"width": width, "height": height}) as page:
        ready(page)
        keyboard = page.page.page.keyboard

        def look(what: str, selector: str) -> None:
            page.page.page.wait_for_timeout(300)  # colours fade
            screenshot(page, f"{name}-{what}")
            inside(page, selector)
            assert page.js(CONTRAST) == [], what

        page.js("document.querySelector('.side-tool-bar-container').append(document.createElement('button'))")
        look("open", ".cn-toolbar")
        assert page.js("document.querySelector('.cn-toolbar').getBoundingClientRect().height") == 40
        inside(page, ".cn-run")
        page.realm.get_by_label("Tests", exact=True).first.click()
        look("sidebar", ".cn-side-panel")
        page.js("app.extensionManager.command.execute('Workspace.ToggleBottomPanel')")
        look("panels", ".cn-bottom-panel")
        page.realm.get_by_text("In the panel").click()
        assert ["panel"] in happened(page)
        page.realm.get_by_label("Close the bottom panel").click()
        page.realm.get_by_label("Close the sidebar").focus()
        keyboard.press("Escape")
        expect(page.realm.locator(".cn-side-panel")).to_be_hidden()
        for tab in ("Tests", "About", "Custom node packs"):
            page.js("app.ui.settings.show()")
            page.realm.get_by_role("dialog", name="Settings").get_by_role("tab", name=tab, exact=True).click()
            look(f"settings-{tab.lower().replace(' ', '-')}", ".cn-settings")
            keyboard.press("Escape")
        for severity in ("success", "info", "warn", "error"):
            message = {
                "severity": severity,
                "summary": f"A {severity}",
                "detail": "And what it is about, in a line that wraps.",
            }
            page.js("message => app.extensionManager.toast.add(message)", message)
        look("toasts", ".cn-toast:last-child")
        page.js("app.extensionManager.toast.removeAll()")
        page.js("void app.extensionManager.dialog.confirm({title: 'Delete?', message: 'For ever.', type: 'delete',"
                " itemList: Array.from({length: 30}, (_, i) => `file-${i}.png`), hint: 'No way back.'})")  # fmt: skip
        look("confirm", ".cn-dialog")
        keyboard.press("Escape")
        page.js("sheet.show(`<h3>Words</h3>${'<p>Many words of a pack.</p>'.repeat(30)}`)")
        look("old-dialog", ".comfy-modal[style*=flex]")
        keyboard.press("Escape")
        page.js(CONTEXT_MENU)
        screenshot(page, f"{name}-litemenu")
        inside_page = page.js(
            "() => { const box = document.querySelector('.litecontextmenu').getBoundingClientRect();"
            " return box.bottom <= innerHeight && box.right <= innerWidth && box.height > 60 }"
        )
        assert inside_page
        assert page.problems() == []


def test_dialogs_hold_the_focus_and_give_it_back(packed: Packed) -> None:
    with packed() as page:
        ready(page)
        keyboard = page.page.page.keyboard
        page.js("app.canvasEl.focus()")
        answer = "app.extensionManager.dialog.prompt({title: 'Name', message: 'Which?', defaultValue: 'this'})"
        page.js(f"void {answer}.then(text => happened.push(['answer', text]))")
        focused = "document.activeElement.closest('[role=dialog]') !== null"
        for _ in range(5):
            keyboard.press("Tab")
            assert page.js(focused)
        page.realm.get_by_label("Name").last.fill("that")
        keyboard.press("Enter")
        page.until("() => happened.some(([what, text]) => what === 'answer' && text === 'that')")
        assert page.js("document.activeElement === app.canvasEl")
        page.js("sheet.show('words')")
        for _ in range(5):
            keyboard.press("Tab")
            assert page.js(focused)
        keyboard.press("j")  # a command's key, which is none here
        page.realm.get_by_text("Take it").click()
        keyboard.press("Escape")
        assert page.js("[getComputedStyle(sheet.element).display, document.activeElement === app.canvasEl]") == [
            "none",
            True,
        ]
        noted = [what for what, *_ in happened(page)]
        assert "taken" in noted
        assert "robot" not in noted


def test_what_packs_put_into_the_old_menu_is_in_the_bar(packed: Packed) -> None:
    with packed(viewport={"width": 1100, "height": 560}) as page:
        ready(page)
        page.realm.get_by_text("Old way").click()
        page.realm.get_by_label("Launch").click()
        page.realm.get_by_label("Bookmarks").click()
        expect(page.realm.get_by_text("Nothing marked")).to_be_visible()
        page.page.page.keyboard.press("Escape")
        expect(page.realm.get_by_text("Nothing marked")).to_be_hidden()
        assert [what for what, *_ in happened(page)][-2:] == ["old", "launch"]

        page.js("document.querySelector('.comfy-menu').append(Object.assign(document.createElement('div'), {id: 'tall',"
                " style: 'height: 90px; background: #345', textContent: 'A monitor'}))")  # fmt: skip
        more = page.realm.get_by_role("button", name="Extensions")
        expect(more).to_be_visible()
        expect(page.realm.locator("#tall")).to_be_hidden()
        assert page.js("document.querySelector('.cn-toolbar').getBoundingClientRect().height") == 40
        more.click()
        expect(page.realm.locator("#tall")).to_be_visible()
        inside(page, ".cn-strip-box")
        screenshot(page, "folded")
        page.realm.get_by_text("Old way").click()
        page.page.page.keyboard.press("Escape")
        expect(page.realm.locator("#tall")).to_be_hidden()
        page.js("document.querySelector('#tall').remove()")
        expect(more).to_be_hidden()
        expect(page.realm.get_by_text("Old way")).to_be_visible()
        page.js("document.querySelector('#queue-button').click()")
        page.status("Done")
        assert page.problems() == []


def test_icons_and_colours_are_there(packed: Packed) -> None:
    with packed(dark=True) as page:
        ready(page)
        for font in ("primeicons", "Material Design Icons"):
            page.until(
                "name => [...document.fonts].some(font => font.family.includes(name) && font.status === 'loaded')", font
            )
        names = ["comfy-menu-bg", "comfy-input-bg", "input-text", "bg-color"]
        names += ["fg-color", "descrip-text", "border-color", "content-bg"]
        dark = page.js(READ_COLOURS, names)
        assert page.js("getComputedStyle(document.documentElement).getPropertyValue('--comfy-menu-bg').trim()")
        page.js(f"{ROOT}.comfyNotebook.editor.settings.set('theme', 'light')")
        page.until("() => !document.body.classList.contains('dark-theme')")
        light = page.js(READ_COLOURS, names)
        assert all(one != other for one, other in zip(dark, light, strict=True)), (dark, light)


def test_the_page_about_packs_says_what_failed_and_the_remedy(packed: Packed, session: Session, tmp_path: Path) -> None:
    ill = tmp_path / "custom_nodes" / f"ill-{'long-' * 20}name"
    ill.mkdir(parents=True)
    (ill / "__init__.py").write_text("import cv2_is_not_there\n")
    (ill / "requirements.txt").write_text("cv2-is-not-there>=1\n")
    session.load_packs([ill.parent])
    with packed(viewport={"width": 900, "height": 560}) as page:
        ready(page)
        page.realm.get_by_label("Menu", exact=True).click()
        page.realm.get_by_role("menuitem", name="Custom node packs").click()
        row = page.realm.locator(".cn-pack-failed")
        expect(row).to_contain_text("cv2_is_not_there")
        expect(row.locator("code")).to_have_text('pip install "cv2-is-not-there>=1"')
        expect(page.realm.locator(".cn-pack-loaded")).to_contain_text("pack_ui")
        page.js(f"{ROOT}.comfyNotebook.editor.packProblems.add('test.pack_ui: setup', new Error('broken'), 'pack_ui')")
        expect(page.realm.locator(".cn-pack-errors")).to_have_text("1")
        page.realm.get_by_role("button", name="Refresh").click()
        expect(page.realm.locator(".cn-pack-loaded")).to_contain_text("broken")
        screenshot(page, "packs-page")
        content = "document.querySelector('.cn-settings-content')"
        assert page.js(f"{content}.scrollWidth <= {content}.clientWidth")
