"""Z-Image and Z-Image Turbo: text and picture in one sequence; time runs from noise (0) to picture (1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from .. import conds, latent_formats
from ..checkpoints.layout import Layout, Piece
from .family import Family
from .patches import padded

if TYPE_CHECKING:
    from ..base_model import BaseModel

_RENAMED = {
    "final_layer.": "all_final_layer.2-1.",
    "x_embedder.": "all_x_embedder.2-1.",
}
_ATTENTION = {".attention.out.": ".attention.to_out.0.", ".attention.k_norm.": ".attention.norm_k."}
_ATTENTION |= {".attention.q_norm.": ".attention.norm_q."}


def file_layout(shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    """Where the weights of Z-Image's own files, and of its control networks, go in diffusers' modules."""
    made = Layout()
    for name, shape in shapes.items():
        if name.startswith("norm_final."):
            continue
        if name.endswith(".attention.qkv.weight"):
            start = name.removesuffix("qkv.weight")
            made.add_split(name, shape, {f"{start}to_{one}.weight": shape[0] // 3 for one in "qkv"})
            continue
        renamed = name
        for old, new in _RENAMED.items():
            if name.startswith(old):
                renamed = new + name[len(old) :]
        for old, new in _ATTENTION.items():
            renamed = renamed.replace(old, new)
        made.add(name, shape, Piece(renamed))
    return made


class ZImageNetwork(nn.Module):
    """``(x [B,16,h,w], sigma [B], context [B,T,D])`` → prediction like ``x``.

    ``transformer_options["patches"]["z_image_control"]``: functions ``(module, pictures, time, texts, options)`` that
    give residuals ``{block: [B,T,D]}``.
    """

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
        pictures = list(padded(x, 2).unsqueeze(2).unbind(0))
        time = (1.0 - timesteps.to(x.device)).expand(x.shape[0]).to(x.dtype)
        given = (pictures, time, list(context.unbind(0)))
        residuals = _residuals(self.module, given, transformer_options or {})
        more = {"controlnet_block_samples": residuals} if residuals else {}
        made = self.module(*given, **more, return_dict=False)[0]
        return -torch.stack(list(made)).squeeze(2)[..., :height, :width]


def _residuals(module: Any, given: tuple[Any, ...], options: dict[str, Any]) -> dict[int, Tensor]:
    """What all control networks add after blocks."""
    found: dict[int, Tensor] = {}
    for patch in options.get("patches", {}).get("z_image_control", ()):
        for block, value in patch(module, *given, options).items():
            found[block] = found[block] + value if block in found else value
    return found


class ZImage(Family):
    """The 6 billion parameters of Z-Image, base and Turbo."""

    title = "Z-Image"
    dtypes: ClassVar[tuple[str, ...]] = ("bfloat16", "float16", "float32")
    sampling_kind = "FLOW"
    sampling_settings: Mapping[str, Any] = {"shift": 3.0, "multiplier": 1.0}
    latent_format = latent_formats.FLUX
    memory_usage_factor = 2.0

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "cap_pad_token" not in shapes or "context_refiner.0.attention.qkv.weight" not in shapes:
            return None
        dim = shapes["cap_pad_token"][-1]
        head = shapes["layers.0.attention.q_norm.weight"][0]
        side = head * 3 // 8
        config = {
            "in_channels": shapes["x_embedder.weight"][1] // 4,
            "dim": dim,
            "n_layers": _count(shapes, "layers."),
            "n_refiner_layers": _count(shapes, "context_refiner."),
            "n_heads": dim // head,
            "n_kv_heads": dim // head,
            "cap_feat_dim": shapes["cap_embedder.0.weight"][0],
            "axes_dims": [head - 2 * side, side, side],
            "axes_lens": [1536, 512, 512],
        }
        return cls(config, file_layout(shapes))

    def module(self) -> nn.Module:
        from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel

        return ZImageTransformer2DModel(**self.config)  # type: ignore[no-any-return, no-untyped-call, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        return ZImageNetwork(module)

    def extra_conds(self, model: BaseModel, **given: Any) -> dict[str, Any]:
        text = given.get("cross_attn")
        return {} if text is None else {"c_crossattn": conds.CONDRegular(text)}


def _count(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    return 1 + max((int(name.split(".")[1]) for name in shapes if name.startswith(prefix)), default=-1)
