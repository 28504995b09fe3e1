"""``comfy-notebook serve``: the API on an address, with the options of the reference where they mean something here."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.cache import ResultCache

if TYPE_CHECKING:
    from ..session import Session

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
GIB = 1024**3


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of ``serve`` beside those for folders."""
    command.add_argument(
        "--listen", "--host", nargs="?", default="127.0.0.1", const="0.0.0.0,::", metavar="ADDRESS",
        help="addresses, comma separated; default: 127.0.0.1; every address where none is named",
    )  # fmt: skip
    command.add_argument("--port", type=int, default=8188, help="default: 8188; 0 takes any free port")
    command.add_argument("--token", help="asked of every request; made by itself for other addresses than loopback")
    command.add_argument(
        "--enable-cors-header", nargs="?", const="*", metavar="ORIGIN",
        help="let pages of this origin use the API; of any origin where none is named",
    )  # fmt: skip
    command.add_argument("--max-upload-size", type=float, default=100, metavar="MB", help="default: 100")
    command.add_argument(
        "--extra-model-paths-config", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
        help="YAML files that list more folders with models; their paths are relative to the file",
    )  # fmt: skip
    command.add_argument("--cpu", action="store_true", help="leave GPUs alone")
    _add_cache_options(command)
    command.add_argument("--disable-metadata", action="store_true", help="save no prompts and workflows in files")
    command.add_argument(
        "--preview-method", choices=("none", "auto", "latent2rgb", "taesd"), default="auto",
        help="of pictures in the making; none sends no previews",
    )  # fmt: skip
    command.add_argument("--disable-all-custom-nodes", action="store_true", help="load no packs")
    command.add_argument(
        "--whitelist-custom-nodes", nargs="+", default=[], metavar="NAME", help="load these packs all the same"
    )
    command.add_argument("--verbose", nargs="?", const="DEBUG", default="INFO", choices=LEVELS, metavar="LEVEL")


def _add_cache_options(command: argparse.ArgumentParser) -> None:
    caches = command.add_mutually_exclusive_group()
    caches.add_argument("--cache-classic", action="store_true", help="keep what the newest prompt uses")
    caches.add_argument("--cache-lru", type=_count, metavar="N", help="keep N results more; 0: as --cache-classic")
    caches.add_argument("--cache-none", action="store_true", help="keep nothing after a run")
    caches.add_argument(
        "--cache-ram", type=float, nargs="*", metavar="GB", help="keep all while this much memory is free"
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def cache_of(options: argparse.Namespace) -> ResultCache:
    """The cache that the options ask for."""
    if options.cache_classic:
        return ResultCache("classic")
    if options.cache_none:
        return ResultCache("none")
    if options.cache_lru is not None:
        return ResultCache("lru", options.cache_lru)
    return ResultCache("ram", int(options.cache_ram[0] * GIB) if options.cache_ram else None)


def warn_of_unknown(unknown: Sequence[str]) -> None:
    """Options of the reference that mean nothing here must not keep a script from starting the server."""
    if unknown:
        print(f"comfy-notebook: ignored: {' '.join(unknown)}", file=sys.stderr)


def prepare(options: argparse.Namespace) -> None:
    """What must be set before torch or a node is loaded."""
    logging.basicConfig(level=options.verbose, format="%(levelname)s %(name)s: %(message)s")
    if options.cpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if options.disable_metadata:
        from ..workflow import metadata

        metadata.leave_out()


def serve(session: Session, options: argparse.Namespace) -> int:
    """Listen until SIGINT or SIGTERM; raises ``OSError`` where an address is taken."""
    from .logs import keep_output

    roots = [session.folders.base / "custom_nodes"]
    for file in options.extra_model_paths_config:
        roots += session.models.add_from_yaml(file)
    session.engine.preview_method = options.preview_method
    keep_output(session.logs)
    session.pack_loader.options = options
    session.load_packs(roots, options.whitelist_custom_nodes if options.disable_all_custom_nodes else None)
    session.server.allow_origin(options.enable_cors_header)
    _listen(session, [host.strip() for host in options.listen.split(",") if host.strip()], options)
    threading.Thread(target=_load_torch, name="comfy_notebook-torch", daemon=True).start()
    _wait_for_signal()
    session.close()
    return 0


def _listen(session: Session, hosts: Sequence[str], options: argparse.Namespace) -> None:
    """Bind every address; one of several may be missing on this machine, such as those of IPv6."""
    port, bound = options.port, 0
    for host in hosts:
        try:
            address = session.server.listen(host, port, token=options.token)
        except OSError as error:
            if not bound or error.errno == errno.EADDRINUSE:
                raise
            print(f"comfy-notebook: not listening on {host}: {error.strerror}", file=sys.stderr)
            continue
        port, bound = address.port, bound + 1
        # launchers of the reference wait for this line
        print(f"To see the GUI go to: {address.url}", flush=True)


def _load_torch() -> None:
    """So that the first run need not wait for it."""
    try:
        import torch  # noqa: F401
    except ImportError:
        logging.getLogger(__name__).warning("torch is not installed: nodes that need it will fail")


def _wait_for_signal() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(0.5):  # short waits, so that signals are seen on every platform
        pass
