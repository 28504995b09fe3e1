"""The command line: ``comfy-notebook serve | run | nodes | convert``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__

if TYPE_CHECKING:
    from .api import Results, Workflow
    from .engine.cache import ResultCache
    from .session import Session

FOLDERS = ("input", "output", "temp", "user")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 for a failed run, 2 for a wrong call."""
    from .api.errors import RunError
    from .api.lookup import NameNotFound
    from .workflow import WorkflowError

    options = parser().parse_args(arguments)
    try:
        status = int(options.command(options))
        sys.stdout.flush()
        return status
    except RunError as exc:
        print(f"comfy-notebook: {exc}", file=sys.stderr)
        if exc.traceback_text and options.verbose:
            print(exc.traceback_text, file=sys.stderr)
        return 1
    except BrokenPipeError:  # who reads what is printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (WorkflowError, NameNotFound, OSError, ValueError, TypeError) as exc:
        print(f"comfy-notebook: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("comfy-notebook: interrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    from .server import serve as serving

    top = argparse.ArgumentParser(prog="comfy-notebook", description="Comfy workflows without a second server.")
    top.add_argument("--version", action="version", version=f"comfy-notebook {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    serve_ = commands.add_parser("serve", help="answer ComfyUI's API on an address")
    serving.add_options(serve_)
    _folder_options(serve_)
    serve_.set_defaults(command=serve)

    run_ = commands.add_parser("run", help="run a workflow (UI or API JSON, or a picture that carries one)")
    run_.add_argument("file", type=Path)
    run_.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE", dest="values")
    run_.add_argument("--output", type=Path, metavar="DIR", help="copy every file the run shows to this folder")
    run_.add_argument("--verbose", action="store_true", help="show the traceback of a node that fails")
    _folder_options(run_)
    run_.set_defaults(command=run)

    nodes_ = commands.add_parser("nodes", help="list the registered nodes")
    nodes_.add_argument("--json", action="store_true", help="a JSON list of class types")
    _folder_options(nodes_)
    nodes_.set_defaults(command=nodes)

    from .packs import command as packs

    packs.add_options(
        commands.add_parser("packs", help="custom node packs: what loaded, which nodes run"), _folder_options
    )

    convert_ = commands.add_parser("convert", help="print a workflow as the API JSON that servers run")
    what = convert_.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?")
    what.add_argument(
        "--coverage", type=Path, metavar="DIR", help="tell how many workflows under DIR run with the nodes there are"
    )
    _folder_options(convert_)
    convert_.set_defaults(command=convert)
    return top


def _folder_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--base-directory", type=Path, metavar="DIR", help="default: the working folder")
    for kind in FOLDERS:
        command.add_argument(f"--{kind}-directory", type=Path, metavar="DIR")


def open_session(options: argparse.Namespace, cache: ResultCache | None = None) -> Session:
    """The session of this process, with the folders the options name."""
    from . import session
    from .folders import Folders, default_base

    named: dict[str, Any] = {
        kind: path.absolute() for kind in FOLDERS if (path := getattr(options, f"{kind}_directory", None)) is not None
    }
    base = getattr(options, "base_directory", None)
    size = int(getattr(options, "max_upload_size", 100) * 1024 * 1024)
    folders = Folders(base=base.absolute() if base else default_base(), **named)
    return session.use(session.Session(folders, max_upload_size=size, cache=cache))


def load_packs(session: Session) -> None:
    """Load the packs beside the workflows; what they print is no result."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    with redirect_stdout(sys.stderr):
        session.load_packs(session.pack_folders)


def serve(options: argparse.Namespace) -> int:
    """Answer the API until SIGINT or SIGTERM."""
    from .server import serve as serving

    serving.prepare(options)
    _set_memory_policy(options)
    return serving.serve(open_session(options, serving.cache_of(options)), options)


def _set_memory_policy(options: argparse.Namespace) -> None:
    from .diffusion.memory import policy

    for name in ("cpu", "gpu_only", "highvram", "cpu_vae", "force_fp32", "force_fp16"):
        setattr(policy, name, getattr(options, name))
    policy.lowvram = options.lowvram or options.novram
    if options.reserve_vram is not None:
        policy.reserve = int(options.reserve_vram * 1024**3)


def run(options: argparse.Namespace) -> int:
    """Run a workflow to its end, with a bar of progress on standard error."""
    with _previews_stay(options):
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    from .api import Workflow
    from .api.progress_bar import ProgressBar

    session = open_session(options)
    load_packs(session)
    workflow = Workflow.load(options.file)
    values = _values(session, workflow, [_assignment(text) for text in options.values])
    bar = ProgressBar(sys.stderr, workflow.to_api())
    stop = session.bus.subscribe(bar.receive) if sys.stderr.isatty() else lambda: None
    try:
        handle = workflow.run(values)
        _warn([*workflow.warnings, *handle.warnings])
        results = handle.result()
    finally:
        stop()
        bar.close()
    for line in written_files(results, options.output):
        print(line)
    session.close()
    return 1 if handle.warnings else 0


@contextmanager
def _previews_stay(options: argparse.Namespace) -> Iterator[None]:
    """Where previews are not copied anywhere, their folder stays: what is printed must be there afterwards."""
    if options.output is not None or options.temp_directory is not None:
        yield
        return
    options.temp_directory = Path(tempfile.mkdtemp(prefix="comfy-notebook-run-"))
    try:
        yield
    finally:
        with suppress(OSError):  # there are previews in it
            options.temp_directory.rmdir()


def _warn(warnings: Iterable[str]) -> None:
    for warning in dict.fromkeys(warnings):
        print(f"warning: {warning}", file=sys.stderr)


def _assignment(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name.strip():
        raise ValueError(f"--set takes NODE.INPUT=VALUE, not {text!r}")
    return name.strip(), value


def _values(session: Session, workflow: Workflow, assignments: list[tuple[str, str]]) -> dict[str, Any]:
    """The values as the inputs take them: texts as they stand, everything else as JSON."""
    from .api.document_nodes import DocumentNodes
    from .api.overrides import find_place, input_spec
    from .server.node_info import info_source

    info, prompt = info_source(session.registry), workflow.to_api()
    nodes = DocumentNodes(workflow.document, info)
    values: dict[str, Any] = {}
    for name, text in assignments:
        node_id, input_name = find_place(prompt, nodes, name)
        kind, _ = input_spec(info, str(prompt.get(node_id, {}).get("class_type")), input_name)
        shown = nodes.find(node_id).values.get(input_name) if node_id not in prompt else None
        values[name] = text if kind == "STRING" or isinstance(shown, str) else _typed(text)
    return values


def _typed(text: str) -> Any:
    """A value as JSON where it is JSON (numbers, true, false, lists), else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def written_files(results: Results, folder: Path | None) -> list[str]:
    """The files the run's nodes wrote, copied to ``folder`` where one is given; texts are listed as they are."""
    lines, taken = [], set[str]()
    for name in results:
        result = results[name]
        for path in result.files:
            told = path if folder is None else _copied(path, folder, taken)
            lines.append(f"{result.title}: {told}")
        if "text" in result.ui:
            lines.append(f"{result.title}: {result.text}")
    return lines


def _copied(path: Path, folder: Path, taken: set[str]) -> Path:
    """The copy of ``path`` in ``folder``; a name that another file of this run took gets a number."""
    folder.mkdir(parents=True, exist_ok=True)
    name, number = path.name, 0
    while name in taken:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    taken.add(name)
    return Path(shutil.copy2(path, folder / name))


def nodes(options: argparse.Namespace) -> int:
    """Print the registered nodes: class type, display name and category."""
    session = open_session(options)
    load_packs(session)
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

    session = open_session(options)
    load_packs(session)
    if options.coverage is not None:
        return _coverage(session, options.coverage)
    workflow = Workflow.load(options.file)
    read_warnings = list(workflow.warnings)
    prompt = workflow.to_api()
    _warn([*read_warnings, *workflow.warnings])
    print(json.dumps(prompt, indent=2))
    return 0


def _coverage(session: Session, folder: Path) -> int:
    """Tell which workflows under ``folder`` run, and which missing nodes would help most."""
    from .server.node_info import info_source
    from .workflow.coverage import coverage, report, workflow_files

    files = workflow_files(folder)
    found = coverage(((str(path.relative_to(folder)), path) for path in files), info_source(session.registry))
    print("\n".join(report(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
