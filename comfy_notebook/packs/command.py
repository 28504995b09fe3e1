"""``comfy-notebook packs list | doctor [PACK]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .report import PackReport

if TYPE_CHECKING:
    from ..session import Session


def add_options(command: argparse.ArgumentParser, folder_options: Callable[[argparse.ArgumentParser], None]) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION")
    list_ = actions.add_parser("list", help="load the packs of custom_nodes and say what became of each")
    folder_options(list_)
    list_.set_defaults(command=list_packs)
    doctor_ = actions.add_parser("doctor", help="which nodes run, and what the others need")
    doctor_.add_argument("pack", nargs="?", help="the name of one; default: all")
    folder_options(doctor_)
    doctor_.set_defaults(command=doctor)


def list_packs(options: argparse.Namespace) -> int:
    """One line for each pack; status 1 when one failed."""
    _, reports = _loaded(options)
    for report in reports:
        print(f"{'✓' if report.ok else '✗'} {report}")
    return 0 if all(report.ok for report in reports) else 1


def doctor(options: argparse.Namespace) -> int:
    """All that is known of one pack or of every pack; status 1 when one failed."""
    session, reports = _loaded(options, options.pack)
    if options.pack is not None and not reports:
        raise ValueError(f"there is no pack {options.pack!r} in {session.folders.base / 'custom_nodes'}")
    from ..compat import taken

    for name, origin in taken().items():
        print(f"! the module {name!r} comes from {origin}: packs that import it get that one")
    for report in reports:
        for line in _examined(session, report):
            print(line)
    return 0 if all(report.ok for report in reports) else 1


def _loaded(options: argparse.Namespace, only: str | None = None) -> tuple[Session, list[PackReport]]:
    import logging

    from ..cli import open_session

    session = open_session(options)
    logging.getLogger(__package__).setLevel(logging.ERROR)  # the report says it all
    return session, session.load_packs(session.pack_folders, _names(only))


def _names(only: str | None) -> list[str] | None:
    """A file is meant with and without its suffix."""
    return None if only is None else [only, f"{Path(only).stem}.py"]


def _examined(session: Session, report: PackReport) -> list[str]:
    from .needs import missing_features

    lines = [f"{'✓' if report.ok else '✗'} {report}", f"  in {report.path}"]
    needs: dict[str, list[str]] = {}
    for name in report.nodes:
        definition = session.registry.get(name)
        if definition is not None and (missing := missing_features(definition)):
            needs[name] = missing
    if report.nodes:
        lines.append(f"  {len(report.nodes) - len(needs)} of {len(report.nodes)} nodes need nothing that is not here")
    lines += [f"  ~ {name} may call {', '.join(missing)}" for name, missing in sorted(needs.items())]
    lines += [f"  ✗ {name}: {reason}" for name, reason in sorted(report.refused.items())]
    lines += [f"  note: {note}" for note in report.notes]
    if not report.ok and report.traceback_text:
        lines += ["  " + line for line in report.traceback_text.rstrip().splitlines()]
    if report.output:
        lines += ["  it printed:", *(f"  | {line}" for line in report.output.rstrip().splitlines()[:40])]
    return lines
