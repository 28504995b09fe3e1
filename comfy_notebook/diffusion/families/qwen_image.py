"""Qwen-Image and Qwen-Image-Edit: latents of Wan's kind with one frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from .. import conds, dit_patches, latent_formats
from ..checkpoints.layout import Layout, Piece
from .family import Family
from .flux import reference_conds
from .patches import from_tokens, padded, to_tokens
from .qwen_references import seeing, usual_method

if TYPE_CHECKING:
    from ..base_model import BaseModel


#: Says in a file that the model sees pictures at noise level 0.
_LEVEL_ZERO = "__index_timestep_zero__"


class QwenImageNetwork(nn.Module):
    """``(x [B,16,1,h,w] or [B,16,h,w], sigma [B], context [B,T,D], ref_latents)`` → prediction like ``x``."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor,
        ref_latents: list[Tensor] | None = None,
        ref_latents_method: str | None = None,
        control: Any = None,
        transformer_options: dict[str, Any] | None = None,
        **_unused: Any,
    ) -> Tensor:
        flat = _flat(x)
        height, width = flat.shape[-2:]
        pictures = [padded(flat, 2), *(padded(_flat(latent).to(x.dtype), 2) for latent in ref_latents or [])]
        sizes = [(1, picture.shape[-2] // 2, picture.shape[-1] // 2) for picture in pictures]
        method = ref_latents_method or usual_method(self.module)
        text = slice(0, context.shape[1])
        patched = dit_patches.patched(self.module, (dit_patches.DOUBLE,), transformer_options, x, text)
        with patched, seeing(self.module, sizes, method):
            made = self.module(
                hidden_states=torch.cat([to_tokens(picture) for picture in pictures], dim=1),
                encoder_hidden_states=context,
                encoder_hidden_states_mask=torch.ones(context.shape[:2], dtype=torch.long, device=x.device),
                timestep=timesteps.to(x.device, x.dtype).expand(x.shape[0]),
                img_shapes=[sizes] * x.shape[0],
                controlnet_block_samples=_residuals(control, sum(rows * columns for _, rows, columns in sizes)),
                return_dict=False,
            )[0][:, : sizes[0][1] * sizes[0][2]]
        output = from_tokens(made, *pictures[0].shape[-2:])[..., :height, :width]
        return output.unsqueeze(2) if x.ndim == 5 else output


def _residuals(control: Any, tokens: int) -> list[Tensor] | None:
    """What a control network adds after blocks; nothing to pictures that the model looks at."""
    values = (control or {}).get("output")
    return values and [nn.functional.pad(value, (0, 0, 0, tokens - value.shape[1])) for value in values]


def _flat(latent: Tensor) -> Tensor:
    """Without the dimension of frames, of which there is one."""
    return latent[:, :, 0] if latent.ndim == 5 else latent


class QwenImage(Family):
    """The 20 billion parameters of Qwen-Image, and Edit."""

    title = "Qwen-Image"
    dtypes: ClassVar[tuple[str, ...]] = ("bfloat16", "float32")
    sampling_kind = "FLOW"
    sampling_settings: Mapping[str, Any] = {"shift": 1.15, "multiplier": 1.0}
    latent_format = latent_formats.WAN21
    memory_usage_factor = 1.8

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "txt_norm.weight" not in shapes or "transformer_blocks.0.img_mod.1.weight" not in shapes:
            return None
        hidden, values = shapes["img_in.weight"]
        head = shapes["transformer_blocks.0.attn.norm_q.weight"][0]
        side = (head - head // 8) // 2
        blocks = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("transformer_blocks."))
        config = {
            "in_channels": values,
            "out_channels": shapes["proj_out.weight"][0] // 4,
            "num_layers": blocks,
            "attention_head_dim": head,
            "num_attention_heads": hidden // head,
            "joint_attention_dim": shapes["txt_norm.weight"][0],
            "axes_dims_rope": (head - 2 * side, side, side),
        }
        layout = Layout()
        for name, shape in shapes.items():
            if name != _LEVEL_ZERO:
                layout.add(name, shape, Piece(name))
        return cls(config | ({"zero_cond_t": True} if _LEVEL_ZERO in shapes else {}), layout)

    def module(self) -> nn.Module:
        from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformer2DModel

        return QwenImageTransformer2DModel(**self.config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        return QwenImageNetwork(module)

    def extra_conds(self, model: BaseModel, **given: Any) -> dict[str, Any]:
        text = given.get("cross_attn")
        made = {} if text is None else {"c_crossattn": conds.CONDRegular(text)}
        return made | reference_conds(model, **given)
