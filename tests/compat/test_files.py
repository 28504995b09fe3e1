"""Files that V3 nodes write and show: images, animations, sounds, videos; read back by other libraries' means."""

from __future__ import annotations

import io as stdio
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from comfy_notebook import folders as folder_module
from comfy_notebook.compat.comfy_api.latest import Input, InputImpl, Types, io, ui
from comfy_notebook.folders import Folders

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

CLS = SimpleNamespace(hidden=SimpleNamespace(prompt={"1": {"class_type": "N"}}, extra_pnginfo={"workflow": {"id": 7}}))
TEXTS = {"prompt": '{"1": {"class_type": "N"}}', "workflow": '{"id": 7}'}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Folders]:
    before = folder_module.current()
    made = Folders(base=tmp_path, temp=tmp_path / "temp")
    folder_module.use(made)
    yield made
    folder_module.use(before)


def picture(count: int = 2, height: int = 6, width: int = 8) -> Any:
    return torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(1))


def opened(folders: Folders, result: Any) -> Any:
    return Image.open(folders.by_type(result["type"]) / result["subfolder"] / result["filename"])


def pixels(image: Any) -> Any:
    return torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8).reshape(*image.size[::-1], 3)


def test_saved_images_hold_their_pixels_and_their_workflow(folders: Folders) -> None:
    images = picture()
    shown = ui.ImageSaveHelper.get_save_images_ui(images, "sub/a", CLS).as_dict()
    assert [(one["subfolder"], one["type"]) for one in shown["images"]] == [("sub", "output")] * 2
    for image, result in zip(images, shown["images"], strict=True):
        file = opened(folders, result)
        assert torch.equal(pixels(file), (image * 255).to(torch.uint8))
        assert {key: json.loads(text) for key, text in file.text.items()} == {
            key: json.loads(text) for key, text in TEXTS.items()
        }


@pytest.mark.parametrize(
    ("preview", "count"),
    [
        (lambda: ui.PreviewImage(picture(3), cls=CLS), 3),
        (lambda: ui.PreviewMask(torch.ones(2, 4, 5)), 2),
        (lambda: ui.PreviewMask(torch.ones(4, 5)), 1),
    ],
)
def test_previews_lie_in_the_temp_folder(folders: Folders, preview: Any, count: int) -> None:
    shown = preview().as_dict()
    assert shown["animated"] == (False,)
    assert len(shown["images"]) == count
    assert all(one["type"] == "temp" for one in shown["images"])
    for one in shown["images"]:
        opened(folders, one).load()


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_animations(folders: Folders, kind: str) -> None:
    images = picture(4)
    if kind == "png":
        shown = ui.ImageSaveHelper.get_save_animated_png_ui(images, "a", CLS, fps=10.0, compress_level=4).as_dict()
    else:
        shown = ui.ImageSaveHelper.get_save_animated_webp_ui(images, "a", CLS, 10.0, True, 80, 4).as_dict()
    assert shown["animated"] == (True,)
    file = opened(folders, shown["images"][0])
    assert file.n_frames == 4
    file.seek(2)
    file.load()
    assert file.info["duration"] == 100
    assert torch.equal(pixels(file), (images[2] * 255).to(torch.uint8))


def test_results_are_dicts_with_names() -> None:
    result = ui.SavedResult("a.png", "sub", io.FolderType.temp)
    assert dict(result) == {"filename": "a.png", "subfolder": "sub", "type": "temp"}
    assert (result.filename, result.subfolder, result.type) == ("a.png", "sub", io.FolderType.temp)


def tone(channels: int = 2, seconds: float = 0.5, rate: int = 44100) -> dict[str, Any]:
    time = torch.arange(int(seconds * rate)) / rate
    wave = 0.5 * torch.sin(2 * torch.pi * 440 * time)
    return {"waveform": wave.repeat(1, channels, 1), "sample_rate": rate}


@pytest.mark.parametrize(
    ("format", "quality", "tolerance"), [("flac", "128k", 1e-3), ("mp3", "V0", 0.05), ("opus", "96k", 0.1)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_sounds(folders: Folders, format: str, quality: str, tolerance: float, channels: int) -> None:
    av = pytest.importorskip("av")
    sound = tone(channels)
    shown = ui.AudioSaveHelper.get_save_audio_ui(sound, "a", CLS, format, quality).as_dict()
    (result,) = shown["audio"]
    assert result["filename"].endswith(f".{format}")
    with av.open(str(folders.output / result["filename"])) as container:
        stream = container.streams.audio[0]
        assert stream.channels == channels
        carried = {**container.metadata, **stream.metadata}
        resampler = av.AudioResampler(format="fltp", rate=44100)
        parts = [part.to_ndarray() for frame in container.decode(stream) for part in resampler.resample(frame)]
    heard = torch.cat([torch.from_numpy(part.copy()) for part in parts], dim=1)
    assert abs(heard.shape[1] - sound["waveform"].shape[2]) < 3000
    middle = heard[:, 8000:16000]
    assert abs(middle.pow(2).mean().sqrt() - 0.5 / 2**0.5) < tolerance
    assert {key.lower(): carried[key] for key in carried if key.lower() in TEXTS} == TEXTS


def test_a_sound_is_previewed_in_the_temp_folder(folders: Folders) -> None:
    pytest.importorskip("av")
    shown = ui.PreviewAudio(tone(), cls=CLS).as_dict()
    assert [one["type"] for one in shown["audio"]] == ["temp"]


def test_sounds_no_file_can_hold(folders: Folders) -> None:
    with pytest.raises(ValueError, match="channels"):
        ui.AudioSaveHelper.save_audio(tone(3), "a", io.FolderType.output, None)
    with pytest.raises(ValueError, match="flac, mp3, opus"):
        ui.AudioSaveHelper.save_audio(tone(), "a", io.FolderType.output, None, format="midi")


def movie(sound: bool = True, width: int = 64, height: int = 48) -> Types.VideoComponents:
    """Frames that get brighter from one to the next."""
    levels = torch.linspace(0.1, 0.9, 10).reshape(-1, 1, 1, 1)
    frames = levels.expand(-1, height, width, 3)
    return Types.VideoComponents(frames, Fraction(25), tone(seconds=1.0) if sound else None)


@pytest.mark.parametrize("sound", [True, False])
def test_videos_there_and_back(tmp_path: Path, sound: bool) -> None:
    pytest.importorskip("av")
    parts = movie(sound)
    path = str(tmp_path / "a.mp4")
    InputImpl.VideoFromComponents(parts).save_to(path, metadata={"prompt": {"a": 1}, "note": "text"})
    video = InputImpl.VideoFromFile(path)
    assert isinstance(video, Input.VideoInput)
    assert video.get_dimensions() == (64, 48)
    assert video.get_frame_rate() == 25
    assert video.get_frame_count() == 10
    assert video.get_duration() == pytest.approx(0.4)
    assert "mp4" in video.get_container_format()
    back = video.get_components()
    assert back.images.shape == parts.images.shape
    assert torch.allclose(back.images.mean((1, 2, 3)), parts.images.mean((1, 2, 3)), atol=0.02)
    assert back.metadata is not None
    assert (json.loads(back.metadata["prompt"]), back.metadata["note"]) == ({"a": 1}, "text")
    if sound:
        assert back.audio is not None
        assert back.audio["sample_rate"] == 44100
        assert back.audio["waveform"].shape[2] == pytest.approx(0.4 * 44100, abs=3000)
    else:
        assert back.audio is None


def test_videos_in_memory_and_copies(tmp_path: Path) -> None:
    pytest.importorskip("av")
    made = InputImpl.VideoFromComponents(movie(False, width=33, height=21))
    assert made.get_dimensions() == (33, 21)
    stream = made.get_stream_source()
    assert isinstance(stream, stdio.BytesIO)
    video = InputImpl.VideoFromFile(stream)
    assert video.get_dimensions() == (32, 20)
    video.save_to(str(tmp_path / "copy.mp4"))
    assert (tmp_path / "copy.mp4").read_bytes() == stream.getvalue()
    target = stdio.BytesIO()
    InputImpl.VideoFromFile(str(tmp_path / "copy.mp4")).save_to(target)
    assert target.getvalue() == stream.getvalue()
    tagged = stdio.BytesIO()
    video.save_to(tagged, metadata={"note": "new"})
    again = InputImpl.VideoFromFile(tagged).get_components()
    assert again.metadata is not None
    assert again.metadata["note"] == "new"


def test_a_file_without_video_says_so(tmp_path: Path) -> None:
    pytest.importorskip("av")
    from comfy_notebook.nodes.ops.sounds import encode_audio

    (tmp_path / "a.flac").write_bytes(encode_audio(tone()["waveform"][0], 44100, "flac", "", {}))
    with pytest.raises(ValueError, match="no video"):
        InputImpl.VideoFromFile(str(tmp_path / "a.flac")).get_components()


def test_a_video_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    pytest.importorskip("av")
    parts = movie()
    parts.audio = tone(5)
    with pytest.raises(ValueError, match="channels"):
        InputImpl.VideoFromComponents(parts).save_to(str(tmp_path / "a.mp4"))
    assert list(tmp_path.iterdir()) == []


def test_model_files(tmp_path: Path) -> None:
    memory = Types.File3D(stdio.BytesIO(b"solid"), ".GLB")
    assert (memory.format, memory.is_disk_backed, memory.get_bytes()) == ("glb", False, b"solid")
    path = memory.save_to(str(tmp_path / "deep" / "a.glb"))
    disk = Types.File3D(path)
    assert (disk.format, disk.is_disk_backed, disk.get_source()) == ("glb", True, path)
    assert disk.save_to(path) == path
    assert disk.get_data().read() == b"solid"
