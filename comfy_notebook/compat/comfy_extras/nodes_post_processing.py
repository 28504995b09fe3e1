"""``comfy_extras.nodes_post_processing``."""

from __future__ import annotations

from typing import Any


def gaussian_kernel(kernel_size: int, sigma: float, device: Any = None) -> Any:
    """``[size,size]`` weights that sum to 1; ``sigma`` is relative to half the kernel."""
    from ...nodes.ops.filters import gaussian_kernel as weights

    return weights(kernel_size, sigma, "cpu" if device is None else device)
