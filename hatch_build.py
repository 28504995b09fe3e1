"""Builds the front end into the package when it is missing or older than its sources."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT_FILES = ("shell.js", "packs.js", "editor.js")


def newest_change(front_end: Path) -> float:
    """Time of the latest change to anything the bundle is made of."""
    sources = [front_end / "build.mjs", front_end / "package-lock.json"]
    # The table that kernel and editor share.
    sources += (front_end.parent / "comfy_notebook" / "workflow").glob("missing_nodes.json")
    sources += [path for path in (front_end / "src").rglob("*") if path.is_file()]
    return max(path.stat().st_mtime for path in sources)


def is_current(root: Path) -> bool:
    """True when every built file is there and none is older than the sources (a wheel may be built without them)."""
    built = [root / "comfy_notebook" / "static" / name for name in BUILT_FILES]
    if not all(path.is_file() for path in built):
        return False
    front_end = root / "js"
    if not (front_end / "src").is_dir():
        return True
    return min(path.stat().st_mtime for path in built) >= newest_change(front_end)


def build_front_end(root: Path) -> None:
    front_end = root / "js"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise RuntimeError(
            "The front end has to be built, and that needs Node 20 or newer with npm on the PATH. "
            "Install Node, or install comfy-notebook from a wheel, which carries the built front end."
        )
    if not (front_end / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=front_end, check=True)
    subprocess.run([node, "build.mjs"], cwd=front_end, check=True)


class FrontEndBuildHook(BuildHookInterface[Any]):
    """Runs before hatchling collects the files of a wheel, an editable install or a source archive."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not is_current(root):
            build_front_end(root)
