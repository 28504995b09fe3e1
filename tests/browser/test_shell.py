"""The shell in Chromium: handshake, requests, kernel state, views, leaks. The editor is a page that shows its Host."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from comfy_notebook.engine.events import Event

from .app import TestApplication
from .harness import VARIANTS, OpenPage
from .kernel import FakeKernel

#: In JavaScript: the SHA-256 of an ArrayBuffer in hex. Only where crypto.subtle exists (localhost counts as secure).
SHA = """async body => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', body)),
    byte => byte.toString(16).padStart(2, '0')).join('')"""


@pytest.fixture
def app() -> Iterator[TestApplication]:
    application = TestApplication()
    yield application
    application.server.stop()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_editor_appears_and_talks_to_the_application(
    app: TestApplication, editor_page: OpenPage, variant: str
) -> None:
    with editor_page(app.widget("ed-7"), variant=variant) as page:
        frame = page.editor()
        assert "editor ed-7" in frame.locator("ul").inner_text()
        assert frame.evaluate("stored") == "yes"  # storage works, or is stood in for where it is denied
        answer = frame.evaluate(
            "async () => (await host.request('/echo?a=1&b=%2F', {headers: {'X-Extra': 'e'}})).json()"
        )
        assert (answer["method"], answer["query"], answer["extra"]) == ("GET", {"a": "1", "b": "/"}, "e")
        direct = variant == "opaque"
        assert bool(page.box().query_selector("iframe")) is not direct
        assert page.errors == []


def test_bodies_of_every_kind_arrive_as_fetch_would_send_them(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        frame = page.editor()
        send = "async o => (await host.request('/echo', o)).json()"
        text = frame.evaluate(send, {"body": "héllo"})
        assert (text["method"], text["size"], text["type"]) == ("POST", 6, "text/plain;charset=UTF-8")
        put = frame.evaluate(
            "async () => (await host.request('/echo', {method: 'PUT', body: new Uint8Array(3)})).status"
        )
        assert put == 201
        form = frame.evaluate(
            """async () => {
                const form = new FormData();
                form.append('overwrite', 'true');
                form.append('image', new File([new Uint8Array(5)], 'a b.png', {type: 'image/png'}));
                return (await host.request('/echo', {method: 'POST', body: form})).json();
            }"""
        )
        assert form["form"] == {"overwrite": "true", "image": ["a b.png", 5]}


def test_a_body_larger_than_the_websocket_allows_goes_up_and_comes_down_whole(
    app: TestApplication, editor_page: OpenPage
) -> None:
    size = 12 * 2**20 + 256
    expected = hashlib.sha256(bytes(range(256)) * (size // 256)).hexdigest()
    with editor_page(app.widget()) as page:
        frame = page.editor()
        up = frame.evaluate(
            """async size => {
                const body = new Uint8Array(size).map((_, i) => i % 256);
                const seen = [];
                const onProgress = (sent, total) => seen.push([sent, total]);
                const response = await host.request('/echo', {body, onProgress});
                return {...(await response.json()), seen};
            }""",
            size,
        )
        assert (up["size"], up["sha256"]) == (size, expected)
        assert up["seen"][-1] == [size, size]
        assert len(up["seen"]) == 13
        down = frame.evaluate(
            f"async size => ({SHA})(await (await host.request('/bytes/' + size)).arrayBuffer())", size
        )
        assert down == expected


def test_answers_of_unknown_length_stream(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        parts = page.editor().evaluate(
            """async () => {
                const reader = (await host.request('/stream?count=4')).body.getReader();
                const parts = [];
                for (let part; !(part = await reader.read()).done; ) parts.push(new TextDecoder().decode(part.value));
                return parts;
            }"""
        )
        assert "".join(parts) == "".join(f"line {number}\n" for number in range(4))
        assert len(parts) >= 3


def test_a_cancelled_request_is_dropped_on_both_sides(app: TestApplication, editor_page: OpenPage) -> None:
    widget = app.widget()
    with editor_page(widget) as page:
        frame = page.editor()
        error = frame.evaluate(
            """async () => {
                const control = new AbortController();
                setTimeout(() => control.abort(), 300);
                return host.request('/slow/3', {signal: control.signal}).then(() => 'answered', e => e.name);
            }"""
        )
        assert error == "AbortError"
        page.page.wait_for_timeout(200)
        assert widget._bridge is not None
        assert widget._bridge._exchanges == {}
        assert frame.evaluate("async () => (await host.request('/slow/0')).text()") == "done"


def test_many_requests_run_at_once(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        took = page.editor().evaluate(
            """async () => {
                const start = performance.now();
                await Promise.all(Array.from({length: 40}, () => host.request('/slow/0.4').then(r => r.text())));
                return performance.now() - start;
            }"""
        )
        assert took < 4000  # 40 requests of 0.4 s; one after the other would take 16 s


def test_an_unreachable_path_fails_with_a_message(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        frame = page.editor()
        assert frame.evaluate("async () => (await host.request('/nowhere')).status") == 404
        message = frame.evaluate("() => host.request('nowhere').catch(e => e.message)")
        assert "does not start with /" in message


def test_events_reach_the_editor_in_order_with_their_buffers(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget("e1")) as page:
        frame = page.editor()
        app.bus.publish(Event("executing", {"node": "1"}, client_id="somebody else"))
        app.bus.publish(Event("executing", {"node": "3"}, client_id="e1"))
        app.bus.publish(Event("b_preview_with_metadata", {"node_id": "3"}, "e1", (b"\x89PNG",)))
        app.bus.publish(Event("odd", {"value": float("nan"), "object": object}, "e1", (b"a", b"bc")))
        app.bus.publish(Event("cn.nodes_changed", {"set": {}}))
        frame.wait_for_function("received.length === 4")
        got = frame.evaluate(
            "received.map(e => [e.type, e.data, e.buffers.map(b => String.fromCharCode(...new Uint8Array(b)))])"
        )
        assert got[0] == ["executing", {"node": "3"}, []]
        assert got[1] == ["b_preview_with_metadata", {"node_id": "3"}, ["\x89PNG"]]
        assert got[2][1]["value"] is None
        assert got[2][2] == ["a", "bc"]
        assert got[3][0] == "cn.nodes_changed"


def test_a_flood_of_events_becomes_few_messages(
    app: TestApplication, editor_page: OpenPage, fake_kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with editor_page(app.widget("e1")) as page:
        frame = page.editor()
        sent: list[object] = []
        broadcast = fake_kernel.broadcast

        def count(message: dict[str, object], buffers: object) -> None:
            sent.append(message)
            broadcast(message, buffers)

        monkeypatch.setattr(fake_kernel, "broadcast", count)
        for value in range(5000):
            app.bus.publish(Event("progress", {"node": "1", "value": value, "max": 5000}, "e1"))
            app.bus.publish(Event("executing", {"node": str(value)}, "e1"))
        frame.wait_for_function("received.filter(e => e.type === 'executing').length === 5000")
        assert len(sent) < 60
        assert frame.evaluate("received.findLast(e => e.type === 'progress').data.value") == 4999


def test_two_views_of_one_widget_have_their_own_realm_and_share_the_bundle(
    app: TestApplication, editor_page: OpenPage
) -> None:
    widget = app.widget()
    with editor_page(widget) as page:
        first = page.editor(0)
        page.display(widget)
        second = page.editor(1)
        assert first.evaluate("host.viewId") != second.evaluate("host.viewId")
        assert first.evaluate("mounts") == second.evaluate("mounts") == 1
        both = [frame.evaluate("async () => (await host.request('/echo?x=1')).status") for frame in (first, second)]
        assert both == [200, 200]
        assert app.bundle_requests == 1


def test_widgets_of_one_page_fetch_the_bundle_once(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(*(app.widget(f"e{n}") for n in range(3))) as page:
        assert [page.editor(n).evaluate("host.editorId") for n in range(3)] == ["e0", "e1", "e2"]
        assert app.bundle_requests == 1


def test_in_separate_output_frames_each_view_has_its_own_model(app: TestApplication, editor_page: OpenPage) -> None:
    widget = app.widget("e1")
    app.bus.publish(Event("executing", {"node": "early"}, "e1"))  # before any view: for nobody
    with editor_page(widget, widget, variant="colab") as page:
        frames = [page.editor(0), page.editor(1)]
        app.bus.publish(Event("executing", {"node": "9"}, "e1"))
        for frame in frames:
            frame.wait_for_function("received.length === 1")
            assert frame.evaluate("received[0].data.node") == "9"


def test_eight_runs_of_a_cell_leave_one_frame(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        page.editor()
        before = page.frame_count()
        for _ in range(8):
            fresh = app.widget()
            page.page.evaluate("for (const model of notebook.models.values()) model.close()")
            page.display(fresh)
            page.editor()
        page.page.wait_for_timeout(300)
        assert page.frame_count() <= before
        assert page.errors == []


def test_a_moved_cell_gets_its_editor_back(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        page.editor()
        page.page.evaluate(
            """() => {
                const output = document.querySelector('.output');
                document.body.prepend(document.createElement('hr'));
                document.body.append(output);
            }"""
        )
        assert page.editor().evaluate("mounts") == 1
        assert page.editor().evaluate("async () => (await host.request('/echo')).status") == 200


def test_the_theme_is_copied_and_followed(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        frame = page.editor()
        assert frame.evaluate("host.theme.dark") is False
        page.page.evaluate(
            """() => {
                document.body.dataset.jpThemeLight = 'false';
                document.body.style.setProperty('--jp-layout-color1', '#111');
                document.body.style.setProperty('--jp-ui-font-family', 'Serif');
            }"""
        )
        frame.wait_for_function("host.theme.dark")
        assert frame.evaluate("host.theme.variables") == {"--host-bg": "#111", "--host-font": "Serif"}
        assert frame.evaluate("document.documentElement.dataset.theme") == "dark"
        assert frame.evaluate("getComputedStyle(document.body).getPropertyValue('--host-bg')") == "#111"


@pytest.mark.parametrize(
    ("mark", "dark"),
    [
        ("document.body.className = 'vscode-dark'", True),
        ("document.body.className = 'vscode-light'", False),
        ("document.body.className = 'vscode-high-contrast'", True),
        ("document.body.className = 'vscode-high-contrast vscode-high-contrast-light'", False),
        ("document.documentElement.setAttribute('theme', 'dark')", True),
        ("document.body.style.background = '#1e1e1e'", True),
        ("document.body.style.background = '#eee'", False),
        ("0", False),
    ],
)
def test_dark_and_light_are_recognised(app: TestApplication, editor_page: OpenPage, mark: str, dark: bool) -> None:
    with editor_page(app.widget()) as page:
        frame = page.editor()
        page.page.evaluate(mark)
        page.page.wait_for_timeout(150)
        assert frame.evaluate("host.theme.dark") is dark


def test_a_running_cell_is_busy_and_not_lost(
    app: TestApplication, editor_page: OpenPage, fake_kernel: FakeKernel
) -> None:
    with editor_page(app.widget("e1")) as page:
        frame = page.editor()
        with fake_kernel.busy():
            frame.evaluate("() => { window.answer = host.request('/echo').then(r => r.status); }")
            frame.wait_for_function("host.kernel === 'busy'")
            app.bus.publish(Event("executing", {"node": "1"}, "e1"))
            frame.wait_for_function("received.length === 1")
            assert frame.evaluate("host.kernel") == "busy"
        assert frame.evaluate("answer") == 200
        assert frame.evaluate("kernelStates") == ["connected", "busy", "connected"]


def test_a_slow_route_is_not_taken_for_a_busy_kernel(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        frame = page.editor()
        assert frame.evaluate("async () => (await host.request('/slow/3')).text()") == "done"
        assert frame.evaluate("kernelStates") == ["connected"]


def test_a_restarted_kernel_is_told_at_once_and_the_graph_stays(
    app: TestApplication, editor_page: OpenPage, fake_kernel: FakeKernel
) -> None:
    with editor_page(app.widget()) as page:
        frame = page.editor()
        frame.evaluate("() => { window.failed = host.request('/slow/3').catch(e => e.message); }")
        fake_kernel.restart()
        frame.wait_for_function("host.kernel === 'lost'")
        assert "Run the cell again" in frame.evaluate("failed")
        assert "kernel lost" in frame.locator("ul").inner_text()
        assert "Run the cell again" in frame.evaluate("() => host.request('/echo').catch(e => e.message)")


def test_a_kernel_that_died_silently_is_noticed_by_its_pulse(
    app: TestApplication, editor_page: OpenPage, fake_kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfy_notebook.widget.bridge.PULSE_SECONDS", 0.3)
    with editor_page(app.widget(), clock=True) as page:
        frame = page.editor()
        frame.evaluate("() => { window.slow = host.request('/slow/8').then(r => r.text()); }")
        for _ in range(12):  # a minute of the page's time while the kernel's pulse goes on
            page.page.clock.run_for(5000)
            page.page.wait_for_timeout(350)
        assert frame.evaluate("kernelStates.includes('lost')") is False
        with fake_kernel.dead():
            page.page.clock.run_for(30_000)
            assert frame.evaluate("host.kernel") == "lost"
        frame.wait_for_function("host.kernel === 'connected'")  # the network came back: the pulse arrives again


def test_a_view_that_waits_for_a_running_cell_says_so_and_then_shows_the_editor(
    app: TestApplication, editor_page: OpenPage, fake_kernel: FakeKernel
) -> None:
    with fake_kernel.busy():
        opened = editor_page(app.widget())
        page = opened.__enter__()
        assert "Waiting for the kernel" in page.notice()
    try:
        page.editor()
        assert page.box().query_selector(".comfy-notebook-notice") is None
    finally:
        opened.__exit__(None, None, None)


def test_another_protocol_version_is_said_in_the_cell(
    app: TestApplication, editor_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfy_notebook.widget.bridge.PROTOCOL", 99)
    with editor_page(app.widget()) as page:
        assert "different versions" in page.notice()


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        (
            b"var comfyNotebookEditor = {async mount() { throw new Error('no canvas <b>here</b>'); }}",
            "no canvas <b>here</b>",
        ),
        (b"var nothing = 1;", "mount"),
        (b"this is not JavaScript", "Unexpected identifier"),
        (b"throw new Error('broken at the top')", "broken at the top"),
    ],
)
def test_a_bundle_that_fails_is_said_in_the_cell(editor_page: OpenPage, bundle: bytes, expected: str) -> None:
    app = TestApplication(bundle)
    with editor_page(app.widget()) as page:
        said = page.notice()
        assert "could not be started" in said
        assert expected in said
        assert page.box().query_selector("b") is None
        assert page.box().query_selector("button") is not None
    app.server.stop()


def test_a_closed_editor_says_so(app: TestApplication, editor_page: OpenPage) -> None:
    widget = app.widget()
    with editor_page(widget) as page:
        page.editor()
        assert widget._bridge is not None
        widget._bridge.close()
        assert "closed" in page.notice()
        assert page.box().query_selector("iframe") is None


def test_full_size_fills_the_window_and_goes_back(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget(height=300)) as page:
        page.page.evaluate(
            """document.querySelector('.output').style.cssText =
                'transform:scale(1);overflow:hidden;contain:strict;height:320px;width:600px'"""
        )
        frame = page.editor()
        frame.evaluate("() => { window.sizes = []; host.onFullSize(on => sizes.push(on)); host.setFullSize(true); }")
        assert page.box().bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 800}
        frame.evaluate("() => host.setFullSize(false)")
        box = page.box().bounding_box()
        assert box is not None
        assert (box["width"], box["height"]) == (600, 300)
        assert frame.evaluate("sizes") == [True, False]
        assert frame.evaluate("mounts") == 1  # the frame was not loaded anew


def test_the_handle_changes_the_height_and_keeps_it(app: TestApplication, editor_page: OpenPage) -> None:
    widget = app.widget(height=300)
    with editor_page(widget) as page:
        page.editor()
        box = page.box().bounding_box()
        assert box is not None
        bottom = (box["x"] + 200, box["y"] + box["height"] - 3)
        page.drag(bottom, (bottom[0], bottom[1] + 120))
        assert page.box().bounding_box()["height"] == 420
        page.page.wait_for_timeout(200)
        assert widget.height == 420


@pytest.mark.parametrize("variant", VARIANTS)
def test_keys_wheel_and_menus_stay_in_the_editor(app: TestApplication, editor_page: OpenPage, variant: str) -> None:
    with editor_page(app.widget(), variant=variant) as page:
        page.outer().evaluate(
            """() => {
                window.leaked = [];
                const types = 'keydown keyup keypress wheel contextmenu paste dragenter drop';
                const note = event => leaked.push(event.type + ' ' + (event.key ?? ''));
                for (const type of types.split(' ')) window.addEventListener(type, note);
            }"""
        )
        realm = page.editor()
        canvas = realm.locator("canvas")
        canvas.click()
        for key in ("d", "d", "b", "m", "Delete", "Control+Enter", "Control+s", "Control+z"):
            page.page.keyboard.press(key)
        canvas.click(button="right")
        page.page.mouse.wheel(0, 100)
        realm.locator("input").fill("typed")
        realm.locator("canvas").dispatch_event("dragenter", {})
        assert page.outer().evaluate("leaked") == []
        assert realm.locator("input").input_value() == "typed"


def test_the_shell_keeps_to_its_size() -> None:
    import gzip

    from comfy_notebook.widget.assets import shell_source

    source = shell_source().encode()
    assert len(source) <= 30_000
    assert len(gzip.compress(source, 9)) <= 12_000


def test_escape_in_the_notebook_leaves_full_size(app: TestApplication, editor_page: OpenPage) -> None:
    with editor_page(app.widget()) as page:
        small = page.box().bounding_box()
        page.editor().evaluate("host.setFullSize(true)")
        assert page.box().bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 800}
        page.page.evaluate("document.activeElement.blur()")
        page.page.keyboard.press("Escape")
        assert page.box().bounding_box() == small


@pytest.mark.parametrize("variant", ["plain", "colab"])
def test_an_editor_that_reloads_itself_comes_back(app: TestApplication, editor_page: OpenPage, variant: str) -> None:
    with editor_page(app.widget(), variant=variant) as page:
        frame = page.editor()
        address = frame.evaluate("[location.pathname, location.search, location.origin]")
        assert address == ["/", "", page.outer().evaluate("location.origin")]  # packs find the server from there
        frame.evaluate("window.before = true; location.reload()")
        page.page.wait_for_timeout(1000)
        again = page.editor()
        assert again.evaluate("[window.before, host.editorId]") == [None, "e1"]
        assert again.evaluate("(async () => (await host.request('/echo')).status)()") == 200
        assert page.errors == []
