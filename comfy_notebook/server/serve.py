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
from typing import TYPE_CHECKING, TextIO

from ..engine.cache import ResultCache
from .reference_options import add_ignored_options

if TYPE_CHECKING:
    import ssl

    from ..session import Session

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
GIB = 1024**3


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of ``serve`` beside those for folders."""
    command.add_argument(
        "--listen", "--host", nargs="?", default="127.0.0.1", const="0.0.0.0,::", metavar="ADDRESS",
        help="addresses, comma separated; default: 127.0.0.1; every address where none is named",
    )  # fmt: skip
    command.add_argument("--port", type=_port, default=8188, help="default: 8188; 0 takes any free port")
    command.add_argument("--token", help="asked of every request; made by itself for other addresses than loopback")
    command.add_argument(
        "--enable-cors-header", nargs="?", const="*", metavar="ORIGIN",
        help="let pages of this origin use the API; of any origin where none is named",
    )  # fmt: skip
    command.add_argument("--max-upload-size", type=_size, default=100, metavar="MB", help="default: 100")
    command.add_argument(
        "--extra-model-paths-config", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
        help="YAML files that list more folders with models; their paths are relative to the file",
    )  # fmt: skip
    command.add_argument("--cpu", action="store_true", help="leave GPUs alone")
    command.add_argument("--cuda-device", metavar="ID", help="use this GPU alone; several: 0,1")
    _add_memory_options(command)
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
    command.add_argument("--enable-compress-response-body", action="store_true", help="send JSON compressed")
    command.add_argument("--tls-keyfile", type=Path, metavar="FILE", help="with --tls-certfile: answer https")
    command.add_argument("--tls-certfile", type=Path, metavar="FILE")
    command.add_argument("--quick-test-for-ci", action="store_true", help="end once everything is loaded")
    add_ignored_options(command)


def _add_memory_options(command: argparse.ArgumentParser) -> None:
    places = command.add_mutually_exclusive_group()
    places.add_argument("--gpu-only", action="store_true", help="models and results stay on the GPU")
    places.add_argument("--highvram", action="store_true", help="models stay on the GPU")
    places.add_argument("--lowvram", action="store_true", help="models go to the GPU block by block")
    places.add_argument("--novram", action="store_true", help="as --lowvram")
    command.add_argument("--reserve-vram", type=_gigabytes, metavar="GB", help="leave this much of a GPU to others")
    command.add_argument("--cpu-vae", action="store_true", help="encode and decode pictures on the processor")
    numbers = command.add_mutually_exclusive_group()
    numbers.add_argument("--force-fp32", action="store_true", help="compute with 32 bits")
    numbers.add_argument("--force-fp16", action="store_true", help="compute with 16 bits")


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


def _gigabytes(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1e6:
        raise argparse.ArgumentTypeError("must be a number of gigabytes")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return number


def _size(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError("must be a number of megabytes")
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


def prepare(options: argparse.Namespace) -> None:
    """What must be set before torch or a node is loaded."""
    if options.ignored:
        print(f"comfy-notebook: ignored: {' '.join(options.ignored)}", file=sys.stderr)
    logging.basicConfig(level=options.verbose, format="%(levelname)s %(name)s: %(message)s")
    if options.cpu or options.cuda_device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = "" if options.cpu else options.cuda_device
    if options.disable_metadata:
        from ..workflow import metadata

        metadata.leave_out()


def serve(session: Session, options: argparse.Namespace) -> int:
    """Listen until SIGINT or SIGTERM; raises ``OSError`` where an address is taken or a certificate can't be read."""
    from .logs import keep_output
    from .run_log import log_run

    stopped = _stop_signal()
    roots = session.pack_folders
    for file in options.extra_model_paths_config:
        roots += session.models.add_from_yaml(file)
    session.engine.preview_method = options.preview_method
    session.engine.when_ended.append(log_run)
    keep_output(session.logs)
    session.pack_loader.options = options
    session.load_packs(roots, options.whitelist_custom_nodes if options.disable_all_custom_nodes else None)
    session.server.allow_origin(options.enable_cors_header)
    session.server.compress(options.enable_compress_response_body)
    _listen(session, [host.strip() for host in options.listen.split(",") if host.strip()], options)
    if options.quick_test_for_ci:
        stopped.set()
    else:
        threading.Thread(target=_load_torch, args=(stopped,), name="comfy_notebook-torch", daemon=True).start()
    while not stopped.wait(0.5):  # short waits, so that signals are seen on every platform
        pass
    session.close()
    return 0


def _stop_signal() -> threading.Event:
    """Set by the first SIGINT or SIGTERM; the second ends the process, whatever it does."""
    stopped = threading.Event()

    def stop(number: int, frame: object) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped


def _listen(session: Session, hosts: Sequence[str], options: argparse.Namespace) -> None:
    """Bind every address; one of several may be missing on this machine, such as those of IPv6."""
    port, bound, certificate = options.port, 0, _certificate(options)
    if not hosts:
        raise ValueError("--listen names no address.")
    print("Starting server", file=sys.stderr, flush=True)
    for host in hosts:
        try:
            address = session.server.listen(host, port, token=options.token, certificate=certificate)
        except OSError as error:
            if not bound or error.errno == errno.EADDRINUSE:
                raise OSError(f"Can't listen on {host}, port {port}: {error.strerror or error}") from error
            print(f"comfy-notebook: not listening on {host}: {error.strerror}", file=sys.stderr)
            continue
        port, bound = address.port, bound + 1
        _tell(f"To see the GUI go to: {address.url}")


def _tell(line: str) -> None:
    """What launchers of the reference wait for. Some of them read the one stream, some the other."""
    print(line, flush=True)
    if not _lead_to_the_same(sys.stdout, sys.stderr):
        print(line, file=sys.stderr, flush=True)


def _lead_to_the_same(one: TextIO, other: TextIO) -> bool:
    """Whether who reads one of the streams reads the other too: a terminal, or ``2>&1``."""
    try:
        first, second = os.fstat(one.fileno()), os.fstat(other.fileno())
    except (OSError, ValueError, AttributeError):
        return True
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino) or (one.isatty() and other.isatty())


def _certificate(options: argparse.Namespace) -> ssl.SSLContext | None:
    """What https is answered with; None for plain http."""
    if options.tls_certfile is None and options.tls_keyfile is None:
        return None
    if options.tls_certfile is None or options.tls_keyfile is None:
        raise ValueError("https needs both --tls-certfile and --tls-keyfile.")
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_certfile, options.tls_keyfile)
    return context


def _load_torch(stopped: threading.Event) -> None:
    """So that the first run need not wait for it; a moment later, so that the first answers need not either."""
    if stopped.wait(0.5):
        return
    try:
        import torch  # noqa: F401
    except ImportError:
        logging.getLogger(__name__).warning("torch is not installed: nodes that need it will fail")
