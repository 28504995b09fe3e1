"""Upscalers from files: the two networks here, and through spandrel some forty others."""

from __future__ import annotations

import importlib
import re
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints.files import WeightsError, read_weights
from .networks import RRDB, Compact

if TYPE_CHECKING:
    from torch import Tensor, nn

#: ESRGAN's first names of layers → Real-ESRGAN's.
_OLD_ESRGAN = {"0": "conv_first", "3": "conv_up1", "6": "conv_up2", "8": "conv_hr", "10": "conv_last"}
_OLD_BLOCK = re.compile(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(weight|bias)")
_OLD_END = re.compile(r"model\.1\.sub\.(\d+)\.(weight|bias)")
_OLD_REST = re.compile(r"model\.(\d+)\.(weight|bias)")


@dataclass
class UpscaleModel:
    """``UPSCALE_MODEL``: ``model`` makes ``[B,3,H,W]`` in 0…1 ``scale`` times larger."""

    model: nn.Module
    scale: int
    input_channels: int = 3
    #: Sizes must be multiples of this.
    multiple: int = 1

    def to(self, device: Any) -> UpscaleModel:
        self.model.to(device)
        return self

    def eval(self) -> UpscaleModel:
        return self

    def __call__(self, images: Tensor) -> Tensor:
        from torch.nn import functional

        height, width = images.shape[-2:]
        right, below = -width % self.multiple, -height % self.multiple
        if right or below:
            images = functional.pad(images, (0, right, 0, below), mode="replicate")
        return self.model(images)[..., : height * self.scale, : width * self.scale]  # type: ignore[no-any-return]


def load_upscaler(path: Path) -> Any:
    """An upscaler: :class:`UpscaleModel`, or spandrel's descriptor, which has the same attributes.

    Raises :class:`WeightsError` when the file can't be read or is of no known kind.
    """
    weights, _ = read_weights(path)
    weights = {name.removeprefix("module."): value for name, value in weights.items()}
    return _compact(weights) or _rrdb(weights) or _through_spandrel(weights, path.name)


def _filled(model: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    return model.requires_grad_(False).eval()


def _compact(weights: Mapping[str, Tensor]) -> UpscaleModel | None:
    first = weights.get("body.0.weight")
    if first is None or first.ndim != 4 or "body.1.weight" not in weights or weights["body.1.weight"].ndim != 1:
        return None
    last = max(int(name.split(".")[1]) for name in weights)
    width, channels = first.shape[:2]
    scale = round((weights[f"body.{last}.weight"].shape[0] / channels) ** 0.5)
    made = _filled(Compact(width, (last - 2) // 2, scale, channels), weights)
    return UpscaleModel(made, scale, channels)


def _rrdb(weights: Mapping[str, Tensor]) -> UpscaleModel | None:
    named = {_esrgan_name(name): value for name, value in weights.items()}
    wanted = (
        "conv_first.weight",
        "body.0.rdb1.conv1.weight",
        "conv_body.weight",
        "conv_up2.weight",
        "conv_last.weight",
    )
    if not all(name in named for name in wanted):
        return None
    width, folded = named["conv_first.weight"].shape[:2]
    channels = named["conv_last.weight"].shape[0]
    fold = round((folded / channels) ** 0.5)
    blocks = 1 + max(int(name.split(".")[1]) for name in named if name.startswith("body."))
    growth = named["body.0.rdb1.conv1.weight"].shape[0]
    return UpscaleModel(_filled(RRDB(channels, width, blocks, growth, fold), named), 4 // fold, channels, fold)


def _esrgan_name(name: str) -> str:
    if match := _OLD_BLOCK.fullmatch(name):
        return f"body.{match[1]}.rdb{match[2]}.conv{match[3]}.{match[4]}"
    if match := _OLD_END.fullmatch(name):
        return f"conv_body.{match[2]}"
    if (match := _OLD_REST.fullmatch(name)) and match[1] in _OLD_ESRGAN:
        return f"{_OLD_ESRGAN[match[1]]}.{match[2]}"
    return name


def _through_spandrel(weights: Mapping[str, Tensor], file: str) -> Any:
    spandrel = _spandrel()
    if spandrel is None:
        raise WeightsError(
            f"{file} is neither an ESRGAN nor a compact upscaler. Other kinds are read with the package spandrel: "
            "pip install 'comfy-notebook[upscale]'"
        )
    try:
        found = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(weights))
    except Exception as error:
        why = str(error) or "its weights are those of no network that spandrel reads"
        raise WeightsError(f"{file} is no upscaler that is known: {why}") from error
    if not isinstance(found, spandrel.ImageModelDescriptor):
        raise WeightsError(f"{file} is no network that turns one image into a larger one, but a {type(found).__name__}")
    return found.eval()


def _spandrel() -> Any:
    """spandrel, None where it is not installed.

    Two of its networks import torchvision, which need not be there or may not fit the installed torch: then those two
    fail when they are used, and the others work.
    """
    if importlib.util.find_spec("spandrel") is None:
        return None
    try:
        return importlib.import_module("spandrel")
    except (ImportError, RuntimeError, OSError):
        for name in [name for name in sys.modules if name.split(".")[0] in ("spandrel", "torchvision")]:
            del sys.modules[name]
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    stand_ins = {name: types.ModuleType(name) for name in names}
    for name in ("rotate", "normalize", "InterpolationMode"):
        setattr(stand_ins[names[2]], name, _without_torchvision)
    stand_ins[names[0]].transforms = stand_ins[names[1]]  # type: ignore[attr-defined]
    stand_ins[names[1]].functional = stand_ins[names[2]]  # type: ignore[attr-defined]
    sys.modules.update(stand_ins)
    try:
        return importlib.import_module("spandrel")
    finally:
        for name in names:
            sys.modules.pop(name, None)


def _without_torchvision(*_arguments: Any, **_named: Any) -> Any:
    raise RuntimeError("this upscaler needs torchvision, in the version that fits the installed torch")
