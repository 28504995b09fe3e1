"""What a person names as a pack: a path, an installed package, or a git address."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from .finding import PackSource, source_of

GIT_TIMEOUT = 600
_ADDRESS = re.compile(r"^(git\+)?(https?|ssh|git|file)://|^git@[\w.-]+:|\.git$")


class PackNotFoundError(ValueError):
    """Nothing of this name is a pack; the message says where it was looked for."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message alone."""
        return [str(self)]


def resolve(source: str | os.PathLike[str], custom_nodes: Path) -> PackSource:
    """The pack that ``source`` names: a path, the name of one in ``custom_nodes``, an installed package, or a git
    address, which is cloned there first. Raises :class:`PackNotFoundError`."""
    text = os.fspath(source)
    for path in (Path(text).expanduser(), custom_nodes / text):
        if path.is_dir() or (path.is_file() and path.suffix == ".py"):
            return source_of(path)
    if _ADDRESS.search(text):
        return source_of(_cloned(text.removeprefix("git+"), custom_nodes))
    installed = _installed(text)
    if installed is None:
        raise PackNotFoundError(
            f"there is no pack {text!r}: neither a folder or .py file, nor in {custom_nodes}, nor an installed package"
        )
    return installed


def _installed(name: str) -> PackSource | None:
    module = name.replace("-", "_")
    if not all(part.isidentifier() for part in module.split(".")):
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin)
    return PackSource(module, file.parent if file.name == "__init__.py" else file, module)


def _cloned(address: str, custom_nodes: Path) -> Path:
    """The folder of a clone; one that is there already is taken as it is."""
    name = re.sub(r"\.git$", "", address.rstrip("/")).rpartition("/")[2].rpartition(":")[2]
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise PackNotFoundError(f"{address!r} does not say what the pack is called")
    target = custom_nodes / name
    if target.is_dir():
        return target
    git = shutil.which("git")
    if git is None:
        raise PackNotFoundError("git is not installed; clone the pack yourself and name its folder")
    custom_nodes.mkdir(parents=True, exist_ok=True)
    unfinished = custom_nodes / f".{name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [git, "clone", "--quiet", "--depth", "1", "--recurse-submodules", "--", address, str(unfinished)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=GIT_TIMEOUT, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise PackNotFoundError(f"git did not finish cloning {address} within {GIT_TIMEOUT} s") from None
    if done.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        lines = done.stderr.strip().splitlines()
        raise PackNotFoundError(f"git cannot clone {address}: {lines[-1] if lines else 'it does not say why'}")
    os.replace(unfinished, target)
    return target
