"""Neighbourhood filters: Gaussian blur, sharpening, Canny edges."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ...protocol.context import context


def gaussian_kernel(size: int, sigma: float, device: torch.device | str = "cpu") -> Tensor:
    """``[size,size]`` Gaussian weights that sum to 1; ``sigma`` is relative to half the kernel, not in pixels."""
    axis = torch.linspace(-1, 1, size, device=device)
    squared = axis[:, None] ** 2 + axis[None, :] ** 2
    weights = torch.exp(-squared / (2.0 * sigma * sigma))
    return weights / weights.sum()


def convolve(image: Tensor, kernel: Tensor) -> Tensor:
    """Each channel of IMAGE ``[B,H,W,C]`` with one square kernel of odd side; the border is mirrored."""
    channels, radius = image.shape[-1], kernel.shape[-1] // 2
    padded = mirror_pad(image.movedim(-1, 1), radius)
    weights = kernel.to(image.dtype).expand(channels, 1, *kernel.shape)
    return functional.conv2d(padded, weights, groups=channels).movedim(1, -1)


def mirror_pad(samples: Tensor, radius: int) -> Tensor:
    """Mirror ``[B,C,H,W]`` outwards without repeating the edge, as often as the radius asks for."""
    while radius > 0:
        height, width = samples.shape[-2:]
        step_x, step_y = min(radius, width - 1), min(radius, height - 1)
        if step_x == 0 or step_y == 0:
            return functional.pad(samples, (radius,) * 4, mode="replicate")
        step = min(step_x, step_y)
        samples = functional.pad(samples, (step,) * 4, mode="reflect")
        radius -= step
    return samples


def blur(image: Tensor, radius: int, sigma: float) -> Tensor:
    """Gaussian blur of IMAGE with a kernel of ``2 * radius + 1`` pixels."""
    return convolve(image, gaussian_kernel(2 * radius + 1, sigma, image.device)) if radius else image


def sharpen(image: Tensor, radius: int, sigma: float, alpha: float) -> Tensor:
    """IMAGE plus ``10 * alpha`` times what a Gaussian blur of ``radius`` takes away, clipped to 0..1."""
    if radius == 0:
        return image
    size = 2 * radius + 1
    kernel = gaussian_kernel(size, sigma, image.device) * -(alpha * 10)
    kernel[radius, radius] += 1 - kernel.sum()
    return convolve(image, kernel).clamp(0.0, 1.0)


#: The eight neighbours of a pixel as (dy, dx), anticlockwise from the right with y pointing down.
_NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def canny(image: Tensor, low: float, high: float) -> Tensor:
    """Canny's edges of IMAGE ``[B,H,W,C]`` as ``[B,H,W]`` of 0 and 1; the thresholds apply to the gradient's length."""
    magnitude, angle = _gradient(_smooth(_grey(image)))
    ridge = magnitude * _is_ridge(magnitude, angle)
    return _follow(ridge > low, ridge > high).to(image.dtype).squeeze(1)


def _grey(image: Tensor) -> Tensor:
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=image.dtype, device=image.device)
    colour = image[..., :3] if image.shape[-1] >= 3 else image[..., :1].expand(*image.shape[:3], 3)
    return (colour * weights).sum(-1).unsqueeze(1)


def _smooth(grey: Tensor) -> Tensor:
    """A 5 x 5 Gaussian with a deviation of one pixel."""
    axis = torch.arange(-2, 3, dtype=grey.dtype, device=grey.device)
    line = torch.exp(-(axis**2) / 2)
    line = line / line.sum()
    padded = mirror_pad(grey, 2)
    return functional.conv2d(functional.conv2d(padded, line.reshape(1, 1, 1, 5)), line.reshape(1, 1, 5, 1))


def _gradient(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Length and direction (degrees) of the Sobel gradient; the border is repeated."""
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=grey.dtype, device=grey.device)
    kernels = torch.stack([sobel, sobel.T]).unsqueeze(1)
    both = functional.conv2d(functional.pad(grey, (1, 1, 1, 1), mode="replicate"), kernels)
    dx, dy = both[:, 0:1], both[:, 1:2]
    return torch.sqrt(dx * dx + dy * dy + 1e-6), torch.atan2(dy, dx) * (180.0 / math.pi)


def _is_ridge(magnitude: Tensor, angle: Tensor) -> Tensor:
    """Where the gradient is longer than at both neighbours along its direction; outside counts as zero."""
    height, width = magnitude.shape[-2:]
    padded = functional.pad(magnitude, (1, 1, 1, 1))
    shifted = torch.cat([padded[..., 1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in _NEIGHBOURS], dim=1)
    ahead = torch.round(angle / 45).to(torch.int64) % 8
    behind = (ahead + 4) % 8
    return (magnitude > shifted.gather(1, ahead)) & (magnitude > shifted.gather(1, behind))


def _follow(weak: Tensor, strong: Tensor) -> Tensor:
    """The weak edge pixels that are connected (8 neighbours) to a strong one."""
    edges, count = strong, -1
    while (total := int(edges.sum())) != count:
        count = total
        context().check_interrupted()
        grown = functional.max_pool2d(edges.float(), 3, stride=1, padding=1) > 0
        edges = grown & weak
    return edges
