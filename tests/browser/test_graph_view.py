"""Drives the graph view in a real browser: its page has nothing but the view (js/dev/graph.html)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).resolve().parents[2]
JS = ROOT / "js"
CHROMIUM = os.environ.get("CHROMIUM", shutil.which("chromium") or "/usr/bin/chromium")
LONG = [f"model_{i:04}.safetensors" for i in range(3000)]
DEFINITIONS: dict[str, Any] = {
    "Source": {"input": {"required": {}}, "output": ["IMAGE", "MASK"], "output_name": ["IMAGE", "MASK"]},
    "Sink": {
        "input": {"required": {"image": ["IMAGE", {}]}, "optional": {"mask": ["MASK", {}]}},
        "output": [],
        "output_node": True,
    },
    "Number": {"input": {"required": {"value": ["INT", {"default": 1, "max": 100000}]}}, "output": ["INT"]},
    "Widgets": {
        "input": {
            "required": {
                "image": ["IMAGE", {}],
                "seed": ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}],
                "cfg": ["FLOAT", {"default": 8.0, "min": 0, "max": 100, "step": 0.1, "round": 0.01}],
                "amount": ["FLOAT", {"default": 0.5, "min": 0, "max": 1, "step": 0.05, "display": "slider"}],
                "turn": ["INT", {"default": 10, "min": 0, "max": 100, "display": "knob"}],
                "model": [LONG, {}],
                "name": ["STRING", {"default": "hello"}],
                "text": ["STRING", {"multiline": True, "placeholder": "Say something"}],
                "flag": ["BOOLEAN", {"default": False, "label_on": "yes", "label_off": "no"}],
                "tint": ["COLOR", {"default": "#102030"}],
            }
        },
        "output": ["IMAGE"],
    },
    "LoadImage": {
        "input": {"required": {"image": [["a.png", "b.png"], {"image_upload": True}]}},
        "output": ["IMAGE", "MASK"],
    },
    "Resize": {
        "input": {
            "required": {
                "image": ["IMAGE", {}],
                "how": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "size", "inputs": {"required": {"width": ["INT", {"default": 512}]}}},
                            {"key": "factor", "inputs": {"required": {"by": ["FLOAT", {"default": 2.0}]}}},
                            {"key": "match", "inputs": {"required": {"other": ["IMAGE", {}]}}},
                        ]
                    },
                ],
            }
        },
        "output": ["IMAGE"],
    },
    "Batch": {
        "input": {
            "required": {
                "images": [
                    "COMFY_AUTOGROW_V3",
                    {
                        "template": {
                            "input": {"required": {"image": ["IMAGE", {}]}},
                            "prefix": "image",
                            "min": 1,
                            "max": 9,
                        }
                    },
                ]
            }
        },
        "output": ["IMAGE"],
    },
    "Described": {
        "description": "Does nothing at all.",
        "input": {"required": {"amount": ["INT", {"tooltip": "How much of nothing."}]}},
        "output": ["INT"],
        "output_tooltips": ["All of it."],
    },
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    esbuild = JS / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists() or not Path(CHROMIUM).exists():
        pytest.skip("needs js/node_modules and a Chromium")
    out = tmp_path_factory.mktemp("graph")
    command = [
        str(esbuild),
        "dev/graph.ts",
        "--bundle",
        "--format=esm",
        "--target=es2022",
        f"--outfile={out / 'graph.js'}",
    ]
    subprocess.run(command, cwd=JS, check=True, capture_output=True)
    shutil.copy(JS / "dev" / "graph.html", out)
    return out


@pytest.fixture(scope="module")
def browser(site: Path, chromium: Any) -> Any:
    return chromium


@pytest.fixture
def page(browser: Any, site: Path) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{(site / 'graph.html').as_uri()}")
    page.wait_for_function("!!window.view?.raw")
    page.evaluate("view.raw.module.CanvasPointer.doubleClickTime = 5000")  # busy machines double-click slowly
    page.evaluate("d => view.setDefinitions(d)", DEFINITIONS)
    yield page
    assert errors == []
    page.close()


def node(id: int, type: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    size = more.pop("size", [300, 100])
    return {
        "id": id,
        "type": type,
        "pos": [x, y],
        "size": size,
        "flags": {},
        "order": 0,
        "mode": 0,
        "properties": {},
        **more,
    }


def load(page: Any, nodes: list[dict[str, Any]], links: list[Any] | None = None, **more: Any) -> Any:
    document = {
        "last_node_id": 99,
        "last_link_id": 99,
        "nodes": nodes,
        "links": links or [],
        "groups": [],
        "version": 0.4,
    }
    document["extra"] = {"ds": {"scale": 1, "offset": [0, 0]}}
    report = page.evaluate("d => view.load(d)", {**document, **more})
    settle(page)
    page.evaluate("events.length = 0")
    return report


def settle(page: Any) -> None:
    page.evaluate(
        """() => new Promise(done => {
            const next = n => requestAnimationFrame(() => n ? next(n - 1) : done());
            next(2);
        })"""
    )


def at(page: Any, **place: Any) -> tuple[float, float]:
    point = page.evaluate("p => view.clientPos(p)", place)
    return point["x"], point["y"]


def drag(page: Any, start: tuple[float, float], end: tuple[float, float], steps: int = 6) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=steps)
    page.mouse.up()
    settle(page)


def changes(page: Any) -> list[str]:
    settle(page)
    kinds: list[str] = page.evaluate("events.filter(e => e.name === 'change').map(e => e.event.kind)")
    return kinds


def saved(page: Any, id: int) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("id => view.serialize().nodes.find(n => n.id === id)", id)
    return found


def value(page: Any, name: str, id: int = 1) -> Any:
    return page.evaluate("([id, name]) => view.getWidget(id, name)", [id, name])


def widgets(page: Any) -> None:
    load(page, [node(1, "Widgets", 100, 60, size=[360, 620])])


def test_dragging_a_node_moves_it_with_one_change(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100)])
    x, y = at(page, node=1, title=True)
    drag(page, (x, y), (x + 200, y + 120))
    assert saved(page, 1)["pos"] == [300, 220]
    assert len(changes(page)) == 1


def test_a_click_that_only_selects_is_no_change(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100)])
    page.mouse.click(*at(page, node=1, title=True))
    assert page.evaluate("view.selection()") == [1]
    assert changes(page) == []


def test_links_are_made_and_undone_by_dragging(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100), node(2, "Sink", 600, 100)])
    drag(page, at(page, node=1, slot="IMAGE", input=False), at(page, node=2, slot="image"))
    links = page.evaluate("view.serialize().links")
    assert [link[1:6] for link in links] == [[1, 0, 2, 0, "IMAGE"]]
    assert changes(page)
    drag(page, at(page, node=2, slot="image"), (700, 600))
    assert page.evaluate("view.serialize().links") == []


def test_links_of_other_types_are_refused(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100), node(2, "Sink", 600, 100)])
    drag(page, at(page, node=1, slot="MASK", input=False), at(page, node=2, slot="image"))
    assert page.evaluate("view.serialize().links.filter(l => l[4] === 0)") == []


def test_a_link_dropped_on_nothing_asks_for_a_node(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100)])
    drag(page, at(page, node=1, slot="IMAGE", input=False), (800, 500))
    event = page.evaluate("events.find(e => e.name === 'empty-release').event")
    assert event["from"] == {"node": 1, "slot": 0, "input": False, "type": "IMAGE"}
    new = page.evaluate("e => view.addNode('Sink', e.pos, {connectFrom: e.from})", event)
    assert page.evaluate("view.serialize().links.map(l => [l[1], l[3], l[5]])") == [[1, new, "IMAGE"]]


def test_every_widget_is_an_input_too(page: Any) -> None:
    load(page, [node(1, "Widgets", 500, 60, size=[360, 620]), node(2, "Number", 60, 100)])
    drag(page, at(page, node=2, slot=0, input=False), at(page, node=1, slot="seed"))
    inputs = saved(page, 1)["inputs"]
    assert [(i["name"], bool(i.get("widget"))) for i in inputs if i["link"] is not None] == [("seed", True)]
    page.evaluate("view.setWidget(1, 'tint', '#ffffff')")
    assert (
        len(saved(page, 1)["widgets_values"]) == 10
    )  # nine widgets and the seed's control; linked ones keep their place


def test_number_by_arrows_typing_and_dragging(page: Any) -> None:
    widgets(page)
    x, y = at(page, node=1, widget="cfg")
    left, right = x - 180 + 24, x + 180 - 24
    page.mouse.click(right, y)
    assert value(page, "cfg") == pytest.approx(8.1)
    page.mouse.click(left, y)
    assert value(page, "cfg") == pytest.approx(8.0)
    page.mouse.click(x, y)
    page.keyboard.type("3*2.5")
    page.keyboard.press("Enter")
    assert value(page, "cfg") == pytest.approx(7.5)
    drag(page, (x, y), (x + 60, y))
    assert value(page, "cfg") > 7.5
    page.mouse.click(x, y)
    page.keyboard.type("not a number")
    page.keyboard.press("Enter")
    assert any("not a number" in notice for notice in page.evaluate("notices"))
    assert "widget" in changes(page)


def test_typing_over_a_number_starts_editing(page: Any) -> None:
    widgets(page)
    page.mouse.click(1000, 700)
    page.mouse.move(*at(page, node=1, widget="seed"))
    settle(page)
    page.keyboard.type("4242")
    page.keyboard.press("Enter")
    assert value(page, "seed") == 4242


def test_slider_knob_toggle(page: Any) -> None:
    widgets(page)
    x, y = at(page, node=1, widget="amount")
    page.mouse.click(x + 90, y)
    assert value(page, "amount") == pytest.approx(0.75, abs=0.06)
    x, y = at(page, node=1, widget="turn")
    drag(page, (x, y), (x + 40, y - 40), steps=12)
    assert value(page, "turn") > 10
    page.mouse.click(*at(page, node=1, widget="flag"))
    assert value(page, "flag") is True


def test_combo_filters_and_chooses_by_keyboard(page: Any) -> None:
    widgets(page)
    page.mouse.click(*at(page, node=1, widget="model"))
    page.wait_for_selector(".cn-combo input")
    assert page.locator(".cn-combo .cn-menu-item").count() < 60
    page.keyboard.type("2999")
    page.keyboard.press("Enter")
    assert value(page, "model") == "model_2999.safetensors"
    assert page.locator(".cn-combo").count() == 0
    page.mouse.click(*at(page, node=1, widget="model"))
    page.keyboard.press("Escape")
    assert page.locator(".cn-combo").count() == 0


def test_text_line_and_text_box(page: Any) -> None:
    widgets(page)
    page.mouse.click(*at(page, node=1, widget="name"))
    page.keyboard.type("<b>world</b>")
    page.keyboard.press("Enter")
    assert value(page, "name") == "<b>world</b>"
    page.locator(".cn-dom textarea").first.click()
    page.keyboard.type("a cat, b d d m")
    assert value(page, "text") == "a cat, b d d m"
    assert "widget" in changes(page)
    assert saved(page, 1)["widgets_values"][7] == "a cat, b d d m"


def test_upload_button_chooses_the_file(page: Any) -> None:
    load(page, [node(1, "LoadImage", 100, 100, size=[300, 330], widgets_values=["a.png", "image"])])
    page.mouse.click(*at(page, node=1, widget="upload"))
    page.wait_for_function("view.getWidget(1, 'image') === 'picked.png'")
    assert saved(page, 1)["widgets_values"] == ["picked.png", "image"]


def test_wheel_zooms_about_the_pointer_and_dragging_pans(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100)])
    before = page.evaluate("view.toGraph([600, 400])")
    page.mouse.move(600, 400)
    for _ in range(4):
        page.mouse.wheel(0, -120)
    settle(page)
    assert page.evaluate("view.getScale()") > 1.2
    assert page.evaluate("view.toGraph([600, 400])") == pytest.approx(before, abs=1)
    offset = page.evaluate("view.bounds().visible")
    drag(page, (900, 700), (800, 650))
    moved = page.evaluate("view.bounds().visible")
    assert moved[0] > offset[0]
    assert moved[1] > offset[1]
    assert changes(page) == []


def test_text_box_follows_its_node_and_hides_when_small(page: Any) -> None:
    widgets(page)
    area = page.locator(".cn-dom textarea").first
    first = area.bounding_box()
    x, y = at(page, node=1, title=True)
    drag(page, (x, y), (x + 100, y + 20))
    second = area.bounding_box()
    assert second["x"] - first["x"] == pytest.approx(100, abs=1)
    page.evaluate("view.setScale(0.3)")
    settle(page)
    assert not area.is_visible()
    page.evaluate("view.setScale(1)")
    settle(page)
    assert area.is_visible()


def test_context_menu_stays_inside_and_works(page: Any) -> None:
    load(page, [node(1, "Source", 860, 700)])
    page.mouse.click(*at(page, node=1, title=True), button="right")
    menu = page.locator(".cn-menu").first
    box = menu.bounding_box()
    assert box["y"] + box["height"] <= 800
    assert box["x"] + box["width"] <= 1200
    page.locator(".cn-menu-item", has_text="Bypass").click()
    assert saved(page, 1)["mode"] == 4
    assert changes(page)


def test_titles_are_edited_in_place(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100)])
    page.mouse.dblclick(*at(page, node=1, title=True))
    page.wait_for_function("['INPUT', 'TEXTAREA'].includes(document.activeElement?.tagName)")
    page.keyboard.type("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    assert saved(page, 1)["title"] == "<img src=x onerror=alert(1)>"


def test_copy_and_paste_without_local_storage(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100), node(2, "Sink", 600, 100)])
    page.evaluate("view.connect({node: 1, output: 0}, {node: 2, input: 'image'})")
    page.evaluate("view.selectAll(); view.copy(); view.paste({pos: [100, 400]})")
    assert page.evaluate("view.serialize().nodes.length") == 4
    assert page.evaluate("view.serialize().links.length") == 2


def test_patches_keep_focus_view_and_other_nodes(page: Any) -> None:
    load(page, [node(1, "Widgets", 100, 60, size=[360, 620]), node(2, "Source", 700, 100)])
    page.locator(".cn-dom textarea").first.click()
    page.keyboard.type("typing")
    document = page.evaluate("view.serialize()")
    document["nodes"][1]["pos"] = [800, 300]
    document["nodes"].append(node(3, "Sink", 800, 500))
    document["links"].append([7, 2, 0, 3, 0, "IMAGE"])
    document["nodes"][1]["outputs"] = [{"name": "IMAGE", "type": "IMAGE", "links": [7]}]
    document["nodes"][2]["inputs"] = [{"name": "image", "type": "IMAGE", "link": 7}]
    page.evaluate("events.length = 0")
    page.evaluate("d => view.applyDocument(d)", document)
    page.keyboard.type(" on")
    assert value(page, "text") == "typing on"
    assert saved(page, 2)["pos"] == [800, 300]
    described = {n["id"]: n for n in page.evaluate("view.describe()")}
    assert described[3]["inputs"][0]["link"] == {"node": 2, "slot": 0}


def test_runtime_states_do_not_touch_the_document(page: Any) -> None:
    load(page, [node(1, "LoadImage", 100, 100, size=[300, 330]), node(2, "Sink", 600, 100, size=[300, 300])])
    before = json.dumps(page.evaluate("view.serialize().nodes.map(n => n.widgets_values ?? null)"))
    page.evaluate("""() => {
        view.setQueued(['2']); view.setRunning('1'); view.setProgress('1', 3, 10);
        view.setOutputs('2', {images: [{filename: 'x.png'}, {filename: 'y.png'}], text: ['hello']});
        view.setError('1', {message: 'broken', inputs: ['image']}); view.setStale(['2']);
    }""")
    settle(page)
    assert json.dumps(page.evaluate("view.serialize().nodes.map(n => n.widgets_values ?? null)")) == before
    assert page.evaluate("view.describe()[0].error") == "broken"
    assert page.locator(".cn-dom textarea").input_value() == "hello"


LOW_ZOOMS = [0.43, 0.3, 0.15]


def colour_at(page: Any, x: float, y: float) -> tuple[int, int, int]:
    """What the canvas shows at a client point."""
    code = """([x, y]) => [...document.querySelector('.cn-graph canvas').getContext('2d')
        .getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data.slice(0, 3)]"""
    red, green, blue = page.evaluate(code, [x, y])
    return red, green, blue


def graph_of_colours(page: Any) -> dict[int, tuple[int, int, int]]:
    """Twelve nodes of known colours, every third with a picture; the colour of each body."""
    colours = {i: (i * 20, 255 - i * 18, (i * 97) % 256) for i in range(1, 13)}
    nodes = [
        node(
            i,
            "LoadImage" if i % 3 == 0 else "Source",
            (i % 4) * 520,
            (i // 4) * 620,
            size=[400, 480],
            bgcolor="#{:02x}{:02x}{:02x}".format(*colours[i]),
        )
        for i in colours
    ]
    load(page, nodes)
    return colours


def bodies_seen(page: Any) -> dict[int, tuple[int, int, int]]:
    """Colours of the visible nodes below the middle of their titles, where nothing else is drawn."""
    scale = page.evaluate("view.getScale()")
    left, top, width, height = page.evaluate("view.bounds().visible")
    out = {}
    for box in page.evaluate("view.boxes()"):
        x, y = box["x"] + box["w"] / 2 - left, box["y"] + 50 - top
        if 0 < x < width and 0 < y < height:
            out[box["id"]] = colour_at(page, x * scale, y * scale)
    return out


@pytest.mark.parametrize("scale", LOW_ZOOMS)
def test_zoomed_out_every_node_is_where_it_belongs(page: Any, scale: float) -> None:
    colours = graph_of_colours(page)
    page.evaluate("view.fit()")
    page.evaluate("s => view.setScale(s)", scale)
    for i in (3, 6, 9):
        page.evaluate("i => view.setOutputs(String(i), {images: [{filename: i + '.png'}, {filename: 'missing'}]})", i)
    page.wait_for_timeout(200)
    for _ in range(3):
        page.evaluate("view.setDirty()")
        settle(page)
    seen = bodies_seen(page)
    assert len(seen) >= 9
    assert seen == {i: colours[i] for i in seen}
    assert page.evaluate("notices") == []


@pytest.mark.parametrize("scale", [1, *LOW_ZOOMS])
def test_a_node_that_fails_while_drawing_spoils_no_other(page: Any, scale: float) -> None:
    colours = graph_of_colours(page)
    page.evaluate("""() => {
        const widget = view.raw.graph.getNodeById(3).widgets.find(w => w.name === '$$canvas-image-preview');
        widget.drawWidget = ctx => { ctx.save(); ctx.scale(0.5, 0.5); ctx.save(); throw new Error('torn'); };
    }""")
    page.evaluate("view.fit()")
    page.evaluate("s => { view.setScale(s); view.center(3); }", scale)
    for _ in range(4):
        page.evaluate("view.setDirty()")
        settle(page)
    seen = bodies_seen(page)
    assert len(seen) >= 2
    assert seen == {i: colours[i] for i in seen}
    assert any("cannot be drawn" in notice for notice in page.evaluate("notices"))


@pytest.mark.parametrize(
    ("nodes", "whole"),
    [
        ([(0, 0), (2400, 900)], True),
        ([(500, 300)], True),
        ([(0, 0), (9000, 300)], False),
        ([(0, 0), (300, 9000)], False),
    ],
    ids=["large", "one node", "very wide", "very high"],
)
def test_a_document_of_another_window_opens_fitted(page: Any, nodes: list[tuple[int, int]], whole: bool) -> None:
    extra = {"ds": {"scale": 1.4, "offset": [-1300, -80]}}
    load(page, [node(i, "Source", x, y) for i, (x, y) in enumerate(nodes, 1)], extra=extra)
    content, visible = page.evaluate("[view.bounds().content, view.bounds().visible]")
    assert 0.35 <= page.evaluate("view.getScale()") <= 1
    assert visible[0] <= content[0]
    assert visible[1] <= content[1]
    if whole:
        assert visible[0] + visible[2] >= content[0] + content[2]
        assert visible[1] + visible[3] >= content[1] + content[3]


def test_a_view_position_is_kept_where_it_was_stored(page: Any) -> None:
    load(page, [node(i, "Source", i * 900, 0) for i in range(4)])
    page.evaluate("view.setScale(1.5); view.panTo([950, 60])")
    document = page.evaluate("view.serialize()")
    page.evaluate("view.fit()")
    page.evaluate("d => view.load(d)", document)
    assert page.evaluate("view.getScale()") == pytest.approx(1.5)
    page.set_viewport_size({"width": 900, "height": 700})
    page.evaluate("d => view.load(d)", document)
    content, visible = page.evaluate("[view.bounds().content, view.bounds().visible]")
    assert visible[0] <= content[0]
    page.set_viewport_size({"width": 1300, "height": 700})
    settle(page)
    wider = page.evaluate("view.bounds().visible")
    assert wider[2] != pytest.approx(visible[2])
    assert wider[0] + wider[2] >= content[0] + content[2]


def test_runtime_is_described(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100), node(2, "Sink", 600, 100)])
    page.evaluate("view.setStale(['2']); view.setRunning('1'); view.setProgress('1', 3, 10)")
    keys = "[n.stale, n.running, n.progress]"
    assert page.evaluate(f"view.describe().map(n => {keys})") == [
        [False, True, {"value": 3, "max": 10}],
        [True, False, None],
    ]


def described(page: Any, id: int) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("id => view.describe().find(n => n.id === id)", id)
    return found


def test_a_choice_brings_its_inputs(page: Any) -> None:
    load(page, [node(1, "Resize", 500, 100, size=[300, 120]), node(2, "Source", 60, 100)])
    for choice, names in (("factor", ["image", "how", "how.by"]), ("match", ["image", "how.other", "how"])):
        page.mouse.click(*at(page, node=1, widget="how"))
        page.keyboard.type(choice)
        page.keyboard.press("Enter")
        settle(page)
        assert [slot["name"] for slot in described(page, 1)["inputs"]] == names
    drag(page, at(page, node=2, slot=0, input=False), at(page, node=1, slot="how.other"))
    assert saved(page, 1)["widgets_values"] == ["match"]
    assert page.evaluate("view.serialize().links.map(l => [l[1], l[3]])") == [[2, 1]]


def test_a_growing_group_offers_the_next_socket(page: Any) -> None:
    load(page, [node(1, "Batch", 500, 100, size=[220, 60]), node(2, "Source", 60, 100)])
    for count in range(3):
        assert len(described(page, 1)["inputs"]) == count + 1
        drag(page, at(page, node=2, slot=0, input=False), at(page, node=1, slot=f"images.image{count}"))
    drag(page, at(page, node=1, slot="images.image2"), (700, 600))
    assert [slot["name"] for slot in described(page, 1)["inputs"]] == [f"images.image{n}" for n in range(3)]


DROP = """([x, y, name, type]) => {
    const data = new DataTransfer();
    data.items.add(new File(['x'], name, { type }));
    const canvas = document.querySelector('.cn-graph > canvas');
    const options = { dataTransfer: data, clientX: x, clientY: y, bubbles: true, cancelable: true };
    const over = !canvas.dispatchEvent(new DragEvent('dragover', options));
    return [over, !canvas.dispatchEvent(new DragEvent('drop', options))];
}"""


def test_files_are_dropped_and_pasted_into_the_node_that_loads_them(page: Any) -> None:
    load(page, [node(1, "LoadImage", 100, 100, size=[300, 330]), node(2, "Source", 600, 100)])
    x, y = at(page, node=1)
    assert page.evaluate(DROP, [x, y, "dropped.png", "image/png"]) == [True, True]
    page.wait_for_function("view.getWidget(1, 'image') === 'dropped.png'")
    assert page.evaluate(DROP, [*at(page, node=2), "other.png", "image/png"])[1] is False
    paste = "view.pasteFile(new File(['x'], 'pasted.png', {type: 'image/png'}))"
    page.evaluate("view.select([2])")
    assert page.evaluate(paste) is False
    page.evaluate("view.select([1])")
    assert page.evaluate(paste) is True
    assert value(page, "image") == "pasted.png"
    assert page.evaluate("view.pasteFile(new File(['x'], 'a.mp3', {type: 'audio/mpeg'}))") is False
    assert changes(page)


def test_pictures_open_one_by_one_and_at_full_size(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100, size=[400, 400])])
    before = colour_at(page, 200, 400)
    page.evaluate("view.setOutputs('1', {images: [1, 2, 3, 4].map(n => ({filename: n + '.png'}))})")
    page.wait_for_timeout(150)
    grid = colour_at(page, 200, 400)
    assert grid != before
    page.mouse.click(200, 400)
    settle(page)
    assert colour_at(page, 200, 400) != grid
    page.mouse.dblclick(300, 350)
    page.wait_for_function("events.some(e => e.name === 'image-open')")
    opened = page.evaluate("events.find(e => e.name === 'image-open').event")
    assert len(opened["images"]) == 4
    assert changes(page) == []


def test_two_pictures_are_compared_with_a_divider(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100, size=[440, 360])])
    page.evaluate("view.setOutputs('1', {a_images: [{filename: 'a.png'}], b_images: [{filename: 'zzzz.png'}]})")
    page.wait_for_timeout(150)
    x, y = 200, 340
    first = colour_at(page, x, y)
    drag(page, (320, y), (130, y))
    second = colour_at(page, x, y)
    assert second != first
    drag(page, (320, y), (500, y))
    assert colour_at(page, x, y) == first
    assert changes(page) == []


def test_animations_texts_and_sounds_have_their_elements(page: Any) -> None:
    load(page, [node(i, "Source", i * 320 - 300, 100, size=[300, 260]) for i in (1, 2, 3)])
    long = "a long line without an end " * 200
    page.evaluate("view.setOutputs('1', {images: [{filename: 'x.webp'}], animated: [true]})")
    page.evaluate("text => view.setOutputs('2', {text: [text]})", long)
    page.evaluate("view.setOutputs('3', {audio: [{filename: 's.wav'}], video: [{filename: 'missing.mp4'}]})")
    page.wait_for_selector(".cn-dom img.cn-animated[src^=data]")
    text = page.locator(".cn-dom textarea.cn-result")
    assert text.input_value() == long
    assert text.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight > e.clientHeight")
    box = text.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    page.mouse.wheel(0, 100)
    page.wait_for_function("document.querySelector('.cn-result').scrollTop > 0")
    assert page.evaluate("view.getScale()") == 1
    page.wait_for_function("document.querySelector('.cn-players audio').duration > 0")
    page.wait_for_selector(".cn-players video.cn-odd")
    page.evaluate("for (const id of ['1', '2', '3']) view.setOutputs(id, null)")
    settle(page)
    assert page.locator(".cn-dom > *").count() == 0
    assert "widgets_values" not in saved(page, 3)


def test_reroutes_are_made_on_links_moved_and_saved(page: Any) -> None:
    load(page, [node(1, "Source", 100, 100), node(2, "Sink", 700, 100)])
    page.evaluate("view.connect({node: 1, output: 0}, {node: 2, input: 'image'})")
    settle(page)
    (x1, y1), (x2, y2) = at(page, node=1, slot=0, input=False), at(page, node=2, slot="image")
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    page.keyboard.down("Alt")
    page.mouse.click(*middle)
    page.keyboard.up("Alt")
    settle(page)
    extra = page.evaluate("view.serialize().extra")
    assert len(extra["reroutes"]) == 1
    assert extra["linkExtensions"] == [{"id": 100, "parentId": extra["reroutes"][0]["id"]}]
    drag(page, middle, (middle[0], middle[1] + 200))
    moved = page.evaluate("view.serialize().extra.reroutes[0].pos")
    assert moved[1] == pytest.approx(extra["reroutes"][0]["pos"][1] + 200, abs=3)
    assert changes(page)
    document = page.evaluate("view.serialize()")
    page.evaluate("d => view.load(d)", document)
    assert page.evaluate("view.serialize().extra.reroutes") == document["extra"]["reroutes"]
    assert page.evaluate("view.serialize().links") == document["links"]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({"title": True}, "Does nothing at all."),
        ({"widget": "amount"}, "How much of nothing."),
        ({"slot": 0, "input": False}, "All of it."),
    ],
    ids=["title", "widget", "output"],
)
def test_tooltips(page: Any, place: dict[str, Any], text: str) -> None:
    load(page, [node(1, "Described", 100, 100)])
    x, y = at(page, node=1, **place)
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_selector(".cn-tooltip")
    assert text in page.locator(".cn-tooltip").inner_text()
    page.mouse.down()
    page.mouse.up()
    assert page.locator(".cn-tooltip").count() == 0


def test_a_missing_node_says_what_it_needs(page: Any) -> None:
    page.evaluate(
        """() => {
            window.drawn = [];
            const fill = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
                drawn.push(text);
                fill.call(this, text, ...at);
            };
        }"""
    )
    load(page, [node(1, "FarAway", 100, 100, properties={"cnr_id": "some-pack"})])
    drawn = " ".join(page.evaluate("drawn"))
    assert "Not installed. It comes with the pack some-pack." in drawn
    x, y = at(page, node=1, title=True)
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_selector(".cn-tooltip")
    told = page.locator(".cn-tooltip").inner_text()
    assert told == "The node type FarAway is not installed. It comes with the pack some-pack."


def test_destroy_leaves_nothing(page: Any) -> None:
    widgets(page)
    page.evaluate("view.destroy()")
    settle(page)
    assert page.locator(".cn-graph").count() == 0
    page.keyboard.press("a")
