"""What a node needs that nobody has defined: the pack it came with, or the part of ComfyUI that is not built here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


def what_it_needs(class_type: str, properties: Mapping[str, Any] | None = None) -> str:
    """A sentence about where ``class_type`` would come from; ``properties`` are those of the node in a workflow, where
    ComfyUI notes the pack (``cnr_id`` of its registry, ``aux_id`` for a GitHub repository)."""
    pack = (properties or {}).get("cnr_id") or (properties or {}).get("aux_id")
    if isinstance(pack, str) and pack and pack != "comfy-core":
        return f"It comes with the pack {pack}."
    seems = "is" if pack else "seems to be"
    for pattern, needed in _parts_of_comfyui():
        if pattern.search(class_type):
            return f"It {seems} a part of ComfyUI that needs {needed}, and is not built here yet."
    return "It is a part of ComfyUI that is not built here yet." if pack else "No loaded pack defines it."


@cache
def _parts_of_comfyui() -> list[tuple[re.Pattern[str], str]]:
    # The editor's placeholders read the same table.
    table = json.loads(resources.files(__package__).joinpath("missing_nodes.json").read_text("utf-8"))
    return [(re.compile(pattern), needed) for pattern, needed in table]
