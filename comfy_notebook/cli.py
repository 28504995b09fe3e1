"""The command line: ``comfy-notebook serve | run | nodes | convert``."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__

if TYPE_CHECKING:
    from .api.results import Results
    from .engine.events import Event
    from .session import Session


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 for a failed run, 2 for a wrong call."""
    from .api.errors import RunError
    from .api.lookup import NameNotFound
    from .workflow import WorkflowError

    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (RunError, WorkflowError, NameNotFound, OSError, ValueError, TypeError) as exc:
        print(f"comfy-notebook: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("comfy-notebook: interrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="comfy-notebook", description="Comfy workflows without a second server.")
    top.add_argument("--version", action="version", version=f"comfy-notebook {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    serve_ = commands.add_parser("serve", help="answer ComfyUI's API on an address")
    serve_.add_argument("--listen", "--host", default="127.0.0.1", metavar="ADDRESS", help="default: 127.0.0.1")
    serve_.add_argument("--port", type=int, default=8188, help="default: 8188; 0 takes any free port")
    serve_.add_argument("--token", help="asked of every request; made by itself for other addresses than loopback")
    serve_.add_argument("--max-upload-size", type=float, default=100, metavar="MB", help="default: 100")
    _folder_options(serve_)
    serve_.set_defaults(command=serve)

    run_ = commands.add_parser("run", help="run a workflow (UI or API JSON, or a picture that carries one)")
    run_.add_argument("file", type=Path)
    run_.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE", dest="values")
    run_.add_argument("--output", type=Path, metavar="DIR", help="copy every file the run shows to this folder")
    _folder_options(run_)
    run_.set_defaults(command=run)

    nodes_ = commands.add_parser("nodes", help="list the registered nodes")
    nodes_.add_argument("--json", action="store_true", help="a JSON list of class types")
    nodes_.set_defaults(command=nodes)

    convert_ = commands.add_parser("convert", help="print a workflow as the API JSON that servers run")
    convert_.add_argument("file", type=Path)
    convert_.set_defaults(command=convert)
    return top


def _folder_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--base-directory", type=Path, metavar="DIR", help="default: the working folder")
    for kind in ("input", "output", "temp"):
        command.add_argument(f"--{kind}-directory", type=Path, metavar="DIR")


def open_session(options: argparse.Namespace) -> Session:
    """The session of this process, with the folders the options name."""
    from . import session
    from .folders import Folders, default_base

    named: dict[str, Any] = {
        kind: path.absolute()
        for kind in ("input", "output", "temp")
        if (path := getattr(options, f"{kind}_directory", None)) is not None
    }
    base = getattr(options, "base_directory", None)
    size = int(getattr(options, "max_upload_size", 100) * 1024 * 1024)
    folders = Folders(base=base.absolute() if base else default_base(), **named)
    return session.use(session.Session(folders, max_upload_size=size))


def serve(options: argparse.Namespace) -> int:
    """Listen until SIGINT or SIGTERM."""
    session = open_session(options)
    address = session.server.listen(options.listen, options.port, token=options.token)
    print(f"To see the API go to: {address.url}", flush=True)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(0.5):  # short waits, so that signals are seen on every platform
        pass
    session.close()
    return 0


def run(options: argparse.Namespace) -> int:
    """Run a workflow to its end, with a line of progress on standard error."""
    from .api import Workflow

    session = open_session(options)
    workflow = Workflow.load(options.file)
    values = dict(_assignment(text) for text in options.values)
    prompt = workflow.to_api()
    values = {
        name: _typed(value) if not _takes_text(session, prompt, name) else value for name, value in values.items()
    }
    unsubscribe = session.bus.subscribe(ProgressLine(prompt).receive) if sys.stderr.isatty() else lambda: None
    try:
        handle = workflow.run(values)
        for warning in [*workflow.warnings, *handle.warnings]:
            print(f"warning: {warning}", file=sys.stderr)
        results = handle.result()
    finally:
        unsubscribe()
        if sys.stderr.isatty():
            print(file=sys.stderr)
    for line in written_files(results, options.output):
        print(line)
    session.close()
    return 1 if handle.warnings else 0


def _assignment(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name.strip():
        raise ValueError(f"--set takes NODE.INPUT=VALUE, not {text!r}")
    return name.strip(), value


def _takes_text(session: Session, prompt: dict[str, Any], name: str) -> bool:
    from .api.overrides import find_input, input_spec
    from .server.node_info import info_source

    node_id, input_name = find_input(prompt, name)
    kind, _ = input_spec(info_source(session.registry), str(prompt[node_id]["class_type"]), input_name)
    return bool(kind == "STRING")


def _typed(text: str) -> Any:
    """A value as JSON where it is JSON (numbers, true, false, lists), else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def written_files(results: Results, folder: Path | None) -> list[str]:
    """The files the run's nodes wrote, copied to ``folder`` where one is given; texts are listed as they are."""
    lines = []
    for name in results:
        result = results[name]
        for path in result.files:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                path = Path(shutil.copy2(path, folder / path.name))  # noqa: PLW2901 - the copy is what we tell
            lines.append(f"{result.title}: {path}")
        if "text" in result.ui:
            lines.append(f"{result.title}: {result.text}")
    return lines


class ProgressLine:
    """The node that runs and how far it is, on one line of a terminal."""

    def __init__(self, prompt: dict[str, Any]) -> None:
        self._prompt = prompt

    def receive(self, event: Event) -> None:
        """Draw what an event tells."""
        from .api.errors import title_of

        if event.type != "progress_state":
            return
        states = list(event.data.get("nodes", {}).values())
        running = [state for state in states if state.get("state") == "running"]
        if running:
            now = running[-1]
            title = title_of(self._prompt, str(now.get("display_node_id") or now.get("node_id")))
            part = f" {now['value']:g}/{now['max']:g}" if now.get("max", 1) > 1 else ""
            print(f"\r\x1b[K[{len(states)}/{len(self._prompt)}] {title}{part}", end="", file=sys.stderr, flush=True)


def nodes(options: argparse.Namespace) -> int:
    """Print the registered nodes: class type, display name and category."""
    session = open_session(options)
    definitions = sorted(session.registry.definitions(), key=lambda item: item.name)
    if options.json:
        print(json.dumps([definition.name for definition in definitions]))
        return 0
    width = max((len(definition.name) for definition in definitions), default=0)
    for definition in definitions:
        print(f"{definition.name:<{width}}  {definition.display_name or definition.name}  [{definition.category}]")
    return 0


def convert(options: argparse.Namespace) -> int:
    """Print the API JSON of a workflow; what was odd about it goes to standard error."""
    from .api import Workflow

    open_session(options)
    workflow = Workflow.load(options.file)
    read_warnings = list(workflow.warnings)
    prompt = workflow.to_api()
    for warning in dict.fromkeys([*read_warnings, *workflow.warnings]):
        print(f"warning: {warning}", file=sys.stderr)
    print(json.dumps(prompt, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
