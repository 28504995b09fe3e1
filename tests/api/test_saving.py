"""Where ``save`` writes to, and what it never overwrites."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image, PngImagePlugin

from comfy_notebook import Workflow
from comfy_notebook.session import Session

from .conftest import INVERT


@pytest.fixture
def workflow(session: Session) -> Workflow:
    return Workflow(INVERT, session=session)


def _pixels() -> numpy.ndarray[Any, Any]:
    return numpy.random.default_rng(3).integers(0, 256, (9, 7, 4), numpy.uint8)


def _png() -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in (("workflow", "{}"), ("prompt", "{}"), ("Author", "me")):
        info.add_text(key, text)
    info.add_itxt("workflow", "old")
    buffer = io.BytesIO()
    Image.fromarray(_pixels()).save(buffer, "PNG", pnginfo=info, dpi=(72, 72))
    return buffer.getvalue()


def _webp(mode: str = "RGBA", exif: bool = False, **options: Any) -> bytes:
    block = Image.Exif()
    block[0x0110], block[0x010F], block[0x013B] = "prompt:{}", "workflow:{}", "me"
    buffer = io.BytesIO()
    extra = {"exif": block.tobytes()} if exif else {}
    Image.fromarray(_pixels()).convert(mode).save(buffer, "WEBP", **extra, **options)
    return buffer.getvalue()


PICTURES = {
    "a.png": _png(),
    "lossless.webp": _webp(lossless=True),
    "lossy.webp": _webp("RGB"),
    "exif.webp": _webp(exif=True, lossless=True),
    "animated.webp": _webp(save_all=True, append_images=[Image.new("RGBA", (7, 9))], lossless=True),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_takes_the_workflow_and_keeps_its_pixels(workflow: Workflow, session: Session, name: str) -> None:
    Path(name).write_bytes(PICTURES[name])
    with Image.open(name) as image:
        before = [numpy.asarray(_frame(image, n)) for n in range(getattr(image, "n_frames", 1))]
    workflow["EmptyImage"].width = 77
    assert workflow.save(name) == Path(name)
    assert Workflow.load(name)["EmptyImage"].width == 77
    with Image.open(name) as image:
        after = [numpy.asarray(_frame(image, n)) for n in range(getattr(image, "n_frames", 1))]
        if name == "a.png":
            assert json.loads(image.text["prompt"])["1"]["inputs"]["width"] == 77
            assert image.text["Author"] == "me"
        if name == "exif.webp":
            assert image.getexif()[0x013B] == "me"
    assert len(before) == len(after)
    assert all(numpy.array_equal(one, other) for one, other in zip(before, after, strict=True))
    again = Path(name).read_bytes()
    workflow.save(name)  # nothing piles up
    assert Path(name).read_bytes() == again


def _frame(image: Image.Image, number: int) -> Image.Image:
    image.seek(number)
    return image.convert("RGBA")


def test_a_picture_can_carry_the_prompt_alone(workflow: Workflow) -> None:
    Path("a.png").write_bytes(PICTURES["a.png"])
    workflow.save("a.png", format="api")
    with Image.open("a.png") as image:
        assert "workflow" not in image.text
        assert json.loads(image.text["prompt"]) == workflow.to_api()


REFUSED: list[tuple[str, type[Exception], str]] = [
    ("new.png", ValueError, "There is no picture 'new.png'"),
    ("text.png", ValueError, "no PNG or WEBP picture"),
    ("cut.png", ValueError, "ends too early"),
    ("cut.webp", ValueError, "ends too early"),
    ("s.txt", ValueError, ".json"),
    ("photo.jpg", ValueError, ".json"),
    ("no/such/w.json", FileNotFoundError, "There is no folder 'no/such'"),
    ("folder", IsADirectoryError, "This is a folder"),
    (".", IsADirectoryError, "This is a folder"),
    ("file/w.json", FileNotFoundError, "There is no folder 'file'"),
]


@pytest.mark.parametrize(("name", "kind", "message"), REFUSED)
def test_what_cannot_be_saved_to_stays_as_it_is(
    workflow: Workflow, name: str, kind: type[Exception], message: str
) -> None:
    Path("folder").mkdir()
    contents = {
        "text.png": b"{}",
        "cut.png": PICTURES["a.png"][:-20],
        "cut.webp": PICTURES["lossy.webp"][:-20],
        "file": b"x",
        "photo.jpg": b"\xff\xd8\xff",
    }
    for file, data in contents.items():
        Path(file).write_bytes(data)
    with pytest.raises(kind, match=re.escape(message)) as caught:
        workflow.save(name)
    assert ".part" not in str(caught.value)
    assert name in str(caught.value)
    assert {file: Path(file).read_bytes() for file in contents} == contents
    assert not list(Path().rglob("*.part"))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that takes no files")
def test_an_unwritable_place_is_named(workflow: Workflow) -> None:
    with pytest.raises(OSError, match=r"/proc/x\.json") as caught:
        workflow.save("/proc/x.json")
    assert ".part" not in str(caught.value)


def test_a_name_without_ending_gets_one(workflow: Workflow) -> None:
    assert workflow.save("mine") == Path("mine.json")
    assert json.loads(Path("mine.json").read_text())["nodes"]
    assert workflow.path == Path("mine.json")
