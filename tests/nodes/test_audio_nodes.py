"""Audio nodes: closed forms, files read by the standard library and by PyAV, and what is said about bad input."""

from __future__ import annotations

import math
import struct
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
from node_prompts import node, run

import comfy_notebook as cn
from comfy_notebook import folders
from comfy_notebook.engine import Engine, PromptRejected
from comfy_notebook.nodes import audio as nodes
from comfy_notebook.nodes import audio_files

torch = pytest.importorskip("torch")
av = pytest.importorskip("av")

RATE = 44100


def tone(seconds: float = 0.5, rate: int = RATE, channels: int = 1, hertz: float = 440.0) -> dict[str, Any]:
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    wave_ = (0.5 * torch.sin(2 * math.pi * hertz * time)).float()
    return {"waveform": wave_.expand(1, channels, -1), "sample_rate": rate}


def write_wav(path: Path, sound: dict[str, Any]) -> Path:
    """By the standard library, 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = (sound["waveform"][0] * 32767).round().short().T.flatten().tolist()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(sound["waveform"].shape[1])
        file.setsampwidth(2)
        file.setframerate(sound["sample_rate"])
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


def decoded(path: Path) -> tuple[Any, int, str]:
    """``[C,T]``, rate and codec, by PyAV alone."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp")
        parts = [one.to_ndarray() for frame in container.decode(stream) for one in resampler.resample(frame)]
        return torch.cat([torch.from_numpy(part) for part in parts], dim=1), stream.rate, stream.codec_context.name


def loudest_hertz(channel: Any, rate: int) -> float:
    spectrum = torch.fft.rfft(channel * torch.hann_window(channel.numel())).abs()
    return float(spectrum.argmax()) * rate / channel.numel()


@pytest.mark.parametrize(("duration", "rate", "channels"), [(1.5, 8000, 2), (0.01, 44100, 1), (0.0, 48000, 2)])
def test_silence(duration: float, rate: int, channels: int) -> None:
    (sound,) = nodes.EmptyAudio().make(duration, rate, channels)
    assert sound["sample_rate"] == rate
    assert sound["waveform"].dtype == torch.float32
    assert torch.equal(sound["waveform"], torch.zeros(1, channels, round(duration * rate)))


@pytest.mark.parametrize(
    ("start", "duration", "first", "last"),
    [(0.0, 0.25, 0, 25), (0.5, 60.0, 50, 100), (-0.25, 0.1, 75, 85), (-5.0, 0.1, 0, 10), (0.333, 0.333, 33, 66)],
)
def test_trimming(start: float, duration: float, first: int, last: int) -> None:
    ramp = torch.arange(100.0).reshape(1, 1, 100)
    (cut,) = nodes.TrimAudioDuration().trim({"waveform": ramp, "sample_rate": 100}, start, duration)
    assert cut["waveform"].flatten().tolist() == list(range(first, last))


def test_trimming_to_nothing_says_how_long_the_sound_is() -> None:
    with pytest.raises(ValueError, match=r"nothing is left: 1 s from 2 s of a sound that lasts 0\.5 s"):
        nodes.TrimAudioDuration().trim(tone(), 2.0, 1.0)


def test_channels_apart_and_together() -> None:
    left, right = tone(hertz=300), tone(0.4, hertz=700)
    (joined,) = nodes.JoinAudioChannels().join(left, right)
    assert joined["waveform"].shape == (1, 2, RATE // 2)
    back = nodes.SplitAudioChannels().split(joined)
    assert torch.equal(back[0]["waveform"], left["waveform"])
    assert torch.equal(back[1]["waveform"][..., : round(0.4 * RATE)], right["waveform"])
    assert back[1]["waveform"][..., round(0.4 * RATE) :].abs().max() == 0
    with pytest.raises(ValueError, match="has to be stereo, it has 1"):
        nodes.SplitAudioChannels().split(left)
    with pytest.raises(ValueError, match="audio_right has to be mono, it has 2"):
        nodes.JoinAudioChannels().join(left, joined)


@pytest.mark.parametrize("direction", ["after", "before"])
def test_one_after_the_other_at_the_higher_rate(direction: str) -> None:
    low, high = tone(0.5, 22050, 1, 300), tone(0.25, RATE, 2, 700)
    (both,) = nodes.AudioConcat().concat(low, high, direction)
    assert both["sample_rate"] == RATE
    assert both["waveform"].shape == (1, 2, round(0.75 * RATE))
    at = round(0.5 * RATE) if direction == "after" else 0
    assert torch.equal(both["waveform"][..., at : at + round(0.25 * RATE)], high["waveform"])
    resampled = torch.cat([both["waveform"][..., :at], both["waveform"][..., at + round(0.25 * RATE) :]], dim=-1)
    middle = slice(1000, 20000)  # at its ends a resampler sees only one side
    assert (resampled[..., middle] - tone(0.5, RATE, 2, 300)["waveform"][..., middle]).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("method", "expected"),
    [("add", [0.75, 0.5]), ("mean", [0.375, 0.25]), ("subtract", [0.25, 0.5]), ("multiply", [0.125, 0.0])],
)
def test_mixing(method: str, expected: list[float]) -> None:
    first = {"waveform": torch.tensor([[[0.5, 0.5]]]), "sample_rate": 10}
    second = {"waveform": torch.tensor([[[0.25]]]), "sample_rate": 10}
    (mixed,) = nodes.AudioMerge().merge(first, second, method)
    assert mixed["waveform"].flatten().tolist() == expected


def test_a_mix_that_is_too_loud_is_made_softer_as_a_whole() -> None:
    loud = {"waveform": torch.tensor([[[1.0, 0.5, -0.25]]]), "sample_rate": 10}
    (mixed,) = nodes.AudioMerge().merge(loud, loud, "add")
    assert mixed["waveform"].flatten().tolist() == [1.0, 0.5, -0.25]


@pytest.mark.parametrize(("decibel", "factor"), [(0, 1.0), (20, 10.0), (-40, 0.01), (6, 10**0.3)])
def test_volume(decibel: int, factor: float) -> None:
    (changed,) = nodes.AudioAdjustVolume().adjust(tone(), decibel)
    torch.testing.assert_close(changed["waveform"], tone()["waveform"] * factor)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "holds no sound"),
        ([1, 2], "is no AUDIO value"),
        ({"waveform": torch.zeros(4)}, "is no AUDIO value"),
        ({"waveform": torch.zeros(4), "sample_rate": 8000}, "batch, channels, samples"),
    ],
)
def test_what_is_no_sound_is_told(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        nodes.AudioAdjustVolume().adjust(value, 1)


def test_sounds_of_different_channels_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="2 and 6 channels"):
        nodes.AudioMerge().merge(tone(channels=2), tone(channels=6), "add")


SAVERS = [
    ("SaveAudio", {}, "flac", "flac"),
    ("SaveAudioMP3", {"quality": "V0"}, "mp3", "mp3"),
    ("SaveAudioMP3", {"quality": "320k"}, "mp3", "mp3"),
    ("SaveAudioOpus", {"quality": "96k"}, "opus", "opus"),
    ("SaveAudioAdvanced", {"format": "flac"}, "flac", "flac"),
    ("SaveAudioAdvanced", {"format": "mp3", "format.quality": "128k"}, "mp3", "mp3"),
    ("SaveAudioAdvanced", {"format": "opus", "format.quality": "64k"}, "opus", "opus"),
]


@pytest.mark.parametrize(("saver", "settings", "suffix", "codec"), SAVERS)
def test_a_prompt_loads_and_saves(
    engine: Engine, tmp_path: Path, saver: str, settings: dict[str, Any], suffix: str, codec: str
) -> None:
    sound = tone(1.0, channels=2)
    write_wav(tmp_path / "input" / "tone.wav", sound)
    prompt = {
        "1": node("LoadAudio", audio="tone.wav"),
        "2": node(saver, audio=["1", 0], filename_prefix="sounds/a", **settings),
    }
    entry = run(engine, prompt)
    assert entry["status"]["status_str"] == "success", entry["status"]
    (shown,) = entry["outputs"]["2"]["audio"]
    assert shown == {"filename": f"a_00001_.{suffix}", "subfolder": "sounds", "type": "output"}
    path = tmp_path / "output" / "sounds" / shown["filename"]
    back, rate, name = decoded(path)
    assert name.startswith(codec)
    assert rate == (48000 if codec == "opus" else RATE)
    assert back.shape[0] == 2
    assert back.shape[1] / rate == pytest.approx(1.0, abs=0.06)
    assert loudest_hertz(back[1], rate) == pytest.approx(440, abs=1.5)
    if codec == "flac":
        assert (back - sound["waveform"][0]).abs().max() <= 1.01 / 32767
    assert cn.Workflow.load(path).to_api()["1"]["inputs"]["audio"] == "tone.wav"
    assert [part.name for part in path.parent.iterdir()] == [path.name]


def test_a_batch_becomes_files_in_the_temp_folder(engine: Engine, tmp_path: Path) -> None:
    batch = {"waveform": torch.stack([tone(hertz=one)["waveform"][0] for one in (300, 700)]), "sample_rate": RATE}
    shown = audio_files.PreviewAudio().show(batch)["ui"]["audio"]
    assert [one["type"] for one in shown] == ["temp", "temp"]
    for one, hertz in zip(shown, (300, 700), strict=True):
        back, rate, _ = decoded(tmp_path / "temp" / one["filename"])
        assert loudest_hertz(back[0], rate) == pytest.approx(hertz, abs=2.5)


def test_a_loaded_file_is_what_was_written(engine: Engine, tmp_path: Path) -> None:
    sound = tone(0.3, 22050, 2)
    write_wav(folders.current().input / "a.wav", sound)
    (loaded,) = audio_files.LoadAudio().load("a.wav")
    assert loaded["sample_rate"] == 22050
    assert loaded["waveform"].dtype == torch.float32
    assert (loaded["waveform"] - sound["waveform"]).abs().max() <= 1.01 / 32767


def failed(engine: Engine, prompt: dict[str, Any]) -> dict[str, Any]:
    entry = run(engine, prompt)
    assert entry["status"]["status_str"] == "error"
    return dict(entry["status"]["messages"])["execution_error"]  # type: ignore[no-any-return]


def silent_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame(16, 16, "yuv420p")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("film.mp4", "holds no sound, only video"),
        ("text.wav", "'text.wav' is no audio or video file, or it is damaged"),
        ("cut.mp3", r"'cut.mp3' is no audio or video file"),
        ("empty.wav", r"'empty.wav' is no audio or video file"),
    ],
)
def test_files_without_a_sound_are_told_of_on_the_node(engine: Engine, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "input").mkdir()
    silent_video(tmp_path / "input" / "film.mp4")
    (tmp_path / "input" / "text.wav").write_text("this is no sound at all\n" * 20)
    (tmp_path / "input" / "cut.mp3").write_bytes(b"ID3\x04")
    (tmp_path / "input" / "empty.wav").touch()
    prompt = {"1": node("LoadAudio", audio=name), "2": node("SaveAudio", audio=["1", 0], filename_prefix="a")}
    error = failed(engine, prompt)
    assert error["node_id"] == "1"
    assert words in error["exception_message"]
    assert not list(tmp_path.glob("output/*"))


@pytest.mark.parametrize(("name", "words"), [("gone.wav", "no file"), ("../../x.wav", "outside")])
def test_missing_files_are_refused_before_the_run(engine: Engine, name: str, words: str) -> None:
    prompt = {"1": node("LoadAudio", audio=name), "2": node("SaveAudio", audio=["1", 0], filename_prefix="a")}
    with pytest.raises(PromptRejected) as refused:
        engine.submit(prompt)
    assert words in str(refused.value.node_errors["1"])


def test_nothing_recorded_yet_is_told(engine: Engine) -> None:
    with pytest.raises(FileNotFoundError, match="nothing was recorded yet"):
        audio_files.RecordAudio().load("")


@pytest.mark.parametrize(
    ("sound", "words"),
    [(tone(channels=5), "1, 2, 6 channels, this one has 5"), (tone(0.0), "no sound to save: it has 0 samples")],
)
def test_sounds_that_no_file_holds_leave_no_file(
    engine: Engine, tmp_path: Path, sound: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        audio_files.SaveAudio().save(sound, "a")
    assert not list(tmp_path.glob("output/*"))


def test_without_pyav_the_message_names_the_extra(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r"comfy-notebook\[video\]"):
        audio_files.SaveAudio().save(tone(), "a")
