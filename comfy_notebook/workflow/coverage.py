"""Of many workflows: which run with the nodes there are, and which missing nodes would help most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .convert import to_api
from .document import Readable, read_document
from .errors import WorkflowError
from .missing_nodes import what_it_needs
from .specs import InfoSource


@dataclass
class Coverage:
    """What became of a set of workflows."""

    runnable: list[str] = field(default_factory=list)
    """Names of those whose every node type is known."""
    lacking: dict[str, list[str]] = field(default_factory=dict)
    """Workflow → the node types it lacks."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Workflow → why it could not be read or converted."""

    @property
    def wanted(self) -> list[tuple[str, int]]:
        """Missing node types, each with the number of workflows that lack it; most wanted first."""
        return Counter(kind for kinds in self.lacking.values() for kind in kinds).most_common()

    def best_next(self, count: int) -> list[tuple[str, int]]:
        """Up to ``count`` types to add one after the other, each with how many workflows run with it and those before.

        Each step takes the type that completes most workflows; where none completes any, the one that most lack.
        """
        open_sets = [set(kinds) for kinds in self.lacking.values()]
        steps: list[tuple[str, int]] = []
        done = len(self.runnable)
        while open_sets and len(steps) < count:
            needed = Counter(kind for kinds in open_sets for kind in kinds)
            alone = Counter(next(iter(kinds)) for kinds in open_sets if len(kinds) == 1)
            best = max(needed, key=lambda kind: (alone[kind], needed[kind], kind))
            for kinds in open_sets:
                kinds.discard(best)
            done += alone[best]
            open_sets = [kinds for kinds in open_sets if kinds]
            steps.append((best, done))
        return steps


def coverage(workflows: Iterable[tuple[str, Readable]], info: InfoSource) -> Coverage:
    """Read and convert each ``(name, source)``. Never raises for a workflow: what went wrong is in ``unreadable``."""
    result = Coverage()
    for name, source in workflows:
        try:
            missing = list(to_api(read_document(source, info), info).missing)
        except WorkflowError as error:
            result.unreadable[name] = str(error)
            continue
        if missing:
            result.lacking[name] = missing
        else:
            result.runnable.append(name)
    return result


FILES = frozenset({".json", ".png", ".webp"})


def workflow_files(folder: Path) -> list[Path]:
    """The files under ``folder`` that may hold a workflow, hidden ones left out, by name. Raises ``OSError`` where
    there is no such folder."""
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {str(folder)!r}.")
    found = (path for path in folder.rglob("*") if path.suffix.lower() in FILES and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def report(found: Coverage, steps: int = 20) -> list[str]:
    """``found`` as lines: how many run, up to ``steps`` nodes worth adding, and what is wrong with files."""
    total = len(found.runnable) + len(found.lacking) + len(found.unreadable)
    lines = [
        f"{len(found.runnable)} of {total} workflows run with the nodes there are; "
        f"{len(found.lacking)} lack nodes, {len(found.unreadable)} can't be read."
    ]
    if found.lacking:
        lines += ["", f"{'runs with':>9}  {'needed by':>9}  missing node (each together with those above it)"]
        needed = dict(found.wanted)
        lines += [f"{runs:>9}  {needed[kind]:>9}  {kind}" for kind, runs in found.best_next(steps)]
        if len(needed) > steps:
            lines.append(f"… and {len(needed) - steps} more.")
        reasons = Counter(why for kinds in found.lacking.values() for why in {what_it_needs(kind) for kind in kinds})
        lines += ["", "Needed by most: " + ", ".join(f"{kind} ({count})" for kind, count in found.wanted[:steps])]
        lines += [
            "",
            "Workflows by what their missing nodes need:",
            *(f"{count:>9}  {reason}" for reason, count in reasons.most_common()),
        ]
    if found.unreadable:
        lines += ["", "Can't be read:", *(f"  {name}: {why}" for name, why in found.unreadable.items())]
    return lines
