"""The editor in a plain page over TCP: a real session listens, js/dev/editor.ts is its Host. Also a way to work on it:

python -m tests.browser.dev_page workflow.json     # prints the address to open
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from comfy_notebook.folders import Folders
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.server.runner import Server
from comfy_notebook.session import Session

ROOT = Path(__file__).parents[2]
JS = ROOT / "js"


def build(out: Path) -> Path:
    """Bundle the page's script, ``dev/<name>.ts``; raises ``CalledProcessError`` when it does not compile."""
    flags = ["--bundle", "--format=esm", "--target=es2022", "--loader:.css=text", "--define:define.amd=false"]
    command = [
        str(JS / "node_modules/.bin/esbuild"),
        f"dev/{out.stem}.ts",
        *flags,
        "--log-level=error",
        f"--outfile={out}",
    ]
    subprocess.run(command, cwd=JS, check=True)
    return out


class Steps:
    """Counts steps with progress; stops at an interrupt."""

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    CATEGORY = "testing"
    OUTPUT_NODE = True
    DESCRIPTION = "Counts."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "steps": ("INT", {"default": 5, "min": 1, "max": 1000}),
                "seconds": ("FLOAT", {"default": 0.02, "min": 0.0, "max": 10.0, "step": 0.01}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 2**31, "control_after_generate": True}),
            }
        }

    def run(self, steps: int, seconds: float, seed: int) -> dict[str, Any]:
        from comfy_notebook.protocol.context import context

        for step in range(steps):
            time.sleep(seconds)
            context().progress(step + 1, steps)
        return {"ui": {"text": [str(seed)]}, "result": (seed,)}


class Fails:
    """Fails, with a message and a traceback."""

    RETURN_TYPES = ()
    FUNCTION = "run"
    CATEGORY = "testing"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"message": ("STRING", {"default": "the picture is too small"}), "number": ("INT", {})}}

    def run(self, message: str, number: int) -> None:
        raise ValueError(message)


def session_in(folder: Path) -> Session:
    """A session with all built-in nodes and the two above, its folders below ``folder``."""
    session = Session(Folders(base=folder))
    shutil.copytree(ROOT / "notebooks/input", session.folders.input, dirs_exist_ok=True)
    for cls, title in ((Steps, "Count Steps"), (Fails, "Always Fails")):
        session.registry.register(definition_from_class(cls.__name__, cls, title, "custom_nodes.testing"))
    return session


def server_of(session: Session, script: Path) -> Server:
    """The session's server, not yet listening, with the page at ``/dev/<name of the script>.html``."""
    server = session.server
    build_app = server._build

    def build_with_page() -> web.Application:
        app = build_app()
        for path in (JS / f"dev/{script.stem}.html", script):
            app.router.add_get(f"/dev/{path.name}", _file_route(path))
        return app

    server._build = build_with_page
    return server


def _file_route(path: Path) -> Any:
    async def answer(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    return answer


def main() -> None:
    """Serve one editor until Ctrl+C."""
    with tempfile.TemporaryDirectory() as folder:
        script = build(Path(folder) / "editor.js")
        session = session_in(Path(folder))
        state = session.editors.create(Path(sys.argv[1]) if len(sys.argv) > 1 else None, "dev")
        url = server_of(session, script).listen(port=0).url
        print(f"{url}dev/editor.html?editor={state.id}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
        session.close()


if __name__ == "__main__":
    main()
