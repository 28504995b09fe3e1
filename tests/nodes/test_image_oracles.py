"""Options of the image nodes that no recorded case has, against numpy by their definitions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from comfy_notebook.nodes import image_adjust, image_composite, image_transform, mask

Array = np.ndarray[Any, Any]


def noise(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))  # a writable copy


def assert_same(found: torch.Tensor, expected: Array, tolerance: float = 1e-6) -> None:
    assert tuple(found.shape) == expected.shape
    assert np.abs(found.numpy() - expected).max(initial=0.0) <= tolerance


# Morphology: the window of an even square is not symmetrical, and that of an erosion mirrors that of a dilation.


def window(image: Array, size: int, largest: bool) -> Array:
    before = (size - 1) // 2 if largest else size // 2
    height, width = image.shape[1:3]
    made = np.empty_like(image)
    for y, x in itertools.product(range(height), range(width)):
        top, left = y - before, x - before
        seen = image[:, max(top, 0) : top + size, max(left, 0) : left + size]
        made[:, y, x] = seen.max(axis=(1, 2)) if largest else seen.min(axis=(1, 2))
    return made


def dilated(image: Array, size: int) -> Array:
    return window(image, size, True)


def eroded(image: Array, size: int) -> Array:
    return window(image, size, False)


MORPHOLOGY: dict[str, Any] = {
    "dilate": dilated,
    "erode": eroded,
    "open": lambda image, size: dilated(eroded(image, size), size),
    "close": lambda image, size: eroded(dilated(image, size), size),
    "gradient": lambda image, size: dilated(image, size) - eroded(image, size),
    "bottom_hat": lambda image, size: eroded(dilated(image, size), size) - image,
    "top_hat": lambda image, size: image - dilated(eroded(image, size), size),
}


@pytest.mark.parametrize("size", [3, 4, 7, 8, 30])
@pytest.mark.parametrize("operation", MORPHOLOGY)
def test_morphology(operation: str, size: int) -> None:
    image = noise(1, 2, 13, 17, 3)
    (found,) = image_adjust.Morphology().process(tensor(image), operation, size)
    assert_same(found, MORPHOLOGY[operation](image, size))


# Porter and Duff 1984: the premultiplied result is F_source * source + F_target * target.

FACTORS: dict[str, Any] = {
    "CLEAR": lambda s, t: (0 * s, 0 * t),
    "SRC": lambda s, t: (1 + 0 * s, 0 * t),
    "DST": lambda s, t: (0 * s, 1 + 0 * t),
    "SRC_OVER": lambda s, t: (1 + 0 * s, 1 - s),
    "DST_OVER": lambda s, t: (1 - t, 1 + 0 * t),
    "SRC_IN": lambda s, t: (t, 0 * s),
    "DST_IN": lambda s, t: (0 * t, s),
    "SRC_OUT": lambda s, t: (1 - t, 0 * s),
    "DST_OUT": lambda s, t: (0 * t, 1 - s),
    "SRC_ATOP": lambda s, t: (t, 1 - s),
    "DST_ATOP": lambda s, t: (1 - t, s),
    "XOR": lambda s, t: (1 - t, 1 - s),
}
#: Separable modes in the same algebra: the premultiplied colour where both are, beside what each shows alone.
BOTH: dict[str, Any] = {
    "DARKEN": lambda source, s, target, t: np.minimum(source, target),
    "LIGHTEN": lambda source, s, target, t: np.maximum(source, target),
}


@pytest.mark.parametrize("mode", [*FACTORS, *BOTH, "ADD"])
def test_porter_duff(mode: str) -> None:
    source, target = noise(2, 1, 9, 11, 3), noise(3, 1, 9, 11, 3)
    source_mask, target_mask = noise(4, 1, 9, 11), noise(5, 1, 9, 11)
    source_mask[:, :2], target_mask[:, 1:4], source_mask[:, :, :2] = 0, 1, 1
    s, t = 1 - source_mask[..., None], 1 - target_mask[..., None]
    above, below = source * s, target * t
    if mode in FACTORS:
        first, second = FACTORS[mode](s, t)
        colour, alpha = first * above + second * below, first * s + second * t
    elif mode in BOTH:
        colour = (1 - t) * above + (1 - s) * below + BOTH[mode](above, s, below, t)
        alpha = s + t - s * t
    else:
        colour, alpha = np.clip(above + below, 0, 1), np.clip(s + t, 0, 1)
    plain = np.where(alpha > 1e-5, colour / np.maximum(alpha, 1e-30), 0).clip(0, 1)
    node = image_composite.PorterDuffImageComposite()
    found, found_mask = node.composite(tensor(source), tensor(source_mask), tensor(target), tensor(target_mask), mode)
    assert_same(found, plain, 1e-5)
    assert_same(found_mask, 1 - alpha[..., 0].clip(0, 1))


def soft_light(below: Array, above: Array) -> Any:
    """W3C, Compositing and Blending Level 1, section 10.1.9."""
    root = np.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, np.sqrt(below))
    return np.where(
        above <= 0.5, below - (1 - 2 * above) * below * (1 - below), below + (2 * above - 1) * (root - below)
    )


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("mode", "formula"), [("soft_light", soft_light), ("normal", lambda a, b: b), ("difference", lambda a, b: a - b)]
)
def test_blend(mode: str, formula: Any, factor: float) -> None:
    below, above = noise(6, 1, 8, 9, 3), noise(7, 1, 8, 9, 3)
    (found,) = image_adjust.ImageBlend().execute(tensor(below), tensor(above), factor, mode)
    assert_same(found, (below * (1 - factor) + formula(below, above) * factor).clip(0, 1))


COMBINED: dict[str, Any] = {
    "multiply": lambda below, above: below * above,
    "add": lambda below, above: below + above,
    "subtract": lambda below, above: below - above,
    "and": lambda below, above: np.round(below) * np.round(above),
    "or": lambda below, above: np.maximum(np.round(below), np.round(above)),
    "xor": lambda below, above: (np.round(below) != np.round(above)).astype(np.float32),
}


@pytest.mark.parametrize("corner", [(0, 0), (3, 2), (15, 11), (40, 40)])
@pytest.mark.parametrize("operation", COMBINED)
def test_masks_combined_at_a_place(operation: str, corner: tuple[int, int]) -> None:
    below, above = noise(8, 1, 12, 16), noise(9, 1, 6, 9)
    (found,) = mask.MaskComposite().combine(tensor(below), tensor(above), *corner, operation)
    expected = below.copy()
    x, y = corner
    part = expected[:, y : y + 6, x : x + 9]
    part[...] = COMBINED[operation](part, above[:, : part.shape[1], : part.shape[2]])
    assert_same(found, expected.clip(0, 1))


@pytest.mark.parametrize(
    ("sides", "feathering"), [((0, 0, 4, 0), 3), ((5, 0, 0, 2), 4), ((1, 2, 3, 4), 0), ((3, 3, 3, 3), 10)]
)
def test_outpainting_borders(sides: tuple[int, int, int, int], feathering: int) -> None:
    left, top, right, bottom = sides
    image = noise(10, 1, 14, 18, 3)
    found, found_mask = image_transform.ImagePadForOutpaint().expand_image(tensor(image), *sides, feathering)
    padded = np.full((1, 14 + top + bottom, 18 + left + right, 3), 0.5, np.float32)
    padded[:, top : top + 14, left : left + 18] = image
    assert_same(found, padded)
    inside = np.zeros((14, 18), np.float32)
    if 0 < feathering < 7:
        for y, x in itertools.product(range(14), range(18)):
            near = [(y, top), (14 - y, bottom), (x, left), (18 - x, right)]
            distance = min((way for way, padding in near if padding), default=feathering)
            inside[y, x] = max(0.0, (feathering - distance) / feathering) ** 2
    expected = np.ones(padded.shape[1:3], np.float32)
    expected[top : top + 14, left : left + 18] = inside
    assert_same(found_mask.reshape(expected.shape), expected)


COLOURS = {"white": (1, 1, 1), "black": (0, 0, 0), "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("direction", ["right", "down", "left", "up"])
def test_stitched_with_a_bar_between(direction: str, colour: str) -> None:
    first, second = noise(11, 1, 8, 10, 3), noise(12, 1, 8, 10, 3)
    (found,) = image_transform.ImageStitch().stitch(tensor(first), direction, True, 4, colour, tensor(second))
    axis = 2 if direction in ("right", "left") else 1
    shape = [1, 8, 10, 3]
    shape[axis] = 4
    bar = np.broadcast_to(np.array(COLOURS[colour], np.float32), shape)
    parts = [first, bar, second] if direction in ("right", "down") else [second, bar, first]
    assert_same(found, np.concatenate(parts, axis))


@pytest.mark.parametrize(
    ("rotation", "turns"), [("none", 0), ("90 degrees", -1), ("180 degrees", 2), ("270 degrees", 1)]
)
def test_rotation_is_clockwise(rotation: str, turns: int) -> None:
    image = noise(13, 2, 5, 7, 3)
    (found,) = image_transform.ImageRotate().rotate(tensor(image), rotation)
    assert_same(found, np.rot90(image, turns, (1, 2)))


@pytest.mark.parametrize("radius", [1, 4])
@pytest.mark.parametrize("sigma", [0.4, 3.0])
def test_blur_and_sharpen(radius: int, sigma: float) -> None:
    """A Gauss kernel over -1..1 in units of the radius, on the picture mirrored at its edges."""
    image = noise(14, 1, 12, 15, 3)
    axis = np.linspace(-1, 1, 2 * radius + 1)
    distance = np.sqrt(axis[:, None] ** 2 + axis**2)
    kernel = np.exp(-(distance**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    mirrored = np.pad(image, ((0, 0), (radius, radius), (radius, radius), (0, 0)), "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, kernel.shape, (1, 2))
    blurred = np.einsum("bhwcyx,yx->bhwc", windows, kernel)
    (found,) = image_adjust.ImageBlur().execute(tensor(image), radius, sigma)
    assert_same(found, blurred.astype(np.float32), 2e-6)
    (found,) = image_adjust.ImageSharpen().execute(tensor(image), radius, sigma, 0.7)
    assert_same(found, np.clip(image + 7 * (image - blurred), 0, 1).astype(np.float32), 2e-5)
