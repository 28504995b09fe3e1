"""HiDream-I1 and its edit models: a mixture of experts that reads every layer of Llama beside T5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from .. import conds, latent_formats
from ..checkpoints.layout import Layout, Piece
from .family import Family
from .patches import padded, places

if TYPE_CHECKING:
    from ..base_model import BaseModel

#: Channels of a head, how many of them say frame, row and column, and the side of a token in latent pixels.
_HEAD, _AXES, _SIDE = 128, (64, 32, 32), 2
#: Layers of Llama; blocks after as many read the last.
_LLAMA_LAYERS = 32
_CHANNELS = 16


class HiDreamNetwork(nn.Module):
    """``(x [B,16,h,w], sigma·1000 [B], context [B,T,D] of T5, y [B,P], llama [B,L,T,D])`` → prediction like ``x``.

    ``image_cond`` ``[B,16,h,w]``: the picture to edit, which lies at the right of the one that is made.
    """

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        y: Tensor | None = None,
        conditioning_llama3: Tensor | None = None,
        image_cond: Tensor | None = None,
        **_unused: Any,
    ) -> Tensor:
        if y is None or conditioning_llama3 is None:
            raise ValueError("HiDream reads CLIP and Llama too: load its text encoders with QuadrupleCLIPLoader")
        height, width = x.shape[-2:]
        whole = padded(x if image_cond is None else torch.cat([x, image_cond.to(x)], dim=-1), _SIDE)
        rows, columns = whole.shape[-2] // _SIDE, whole.shape[-1] // _SIDE
        batch = x.shape[0]
        made = self.module(
            hidden_states=_tokens(whole),
            timesteps=timesteps.to(x.device).expand(batch),
            encoder_hidden_states_t5=context,
            encoder_hidden_states_llama3=conditioning_llama3.movedim(1, 0),
            pooled_embeds=y,
            img_ids=places(rows, columns).to(x.device).expand(batch, -1, -1),
            img_sizes=[(rows, columns)] * batch,
            # given, so that the module takes tokens as they are: its own are filled up with ones that are attended to
            hidden_states_masks=x.new_ones(batch, rows * columns),
            return_dict=False,
        )[0]
        return -made[..., :height, :width]  # type: ignore[no-any-return]


def _tokens(latent: Tensor) -> Tensor:
    """``[B,C,h,w]`` → ``[B, h/2 · w/2, 4·C]``, channels fastest."""
    batch, channels, height, width = latent.shape
    squares = latent.view(batch, channels, height // _SIDE, _SIDE, width // _SIDE, _SIDE)
    return squares.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, channels * _SIDE * _SIDE)


class HiDream(Family):
    """HiDream-I1 (full, dev, fast) and E1."""

    title = "HiDream"
    dtypes: ClassVar[tuple[str, ...]] = ("bfloat16", "float32")
    sampling_kind = "FLOW"
    sampling_settings: Mapping[str, Any] = {"shift": 3.0, "multiplier": 1000}
    latent_format = latent_formats.FLUX
    memory_usage_factor = 1.2

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "double_stream_blocks.0.block.adaLN_modulation.1.bias" not in shapes:
            return None
        inner, values = shapes["x_embedder.proj.weight"]
        blocks = [_count(shapes, f"{kind}_stream_blocks.") for kind in ("double", "single")]
        config = {
            "patch_size": _SIDE,
            "in_channels": values // _SIDE**2,
            "out_channels": shapes["final_layer.linear.weight"][0] // _SIDE**2,
            "num_layers": blocks[0],
            "num_single_layers": blocks[1],
            "attention_head_dim": _HEAD,
            "num_attention_heads": inner // _HEAD,
            "caption_channels": [
                shapes[f"caption_projection.{sum(blocks)}.linear.weight"][1],
                shapes["caption_projection.0.linear.weight"][1],
            ],
            "text_emb_dim": shapes["p_embedder.pooled_embedder.linear_1.weight"][1],
            "num_routed_experts": shapes["double_stream_blocks.0.block.ff_i.gate.weight"][0],
            "axes_dims_rope": _AXES,
            "llama_layers": [min(block, _LLAMA_LAYERS - 1) for block in range(sum(blocks))],
        }
        layout = Layout()
        for name, shape in shapes.items():
            layout.add(name, shape, Piece(name))
        return cls(config, layout)

    def module(self) -> nn.Module:
        from diffusers.models.transformers.transformer_hidream_image import HiDreamImageTransformer2DModel

        return HiDreamImageTransformer2DModel(**self.config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        return HiDreamNetwork(module)

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        return given.get("pooled_output")

    def extra_conds(self, model: BaseModel, **given: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in (
            ("c_crossattn", given.get("cross_attn")),
            ("y", self.vector(model, **given)),
            ("conditioning_llama3", given.get("conditioning_llama3")),
        ):
            if value is not None:
                made[name] = conds.CONDRegular(value)
        if (image := given.get("concat_latent_image")) is not None:
            made["image_cond"] = conds.CONDNoiseShape(model.process_latent_in(image))
        return made


def _count(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    return 1 + max((int(name.split(".")[1]) for name in shapes if name.startswith(prefix)), default=-1)
