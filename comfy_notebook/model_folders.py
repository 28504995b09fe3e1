"""Where model files lie: for each kind (``checkpoints``, ``loras`` …) the folders that are searched, in order."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import folders
from .folders import UnsafePathError, inside

#: What files count as models.
SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf")
#: Kinds there always are; packs and extra paths add others.
KINDS = (
    *("checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models"),
    *("embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "hypernetworks"),
    *("photomaker", "classifiers", "model_patches", "audio_encoders"),
)
#: Kinds by their earlier names.
RENAMED = {"unet": "diffusion_models", "clip": "text_encoders"}
#: Small models that come with the package, in folders called like their kinds.
_INCLUDED = Path(__file__).parent / "models"
#: Folders of a kind below the models folder, where they are not simply called like it.
FOLDERS = {
    "text_encoders": ("text_encoders", "clip"),
    "diffusion_models": ("unet", "diffusion_models"),
    "controlnet": ("controlnet", "t2i_adapter"),
}


class ModelFolders:
    """Folders by kind. Safe from any thread."""

    def __init__(self, root: Path) -> None:
        """``root`` is the folder ``models``, with one folder for each kind."""
        self._root = root
        self._lock = threading.RLock()
        self._before: dict[str, list[Path]] = {}
        self._after: dict[str, list[Path]] = {}
        self._shared: Mapping[str, tuple[list[str], set[str]]] = {}

    @property
    def root(self) -> Path:
        """The folder ``models``."""
        return self._root

    def share(self, table: Mapping[str, tuple[list[str], set[str]]]) -> None:
        """Search what ``table`` (kind → (folders, suffixes)) lists too, as it is at each question: packs add to it."""
        self._shared = table

    def kinds(self) -> list[str]:
        """Every kind there is."""
        found = set(KINDS) | self._before.keys() | self._after.keys() | (self._shared.keys() - {"custom_nodes"})
        if self._root.is_dir():
            below = {item.name for item in self._root.iterdir() if item.is_dir() and not item.name.startswith(".")}
            found |= below - {name for names in FOLDERS.values() for name in names}
        return sorted(found)

    def roots(self, kind: str) -> list[Path]:
        """The folders of a kind; they need not exist."""
        kind = RENAMED.get(kind, kind)
        own = [self._root / name for name in FOLDERS.get(kind, (kind,))]
        with self._lock:
            found = [*self._before.get(kind, ()), *own, *self._after.get(kind, ())]
        if (included := _INCLUDED / kind).is_dir():
            found.append(included)
        shared = map(Path, self._shared.get(kind, ((), ()))[0])
        return found + [path for path in shared if path not in found]

    def add(self, kind: str, folder: Path, *, first: bool = False) -> None:
        """Search ``folder`` too, before all others where ``first``."""
        kind = RENAMED.get(kind, kind)
        with self._lock:
            if folder in self.roots(kind):
                return
            if first:
                self._before.setdefault(kind, []).insert(0, folder)
            else:
                self._after.setdefault(kind, []).append(folder)

    def files(self, kind: str, suffixes: Iterable[str] = SUFFIXES) -> list[str]:
        """The model files of a kind relative to their folder, sorted, ``/`` between folders."""
        return sorted({path.relative_to(root).as_posix() for root, path in self.found(kind, suffixes)})

    def found(self, kind: str, suffixes: Iterable[str] = SUFFIXES) -> Iterator[tuple[Path, Path]]:
        """(folder of the kind, file) of every model file."""
        wanted = tuple(suffixes)
        for root in self.roots(kind):
            for folder, below, names in os.walk(root, followlinks=True):
                below[:] = [name for name in below if not name.startswith(".")]
                yield from ((root, Path(folder, name)) for name in names if name.lower().endswith(wanted))

    def path(self, kind: str, name: str) -> Path | None:
        """The file called ``name`` in the first folder that has it; raises ``UnsafePathError`` for names that lead out
        of it."""
        for root in self.roots(kind):
            path = inside(root, name, links=True)
            if path.is_file():
                return path
        return None

    def add_from_yaml(self, file: Path) -> list[Path]:
        """Add the folders an ``extra_model_paths.yaml`` lists; returns those of kind ``custom_nodes``.

        Paths are relative to their section's ``base_path``, and that to the file. Raises ``OSError`` when it can't be
        read and ``ValueError`` when it is no such file.
        """
        packs = []
        for section in _sections(file):
            base = _absolute(file.absolute().parent, section.get("base_path"))
            first = bool(section.get("is_default"))
            for kind, paths in section.items():
                if kind in ("base_path", "is_default") or not isinstance(paths, str):
                    continue
                for line in filter(None, map(str.strip, paths.splitlines())):
                    if kind == "custom_nodes":
                        packs.append(_absolute(base, line))
                    else:
                        self.add(kind, _absolute(base, line), first=first)
        return packs


def _sections(file: Path) -> list[dict[str, Any]]:
    import yaml  # type: ignore[import-untyped,unused-ignore]

    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError(f"{file} is no valid YAML: {exc}") from exc
    if content is None:
        return []
    if not isinstance(content, dict) or not all(isinstance(part, dict | None) for part in content.values()):
        raise ValueError(f"{file} must hold sections, each with base_path and folders by kind of model")
    return [part for part in content.values() if part]


def _absolute(base: Path, path: Any) -> Path:
    if not isinstance(path, str):
        return base
    return Path(os.path.normpath(base / Path(os.path.expandvars(path)).expanduser()))


_current: ModelFolders | None = None


def current() -> ModelFolders:
    """The model folders of this process: those in use, as long as they belong to its :mod:`.folders`."""
    global _current
    root = folders.current().models
    if _current is None or _current.root != root:
        _current = ModelFolders(root)
    return _current


def use(models: ModelFolders) -> None:
    """Replace the model folders of this process."""
    global _current
    _current = models


__all__ = ["KINDS", "SUFFIXES", "ModelFolders", "UnsafePathError", "current", "use"]
