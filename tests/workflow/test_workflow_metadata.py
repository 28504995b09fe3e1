"""Workflows in media files: files written by hand after the formats, by Pillow, and by us."""

from __future__ import annotations

import io
import json
import struct
import sys
import zlib
from typing import Any

import pytest
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from comfy_notebook.workflow import WorkflowError, metadata, read_document

PROMPT: dict[str, Any] = {"3": {"class_type": "ImageInvert", "inputs": {}, "_meta": {"title": "käse 🧀"}}}
WORKFLOW: dict[str, Any] = {
    "nodes": [{"id": 3, "type": "ImageInvert", "title": "käse 🧀"}],
    "links": [],
    "version": 0.4,
}


def picture() -> Image.Image:
    return Image.new("RGB", (8, 8), (200, 30, 30))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes, after_data: bool = False) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    data = buffer.getvalue()
    at = len(data) - 12 if after_data else 33
    return data[:at] + b"".join(chunks) + data[at:]


def exif_block(entries: dict[int, bytes], order: str) -> bytes:
    """A TIFF directory of ASCII entries, as ComfyUI's animated WEBP carries it."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    table, heap = struct.pack(order + "H", len(entries)), b""
    start = 8 + 2 + 12 * len(entries) + 4
    for tag, text in sorted(entries.items()):
        table += struct.pack(order + "HHII", tag, 2, len(text) + 1, start + len(heap))
        heap += text + b"\0"
    return head + table + bytes(4) + heap


def webp_with(block: bytes) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "WEBP", exif=block)
    return buffer.getvalue()


TEXT = json.dumps(WORKFLOW, ensure_ascii=False).encode()
ASCII = json.dumps(WORKFLOW).encode()

READ: list[tuple[str, bytes]] = [
    ("PNG tEXt", png_with(chunk(b"tEXt", b"workflow\0" + ASCII))),
    ("PNG tEXt in UTF-8, as some tools write", png_with(chunk(b"tEXt", b"workflow\0" + TEXT))),
    ("PNG zTXt", png_with(chunk(b"zTXt", b"workflow\0\0" + zlib.compress(ASCII)))),
    ("PNG iTXt", png_with(chunk(b"iTXt", b"workflow\0\0\0en\0key\0" + TEXT))),
    ("PNG iTXt packed", png_with(chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(TEXT)))),
    ("APNG comf after the image data", png_with(chunk(b"comf", b"workflow\0" + ASCII), after_data=True)),
    ("WEBP, little endian", webp_with(exif_block({0x010F: b"workflow:" + ASCII}, "<"))),
    ("WEBP, big endian, Workflow in another entry", webp_with(exif_block({0x010E: b"workflow:" + ASCII}, ">"))),
    ("WEBP with the Exif prefix", webp_with(b"Exif\0\0" + exif_block({0x010F: b"workflow:" + TEXT}, "<"))),
    (
        "SVG",
        b"<?xml version='1.0'?><svg><metadata><![CDATA["
        + json.dumps({"workflow": WORKFLOW}).encode()
        + b"]]></metadata></svg>",
    ),
]


@pytest.mark.parametrize("data", [case[1] for case in READ], ids=[case[0] for case in READ])
def test_read(data: bytes) -> None:
    assert json.loads(metadata.read(data)["workflow"]) == WORKFLOW
    assert read_document(data).data["nodes"] == WORKFLOW["nodes"]


def test_other_containers() -> None:
    header = json.dumps({"__metadata__": {"workflow": json.dumps(WORKFLOW)}}).encode()
    safetensors = struct.pack("<Q", len(header)) + header
    content = json.dumps({"asset": {"version": "2.0", "extras": {"workflow": WORKFLOW}}}).encode()
    glb = b"glTF" + struct.pack("<IIII", 2, 20 + len(content), len(content), 0x4E4F534A) + content
    comment = b"workflow=" + ASCII
    vorbis = struct.pack("<I", 4) + b"test" + struct.pack("<II", 1, len(comment)) + comment
    flac = b"fLaC" + bytes([0, 0, 0, 34]) + bytes(34) + bytes([0x84]) + len(vorbis).to_bytes(3, "big") + vorbis
    for data in (safetensors, glb, flac):
        assert read_document(data).data["nodes"] == WORKFLOW["nodes"]


def test_png_round_trip() -> None:
    carried = metadata.texts(PROMPT, {"workflow": WORKFLOW, "more": [1, float("nan")]})
    buffer = io.BytesIO()
    picture().save(buffer, "PNG", pnginfo=metadata.pnginfo(carried))
    with Image.open(buffer) as image:
        found = dict(image.text)  # type: ignore[attr-defined]
    assert json.loads(found["prompt"]) == PROMPT
    assert json.loads(found["workflow"]) == WORKFLOW
    assert json.loads(found["more"]) == [1, None]
    assert metadata.read(buffer.getvalue()) == found


@pytest.mark.parametrize("frames", [1, 3])
def test_webp_round_trip(frames: int) -> None:
    first, *others = [Image.new("RGB", (8, 8), (40 * i, 0, 0)) for i in range(frames)]
    block = metadata.exif(metadata.texts(PROMPT, {"workflow": WORKFLOW, "more": {"a": 1}}))
    buffer = io.BytesIO()
    first.save(buffer, "WEBP", exif=block, save_all=True, append_images=others, lossless=True)
    with Image.open(buffer) as image:
        assert getattr(image, "n_frames", 1) == frames
        tags = image.getexif()
    assert [tags[tag].split(":{")[0] for tag in (0x0110, 0x010F, 0x010E)] == ["prompt", "workflow", "more"]
    found = metadata.read(buffer.getvalue())
    assert json.loads(found["prompt"]) == PROMPT
    assert json.loads(found["workflow"]) == WORKFLOW


def test_what_json_cannot_hold_is_told() -> None:
    with pytest.raises(WorkflowError, match="metadata 'odd' holds a set"):
        metadata.texts(PROMPT, {"odd": {1, 2}})


def recording(container: str, codec: str, **options: str) -> bytes:
    """A tenth of a second of silence or of black with the workflow in its tags, written by FFmpeg."""
    av = pytest.importorskip("av")
    np = pytest.importorskip("numpy")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, container_options=options) as output:
        output.metadata.update({"prompt": json.dumps(PROMPT), "workflow": json.dumps(WORKFLOW)})
        if codec in ("mpeg4", "libvpx"):
            stream = output.add_stream(codec, rate=10, width=64, height=64, pix_fmt="yuv420p")
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
        else:
            stream = output.add_stream(codec, rate=48_000, layout="mono")
            layout = {"layout": "mono", "format": "fltp" if codec == "libmp3lame" else "s16"}
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4_800), "f4" if codec == "libmp3lame" else "i2"), **layout)
            frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return buffer.getvalue()


RECORDINGS = {
    "mp4": ("mp4", "mpeg4", {"movflags": "use_metadata_tags"}),
    "webm": ("webm", "libvpx", {}),
    "mp3": ("mp3", "libmp3lame", {}),
    "ogg": ("ogg", "libopus", {}),
}


@pytest.mark.parametrize("kind", RECORDINGS)
def test_films_and_sounds(kind: str) -> None:
    container, codec, options = RECORDINGS[kind]
    data = recording(container, codec, **options)
    assert metadata.file_kind(data) == kind
    assert json.loads(metadata.read(data)["prompt"]) == PROMPT
    assert read_document(data).data["nodes"] == WORKFLOW["nodes"]
    with pytest.raises(WorkflowError, match=f"{kind.upper()} file is damaged|carries no workflow"):
        read_document(data[:40])


def test_a_film_without_pyav_tells_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(WorkflowError, match=r"comfy-notebook\[video\]"):
        read_document(b"\x1a\x45\xdf\xa3" + bytes(40))


@pytest.mark.parametrize("kind", ["JPEG", "AVIF"])
def test_exif_of_other_images(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    buffer = io.BytesIO()
    picture().save(buffer, kind, exif=metadata.exif(metadata.texts(PROMPT, {"workflow": WORKFLOW})))
    assert read_document(buffer.getvalue()).data["nodes"] == WORKFLOW["nodes"]


def test_workflow_comes_before_prompt_and_a_broken_one_is_told() -> None:
    both = io.BytesIO()
    picture().save(both, "PNG", pnginfo=metadata.pnginfo(metadata.texts(PROMPT, {"workflow": WORKFLOW})))
    assert read_document(both.getvalue()).source == "ui"
    info = PngInfo()
    info.add_text("workflow", '{"nodes": [')
    info.add_text("prompt", json.dumps(PROMPT))
    buffer = io.BytesIO()
    picture().save(buffer, "PNG", pnginfo=info)
    document = read_document(buffer.getvalue())
    assert document.source == "api"
    assert document.data["nodes"][0]["title"] == "käse 🧀"
    assert "ends too early" in document.warnings[0]


def test_a_text_that_unpacks_to_gigabytes_is_refused() -> None:
    bomb = zlib.compress(bytes(65 << 20))
    with pytest.raises(WorkflowError, match="64 MB"):
        metadata.read(png_with(chunk(b"zTXt", b"workflow\0\0" + bomb)))
