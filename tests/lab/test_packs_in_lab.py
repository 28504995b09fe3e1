"""A pack of each kind in a real JupyterLab, from ``custom_nodes`` beside the notebook to results in a cell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import OpenNotebook
from .driver import EditorDriver
from .lab import LabServer

EXAMPLES = Path(__file__).resolve().parents[1] / "packs" / "examples"


@pytest.fixture
def packs(lab: LabServer) -> Iterator[None]:
    """The four packs beside the notebook."""
    folder = lab.folder / "custom_nodes"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    yield
    shutil.rmtree(folder)


def node(id_: int, type_: str, x: int, values: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": type_, "pos": [x, 60], "size": [220, 120], "widgets_values": values, **more}


def graph() -> dict[str, Any]:
    """A swatch's picture three times, one of which is picked, inverted and shown."""

    def into(name: str, link: int) -> dict[str, Any]:
        return {"name": name, "type": "IMAGE", "link": link}

    def out(name: str, *links: int) -> dict[str, Any]:
        return {"name": name, "type": "IMAGE", "links": list(links)}

    return {
        "last_node_id": 5, "last_link_id": 4, "groups": [], "config": {}, "version": 0.4,
        "extra": {"ds": {"scale": 1, "offset": [0, 0]}},
        "nodes": [
            node(1, "ColourSwatch", 30, ["#ff8000", 32], outputs=[out("IMAGE", 1)]),
            node(2, "RepeatImageBatch", 280, [3], inputs=[into("image", 1)], outputs=[out("IMAGE", 2)]),
            node(3, "PickOne", 530, [], inputs=[into("images", 2)], outputs=[out("picture", 3)]),
            node(4, "InvertPicture", 780, [1.0], inputs=[into("image", 3)], outputs=[out("inverted", 4)]),
            node(5, "PreviewImage", 1030, [], inputs=[into("images", 4)]),
        ],
        "links": [[link, link, 0, link + 1, 0, "IMAGE"] for link in (1, 2, 3, 4)],
    }  # fmt: skip


CELLS = [
    "import comfy_notebook as cn, json",
    f"ed = cn.Editor(json.loads({json.dumps(graph())!r}), name='packs')\ned",
    "print(ed.workflow[1].colour, ed.results[5].image.getpixel((3, 3)))",
    "print(*[node.get('color') for node in ed.document['nodes']])",
]


@pytest.mark.usefixtures("packs")
def test_the_four_kinds_of_packs(notebook: OpenNotebook, tmp_path: Path) -> None:
    with notebook(CELLS) as book:
        book.run(0)
        book.run(1)
        editor = EditorDriver(book)
        editor.frame.frame_element().scroll_into_view_if_needed()
        names = [f"example.{name}" for name in ("recolour", "swatch", "picker")]
        loaded = "names => names.every(name => window.app?.extensions?.some(one => one.name === name))"
        editor.frame.wait_for_function(loaded, arg=names, timeout=60_000)

        editor.frame.locator(".example-swatch").get_by_title("#0080ff").click()

        editor.click(editor.at(4, title=True), button="right")
        editor.frame.get_by_text("Paint", exact=True).last.hover()
        editor.frame.get_by_text("red", exact=True).last.click()
        editor.frame.wait_for_function("() => app.graph.getNodeById(4).color === '#733'")

        editor.button("Run")
        dialog = editor.frame.locator(".example-picker")
        dialog.wait_for(state="visible", timeout=60_000)
        shown = "() => [...document.querySelectorAll('.example-picker img')].every(one => one.naturalWidth === 32)"
        editor.frame.wait_for_function(shown)
        editor.screenshot("out/packs-in-lab.png")
        dialog.get_by_alt_text("Picture 2").click()
        editor.until_status("Done")
        assert editor.node(1)["title"] == "Swatch of azure"
        editor.until("view.raw.graph.getNodeById(5).imgs?.[0]?.naturalWidth === 32")

        book.run(2)
        colour, *pixel = book.text(2).split(maxsplit=1)
        assert colour == "#0080ff"
        assert eval(pixel[0]) == pytest.approx((255, 127, 0), abs=1)
        book.run(3)
        assert book.text(3).split() == ["None", "None", "None", "#733", "None"]
