"""``comfy_api.latest.ui``: what nodes show, and the files they save on the way.

The savers write into the session's folders through the same code as our own saving nodes; ``cls`` is the running node,
whose hidden prompt and workflow are put into the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from .... import folders
from ._widgets import FolderType, plain


class SavedResult(dict[str, Any]):
    """A file that a view can show: ``{filename, subfolder, type}``."""

    def __init__(self, filename: str, subfolder: str, type: FolderType | str) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=plain(type))

    @property
    def filename(self) -> str:
        return str(self["filename"])

    @property
    def subfolder(self) -> str:
        return str(self["subfolder"])

    @property
    def type(self) -> FolderType:
        return FolderType(self["type"])


def _as_result(entry: Mapping[str, Any]) -> SavedResult:
    return SavedResult(entry["filename"], entry.get("subfolder", ""), entry["type"])


class SavedImages:
    """Images to show on the node; ``is_animated`` when the file moves."""

    def __init__(self, results: Sequence[Mapping[str, Any]], is_animated: bool = False) -> None:
        self.results = [_as_result(result) for result in results]
        self.is_animated = is_animated

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"images": self.results}
        return {**shown, "animated": (True,)} if self.is_animated else shown


class SavedAudios:
    """Sounds to play on the node."""

    def __init__(self, results: Sequence[Mapping[str, Any]]) -> None:
        self.results = [_as_result(result) for result in results]

    def as_dict(self) -> dict[str, Any]:
        return {"audio": self.results}


def _metadata(cls: Any) -> tuple[Any, Any]:
    """The prompt and the workflow a node has asked for; None of a node that is not running."""
    hidden = getattr(cls, "hidden", None)
    return (None, None) if hidden is None else (hidden.prompt, hidden.extra_pnginfo)


def _root(folder_type: FolderType | str) -> Any:
    return folders.current().by_type(plain(folder_type))


class ImageSaveHelper:
    """Saves IMAGE tensors ``float32 [B,H,W,C]``."""

    @staticmethod
    def save_images(
        images: Any, filename_prefix: str, folder_type: FolderType, cls: Any, compress_level: int = 4
    ) -> list[SavedResult]:
        """One PNG per image."""
        from ....nodes.image_save import SaveImage

        saver = SaveImage()
        saver.output_dir, saver.type = str(_root(folder_type)), plain(folder_type)
        saver.compress_level = compress_level
        return [_as_result(one) for one in saver.save_images(images, filename_prefix, *_metadata(cls))["ui"]["images"]]

    @staticmethod
    def get_save_images_ui(images: Any, filename_prefix: str, cls: Any, compress_level: int = 4) -> SavedImages:
        """:meth:`save_images` into the output folder, to be shown."""
        return SavedImages(ImageSaveHelper.save_images(images, filename_prefix, FolderType.output, cls, compress_level))

    @staticmethod
    def save_animated_png(
        images: Any, filename_prefix: str, folder_type: FolderType, cls: Any, fps: float, compress_level: int
    ) -> SavedResult:
        """One APNG; ``fps`` frames a second."""
        from PIL.PngImagePlugin import PngInfo

        from ....workflow.metadata import texts

        info = PngInfo()
        for name, text in texts(*_metadata(cls)).items():
            info.add(b"comf", name.encode("latin-1", "replace") + b"\0" + text.encode("latin-1"), after_idat=True)
        settings = {"pnginfo": info, "compress_level": compress_level}
        return _save_animation(images, filename_prefix, folder_type, ".png", "PNG", fps, settings)

    @staticmethod
    def get_save_animated_png_ui(
        images: Any, filename_prefix: str, cls: Any, fps: float, compress_level: int
    ) -> SavedImages:
        result = ImageSaveHelper.save_animated_png(images, filename_prefix, FolderType.output, cls, fps, compress_level)
        return SavedImages([result], is_animated=len(images) > 1)

    @staticmethod
    def save_animated_webp(
        images: Any,
        filename_prefix: str,
        folder_type: FolderType,
        cls: Any,
        fps: float,
        lossless: bool,
        quality: int,
        method: int,
    ) -> SavedResult:
        """One animated WEBP; ``quality`` 0..100, ``method`` 0 (fast) .. 6 (small)."""
        from ....workflow.metadata import exif, texts

        settings: dict[str, Any] = {"lossless": lossless, "quality": quality, "method": method}
        settings["exif"] = exif(texts(*_metadata(cls)))
        return _save_animation(images, filename_prefix, folder_type, ".webp", "WEBP", fps, settings)

    @staticmethod
    def get_save_animated_webp_ui(
        images: Any, filename_prefix: str, cls: Any, fps: float, lossless: bool, quality: int, method: int
    ) -> SavedImages:
        result = ImageSaveHelper.save_animated_webp(
            images, filename_prefix, FolderType.output, cls, fps, lossless, quality, method
        )
        return SavedImages([result], is_animated=len(images) > 1)


def _save_animation(
    images: Any, prefix: str, folder_type: FolderType, suffix: str, format: str, fps: float, settings: Any
) -> SavedResult:
    from ....nodes.ops.pictures import to_picture
    from ....nodes.whole_files import write

    names = folders.save_path(_root(folder_type), prefix, images[0].shape[1], images[0].shape[0])
    first, *rest = [to_picture(image) for image in images]
    path = names.path(0, suffix)
    frames: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": int(1000.0 / fps)}
    write(path, partial(first.save, format=format, **frames, **settings))
    return _as_result(names.entry(path, plain(folder_type)))


class AudioSaveHelper:
    """Saves AUDIO ``{"waveform": [B,C,T], "sample_rate"}``; needs PyAV (the ``video`` extra)."""

    @staticmethod
    def save_audio(
        audio: Mapping[str, Any],
        filename_prefix: str,
        folder_type: FolderType,
        cls: Any,
        format: str = "flac",
        quality: str = "128k",
    ) -> list[SavedResult]:
        """One file per sound of the batch: ``flac``, ``mp3`` (``quality`` ``"V0"`` or a bit rate) or ``opus``."""
        from ....nodes.audio_files import save_audio
        from ....workflow.metadata import texts

        root, kind = _root(folder_type), plain(folder_type)
        saved = save_audio(audio, root, kind, filename_prefix, format, quality, texts(*_metadata(cls)))
        return [_as_result(entry) for entry in saved]

    @staticmethod
    def get_save_audio_ui(
        audio: Mapping[str, Any], filename_prefix: str, cls: Any, format: str = "flac", quality: str = "128k"
    ) -> SavedAudios:
        """:meth:`save_audio` into the output folder, to be played."""
        return SavedAudios(AudioSaveHelper.save_audio(audio, filename_prefix, FolderType.output, cls, format, quality))


def _temporary(what: str) -> str:
    from ....nodes.image_save import random_letters

    return f"{what}_temp_{random_letters(5)}"


class PreviewImage:
    """Shows images ``[B,H,W,C]`` without keeping them."""

    def __init__(self, image: Any, animated: bool = False, cls: Any = None, **_: Any) -> None:
        self.values = ImageSaveHelper.save_images(image, _temporary("ComfyUI"), FolderType.temp, cls, 1)
        self.animated = animated

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.values, "animated": (self.animated,)}


class PreviewMask(PreviewImage):
    """Shows masks ``[B,H,W]`` as grey images."""

    def __init__(self, mask: Any, animated: bool = False, cls: Any = None, **options: Any) -> None:
        grey = mask.reshape(-1, *mask.shape[-2:], 1).expand(-1, -1, -1, 3)
        super().__init__(grey, animated, cls, **options)


class PreviewAudio:
    """Plays sounds without keeping them."""

    def __init__(self, audio: Mapping[str, Any], cls: Any = None, **_: Any) -> None:
        self.values = AudioSaveHelper.save_audio(audio, _temporary("ComfyUI"), FolderType.temp, cls)

    def as_dict(self) -> dict[str, Any]:
        return {"audio": self.values}


class PreviewVideo:
    """Plays videos that are files already."""

    def __init__(self, values: Sequence[Mapping[str, Any]], **_: Any) -> None:
        self.values = list(values)

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.values, "animated": (True,)}


class PreviewUI3D:
    """Shows a 3D model file from ``camera_info``."""

    def __init__(self, model_file: Any, camera_info: Any, bg_image_path: Any = None, **_: Any) -> None:
        self.model_file = model_file
        self.camera_info = camera_info
        self.bg_image_path = bg_image_path

    def as_dict(self) -> dict[str, Any]:
        return {"result": [self.model_file, self.camera_info, self.bg_image_path]}


class PreviewText:
    """Shows a text."""

    def __init__(self, value: str, **_: Any) -> None:
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        return {"text": (self.value,)}


__all__ = [
    "AudioSaveHelper",
    "FolderType",
    "ImageSaveHelper",
    "PreviewAudio",
    "PreviewImage",
    "PreviewMask",
    "PreviewText",
    "PreviewUI3D",
    "PreviewVideo",
    "SavedAudios",
    "SavedImages",
    "SavedResult",
]
