"""``GLIGEN``: layers that tell a U-Net what shall be in which box of the picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from . import memory
from .checkpoints.files import WeightsError, read_weights
from .checkpoints.layout import assign
from .checkpoints.meta import quiet_libraries, without_weights
from .patcher import ModelPatcher

if TYPE_CHECKING:
    Options = Mapping[str, Any]

#: How many boxes there may be.
MOST = 30
#: What the layers' names begin with, in the order in which the network runs.
_PLACES = ("input_blocks.", "middle_block.", "output_blocks.")
_FUSER = re.compile(r"((?:input_blocks|middle_block|output_blocks)\..*)\.fuser\.(.+)")
#: Text of this width belongs to Stable Diffusion 1, whose layers have 8 heads; heads of others are 64 wide.
_TEXT_OF_SD1 = 768


class GligenNetwork(nn.Module):
    """A layer for each of the U-Net's transformers, and what makes tokens of texts and boxes, of diffusers both."""

    def __init__(self, fusers: Sequence[nn.Module], position_net: nn.Module, text_width: int) -> None:
        super().__init__()
        self.fusers, self.position_net, self.text_width = nn.ModuleList(fusers), position_net, text_width

    def set_position(
        self, latent_shape: Sequence[int], positions: Sequence[tuple[Any, ...]], device: Any
    ) -> Callable[[Tensor, Options], Tensor]:
        """A patch of the U-Net for boxes ``(text [1,D], height, width, y, x)`` in pixels of a latent of this shape."""
        height, width = latent_shape[-2:]
        boxes, texts, masks = torch.zeros(1, MOST, 4), torch.zeros(1, MOST, self.text_width), torch.zeros(1, MOST)
        for index, (text, tall, wide, top, left) in enumerate(positions[:MOST]):
            sides = (left / width, top / height, (left + wide) / width, (top + tall) / height)
            boxes[0, index], texts[0, index], masks[0, index] = torch.tensor(sides), text[0].float(), 1.0
        return self._patch(boxes, texts, masks, device)

    def set_empty(
        self, latent_shape: Sequence[int], positions: Any = None, device: Any = None
    ) -> Callable[[Tensor, Options], Tensor]:
        """A patch for no box at all."""
        return self.set_position(latent_shape, (), device)

    def _patch(self, boxes: Tensor, texts: Tensor, masks: Tensor, device: Any) -> Callable[[Tensor, Options], Tensor]:
        dtype = next(self.parameters()).dtype
        with torch.no_grad():
            boxes, texts, masks = (value.to(device, dtype) for value in (boxes, texts, masks))
            objects: Tensor = self.position_net(boxes=boxes, masks=masks, positive_embeddings=texts)

        def fused(tokens: Tensor, options: Options) -> Tensor:
            layer = self.fusers[options["transformer_index"]]
            made: Tensor = layer(tokens.to(dtype), objects.expand(tokens.shape[0], -1, -1))
            return made.to(tokens.dtype)

        return fused


def load_gligen(path: Path) -> ModelPatcher:
    """The layers of a file (text and boxes), as a patcher of a :class:`GligenNetwork`.

    Raises :class:`WeightsError` when it holds none.
    """
    weights, _ = read_weights(path)
    layers: dict[str, dict[str, Tensor]] = {}
    for name, value in weights.items():
        match = _FUSER.search(name)
        if match is not None:
            layers.setdefault(match[1], {})[match[2]] = value
    start = next((name for name in weights if name.endswith("position_net.null_positive_feature")), None)
    if start is None or not layers:
        raise WeightsError(f"{path.name} holds no GLIGEN layers for text and boxes")
    prefix = start.removesuffix("null_positive_feature")
    position = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    network = _network([layers[name] for name in sorted(layers, key=_order)], position, path.name)
    return ModelPatcher(network, memory.get_torch_device(), memory.offload_device())


def _order(layer: str) -> tuple[int, ...]:
    place = next(index for index, start in enumerate(_PLACES) if layer.startswith(start))
    return (place, *(int(number) for number in re.findall(r"\d+", layer)))


def _network(layers: Sequence[Mapping[str, Tensor]], position: Mapping[str, Tensor], file: str) -> GligenNetwork:
    from diffusers.models.attention import GatedSelfAttentionDense
    from diffusers.models.embeddings import GLIGENTextBoundingboxProjection

    quiet_libraries()
    fuser: Any = GatedSelfAttentionDense
    boxes: Any = GLIGENTextBoundingboxProjection
    text_width = position["null_positive_feature"].shape[0]
    with without_weights():
        fusers = []
        for layer in layers:
            width, context = layer["linear.weight"].shape
            heads = 8 if context <= _TEXT_OF_SD1 else width // 64
            fusers.append(fuser(width, context, heads, width // heads))
        network = GligenNetwork(fusers, boxes(text_width, position["linears.4.weight"].shape[0]), text_width)
    dtype = memory.compute_dtype(None, [torch.float16, torch.bfloat16])
    state = {f"position_net.{name}": value for name, value in position.items()}
    for index, layer in enumerate(layers):
        state |= {f"fusers.{index}.{name}": value for name, value in layer.items()}
    assign(network, {name: value.to(dtype) for name, value in state.items()}, f"GLIGEN model ({file})")
    return network
