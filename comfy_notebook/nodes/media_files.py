"""Audio and video files to load: what the input folder offers."""

from __future__ import annotations

from .. import folders
from . import image_files

VIDEO_SUFFIXES = frozenset((".mp4", ".webm", ".mkv", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".gif", ".ogv", ".wmv"))
AUDIO_SUFFIXES = frozenset((".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".oga", ".wma", ".aiff", ".aif"))


def videos() -> list[str]:
    """Names of the video files in the input folder, sorted."""
    return folders.list_files(folders.current().input, VIDEO_SUFFIXES)


def sounds() -> list[str]:
    """Names of the files in the input folder that may hold sound, sorted: videos too."""
    return folders.list_files(folders.current().input, AUDIO_SUFFIXES | VIDEO_SUFFIXES - {".gif"})


def path_of(name: str, missing: str) -> str:
    """Where a file named in a workflow lies; raises ``FileNotFoundError`` that says what to do.

    ``missing`` is said when there is no name at all.
    """
    if not name:
        raise FileNotFoundError(missing)
    if (problem := image_files.problem(name)) is not None:
        raise FileNotFoundError(problem)
    return str(folders.current().resolve(name))


def checked(name: object) -> bool | str:
    """The answer of VALIDATE_INPUTS; a linked input arrives as None and is looked at when the node runs."""
    if name is None:
        return True
    return (image_files.problem(name) if isinstance(name, str) else f"{name!r} is not a file name") or True
