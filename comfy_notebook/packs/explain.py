"""Why a pack failed, in one line a person can act on."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path

#: Import name → name to install, where they differ.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "git": "GitPython",
    "google.protobuf": "protobuf",
    "serial": "pyserial",
    "fitz": "pymupdf",
    "llama_cpp": "llama-cpp-python",
    "Crypto": "pycryptodome",
    "cpuinfo": "py-cpuinfo",
    "OpenGL": "PyOpenGL",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "color_matcher": "color-matcher",
    "blend_modes": "blend-modes",
    "segment_anything": "segment-anything",
    "huggingface_hub": "huggingface-hub",
    "pkg_resources": "setuptools",
    "attr": "attrs",
    "dateutil": "python-dateutil",
    "ffmpeg": "ffmpeg-python",
    "moviepy": "moviepy",
    "Xlib": "python-xlib",
}


def explain(error: BaseException, folder: Path) -> tuple[str, str | None]:
    """``(problem, remedy)`` of an error that a pack's import raised; the remedy is a ``pip install`` line or None."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        name, top = error.name, error.name.partition(".")[0]
        if _is_own(name, folder):
            return f"its file for {name!r} is missing", None
        if top in sys.modules:  # there, but not as the pack expects it
            return f"needs {name!r}, which the installed {top!r} does not have", _other_version(name, folder)
        return (
            f"needs the package {name.partition('.')[0]!r}, which is not installed",
            f"pip install {_to_install(name, folder)}",
        )
    if isinstance(error, SystemExit):
        return f"tried to end the program while it was imported (exit code {error.code})", None
    if isinstance(error, KeyboardInterrupt):
        return "its import was interrupted", None
    if isinstance(error, SyntaxError):
        return f"is no valid Python: {error.msg} ({_short(error.filename, folder)}, line {error.lineno})", None
    return f"{type(error).__name__}: {_first_line(error)}{_place(error, folder)}", None


def _is_own(name: str, folder: Path) -> bool:
    """A module of the pack itself: its key holds the pack's path, or the package it belongs to lies in the pack."""
    if "/" in name or "\\" in name or "_x_" in name:
        return True
    package = sys.modules.get(name.partition(".")[0])
    return any(Path(path).is_relative_to(folder) for path in getattr(package, "__path__", ()))


def _other_version(module: str, folder: Path) -> str:
    """The version that the pack's requirements name, else the newest."""
    wanted = _to_install(module, folder)
    return f"pip install {wanted}" if wanted.startswith('"') else f"pip install --upgrade {wanted}"


def _to_install(module: str, folder: Path) -> str:
    """The distribution for ``module``: as the pack's requirements spell it, else as it is known, else its name."""
    top = module.partition(".")[0]
    known = DISTRIBUTIONS.get(module) or DISTRIBUTIONS.get(top) or top
    wanted = {_normal(known), _normal(top)}
    for line in _requirements(folder):
        match = re.match(r"[A-Za-z0-9._-]+", line)
        if match and _normal(match[0]) in wanted:
            return f'"{line}"' if re.search(r"[<>=~!;\[ ]", line) else line
    return known


def _requirements(folder: Path) -> list[str]:
    try:
        lines = (folder / "requirements.txt").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [text for line in lines if (text := line.partition("#")[0].strip())]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else "no message"
    return text if len(text) <= 300 else text[:300] + "…"


def _place(error: BaseException, folder: Path) -> str:
    """The last line of the pack's own code on the way to the error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(folder))]
    return f" ({_short(frames[-1].filename, folder)}, line {frames[-1].lineno})" if frames else ""


def _short(file: str | None, folder: Path) -> str:
    if not file:
        return "?"
    try:
        return str(Path(file).relative_to(folder))
    except ValueError:
        return Path(file).name
