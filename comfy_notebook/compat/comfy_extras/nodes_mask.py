"""``comfy_extras.nodes_mask``."""

from __future__ import annotations

from typing import Any


def composite(
    destination: Any, source: Any, x: int, y: int, mask: Any = None, multiplier: int = 8, resize_source: bool = False
) -> Any:
    """``destination`` ``[B,C,H,W]`` with ``source`` laid over it; ``x`` and ``y`` count ``multiplier``-ths of its
    elements (pixels of a latent that is 8 times smaller)."""
    from ...nodes.ops.composite import composite as lay_over

    return lay_over(destination, source, x // multiplier, y // multiplier, mask, resize_source)
