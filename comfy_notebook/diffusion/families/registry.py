"""Every family there is, and the one a file belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ..checkpoints.files import WeightsError
from .family import Family

#: Module and class, in the order in which they are asked.
_FAMILIES = (
    ("pixel_unet", "PixelUNet"),
    ("stable_diffusion", "StableDiffusion1"),
    ("stable_diffusion", "StableDiffusion2"),
    ("stable_diffusion", "Lotus"),
    ("unclip", "StableUnCLIP"),
    ("stable_diffusion", "StableDiffusionXL"),
    ("stable_diffusion", "StableDiffusionXLRefiner"),
    ("flux", "Flux"),
    ("flux", "Chroma"),
    ("stable_diffusion3", "StableDiffusion3"),
    ("auraflow", "AuraFlow"),
    ("z_image", "ZImage"),
    ("qwen_image", "QwenImage"),
    ("hidream", "HiDream"),
)


def families() -> list[type[Family]]:
    """The classes, in the order in which they are asked."""
    return [getattr(import_module(f".{module}", __package__), name) for module, name in _FAMILIES]


def recognise(shapes: Mapping[str, tuple[int, ...]], file: str) -> Family:
    """The family of a diffusion model with weights of these names and shapes.

    Raises :class:`WeightsError` that says what the file looks like and what is known.
    """
    for family in families():
        found = family.recognise(shapes)
        if found is not None:
            return found
    known = ", ".join(family.title for family in families())
    first = ", ".join(sorted(shapes)[:3])
    raise WeightsError(
        f"{file} holds no diffusion model of a known family ({known}). It has {len(shapes)} weights, such as {first}"
    )
