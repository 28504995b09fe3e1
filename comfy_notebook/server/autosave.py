"""Edits survive a restart: each editor's document is written beside its workflow, never over it.

An editor is found again by its identity: the workflow's path, a name the person gave, or the notebook cell that made
it. The copy lies in ``.comfy_notebook/`` beside the workflow (or in the working folder), or in the user's state folder
when that place can't be written. It remembers a fingerprint of the document it started from: as long as the source
is unchanged the edits come back; once the source changed, the source wins and the edits stay as a backup file. Edits
follow a file that was moved or renamed: by the fingerprint, when nothing is left at the old path.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .atomic import write_text

FORMAT = 1
FOLDER = ".comfy_notebook"
#: How the identity of an editor with a file begins.
_BY_PATH = "path:"
#: The source stands within so many characters of an autosave.
_HEAD = 200


@dataclass(frozen=True)
class Restored:
    """What an autosave says: the edited ``document`` (None = nothing to restore) and a ``notice`` for the person."""

    document: dict[str, Any] | None = None
    notice: str | None = None


def fingerprint(document: Mapping[str, Any]) -> str:
    """A hash of a document's content; equal for equal documents however they were formatted."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def state_folder() -> Path:
    """The platform's folder for the state of a user's programs."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "comfy_notebook"


class Autosave:
    """The saved edits of one editor. ``identity`` names it; ``beside`` is the folder of its workflow."""

    def __init__(self, identity: str, stem: str, beside: Path) -> None:
        digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:10]
        safe = "".join(char if char.isalnum() or char in "-_" else "_" for char in stem)[:60] or "workflow"
        self._name = f"{safe}-{digest}.json"
        self._places = (beside / FOLDER, state_folder())
        self._identity = identity

    def read(self, source: str) -> Restored:
        """The edits made since the document with fingerprint ``source`` was opened."""
        self._remove_parts()
        path = next((place / self._name for place in self._places if (place / self._name).is_file()), None)
        if path is None:
            return self._from_moved(source)
        try:
            saved = json.loads(path.read_text("utf-8"))
            document, origin = saved["document"], saved["source"]
            if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
                raise ValueError("it holds no workflow")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
            kept = _keep(path)
            return Restored(notice=f"The saved edits could not be read ({exc}); the original is shown. Kept as {kept}.")
        if origin == source:
            return Restored(document)
        if fingerprint(document) == source:
            return Restored()
        kept = _keep(path)
        return Restored(
            notice=f"The workflow changed since it was last edited here, so it is shown as it is now. "
            f"The earlier edits are kept as {kept}."
        )

    def _from_moved(self, source: str) -> Restored:
        """The edits of the same content under a path that is no longer there: the file was moved or renamed."""
        if not self._identity.startswith(_BY_PATH):
            return Restored()
        for found in sorted((item for place in self._places for item in _with_source(place, source)), reverse=True):
            try:
                saved = json.loads(found[1].read_text("utf-8"))
                document, identity = saved["document"], saved["identity"]
                old = Path(identity.removeprefix(_BY_PATH))
                moved = identity.startswith(_BY_PATH) and not old.exists() and isinstance(document["nodes"], list)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
            if moved and fingerprint(document) != source:
                self._take_over(found[1])
                return Restored(document, f"The edits made while this workflow was {str(old)!r} are shown here.")
        return Restored()

    def _take_over(self, path: Path) -> None:
        """From now on the saved edits are this editor's; where they can't be renamed they are written anew later."""
        with suppress(OSError):
            self._places[0].mkdir(parents=True, exist_ok=True)
            os.replace(path, self._places[0] / self._name)

    def _remove_parts(self) -> None:
        """What a kernel that was killed while writing left behind."""
        for place in self._places:
            for part in place.glob(f".{glob.escape(self._name)}.*.part"):
                part.unlink(missing_ok=True)

    def write(self, document: Mapping[str, Any], source: str) -> Path:
        """Save ``document``; raises ``OSError`` when neither place can be written."""
        text = json.dumps(
            {
                "comfy_notebook_autosave": FORMAT,
                "source": source,
                "saved": time.time(),
                "identity": self._identity,
                "document": document,
            },
            separators=(",", ":"),
        )
        failure: OSError | None = None
        for place in self._places:
            try:
                place.mkdir(parents=True, exist_ok=True)
                write_text(place / self._name, text)
            except OSError as exc:
                failure = exc
            else:
                return place / self._name
        assert failure is not None
        raise failure


def _with_source(place: Path, source: str) -> Iterator[tuple[float, Path]]:
    """The autosaves in ``place`` that began with the document ``source``, each with its time; only heads are read."""
    for path in place.glob("*.json"):
        with suppress(OSError):
            with open(path, encoding="utf-8", errors="replace") as file:
                begun_with = f'"source":"{source}"' in file.read(_HEAD)
            if begun_with and not path.name.endswith(".backup.json"):
                yield path.stat().st_mtime, path


def _keep(path: Path) -> Path:
    """Move an autosave aside under a name of its own; returns that name (``path`` itself where that fails)."""
    kept = path.with_name(f"{path.stem}.{time.strftime('%Y%m%d-%H%M%S')}.backup.json")
    try:
        os.replace(path, kept)
    except OSError:
        return path
    return kept
