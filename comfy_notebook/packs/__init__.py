"""Custom node packs: finding, importing, isolating, loading again."""

from __future__ import annotations

import os
import sys

from .report import PackReport

__all__ = ["PackReport", "load_pack"]


def load_pack(source: str | os.PathLike[str]) -> PackReport:
    """Load a ComfyUI custom node pack, unmodified; its nodes are in every open editor at once.

    ``source`` is a folder or ``.py`` file, the name of a pack in ``custom_nodes``, an installed package, or a git
    address, which is cloned into ``custom_nodes`` first. Calling it again loads the pack anew when its files changed:
    results that came from the old code are marked stale. A pack that fails raises nothing: the report, and one line on
    standard error, say why. Raises :class:`ValueError` where there is no such pack.
    """
    from .. import session as sessions
    from .sources import resolve

    session = sessions.current()
    report = session.pack_loader.load(resolve(source, session.folders.base / "custom_nodes"))
    if not report.ok:
        print(report, file=sys.stderr)
    return report
