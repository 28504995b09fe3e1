"""AuraFlow: a large flow model on SDXL's latents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from .. import conds, dit_patches, latent_formats
from ..checkpoints.layout import Layout, Piece
from .family import Family
from .flux_layout import add_swapped
from .patches import padded

if TYPE_CHECKING:
    from ..base_model import BaseModel

_OUTSIDE = {
    "register_tokens": "register_tokens",
    "positional_encoding": "pos_embed.pos_embed",
    "init_x_linear.weight": "pos_embed.proj.weight",
    "init_x_linear.bias": "pos_embed.proj.bias",
    "cond_seq_linear.weight": "context_embedder.weight",
    "t_embedder.mlp.0.weight": "time_step_proj.linear_1.weight",
    "t_embedder.mlp.0.bias": "time_step_proj.linear_1.bias",
    "t_embedder.mlp.2.weight": "time_step_proj.linear_2.weight",
    "t_embedder.mlp.2.bias": "time_step_proj.linear_2.bias",
    "final_linear.weight": "proj_out.weight",
}
_FORWARD = {"c_fc1": "linear_1", "c_fc2": "linear_2", "c_proj": "out_projection"}
_DOUBLE = {
    **{f"mlpX.{old}": f"ff.{new}" for old, new in _FORWARD.items()},
    **{f"mlpC.{old}": f"ff_context.{new}" for old, new in _FORWARD.items()},
    **{"modX.1": "norm1.linear", "modC.1": "norm1_context.linear"},
    **{"attn.w2q": "attn.to_q", "attn.w2k": "attn.to_k", "attn.w2v": "attn.to_v", "attn.w2o": "attn.to_out.0"},
    **{"attn.w1q": "attn.add_q_proj", "attn.w1k": "attn.add_k_proj"},
    **{"attn.w1v": "attn.add_v_proj", "attn.w1o": "attn.to_add_out"},
}
_SINGLE = {
    **{f"mlp.{old}": f"ff.{new}" for old, new in _FORWARD.items()},
    "modCX.1": "norm1.linear",
    **{"attn.w1q": "attn.to_q", "attn.w1k": "attn.to_k", "attn.w1v": "attn.to_v", "attn.w1o": "attn.to_out.0"},
}
_BLOCK = re.compile(r"(double|single)_layers\.(\d+)\.(.+)\.weight")


def _layout(shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    made = Layout()
    for name, shape in shapes.items():
        match = _BLOCK.fullmatch(name)
        if name in _OUTSIDE:
            made.add(name, shape, Piece(_OUTSIDE[name]))
        elif name == "modF.1.weight":
            add_swapped(made, name, shape, "norm_out.linear.weight")
        elif match is not None:
            side, number, part = match.groups()
            names, blocks = (_DOUBLE, "joint") if side == "double" else (_SINGLE, "single")
            if part in names:
                made.add(name, shape, Piece(f"{blocks}_transformer_blocks.{number}.{names[part]}.weight"))
    return made


class AuraFlowNetwork(nn.Module):
    """``(x [B,4,h,w], sigma [B], context [B,T,D])`` → prediction like ``x``."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        transformer_options: dict[str, Any] | None = None,
        **_unused: Any,
    ) -> Tensor:
        height, width = x.shape[-2:]
        text = context.shape[1] + self.module.register_tokens.shape[1]
        kinds = (dit_patches.AURA_DOUBLE, dit_patches.SINGLE)
        with dit_patches.patched(self.module, kinds, transformer_options, x, slice(0, text)):
            made = self.module(
                hidden_states=padded(x, 2),
                encoder_hidden_states=context,
                timestep=timesteps.to(x.device, x.dtype).expand(x.shape[0]),
                return_dict=False,
            )[0]
        return made[..., :height, :width]  # type: ignore[no-any-return]


class AuraFlow(Family):
    """AuraFlow 0.1 to 0.3."""

    title = "AuraFlow"
    dtypes: ClassVar[tuple[str, ...]] = ("bfloat16", "float16", "float32")
    sampling_kind = "FLOW"
    sampling_settings: Mapping[str, Any] = {"shift": 1.73, "multiplier": 1.0}
    latent_format = latent_formats.SDXL
    memory_usage_factor = 1.5

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "double_layers.0.attn.w1q.weight" not in shapes or "cond_seq_linear.weight" not in shapes:
            return None
        hidden, context = shapes["cond_seq_linear.weight"]
        head = 256 if hidden % 256 == 0 else hidden // 2
        config = {
            "patch_size": 2,
            "in_channels": shapes["init_x_linear.weight"][1] // 4,
            "out_channels": shapes["final_linear.weight"][0] // 4,
            "num_mmdit_layers": _count(shapes, "double_layers."),
            "num_single_dit_layers": _count(shapes, "single_layers."),
            "attention_head_dim": head,
            "num_attention_heads": hidden // head,
            "joint_attention_dim": context,
            "caption_projection_dim": hidden,
            "pos_embed_max_size": shapes["positional_encoding"][1],
        }
        return cls(config, _layout(shapes))

    def module(self) -> nn.Module:
        from diffusers.models.transformers.auraflow_transformer_2d import AuraFlowTransformer2DModel

        return AuraFlowTransformer2DModel(**self.config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        return AuraFlowNetwork(module)

    def extra_conds(self, model: BaseModel, **given: Any) -> dict[str, Any]:
        text = given.get("cross_attn")
        return {} if text is None else {"c_crossattn": conds.CONDRegular(text)}


def _count(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    return 1 + max((int(name.split(".")[1]) for name in shapes if name.startswith(prefix)), default=-1)
