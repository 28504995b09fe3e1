"""Videos from files and into files, made of frames, cut and taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import folders
from ..workflow import metadata
from . import image_files, inputs, media_files
from .whole_files import write

if TYPE_CHECKING:
    from torch import Tensor

_CATEGORY = "image/video"
_PREFIX_TIP = "Beginning of the file name; may hold folders and %date:yyyy-MM-dd%, %width%, %height%."


def _rate(fps: float) -> Fraction:
    """Frames a second to the thousandth, as files say them."""
    return Fraction(round(fps * 1000), 1000)


def _as_video(video: Any) -> Any:
    if not hasattr(video, "get_components"):
        raise ValueError(f"video is no VIDEO value but {type(video).__name__}")
    return video


class LoadVideo:
    RETURN_TYPES = ("VIDEO",)
    FUNCTION = "load"
    CATEGORY = _CATEGORY
    DESCRIPTION = "A video from the input folder."
    SEARCH_ALIASES = ["open video", "import", "upload", "mp4", "webm", "movie", "clip"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        chooser = inputs.combo(media_files.videos(), "A file of the input folder.", video_upload=True)
        return {"required": {"file": chooser}}

    def load(self, file: str) -> tuple[Any]:
        """VIDEO of the file; raises ``ValueError`` for one that holds no video or is damaged."""
        from .ops.videos import VideoFromFile

        video = VideoFromFile(media_files.path_of(file, "choose a file to load"))
        video.get_frame_rate()  # so that a file that can't be read is told of here, not in a later node
        return (video,)

    @classmethod
    def IS_CHANGED(cls, file: str) -> str | float:
        return image_files.fingerprint(file)

    @classmethod
    def VALIDATE_INPUTS(cls, file: Any) -> bool | str:
        return media_files.checked(file)


class CreateVideo:
    RETURN_TYPES = ("VIDEO",)
    FUNCTION = "create"
    CATEGORY = _CATEGORY
    DESCRIPTION = "Images one after the other as a video, with sound where there is some."
    SEARCH_ALIASES = ["images to video", "frames to video", "movie", "combine"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": inputs.image("The frames."),
                "fps": inputs.number(30.0, 1.0, 120.0, 1.0, "Frames a second."),
            },
            "optional": {"audio": inputs.socket("AUDIO", "The sound; what is longer than the frames is left out.")},
        }

    def create(self, images: Tensor, fps: float, audio: Any = None) -> tuple[Any]:
        """VIDEO of IMAGE ``[T,H,W,3]`` and AUDIO."""
        from .ops.sounds import parts
        from .ops.video_types import VideoComponents
        from .ops.videos import VideoFromComponents

        if audio is not None:
            parts(audio)
        return (VideoFromComponents(VideoComponents(images, _rate(fps), audio)),)


class GetVideoComponents:
    RETURN_TYPES = ("IMAGE", "AUDIO", "FLOAT")
    RETURN_NAMES = ("images", "audio", "fps")
    FUNCTION = "take_apart"
    CATEGORY = _CATEGORY
    DESCRIPTION = "The frames, the sound and the frame rate of a video."
    SEARCH_ALIASES = ["video to images", "extract frames", "split video", "extract audio"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"video": inputs.socket("VIDEO", "The video to take apart.")}}

    def take_apart(self, video: Any) -> tuple[Tensor, Any, float]:
        """IMAGE ``float32 [T,H,W,3]``, AUDIO (None of a silent video) and frames a second."""
        parts = _as_video(video).get_components()
        return parts.images, parts.audio, float(parts.frame_rate)


class VideoSlice:
    RETURN_TYPES = ("VIDEO",)
    FUNCTION = "cut"
    CATEGORY = _CATEGORY
    DESCRIPTION = "A part of a video."
    SEARCH_ALIASES = ["trim video", "cut video", "shorten", "clip", "crop duration"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        start_tip = "Where the part begins, in seconds; less than 0 counts from the end."
        return {
            "required": {
                "video": inputs.socket("VIDEO", "The video to cut."),
                "start_time": inputs.number(0.0, -1e5, 1e5, 0.001, start_tip),
                "duration": inputs.number(0.0, 0.0, 1e5, 0.001, "Seconds; 0 goes to the end."),
                "strict_duration": inputs.boolean(False, "Fail where the video is shorter than asked for."),
            }
        }

    def cut(self, video: Any, start_time: float, duration: float, strict_duration: bool) -> tuple[Any]:
        """VIDEO of the part; raises ``ValueError`` where nothing, or with ``strict_duration`` too little, is left."""
        cut = _as_video(video).as_trimmed(start_time, duration, strict_duration)
        if cut is None:
            wanted = f"{duration:g} s from {start_time:g} s" if duration > 0 else f"what follows {start_time:g} s"
            raise ValueError(f"the video lasts {video.get_duration():.3f} s, which has not got {wanted}")
        return (cut,)


class SaveVideo:
    RETURN_TYPES = ()
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = _CATEGORY
    DESCRIPTION = "Saves a video as MP4 that carries its workflow. A video from a file stays as it is coded, if it can."
    SEARCH_ALIASES = ["export video", "write", "mp4", "h264", "download video", "movie"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        prefix: inputs.Spec = ("STRING", {"default": "video/ComfyUI", "multiline": False, "tooltip": _PREFIX_TIP})
        return {
            "required": {
                "video": inputs.socket("VIDEO", "The video to save."),
                "filename_prefix": prefix,
                "format": inputs.combo(["auto", "mp4"], "The kind of file.", default="auto"),
                "codec": inputs.combo(["auto", "h264"], "How the pictures are coded.", default="auto"),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def save(
        self,
        video: Any,
        filename_prefix: str,
        format: str,
        codec: str,
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        from .ops.video_types import VideoCodec, VideoContainer

        kind = VideoContainer(format)
        names = folders.save_path(folders.current().output, filename_prefix, *_as_video(video).get_dimensions())
        path = names.path(0, "." + VideoContainer.get_extension(kind))
        carried = metadata.texts(prompt, extra_pnginfo) or None
        video.save_to(str(path), format=kind, codec=VideoCodec(codec), metadata=carried)
        return {"ui": {"images": [names.entry(path, "output")], "animated": (True,)}}


_WEBM_CODECS = {"vp9": ("libvpx-vp9", "yuv420p"), "av1": ("libsvtav1", "yuv420p10le")}


class SaveWEBM:
    RETURN_TYPES = ()
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = _CATEGORY
    EXPERIMENTAL = True
    DESCRIPTION = "Saves images one after the other as a silent WEBM video that carries its workflow."
    SEARCH_ALIASES = ["export video", "write", "webm", "vp9", "av1", "movie"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        prefix: inputs.Spec = ("STRING", {"default": "ComfyUI", "multiline": False, "tooltip": _PREFIX_TIP})
        crf_tip = "The higher the coarser and the smaller the file."
        return {
            "required": {
                "images": inputs.image("The frames."),
                "filename_prefix": prefix,
                "codec": inputs.combo(list(_WEBM_CODECS), "AV1 makes smaller files."),
                "fps": inputs.number(24.0, 0.01, 1000.0, 0.01, "Frames a second."),
                "crf": inputs.number(32.0, 0, 63.0, 1, crf_tip),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def save(
        self,
        images: Tensor,
        filename_prefix: str,
        codec: str,
        fps: float,
        crf: float,
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        from .ops.video_encode import Encoding, encode
        from .ops.video_types import VideoComponents

        name, pixels = _WEBM_CODECS[codec]
        kind = Encoding("webm", name, pixels, {"crf": str(round(crf))})
        names = folders.save_path(folders.current().output, filename_prefix, images.shape[2], images.shape[1])
        path = names.path(0, ".webm")
        video = VideoComponents(images, _rate(fps))
        write(path, partial(encode, video=video, kind=kind, metadata=metadata.texts(prompt, extra_pnginfo)))
        return {"ui": {"images": [names.entry(path, "output")], "animated": (True,)}}


NODES: dict[str, tuple[type, str]] = {
    "LoadVideo": (LoadVideo, "Load Video"),
    "CreateVideo": (CreateVideo, "Create Video"),
    "GetVideoComponents": (GetVideoComponents, "Get Video Components"),
    "Video Slice": (VideoSlice, "Video Slice"),
    "SaveVideo": (SaveVideo, "Save Video"),
    "SaveWEBM": (SaveWEBM, "SaveWEBM"),
}
