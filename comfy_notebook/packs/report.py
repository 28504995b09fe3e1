"""What became of a pack."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class PackReport:
    """One pack after (or during) its load. ``str()`` of it is one readable line.

    ``status`` is ``loaded``, ``importing`` (its import takes long and goes on in its thread) or ``failed``;
    ``problem`` says why it failed, ``remedy`` is the command that mends it, where there is one; ``seconds`` is what the
    import cost; ``refused`` are its nodes that cannot be used, with the reason; ``output`` is what it printed and
    ``traceback_text`` where it failed, both for those who ask.
    """

    name: str
    path: Path
    status: str = "importing"
    seconds: float = 0.0
    nodes: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    has_web: bool = False
    problem: str | None = None
    remedy: str | None = None
    output: str = ""
    traceback_text: str = ""

    @property
    def ok(self) -> bool:
        """Whether the pack is loaded."""
        return self.status == "loaded"

    def as_json(self) -> dict[str, Any]:
        """What clients may show: everything but what the pack printed and its traceback."""
        names = ("name", "status", "seconds", "nodes", "refused", "notes", "has_web", "problem", "remedy")
        return {**{name: getattr(self, name) for name in names}, "line": str(self)}

    def __str__(self) -> str:
        if self.status == "failed":
            return f"{self.name}: {self.problem}" + (f" → {self.remedy}" if self.remedy else "")
        if self.status == "importing":
            return f"{self.name}: still importing after {self.seconds:.0f} s; its nodes appear when it is done"
        parts = [f"{len(self.nodes)} node{'' if len(self.nodes) == 1 else 's'}"]
        parts += ["files for the editor"] if self.has_web else []
        parts += [f"{len(self.refused)} refused"] if self.refused else []
        return f"{self.name}: {', '.join(parts)}, {self.seconds:.2f} s"

    def __repr__(self) -> str:
        return f"<pack {self}>"
