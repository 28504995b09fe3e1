"""Control of Z-Image (alibaba-pai's Fun ControlNets): a network beside the model's own that borrows its embedders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..checkpoints.layout import Layout
from ..families.patches import padded
from ..families.z_image import file_layout
from .pictured import PicturePatch

#: How many blocks Z-Image has; control is spread evenly over them.
_BLOCKS = 30
#: What the network takes from the model it steers.
_BORROWED = (
    *("t_scale", "t_embedder", "all_x_embedder", "cap_embedder", "rope_embedder", "noise_refiner", "context_refiner"),
    *("x_pad_token", "cap_pad_token"),
)
_EMBEDDER = "control_all_x_embedder.2-1.weight"


def recognise(weights: Mapping[str, Tensor]) -> tuple[dict[str, Any], Layout] | None:
    """The arguments of the module class and where the weights go; None when they are of another network."""
    if _EMBEDDER not in weights or "control_layers.0.before_proj.weight" not in weights:
        return None
    layout = file_layout({name: tuple(value.shape) for name, value in weights.items()})
    sizes = {piece.parameter: layout.shapes[name] for name, pieces in layout.pieces.items() for piece in pieces}
    dim, values = sizes[_EMBEDDER]
    head = sizes["control_layers.0.attention.norm_q.weight"][0]
    layers, refiners = (_count(sizes, f"{kind}.") for kind in ("control_layers", "control_noise_refiner"))
    config = {
        "control_layers_places": list(range(0, _BLOCKS, _BLOCKS // layers))[:layers],
        "control_refiner_layers_places": list(range(refiners)),
        "control_in_dim": values // 4,
        "add_control_noise_refiner": _refiner(weights),
        "dim": dim,
        "n_refiner_layers": refiners,
        "n_heads": dim // head,
        "n_kv_heads": dim // head,
    }
    return config, layout


def _refiner(weights: Mapping[str, Tensor]) -> str | None:
    """Which blocks look at the picture before the text comes in: since 2.1 its own, in 2.0 the later ones."""
    if weights[_EMBEDDER].shape[1] == 4 * 16:
        return None
    own = weights.get("control_noise_refiner.0.before_proj.weight")
    return "control_noise_refiner" if own is not None and bool((own != 0).any()) else "control_layers"


def _count(names: Mapping[str, Any], prefix: str) -> int:
    return len({name.split(".")[1] for name in names if name.startswith(prefix)})


def network(config: Mapping[str, Any]) -> nn.Module:
    """diffusers' module."""
    from diffusers.models.controlnets.controlnet_z_image import ZImageControlNetModel

    return ZImageControlNetModel(**config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]


class ZImagePatch(PicturePatch):
    """A ``z_image_control`` patch: residuals ``{block: [B,T,D]}`` for a call of Z-Image."""

    def __call__(
        self, model: Any, pictures: list[Tensor], time: Tensor, texts: list[Tensor], options: Mapping[str, Any]
    ) -> dict[int, Tensor]:
        module: Any = self.network.model
        # borrowed parts compute in the model's dtype, so the others have to
        module.to(pictures[0].dtype)
        seen = self.latents(torch.cat(pictures, dim=1).movedim(0, 1), len(options.get("cond_or_uncond", [0])))
        seen = padded(seen.to(pictures[0].dtype), 2).unsqueeze(2).expand(len(pictures), -1, -1, -1, -1)
        with torch.no_grad(), _borrowing(module, model):
            made: dict[int, Tensor] = module(pictures, time, texts, list(seen), conditioning_scale=self.strength)
        return made

    def encoded(self, pixels: Tensor) -> Tensor:
        """Later networks can also see what is inpainted and where; without a mask that is zeros."""
        latents = super().encoded(pixels)
        more = self.network.model.config.control_in_dim - latents.shape[1]
        return torch.cat([latents, latents.new_zeros(latents.shape[0], more, *latents.shape[2:])], dim=1)


@contextmanager
def _borrowing(module: Any, model: Any) -> Iterator[None]:
    """While it lasts ``module`` has parts of ``model``, without being their owner."""
    for name in _BORROWED:
        module.__dict__[name] = getattr(model, name)
    try:
        yield
    finally:
        for name in _BORROWED:
            module.__dict__[name] = None
