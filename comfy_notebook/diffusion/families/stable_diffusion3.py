"""Stable Diffusion 3 and 3.5: a transformer in which text and picture attend to each other as equals."""

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
    "x_embedder.proj": "pos_embed.proj",
    "context_embedder": "context_embedder",
    "t_embedder.mlp.0": "time_text_embed.timestep_embedder.linear_1",
    "t_embedder.mlp.2": "time_text_embed.timestep_embedder.linear_2",
    "y_embedder.mlp.0": "time_text_embed.text_embedder.linear_1",
    "y_embedder.mlp.2": "time_text_embed.text_embedder.linear_2",
    "final_layer.linear": "proj_out",
}
_BLOCK = re.compile(r"joint_blocks\.(\d+)\.(x|context)_block\.(.+)\.(weight|bias)")
_PARTS = {
    "x": {
        "adaLN_modulation.1": "norm1.linear",
        "attn.proj": "attn.to_out.0",
        "attn2.proj": "attn2.to_out.0",
        "attn.ln_q": "attn.norm_q",
        "attn.ln_k": "attn.norm_k",
        "attn2.ln_q": "attn2.norm_q",
        "attn2.ln_k": "attn2.norm_k",
        "mlp.fc1": "ff.net.0.proj",
        "mlp.fc2": "ff.net.2",
    },
    "context": {
        "adaLN_modulation.1": "norm1_context.linear",
        "attn.proj": "attn.to_add_out",
        "attn.ln_q": "attn.norm_added_q",
        "attn.ln_k": "attn.norm_added_k",
        "mlp.fc1": "ff_context.net.0.proj",
        "mlp.fc2": "ff_context.net.2",
    },
}
_QKV = {"x": ("to_q", "to_k", "to_v"), "context": ("add_q_proj", "add_k_proj", "add_v_proj")}


def _layout(shapes: Mapping[str, tuple[int, ...]], blocks: int) -> Layout:
    made = Layout()
    for name, shape in shapes.items():
        match = _BLOCK.fullmatch(name)
        if name == "pos_embed":
            made.add(name, shape, Piece("pos_embed.pos_embed"))
        elif name.startswith("final_layer.adaLN_modulation.1."):
            add_swapped(made, name, shape, f"norm_out.linear.{name.rsplit('.', 1)[1]}")
        elif match is not None:
            _add_block(made, name, shape, match, blocks)
        else:
            layer, kind = name.rsplit(".", 1)
            if layer in _OUTSIDE:
                made.add(name, shape, Piece(f"{_OUTSIDE[layer]}.{kind}"))
    return made


def _add_block(made: Layout, name: str, shape: tuple[int, ...], match: re.Match[str], blocks: int) -> None:
    number, side, part, kind = match.groups()
    block = f"transformer_blocks.{number}."
    if part.endswith(".qkv"):
        attention = part.removesuffix(".qkv")
        made.add_split(name, shape, {f"{block}{attention}.{one}.{kind}": shape[0] // 3 for one in _QKV[side]})
    elif side == "context" and part == "adaLN_modulation.1" and int(number) == blocks - 1:
        add_swapped(made, name, shape, f"{block}norm1_context.linear.{kind}")
    elif part in _PARTS[side]:
        made.add(name, shape, Piece(f"{block}{_PARTS[side][part]}.{kind}"))


class StableDiffusion3Network(nn.Module):
    """``(x [B,16,h,w], timesteps (sigma · 1000) [B], context [B,T,D], y [B,P])`` → prediction like ``x``."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        y: Tensor | None = None,
        control: Any = None,
        transformer_options: dict[str, Any] | None = None,
        **_unused: Any,
    ) -> Tensor:
        height, width = x.shape[-2:]
        if y is None:
            y = x.new_zeros(x.shape[0], self.module.config.pooled_projection_dim)
        text = slice(-context.shape[1], None)
        with dit_patches.patched(self.module, (dit_patches.DOUBLE,), transformer_options, x, text):
            made = self.module(
                hidden_states=padded(x, 2),
                encoder_hidden_states=context,
                pooled_projections=y,
                timestep=timesteps.to(x.device).expand(x.shape[0]),
                block_controlnet_hidden_states=(control or {}).get("output"),
                skip_layers=(transformer_options or {}).get("skip_layers"),
                return_dict=False,
            )[0]
        return made[..., :height, :width]  # type: ignore[no-any-return]


class StableDiffusion3(Family):
    """Medium and large."""

    title = "Stable Diffusion 3"
    dtypes: ClassVar[tuple[str, ...]] = ("float16", "bfloat16", "float32")
    sampling_kind = "FLOW"
    sampling_settings: Mapping[str, Any] = {"shift": 3.0}
    latent_format = latent_formats.SD3
    memory_usage_factor = 1.2

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "joint_blocks.0.context_block.attn.qkv.weight" not in shapes or "pos_embed" not in shapes:
            return None
        blocks = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("joint_blocks."))
        hidden, channels, patch = shapes["x_embedder.proj.weight"][:3]
        norm = shapes.get("joint_blocks.0.x_block.attn.ln_q.weight")
        head = norm[0] if norm is not None else 64
        dual = {int(name.split(".")[1]) for name in shapes if ".x_block.attn2.qkv.weight" in name}
        config = {
            "sample_size": 128,
            "patch_size": patch,
            "in_channels": channels,
            "out_channels": shapes["final_layer.linear.weight"][0] // patch**2,
            "num_layers": blocks,
            "attention_head_dim": head,
            "num_attention_heads": hidden // head,
            "joint_attention_dim": shapes["context_embedder.weight"][1],
            "caption_projection_dim": shapes["context_embedder.weight"][0],
            "pooled_projection_dim": shapes["y_embedder.mlp.0.weight"][1],
            "pos_embed_max_size": round(shapes["pos_embed"][1] ** 0.5),
            "qk_norm": "rms_norm" if norm is not None else None,
            "dual_attention_layers": tuple(sorted(dual)),
        }
        return cls(config, _layout(shapes, blocks))

    def module(self) -> nn.Module:
        from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel

        return SD3Transformer2DModel(**self.config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        return StableDiffusion3Network(module)

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        return given.get("pooled_output")

    def extra_conds(self, model: BaseModel, **given: Any) -> dict[str, Any]:
        made = super().extra_conds(model, **given)
        if (text := given.get("cross_attn")) is not None:
            made["c_crossattn"] = conds.CONDRegular(text)
        return made
