"""Models of one family mixed with a ratio for each of its blocks."""

from __future__ import annotations

from typing import Any

from . import inputs
from .model_merge import ModelMergeBlocks


def by_block(title: str, parts: list[str]) -> type:
    """A node that mixes models with a ratio for each of ``parts``, beginnings of names of weights."""

    def input_types(cls: type) -> dict[str, Any]:
        ratios = {part: inputs.number(1.0, 0.0, 1.0, 0.01) for part in parts}
        return {"required": {"model1": inputs.socket("MODEL"), "model2": inputs.socket("MODEL"), **ratios}}

    return type(
        title,
        (ModelMergeBlocks,),
        {
            "INPUT_TYPES": classmethod(input_types),
            "CATEGORY": "advanced/model_merging/model_specific",
            "DESCRIPTION": "A mixture of two models with a ratio for each block: 1 is the first model, 0 the second.",
            "SEARCH_ALIASES": ["merge models", "block weights", "layers"],
            "__module__": __name__,
        },
    )


def _numbered(pattern: str, count: int) -> list[str]:
    return [pattern.format(number) for number in range(count)]


def _stable_diffusion(end: str, sides: int) -> list[str]:
    inner = [("input_blocks.{}", sides), ("middle_block.{}", 3), ("output_blocks.{}", sides)]
    blocks = [part for pattern, count in inner for part in _numbered(pattern + end, count)]
    return ["time_embed.", "label_emb.", *blocks, "out."]


def _stable_diffusion3(blocks: int) -> list[str]:
    outside = ["pos_embed.", "x_embedder.", "context_embedder.", "y_embedder.", "t_embedder."]
    return [*outside, *_numbered("joint_blocks.{}.", blocks), "final_layer."]


def _cosmos(blocks: int) -> list[str]:
    outside = ["pos_embedder.", "extra_pos_embedder.", "x_embedder.", "t_embedder.", "affline_norm."]
    return [*outside, *_numbered("blocks.block{}.", blocks), "final_layer."]


def _cosmos_predict2(blocks: int) -> list[str]:
    outside = ["pos_embedder.", "x_embedder.", "t_embedder.", "t_embedding_norm."]
    return [*outside, *_numbered("blocks.{}.", blocks), "final_layer."]


_FLUX = [
    *("img_in.", "time_in.", "guidance_in", "vector_in.", "txt_in."),
    *_numbered("double_blocks.{}.", 19),
    *_numbered("single_blocks.{}.", 38),
    "final_layer.",
]
_AURAFLOW = [
    *("init_x_linear.", "positional_encoding", "cond_seq_linear.", "register_tokens", "t_embedder."),
    *_numbered("double_layers.{}.", 4),
    *_numbered("single_layers.{}.", 32),
    *("modF.", "final_linear."),
]
_QWEN_IMAGE = [
    *("pos_embeds.", "img_in.", "txt_norm.", "txt_in.", "time_text_embed."),
    *_numbered("transformer_blocks.{}.", 60),
    "proj_out.",
]
_WAN = [
    *("patch_embedding.", "time_embedding.", "time_projection.", "text_embedding.", "img_emb."),
    *_numbered("blocks.{}.", 40),
    "head.",
]
_LTXV = [
    *("patchify_proj.", "adaln_single.", "caption_projection."),
    *_numbered("transformer_blocks.{}.", 28),
    *("scale_shift_table", "proj_out."),
]
_MOCHI = [
    *("pos_frequencies.", "t_embedder.", "t5_y_embedder.", "t5_yproj."),
    *_numbered("blocks.{}.", 48),
    "final_layer.",
]
_PARTS: dict[str, list[str]] = {
    "ModelMergeSD1": _stable_diffusion(".", 12),
    "ModelMergeSD2": _stable_diffusion(".", 12),
    "ModelMergeSDXL": _stable_diffusion("", 9),
    "ModelMergeSD3_2B": _stable_diffusion3(24),
    "ModelMergeSD35_Large": _stable_diffusion3(38),
    "ModelMergeFlux1": _FLUX,
    "ModelMergeAuraflow": _AURAFLOW,
    "ModelMergeQwenImage": _QWEN_IMAGE,
    "ModelMergeWAN2_1": _WAN,
    "ModelMergeLTXV": _LTXV,
    "ModelMergeMochiPreview": _MOCHI,
    "ModelMergeCosmos7B": _cosmos(28),
    "ModelMergeCosmos14B": _cosmos(36),
    "ModelMergeCosmosPredict2_2B": _cosmos_predict2(28),
    "ModelMergeCosmosPredict2_14B": _cosmos_predict2(36),
}

NODES: dict[str, tuple[type, str | None]] = {name: (by_block(name, parts), name) for name, parts in _PARTS.items()}
