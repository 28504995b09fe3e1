"""``STYLE_MODEL``: what an image encoder saw, as tokens that go behind a prompt's."""

from __future__ import annotations

from collections.abc import Mapping
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
    from .clip_vision import ClipVisionOutput

#: Heads of attention in T2I's style adapter.
_HEADS = 8


class StyleAdapter(nn.Module):
    """T2I's style adapter for Stable Diffusion 1: tokens of its own look at what CLIP saw."""

    def __init__(self, width: int, text_width: int, tokens: int, layers: int) -> None:
        super().__init__()
        from diffusers.models.controlnets.controlnet_union import ResidualAttentionBlock

        block: Any = ResidualAttentionBlock
        self.transformer_layes = nn.Sequential(*[block(width, _HEADS) for _ in range(layers)])
        self.style_embedding = nn.Parameter(torch.empty(1, tokens, width))
        self.ln_post, self.ln_pre = nn.LayerNorm(width), nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, text_width))

    def forward(self, seen: Tensor) -> Tensor:
        """``[B,T,width]`` → ``[B,tokens,text_width]``."""
        own = self.style_embedding.expand(seen.shape[0], -1, -1)
        tokens = self.ln_pre(torch.cat([seen, own], dim=1)).transpose(0, 1)
        tokens = self.transformer_layes(tokens).transpose(0, 1)
        return self.ln_post(tokens[:, -own.shape[1] :]) @ self.proj  # type: ignore[no-any-return]


class StyleModel:
    """``model`` is diffusers' ``ReduxImageEncoder`` or a :class:`StyleAdapter`; ``seen_width`` is what it reads."""

    def __init__(self, model: Any, seen_width: int, encoder: str) -> None:
        self.model, self.seen_width, self.encoder = model, seen_width, encoder
        self.patcher = ModelPatcher(model, memory.get_torch_device(), memory.offload_device())

    def get_cond(self, output: ClipVisionOutput) -> Tensor:
        """Tokens ``[B,T,D]``, float32, for what an image encoder saw in each of B pictures.

        Raises ``ValueError`` for the output of another encoder than it was trained with.
        """
        seen = output.last_hidden_state
        if seen.shape[-1] != self.seen_width:
            raise ValueError(
                f"this style model reads what {self.encoder} saw, {self.seen_width} numbers for each part of the "
                f"picture, and got {seen.shape[-1]}: load that encoder with Load CLIP Vision"
            )
        memory.load_models_gpu([self.patcher])
        with torch.no_grad():
            made = self.model(seen.to(self.patcher.load_device, next(self.model.parameters()).dtype))
        tokens: Tensor = made if torch.is_tensor(made) else made.image_embeds
        return tokens.float().to(memory.intermediate_device())


def load_style_model(path: Path) -> StyleModel:
    """The style model of a file; raises :class:`WeightsError` when it is of no known kind."""
    quiet_libraries()
    weights, _ = read_weights(path)
    if "redux_down.weight" in weights:
        made = _redux(weights)
    elif "style_embedding" in weights:
        made = _style_adapter(weights)
    else:
        raise WeightsError(f"{path.name} is no style model: Flux Redux and T2I's style adapter are known")
    dtype = memory.compute_dtype(None, [torch.float16, torch.bfloat16])
    assign(made.model, {name: value.to(dtype) for name, value in weights.items()}, f"style model ({path.name})")
    return made


def _redux(weights: Mapping[str, Tensor]) -> StyleModel:
    from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder

    made: Any = ReduxImageEncoder
    seen, width = weights["redux_up.weight"].shape[1], weights["redux_down.weight"].shape[0]
    with without_weights():
        return StyleModel(made(redux_dim=seen, txt_in_features=width), seen, "SigLIP")


def _style_adapter(weights: Mapping[str, Tensor]) -> StyleModel:
    tokens, width = weights["style_embedding"].shape[-2:]
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("transformer_layes."))
    with without_weights():
        return StyleModel(
            StyleAdapter(width, weights["proj"].shape[1], tokens, layers), width, "CLIP-L's image encoder"
        )
