"""Sounds made, cut, joined and mixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

_FARTHEST = 18446744073709551615

Audio = dict[str, Any]


def _audio(waveform: Tensor, rate: int) -> Audio:
    return {"waveform": waveform, "sample_rate": rate}


class EmptyAudio:
    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "make"
    CATEGORY = "audio"
    DESCRIPTION = "Silence."
    SEARCH_ALIASES = ["silence", "blank audio", "no sound"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        rate: inputs.Spec = ("INT", {"default": 44100, "tooltip": "Samples a second."})
        return {
            "required": {
                "duration": inputs.number(60.0, 0.0, _FARTHEST, 0.01, "Seconds."),
                "sample_rate": rate,
                "channels": inputs.integer(2, 1, 2, tooltip="1 is mono, 2 is stereo."),
            }
        }

    def make(self, duration: float, sample_rate: int, channels: int) -> tuple[Audio]:
        """AUDIO of zeros ``[1, channels, round(duration * sample_rate)]``."""
        import torch

        if sample_rate <= 0:
            raise ValueError(f"sample_rate has to be more than 0, not {sample_rate}")
        return (_audio(torch.zeros(1, channels, round(duration * sample_rate)), sample_rate),)


class TrimAudioDuration:
    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "trim"
    CATEGORY = "audio"
    DESCRIPTION = "A part of a sound."
    SEARCH_ALIASES = ["cut audio", "crop audio", "shorten", "clip"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        start_tip = "Where the part begins, in seconds; less than 0 counts from the end."
        length: inputs.Spec = ("FLOAT", {"default": 60.0, "min": 0.0, "step": 0.01, "tooltip": "Seconds."})
        return {
            "required": {
                "audio": inputs.socket("AUDIO", "The sound to cut."),
                "start_index": inputs.number(0.0, -_FARTHEST, _FARTHEST, 0.01, start_tip),
                "duration": length,
            }
        }

    def trim(self, audio: Any, start_index: float, duration: float) -> tuple[Audio]:
        """Raises ``ValueError`` where nothing would be left."""
        from .ops.sounds import parts

        waveform, rate = parts(audio)
        total = waveform.shape[-1]
        start = round(start_index * rate) + (total if start_index < 0 else 0)
        first, last = min(max(start, 0), total), min(max(start, 0) + round(duration * rate), total)
        if first >= last:
            raise ValueError(
                f"nothing is left: {duration:g} s from {start_index:g} s of a sound that lasts {total / rate:g} s"
            )
        return (_audio(waveform[..., first:last], rate),)


class SplitAudioChannels:
    RETURN_TYPES = ("AUDIO", "AUDIO")
    RETURN_NAMES = ("left", "right")
    FUNCTION = "split"
    CATEGORY = "audio"
    DESCRIPTION = "The two channels of a stereo sound, each as mono."
    SEARCH_ALIASES = ["stereo to mono", "left and right"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"audio": inputs.socket("AUDIO", "A stereo sound.")}}

    def split(self, audio: Any) -> tuple[Audio, Audio]:
        """Raises ``ValueError`` for anything but two channels."""
        from .ops.sounds import parts

        waveform, rate = parts(audio)
        if waveform.shape[1] != 2:
            raise ValueError(f"audio has to be stereo, it has {waveform.shape[1]} channel(s)")
        return _audio(waveform[:, :1], rate), _audio(waveform[:, 1:], rate)


class JoinAudioChannels:
    RETURN_TYPES = ("AUDIO",)
    RETURN_NAMES = ("audio",)
    FUNCTION = "join"
    CATEGORY = "audio"
    DESCRIPTION = "Two mono sounds as one in stereo; the shorter one ends in silence."
    SEARCH_ALIASES = ["mono to stereo", "left and right", "combine channels"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "audio_left": inputs.socket("AUDIO", "A mono sound."),
                "audio_right": inputs.socket("AUDIO", "A mono sound."),
            }
        }

    def join(self, audio_left: Any, audio_right: Any) -> tuple[Audio]:
        import torch

        from .ops import waveforms
        from .ops.sounds import parts

        sounds = parts(audio_left, "audio_left"), parts(audio_right, "audio_right")
        for (waveform, _), name in zip(sounds, ("audio_left", "audio_right"), strict=True):
            if waveform.shape[1] != 1:
                raise ValueError(f"{name} has to be mono, it has {waveform.shape[1]} channels")
        left, right, rate = waveforms.matched(*sounds)
        longest = max(left.shape[-1], right.shape[-1])
        both = [waveforms.with_length(one, longest) for one in (left, right)]
        return (_audio(torch.cat(both, dim=1), rate),)


class AudioConcat:
    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "concat"
    CATEGORY = "audio"
    DESCRIPTION = "One sound after another, at the higher of their sample rates."
    SEARCH_ALIASES = ["join audio", "append", "sequence"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "audio1": inputs.socket("AUDIO", "A sound."),
                "audio2": inputs.socket("AUDIO", "The sound to add."),
                "direction": inputs.options(
                    ["after", "before"], "Where the second sound goes, seen from the first.", default="after"
                ),
            }
        }

    def concat(self, audio1: Any, audio2: Any, direction: str) -> tuple[Audio]:
        import torch

        from .ops.sounds import parts
        from .ops.waveforms import matched

        first, second, rate = matched(parts(audio1, "audio1"), parts(audio2, "audio2"))
        order = (first, second) if direction == "after" else (second, first)
        return (_audio(torch.cat(order, dim=-1), rate),)


_MIXES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda first, second: first + second,
    "mean": lambda first, second: (first + second) / 2,
    "subtract": lambda first, second: first - second,
    "multiply": lambda first, second: first * second,
}


class AudioMerge:
    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "merge"
    CATEGORY = "audio"
    DESCRIPTION = (
        "Two sounds at the same time, as long as the first. What would be louder than a file can hold is made "
        "softer as a whole."
    )
    SEARCH_ALIASES = ["mix audio", "overlay", "layer sounds"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "audio1": inputs.socket("AUDIO", "The sound that says how long the result is."),
                "audio2": inputs.socket("AUDIO", "The sound to mix in: cut, or silent at its end."),
                "merge_method": inputs.options(list(_MIXES), "What becomes of each pair of samples."),
            }
        }

    def merge(self, audio1: Any, audio2: Any, merge_method: str) -> tuple[Audio]:
        from .ops import waveforms
        from .ops.sounds import parts

        first, second, rate = waveforms.matched(parts(audio1, "audio1"), parts(audio2, "audio2"))
        mixed = _MIXES[merge_method](first, waveforms.with_length(second, first.shape[-1]))
        loudest = float(mixed.abs().max()) if mixed.numel() else 0.0
        return (_audio(mixed / loudest if loudest > 1 else mixed, rate),)


class AudioAdjustVolume:
    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "adjust"
    CATEGORY = "audio"
    DESCRIPTION = "A sound made louder or softer."
    SEARCH_ALIASES = ["gain", "loudness", "decibel", "amplify", "fade"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        options = {"default": 1.0, "min": -100, "max": 100, "tooltip": "Decibels; 6 doubles the amplitude."}
        return {"required": {"audio": inputs.socket("AUDIO", "The sound."), "volume": ("INT", options)}}

    def adjust(self, audio: Any, volume: int) -> tuple[Audio]:
        from .ops.sounds import parts

        waveform, rate = parts(audio)
        return (_audio(waveform * 10 ** (volume / 20), rate),)


NODES: dict[str, tuple[type, str]] = {
    "EmptyAudio": (EmptyAudio, "Empty Audio"),
    "TrimAudioDuration": (TrimAudioDuration, "Trim Audio Duration"),
    "SplitAudioChannels": (SplitAudioChannels, "Split Audio Channels"),
    "JoinAudioChannels": (JoinAudioChannels, "Join Audio Channels"),
    "AudioConcat": (AudioConcat, "Audio Concat"),
    "AudioMerge": (AudioMerge, "Audio Merge"),
    "AudioAdjustVolume": (AudioAdjustVolume, "Audio Adjust Volume"),
}
