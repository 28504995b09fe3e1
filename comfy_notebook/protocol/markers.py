"""Annotations for function nodes: socket types (``Image``, ``Latent`` …) and options (``Range``, ``Multiline`` …).

A type checker sees the values that travel (``Image`` is a ``torch.Tensor``); at run time each name carries the socket
type in an ``Annotated``, so that this module needs no torch::

    def soften(image: Image, amount: Annotated[float, Range(0, 1, step=0.01)] = 0.5) -> Image: ...
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias


@dataclass(frozen=True)
class Socket:
    """Names the socket type of an annotation: ``Annotated[MyThing, Socket("MY_THING")]``."""

    type: str


@dataclass(frozen=True)
class Hidden:
    """A parameter the engine fills and nobody sees: ``Annotated[str, Hidden("UNIQUE_ID")]``.

    Markers: ``UNIQUE_ID`` (execution id of the node), ``PROMPT`` (the API prompt), ``DYNPROMPT`` (the prompt with what
    nodes added to it), ``EXTRA_PNGINFO`` (what goes into saved files, or None).
    """

    marker: str


@dataclass(frozen=True)
class Options:
    """Any input options of the node protocol: ``Options({"tooltip": "…", "forceInput": True})``."""

    values: Mapping[str, typing.Any]


@dataclass(frozen=True)
class Name:
    """The label of an output: ``-> tuple[Annotated[Image, Name("sharp")], Annotated[Mask, Name("edges")]]``."""

    name: str


def Range(
    min: float | None = None,
    max: float | None = None,
    *,
    step: float | None = None,
    round: float | bool | None = None,
    display: str | None = None,
) -> Options:
    """Limits of an ``int`` or ``float``; ``display`` is ``"number"``, ``"slider"`` or ``"knob"``."""
    given = {"min": min, "max": max, "step": step, "round": round, "display": display}
    return Options({key: value for key, value in given.items() if value is not None})


def Slider(min: float, max: float, *, step: float | None = None) -> Options:
    """A number drawn as a slider."""
    return Range(min, max, step=step, display="slider")


def Multiline(placeholder: str | None = None) -> Options:
    """A ``str`` edited in a text area."""
    return Options({"multiline": True} | ({"placeholder": placeholder} if placeholder else {}))


def Tooltip(text: str) -> Options:
    """What the editor shows when the pointer rests on the input."""
    return Options({"tooltip": text})


def SocketOnly() -> Options:
    """No widget: the value must come over a link."""
    return Options({"forceInput": True})


if TYPE_CHECKING:
    import torch

    Image: TypeAlias = torch.Tensor
    Mask: TypeAlias = torch.Tensor
    Latent: TypeAlias = dict[str, typing.Any]
    Conditioning: TypeAlias = list[typing.Any]
    Sigmas: TypeAlias = torch.Tensor
    Audio: TypeAlias = dict[str, typing.Any]
    Video: TypeAlias = typing.Any
    Model: TypeAlias = typing.Any
    Clip: TypeAlias = typing.Any
    Vae: TypeAlias = typing.Any
    ControlNet: TypeAlias = typing.Any
    ClipVision: TypeAlias = typing.Any
    ClipVisionOutput: TypeAlias = typing.Any
    StyleModel: TypeAlias = typing.Any
    UpscaleModel: TypeAlias = typing.Any
    Sampler: TypeAlias = typing.Any
    Noise: TypeAlias = typing.Any
    Guider: TypeAlias = typing.Any
    Any: TypeAlias = typing.Any
else:
    #: ``float32 [B, H, W, C]``, 0..1, channels last.
    Image = Annotated[typing.Any, Socket("IMAGE")]
    #: ``float32 [B, H, W]``, 0..1.
    Mask = Annotated[typing.Any, Socket("MASK")]
    #: ``{"samples": [B, C, H/8, W/8], …}``.
    Latent = Annotated[typing.Any, Socket("LATENT")]
    #: ``[[tensor [B, T, D], {…}], …]``.
    Conditioning = Annotated[typing.Any, Socket("CONDITIONING")]
    #: One-dimensional, one value more than there are steps, the last one usually 0.
    Sigmas = Annotated[typing.Any, Socket("SIGMAS")]
    #: ``{"waveform": [B, C, T], "sample_rate": int}``.
    Audio = Annotated[typing.Any, Socket("AUDIO")]
    Video = Annotated[typing.Any, Socket("VIDEO")]
    Model = Annotated[typing.Any, Socket("MODEL")]
    Clip = Annotated[typing.Any, Socket("CLIP")]
    Vae = Annotated[typing.Any, Socket("VAE")]
    ControlNet = Annotated[typing.Any, Socket("CONTROL_NET")]
    ClipVision = Annotated[typing.Any, Socket("CLIP_VISION")]
    ClipVisionOutput = Annotated[typing.Any, Socket("CLIP_VISION_OUTPUT")]
    StyleModel = Annotated[typing.Any, Socket("STYLE_MODEL")]
    UpscaleModel = Annotated[typing.Any, Socket("UPSCALE_MODEL")]
    Sampler = Annotated[typing.Any, Socket("SAMPLER")]
    Noise = Annotated[typing.Any, Socket("NOISE")]
    Guider = Annotated[typing.Any, Socket("GUIDER")]
    #: Anything at all.
    Any = Annotated[typing.Any, Socket("*")]
