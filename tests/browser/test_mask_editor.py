"""Masks drawn with the mouse in a real Chromium, saved by the kernel and loaded as tensors."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from PIL import Image
from playwright.sync_api import Locator, expect

from .looks import CONTRAST
from .test_editor_ui import VIEW, Editing, Open, document, image_flow, node, opened, session

__all__ = ["opened", "session"]

SAVED = re.compile(r"clipspace/clipspace-mask-\d+\.png \[input\]")


def masked_flow() -> dict[str, Any]:
    """A photograph; its mask as a picture."""
    return document(
        node(1, "LoadImage", (60, 120), ["coffee.jpg", "image"],
             outputs=[{"name": "IMAGE", "type": "IMAGE"}, {"name": "MASK", "type": "MASK", "links": [1]}]),
        node(2, "MaskToImage", (400, 120), [], inputs=[{"name": "mask", "type": "MASK", "link": 1}],
             outputs=[{"name": "IMAGE", "type": "IMAGE", "links": [2]}]),
        node(3, "PreviewImage", (700, 120), [], inputs=[{"name": "images", "type": "IMAGE", "link": 2}]),
        links=[[1, 1, 1, 2, 0, "MASK"], [2, 2, 0, 3, 0, "IMAGE"]],
    )  # fmt: skip


class Masking:
    """An open mask editor."""

    def __init__(self, editing: Editing) -> None:
        self.editing, self.page = editing, editing.page
        expect(self.page.get_by_test_id("mask-editor")).to_have_attribute("data-state", "ready", timeout=20_000)
        self.page.wait_for_function("document.querySelector('[data-testid=mask-canvas]').clientWidth > 0")

    def part(self, name: str) -> Locator:
        return self.page.get_by_test_id(f"mask-{name}")

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """Where a part of the picture's width and height lies on the screen."""
        box = self.part("canvas").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, *spots: tuple[float, float], button: Any = "left") -> None:
        self.page.mouse.move(*self.spot(*spots[0]))
        self.page.mouse.down(button=button)
        for spot in spots[1:]:
            self.page.mouse.move(*self.spot(*spot), steps=4)
        self.page.mouse.up(button=button)

    def drawn(self) -> np.ndarray[Any, Any]:
        """The mask as it is shown, 0 to 255, at the picture's size."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        width, height, values = self.page.evaluate(
            """() => {
                const canvas = document.querySelector('[data-testid=mask-canvas]');
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                const alpha = data.filter((_, i) => i % 4 === 3);
                return [canvas.width, canvas.height, [...alpha].map(v => String.fromCharCode(v)).join('')];
            }"""
        )
        return np.frombuffer(values.encode("latin-1"), np.uint8).reshape(height, width)

    def save(self) -> str:
        self.part("save").click()
        expect(self.part("editor")).to_have_count(0, timeout=20_000)
        return str(self.editing.widget(1, "image"))


def open_mask(editing: Editing, id_: int = 1) -> Masking:
    """By the bar above the selected node."""
    editing.page.evaluate(f"{VIEW}.select([{id_}])")
    editing.page.locator(".cn-toolbox").get_by_label("Open in MaskEditor").click()
    return Masking(editing)


def loaded(editing: Editing) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Run the workflow; IMAGE and MASK of node 1."""
    before = set(editing.session.engine.history.all())
    editing.focus()
    editing.page.keyboard.press("Control+Enter")
    expect(editing.page.locator(".cn-status")).to_contain_text("Done", timeout=60_000)
    editing.eventually(lambda: set(editing.session.engine.history.all()) - before, "the run ended")
    (prompt_id,) = set(editing.session.engine.history.all()) - before
    images, masks = editing.session.engine.values(prompt_id, "1")
    return images[0].numpy(), masks[0].numpy()


def test_what_is_drawn_is_the_mask_of_the_run(opened: Open) -> None:
    with opened(masked_flow()) as editing:
        mask = open_mask(editing)
        mask.part("tool-rectangle").click()
        mask.drag((0.25, 0.25), (0.75, 0.75))
        mask.drag((0.5, 0.5), (0.75, 0.75), button="right")
        shown = mask.drawn()
        value = mask.save()
        assert SAVED.fullmatch(value)
        editing.eventually(lambda: value in editing.kernel_nodes()[0]["widgets_values"], "the mask in Python")
        image, drawn = loaded(editing)
        assert drawn.shape == (1, 400, 600)
        expected = np.zeros((400, 600))
        expected[100:300, 150:450] = 1
        expected[200:300, 300:450] = 0
        edges = np.abs(drawn[0] - expected) > 0  # the pointer stands on whole pixels of the screen, not of the picture
        assert edges.mean() < 0.01
        assert drawn[0, 104:296, 154:296].min() == 1
        assert drawn[0, 204:, 304:].max() == 0
        assert np.array_equal(np.round(drawn[0] * 255), shown)
        with Image.open(editing.session.folders.input / "coffee.jpg") as original:
            assert np.array_equal(np.round(image[0] * 255), np.asarray(original.convert("RGB")))
        # one step of the workflow
        editing.focus()
        editing.page.keyboard.press("Control+z")
        assert editing.widget(1, "image") == "coffee.jpg"
        editing.page.keyboard.press("Control+Shift+z")
        assert editing.widget(1, "image") == value


def test_a_mask_that_is_there_is_gone_on_with(opened: Open) -> None:
    with opened(masked_flow()) as editing:
        mask = open_mask(editing)
        mask.part("size-number").fill("80")
        mask.part("size-number").press("Enter")
        mask.drag((0.3, 0.5), (0.6, 0.5))
        first = mask.drawn()
        mask.save()
        again = open_mask(editing)
        assert np.array_equal(again.drawn(), first)
        # what is masked is shown in its colours
        colours = """() => {
            const image = document.querySelector('.cn-mask-sheet img');
            const canvas = Object.assign(document.createElement('canvas'), { width: 600, height: 400 });
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            return [...context.getImageData(270, 200, 1, 1).data];
        }"""
        with Image.open(editing.session.folders.input / "coffee.jpg") as original:
            assert editing.page.evaluate(colours) == [*original.convert("RGB").getpixel((270, 200)), 255]
        again.part("invert").click()
        again.save()
        _, drawn = loaded(editing)
        assert np.array_equal(np.round(drawn[0] * 255), 255 - first.astype(int))


def test_tools_keys_and_leaving(opened: Open) -> None:
    with opened(masked_flow()) as editing:
        page = editing.page
        page.evaluate(
            "window.leaked = []; for (const type of ['keydown', 'keyup', 'wheel', 'contextmenu'])"
            " document.addEventListener(type, event => event.defaultPrevented && type !== 'keydown' && type !== 'keyup'"
            " || leaked.push(type + ' ' + event.key))"
        )
        mask = open_mask(editing)
        mask.part("size-number").fill("40")
        mask.part("size-number").press("Enter")
        mask.part("hardness").fill("100")
        mask.drag((0.5, 0.5), (0.5, 0.5))
        assert mask.drawn().sum() / 255 == pytest.approx(np.pi * 20**2, rel=0.02)
        for key in ("]", "]", "["):
            page.keyboard.press(key)
        assert mask.part("size-number").input_value() == "43"
        page.keyboard.press("Control+z")
        assert mask.drawn().sum() == 0
        expect(mask.part("undo")).to_be_disabled()
        # a ring that is filled
        page.keyboard.press("r")
        mask.drag((0.2, 0.2), (0.8, 0.8))
        mask.drag((0.3, 0.3), (0.7, 0.7), button="right")
        page.keyboard.press("g")
        page.mouse.click(*mask.spot(0.5, 0.5))
        filled = mask.drawn()
        assert filled[90:310, 130:470].min() == 255
        page.keyboard.press("i")
        assert np.array_equal(mask.drawn(), 255 - filled)
        page.keyboard.press("Delete")
        assert mask.drawn().sum() == 0
        # Escape asks before it loses anything
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Keep drawing").click()
        expect(mask.part("editor")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Leave").click()
        expect(mask.part("editor")).to_have_count(0)
        assert editing.widget(1, "image") == "coffee.jpg"
        open_mask(editing)
        page.keyboard.press("Escape")
        expect(mask.part("editor")).to_have_count(0)
        assert page.evaluate("leaked") == []


@pytest.mark.slow
def test_zoom_and_pan(opened: Open) -> None:
    with opened(masked_flow()) as editing:
        page = editing.page
        mask = open_mask(editing)
        page.mouse.move(*mask.spot(0.25, 0.25))
        before = mask.spot(0.25, 0.25)
        page.mouse.wheel(0, -500)
        page.wait_for_function("document.querySelector('[data-testid=mask-canvas]').clientWidth > 1000")
        assert mask.spot(0.25, 0.25) == pytest.approx(before, abs=1.5)
        mask.drag((0.25, 0.25), (0.25, 0.25))
        assert mask.drawn()[100, 150] == 255
        page.keyboard.down(" ")
        drawn = mask.drawn().sum()
        page.mouse.down()
        page.mouse.move(before[0] + 40, before[1] + 30)
        page.mouse.up()
        page.keyboard.up(" ")
        assert mask.spot(0.25, 0.25) == pytest.approx((before[0] + 40, before[1] + 30), abs=1.5)
        assert mask.drawn().sum() == drawn


def test_a_result_goes_by_the_clipspace_into_a_node_that_loads(opened: Open) -> None:
    with opened(image_flow()) as editing:
        page = editing.page
        editing.focus()
        page.keyboard.press("Control+Enter")
        expect(page.locator(".cn-status")).to_contain_text("Done", timeout=30_000)
        page.mouse.click(*editing.at(node=3, title=True), button="right")
        page.get_by_role("menu").get_by_text("Open in MaskEditor").click()
        mask = Masking(editing)
        mask.part("tool-lasso").click()
        mask.drag((0.1, 0.1), (0.9, 0.1), (0.5, 0.9), (0.1, 0.1))
        area = (mask.drawn() > 0).mean()
        assert area == pytest.approx(0.32, abs=0.01)
        assert mask.save() == "coffee.jpg"
        expect(page.locator(".cn-toast")).to_contain_text("Paste (Clipspace)")
        page.mouse.click(*editing.at(node=1, title=True), button="right")
        page.get_by_role("menu").get_by_text("Paste (Clipspace)").click()
        assert SAVED.fullmatch(editing.widget(1, "image"))
        image, drawn = loaded(editing)
        assert drawn.mean() == pytest.approx(area, abs=0.002)
        with Image.open(editing.session.folders.input / "coffee.jpg") as original:
            assert np.abs(255 - np.round(image[0] * 255) - np.asarray(original.convert("RGB"))).max() <= 1


@pytest.mark.slow
def test_problems_are_told_and_nothing_is_lost(opened: Open) -> None:
    with opened(masked_flow()) as editing:
        page = editing.page
        mask = open_mask(editing)
        mask.drag((0.3, 0.5), (0.6, 0.5))
        page.route("**/upload/mask", lambda route: route.fulfill(status=507, json={"error": "The disk is full."}))
        mask.part("save").click()
        expect(page.locator(".cn-mask-problem")).to_contain_text("The disk is full.")
        expect(mask.part("editor")).to_have_attribute("data-state", "ready")
        assert mask.drawn().max() == 255
        page.unroute("**/upload/mask")
        assert SAVED.fullmatch(mask.save())
        page.evaluate(f"{VIEW}.setWidget(1, 'image', 'gone.png')")
        page.evaluate("document.querySelector('#editor').comfyNotebook.editor.maskEditor.openNode(1)")
        expect(page.get_by_test_id("mask-editor")).to_have_attribute("data-state", "failed")
        expect(page.get_by_test_id("mask-editor")).to_contain_text("The picture could not be opened.")
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("mask-editor")).to_have_count(0)


@pytest.mark.parametrize(
    ("theme", "width", "height"), [pytest.param("dark", 1100, 600, marks=pytest.mark.slow), ("light", 420, 300)]
)
def test_it_fits_where_there_is_little_room(opened: Open, theme: str, width: int, height: int) -> None:
    with opened(masked_flow(), theme=theme, width=width, height=height) as editing:
        editing.page.evaluate("document.querySelector('#editor').comfyNotebook.editor.maskEditor.openNode(1)")
        mask = Masking(editing)
        for name in ("save", "cancel", "undo", "clear", "tool-brush", "tool-rectangle", "size", "opacity", "fit"):
            box = mask.part(name).bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= width - box["width"], name
            assert 0 <= box["y"] <= height - box["height"], name
        picture = mask.part("canvas").bounding_box()
        assert picture is not None
        assert picture["height"] > height / 3
        assert editing.page.evaluate(CONTRAST) == []
