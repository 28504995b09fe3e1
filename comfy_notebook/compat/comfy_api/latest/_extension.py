"""What a pack hands over: an extension with its list of nodes."""

from __future__ import annotations

from typing import Any


class ComfyExtension:
    """``comfy_entrypoint()`` of a pack returns one of these."""

    async def on_load(self) -> None:
        """Called once, before the list of nodes is asked for; the place to register replacements."""

    async def get_node_list(self) -> list[type[Any]]:
        """The V3 classes of the pack."""
        raise NotImplementedError(f"{type(self).__name__} has no get_node_list")
