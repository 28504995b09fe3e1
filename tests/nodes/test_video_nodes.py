"""Video nodes: what PyAV reads of the files written, frames and sounds in and out, and what is said of bad input."""

from __future__ import annotations

import io
import math
import struct
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from node_prompts import node, run

import comfy_notebook as cn
from comfy_notebook import folders
from comfy_notebook.engine import Engine
from comfy_notebook.nodes import video as nodes

torch = pytest.importorskip("torch")
av = pytest.importorskip("av")

from comfy_notebook.compat.comfy_api.latest import Input, InputImpl, Types  # noqa: E402 - needs torch

RATE = 44100


def frames(count: int = 12, height: int = 32, width: int = 48) -> Any:
    """Grey levels that grow with time, brighter on the left half: every frame can be told from the others."""
    levels = torch.linspace(0.1, 0.8, count)
    images = levels.reshape(count, 1, 1, 1).expand(count, height, width, 3).clone()
    images[:, :, : width // 2] += 0.15
    return images


def sound(seconds: float = 1.2) -> dict[str, Any]:
    time = torch.arange(round(seconds * RATE)) / RATE
    return {"waveform": (0.5 * torch.sin(2 * math.pi * 440 * time)).expand(1, 2, -1), "sample_rate": RATE}


def stored(path: Path, count: int = 12, fps: float = 10, audio: Any = None, **size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (video,) = nodes.CreateVideo().create(frames(count, **size), fps, audio)
    video.save_to(str(path))
    return path


def levels(images: Any) -> list[float]:
    """The grey of the right half of each frame."""
    return [float(image[:, image.shape[1] // 2 + 2 :].mean()) for image in images]


def decoded(path: Path) -> tuple[list[Any], Any]:
    """Pictures ``[H,W,3]`` and the stream's facts, by PyAV alone."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [torch.from_numpy(one.to_ndarray(format="rgb24")) / 255 for one in container.decode(stream)]
        return pictures, (stream.codec_context.name, stream.average_rate, stream.width, stream.height)


@pytest.mark.parametrize("fps", [10.0, 29.97, 24.0])
def test_a_prompt_makes_a_video_with_sound(engine: Engine, tmp_path: Path, fps: float) -> None:
    prompt = {
        "1": node("EmptyImage", width=64, height=32, batch_size=20, color=0xFF8000),
        "2": node("EmptyAudio", duration=5.0, sample_rate=RATE, channels=2),
        "3": node("CreateVideo", images=["1", 0], fps=fps, audio=["2", 0]),
        "4": node("SaveVideo", video=["3", 0], filename_prefix="video/a_%width%x%height%", format="auto", codec="auto"),
    }
    entry = run(engine, prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]
    shown = entry["outputs"]["4"]
    assert shown["images"] == [{"filename": "a_64x32_00001_.mp4", "subfolder": "video", "type": "output"}]
    assert list(shown["animated"]) == [True]
    path = tmp_path / "output" / "video" / "a_64x32_00001_.mp4"
    pictures, (codec, rate, width, height) = decoded(path)
    assert (codec, float(rate), width, height, len(pictures)) == ("h264", pytest.approx(fps, abs=1e-3), 64, 32, 20)
    for picture in pictures:
        assert (picture.mean(dim=(0, 1)) - torch.tensor([1.0, 0x80 / 255, 0.0])).abs().max() < 0.03
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", RATE, 2)
        assert float(audio.duration * audio.time_base) == pytest.approx(20 / fps, abs=0.05)
    loaded = cn.Workflow.load(path)
    assert loaded.to_api()["3"]["inputs"]["fps"] == fps
    assert [part.name for part in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("codec", "name"), [("vp9", "vp9"), ("av1", "av1")])
def test_webm(engine: Engine, tmp_path: Path, codec: str, name: str) -> None:
    prompt = {
        "1": node("EmptyImage", width=64, height=64, batch_size=5, color=0x2040C0),
        "2": node("SaveWEBM", images=["1", 0], filename_prefix="w", codec=codec, fps=12.5, crf=20.0),
    }
    entry = run(engine, prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]
    path = tmp_path / "output" / entry["outputs"]["2"]["images"][0]["filename"]
    assert path.name == "w_00001_.webm"
    pictures, (found, rate, width, height) = decoded(path)
    assert name in found or (name == "av1" and "dav1d" in found)
    assert (rate, width, height, len(pictures)) == (Fraction(25, 2), 64, 64, 5)
    assert (pictures[2].mean(dim=(0, 1)) - torch.tensor([0x20, 0x40, 0xC0]) / 255).abs().max() < 0.03
    assert cn.Workflow.load(path).to_api()["2"]["inputs"]["crf"] == 20


def test_a_video_is_loaded_taken_apart_and_shown_as_it_was(engine: Engine, tmp_path: Path) -> None:
    stored(tmp_path / "input" / "clip.mp4", audio=sound())
    prompt = {
        "1": node("LoadVideo", file="clip.mp4"),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": node("PreviewAudio", audio=["2", 1]),
        "4": node("PreviewImage", images=["2", 0]),
    }
    submission = engine.submit(prompt)
    entry = engine.wait(submission.prompt_id, timeout=60)
    assert entry["status"]["status_str"] == "success", entry["status"]
    images, audio, fps = (slot[0] for slot in engine.values(submission.prompt_id, "2"))
    assert fps == 10.0
    assert images.shape == (12, 32, 48, 3)
    assert images.dtype == torch.float32
    assert (images - frames()).abs().max() < 0.03
    assert audio["sample_rate"] == RATE
    assert audio["waveform"].shape[2] / RATE == pytest.approx(1.2, abs=0.05)
    spectrum = torch.fft.rfft(audio["waveform"][0, 0, 2048:46848]).abs()
    assert float(spectrum.argmax()) * RATE / 44800 == pytest.approx(440, abs=1.0)
    assert len(entry["outputs"]["4"]["images"]) == 12


def test_a_silent_video_has_no_sound_to_save(engine: Engine, tmp_path: Path) -> None:
    stored(tmp_path / "input" / "clip.mp4")
    prompt = {
        "1": node("LoadVideo", file="clip.mp4"),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": node("SaveAudio", audio=["2", 1], filename_prefix="a"),
    }
    error = failed(engine, prompt)
    assert error["node_id"] == "3"
    assert "the video it comes from may be silent" in error["exception_message"]


CUTS = [(0.0, 0.5, 0, 5), (0.3, 0.4, 3, 7), (0.7, 0.0, 7, 12), (-0.3, 0.0, 9, 12), (-5.0, 0.2, 0, 2), (0.9, 9.0, 9, 12)]


@pytest.mark.parametrize(("start", "duration", "first", "last"), CUTS)
@pytest.mark.parametrize("kind", ["file", "memory", "frames", "webm"])
def test_cutting(engine: Engine, kind: str, start: float, duration: float, first: int, last: int) -> None:
    (video,) = nodes.CreateVideo().create(frames(), 10, sound())
    if kind == "webm":
        saved = nodes.SaveWEBM().save(frames(), "w", "vp9", 10, 10)["ui"]["images"][0]
        video = InputImpl.VideoFromFile(str(folders.current().output / saved["filename"]))
    elif kind != "frames":
        video = InputImpl.VideoFromFile(video.get_stream_source())
        if kind == "file":
            path = folders.current().base / "clip.mp4"
            video.save_to(str(path))
            video = InputImpl.VideoFromFile(str(path))
    (cut,) = nodes.VideoSlice().cut(video, start, duration, False)
    assert isinstance(cut, Input.VideoInput)
    parts = cut.get_components()
    assert levels(parts.images) == pytest.approx(levels(frames()[first:last]), abs=0.03)
    assert cut.get_frame_count() == last - first
    assert cut.get_duration() == pytest.approx((last - first) / 10, abs=0.01)
    if kind != "webm":
        assert parts.audio["waveform"].shape[2] / RATE == pytest.approx((last - first) / 10, abs=0.05)
    again = InputImpl.VideoFromFile(cut.get_stream_source())
    assert again.get_frame_count() == last - first


def test_a_cut_of_a_cut(engine: Engine) -> None:
    video = InputImpl.VideoFromFile(nodes.CreateVideo().create(frames(), 10)[0].get_stream_source())
    cut = video.as_trimmed(0.2, 0.8).as_trimmed(0.3, 0.2)
    assert levels(cut.get_components().images) == pytest.approx(levels(frames()[5:7]), abs=0.03)


@pytest.mark.parametrize(
    ("start", "duration", "strict", "words"),
    [(2.0, 0.0, False, r"lasts 1\.200 s, which has not got what follows 2 s"), (0.5, 1.0, True, "1 s from 0.5 s")],
)
def test_a_cut_that_cannot_be_had(start: float, duration: float, strict: bool, words: str) -> None:
    (video,) = nodes.CreateVideo().create(frames(), 10)
    for one in (video, InputImpl.VideoFromFile(video.get_stream_source())):
        with pytest.raises(ValueError, match=words):
            nodes.VideoSlice().cut(one, start, duration, strict)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]


def test_a_video_from_a_file_is_not_coded_again_for_its_metadata(engine: Engine, tmp_path: Path) -> None:
    source = stored(tmp_path / "input" / "clip.mp4", audio=sound())
    prompt = {
        "1": node("LoadVideo", file="clip.mp4"),
        "2": node("SaveVideo", video=["1", 0], filename_prefix="a", format="mp4", codec="h264"),
    }
    assert run(engine, prompt)["status"]["status_str"] == "success"
    path = tmp_path / "output" / "a_00001_.mp4"
    assert packets(path) == packets(source)
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    assert cn.Workflow.load(path).to_api()["1"]["inputs"]["file"] == "clip.mp4"


def test_a_webm_becomes_h264_when_asked_and_keeps_its_packets_when_not(engine: Engine, tmp_path: Path) -> None:
    saved = nodes.SaveWEBM().save(frames(), "w", "vp9", 10, 10)["ui"]["images"][0]["filename"]
    source = tmp_path / "output" / saved
    video = InputImpl.VideoFromFile(str(source))
    for codec, name in (("auto", "vp9"), ("h264", "h264")):
        path = tmp_path / f"{codec}.mp4"
        video.save_to(str(path), Types.VideoContainer.MP4, Types.VideoCodec(codec))
        pictures, facts = decoded(path)
        assert facts[0] == name
        assert levels(pictures) == pytest.approx(levels(frames()), abs=0.03)
        assert "mp4" in InputImpl.VideoFromFile(str(path)).get_container_format()
    assert packets(tmp_path / "auto.mp4") == packets(source)


def turned(content: bytes) -> bytes:
    """An MP4 whose track header says: show me turned by 90° with the clock, as telephones write it."""
    at = content.index(b"tkhd")
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    start = at + 4 + 4 + 20 + 16  # version and flags, times and ids, reserved to volume
    return content[:start] + matrix + content[start + len(matrix) :]


def test_a_film_taken_upright_is_shown_upright(tmp_path: Path) -> None:
    path = stored(tmp_path / "clip.mp4", count=2)
    video = InputImpl.VideoFromFile(io.BytesIO(turned(path.read_bytes())))
    assert video.get_dimensions() == (32, 48)
    expected = torch.rot90(frames(2), k=-1, dims=(1, 2))
    assert (video.get_components().images - expected).abs().max() < 0.03


@pytest.mark.parametrize("rate", [22050, 7000, 192000])
def test_sounds_of_any_rate_go_into_a_video(tmp_path: Path, rate: int) -> None:
    time = torch.arange(rate) / rate
    tone = {"waveform": (0.5 * torch.sin(2 * math.pi * 440 * time)).reshape(1, 1, -1), "sample_rate": rate}
    stored(tmp_path / "clip.mp4", count=10, audio=tone)
    back = InputImpl.VideoFromFile(str(tmp_path / "clip.mp4")).get_components().audio
    assert back is not None
    assert back["waveform"].shape[2] / back["sample_rate"] == pytest.approx(1.0, abs=0.3)


def failed(engine: Engine, prompt: dict[str, Any]) -> dict[str, Any]:
    entry = run(engine, prompt)
    assert entry["status"]["status_str"] == "error"
    return dict(entry["status"]["messages"])["execution_error"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.mp4", "'cut.mp4' is no audio or video file, or it is damaged"),
        ("text.mp4", "'text.mp4' is no audio or video file"),
        ("sound.mp4", "holds no video"),
    ],
)
def test_files_that_are_no_video_are_told_of_on_the_node(
    engine: Engine, tmp_path: Path, name: str, words: str
) -> None:  # fmt: skip
    whole = stored(tmp_path / "input" / "whole.mp4").read_bytes()
    (tmp_path / "input" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "input" / "text.mp4").write_text("no film\n" * 50)
    with wave.open(str(tmp_path / "input" / "sound.mp4"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    prompt = {
        "1": node("LoadVideo", file=name),
        "2": node("SaveVideo", video=["1", 0], filename_prefix="a", format="auto", codec="auto"),
    }
    error = failed(engine, prompt)
    assert error["node_id"] == "1"
    assert words in error["exception_message"]
    assert not list(tmp_path.glob("output/*"))


def test_a_film_that_breaks_off_inside_is_told_of(tmp_path: Path) -> None:
    content = bytearray(stored(tmp_path / "clip.mp4", count=60, height=128, width=128).read_bytes())
    at = content.index(b"mdat") + 4
    content[at + 200 : at + len(content) // 2] = bytes(len(content) // 2 - 200)
    with pytest.raises(ValueError, match="damaged or cut off"):
        InputImpl.VideoFromFile(io.BytesIO(bytes(content))).get_components()


@pytest.mark.parametrize(("value", "words"), [(5, "no VIDEO value but int"), (torch.zeros(1), "no VIDEO value")])
def test_what_is_no_video_is_told(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        nodes.GetVideoComponents().take_apart(value)


@pytest.mark.parametrize("shape", [(0, 32, 32, 3), (3, 1, 32, 3)])
def test_pictures_that_make_no_video_leave_no_file(engine: Engine, tmp_path: Path, shape: tuple[int, ...]) -> None:
    (video,) = nodes.CreateVideo().create(torch.zeros(shape), 10)
    with pytest.raises(ValueError, match="at least 2 x 2 pixels"):
        nodes.SaveVideo().save(video, "a", "auto", "auto")
    assert not list(tmp_path.glob("output/*"))
