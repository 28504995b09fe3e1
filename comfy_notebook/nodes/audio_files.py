"""Sounds from files and into files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import folders
from ..protocol.context import context
from ..workflow import metadata
from . import image_files, inputs, media_files
from .image_save import random_letters
from .whole_files import write_bytes

_PREFIX_TIP = "Beginning of the file name; may hold folders and %date:yyyy-MM-dd%."
_MP3 = ["V0", "128k", "320k"]
_OPUS = ["64k", "96k", "128k", "192k", "320k"]
_QUALITY_TIP = "Bits a second."


def save_audio(
    audio: Any, root: Path, kind: str, prefix: str, format: str, quality: str, carried: Mapping[str, str]
) -> list[dict[str, str]]:
    """Write every sound of AUDIO ``[B,C,T]`` as a file below ``root``; answers their names for the editor."""
    from .ops.sounds import encode_audio, parts

    waveforms, rate = parts(audio)
    names = folders.save_path(root, prefix)
    results = []
    for index, waveform in enumerate(waveforms):
        context().progress(index, len(waveforms))
        path = names.path(index, f".{format}")
        write_bytes(path, encode_audio(waveform, rate, format, quality, carried))
        results.append(names.entry(path, kind))
    return results


class LoadAudio:
    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "load"
    CATEGORY = "audio"
    DESCRIPTION = "A sound from the input folder, or the sound of a video there."
    SEARCH_ALIASES = ["open audio", "import", "upload", "mp3", "wav", "music", "sound file"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        chooser = inputs.options(media_files.sounds(), "A file of the input folder.", audio_upload=True)
        return {"required": {"audio": chooser}}

    def load(self, audio: str) -> tuple[dict[str, Any]]:
        """AUDIO ``[1,C,T]`` at the file's own sample rate; raises ``ValueError`` for a file without sound."""
        from .ops.sounds import load

        return (load(media_files.path_of(audio, "choose a file to load")),)

    @classmethod
    def IS_CHANGED(cls, audio: str) -> str | float:
        return image_files.fingerprint(audio)

    @classmethod
    def VALIDATE_INPUTS(cls, audio: Any) -> bool | str:
        return media_files.checked(audio)


class RecordAudio:
    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "load"
    CATEGORY = "audio"
    DESCRIPTION = "A sound recorded with the microphone of the browser."
    SEARCH_ALIASES = ["microphone", "voice", "dictate", "capture"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"audio": inputs.socket("AUDIO_RECORD", "The recording.")}}

    def load(self, audio: str) -> tuple[dict[str, Any]]:
        """The recording, a file of the input folder."""
        from .ops.sounds import load

        return (load(media_files.path_of(audio, "nothing was recorded yet")),)

    @classmethod
    def IS_CHANGED(cls, audio: str) -> str | float:
        return image_files.fingerprint(audio)


class SaveAudio:
    RETURN_TYPES = ()
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = "audio"
    DESCRIPTION = "Saves sounds as FLAC files, without loss, that carry their workflow."
    SEARCH_ALIASES = ["export audio", "write", "flac", "lossless", "download sound"]
    FORMAT = "flac"
    QUALITIES: tuple[list[str], str] | None = None

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        required = {
            "audio": inputs.socket("AUDIO", "The sounds to save."),
            "filename_prefix": inputs.text("audio/ComfyUI", _PREFIX_TIP),
        }
        if cls.QUALITIES is not None:
            required["quality"] = inputs.options(cls.QUALITIES[0], _QUALITY_TIP, default=cls.QUALITIES[1])
        return {"required": required, "hidden": dict(inputs.SAVE_HIDDEN)}

    def save(
        self,
        audio: Any,
        filename_prefix: str = "audio/ComfyUI",
        quality: str = "128k",
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """AUDIO ``[B,C,T]`` with 1, 2 or 6 channels."""
        carried = metadata.texts(prompt, extra_pnginfo)
        root = folders.current().output
        return {"ui": {"audio": save_audio(audio, root, "output", filename_prefix, self.FORMAT, quality, carried)}}


class SaveAudioMP3(SaveAudio):
    DESCRIPTION = "Saves sounds as MP3 files that carry their workflow."
    SEARCH_ALIASES = ["export audio", "write", "mp3", "download sound"]
    FORMAT = "mp3"
    QUALITIES = (_MP3, "V0")


class SaveAudioOpus(SaveAudio):
    DESCRIPTION = "Saves sounds as Opus files that carry their workflow."
    SEARCH_ALIASES = ["export audio", "write", "opus", "ogg", "download sound"]
    FORMAT = "opus"
    QUALITIES = (_OPUS, "128k")


#: The formats of :class:`SaveAudioAdvanced`, each with the inputs it brings.
FORMATS: dict[str, dict[str, inputs.Spec]] = {
    "flac": {},
    "mp3": {"quality": inputs.combo(_MP3, _QUALITY_TIP, default="V0")},
    "opus": {"quality": inputs.combo(_OPUS, _QUALITY_TIP, default="128k")},
}


class SaveAudioAdvanced:
    RETURN_TYPES = ("AUDIO",)
    RETURN_NAMES = ("audio",)
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = "audio"
    DESCRIPTION = "Saves sounds as FLAC, MP3 or Opus files that carry their workflow, and hands the sounds on."
    SEARCH_ALIASES = ["export audio", "write", "flac", "mp3", "opus", "download sound"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        required = {
            "audio": inputs.socket("AUDIO", "The sounds to save."),
            "filename_prefix": inputs.text("audio/ComfyUI", _PREFIX_TIP),
            "format": inputs.choice(FORMATS, "The file format."),
        }
        return {"required": required, "hidden": dict(inputs.SAVE_HIDDEN)}

    def save(
        self,
        audio: Any,
        filename_prefix: str,
        format: Any,
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
        **children: Any,
    ) -> dict[str, Any]:
        key, values = inputs.chosen("format", format, children)
        quality = values.get("quality", "V0" if key == "mp3" else "128k")
        carried = metadata.texts(prompt, extra_pnginfo)
        root = folders.current().output
        saved = save_audio(audio, root, "output", filename_prefix, key, quality, carried)
        return {"ui": {"audio": saved}, "result": (audio,)}


class PreviewAudio:
    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True
    CATEGORY = "audio"
    DESCRIPTION = "Plays sounds on the node without keeping them."
    SEARCH_ALIASES = ["play", "listen", "hear", "player"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"audio": inputs.socket("AUDIO", "The sounds to play.")},
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def show(
        self, audio: Any, prompt: Any = None, extra_pnginfo: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:  # fmt: skip
        carried, prefix = metadata.texts(prompt, extra_pnginfo), "ComfyUI_temp_" + random_letters(5)
        return {"ui": {"audio": save_audio(audio, folders.current().temp, "temp", prefix, "flac", "", carried)}}


NODES: dict[str, tuple[type, str]] = {
    "LoadAudio": (LoadAudio, "Load Audio"),
    "RecordAudio": (RecordAudio, "Record Audio"),
    "SaveAudio": (SaveAudio, "Save Audio (FLAC)"),
    "SaveAudioMP3": (SaveAudioMP3, "Save Audio (MP3)"),
    "SaveAudioOpus": (SaveAudioOpus, "Save Audio (Opus)"),
    "SaveAudioAdvanced": (SaveAudioAdvanced, "Save Audio (Advanced)"),
    "PreviewAudio": (PreviewAudio, "Preview Audio"),
}
