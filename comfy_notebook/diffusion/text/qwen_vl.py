"""Qwen 2.5-VL as a text encoder: prompts with pictures in them, for models that edit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .causal import CausalEncoder, TemplateTokenizer, Token, language_part, language_sizes

#: What Qwen-Image-Edit was trained behind.
EDIT = (
    "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture, objects, "
    "background), then explain how the user's text instruction should alter or modify the image. Generate a new image "
    "that meets the user's requirements while maintaining consistency with the original input where appropriate."
    "<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
_PAD = "<|image_pad|>"
PICTURE = f"<|vision_start|>{_PAD}<|vision_end|>"
#: Sides of the squares the vision tower sees, how many of them (each way) make a token, and frames in a square.
_PATCH, _MERGE, _FRAMES = 14, 2, 2
_LEAST_PIXELS, _MOST_PIXELS = 56 * 56, 16384 * 28 * 28
_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_HEADS = 16


class PictureTokenizer(TemplateTokenizer):
    """``images`` (each ``[B,H,W,C]``, of which the first is shown) stand where the text has ``<|image_pad|>``; a text
    without a template of its own gets that of editing, with one picture before it."""

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> list[list[Token]]:
        """Chunks (here one) of (token or ``{"type": "image", "data": IMAGE}``, 1.0) or with word."""
        images = list(options.get("images", ()))
        template = options.get("llama_template") or (EDIT.format(PICTURE + "{}") if images else self.template)
        [tokens] = super().tokenize(text, return_word_ids, llama_template=template)
        pad = self.encode(_PAD)
        return [[_shown(token, images) if [token[0]] == pad else token for token in tokens]]


def _shown(token: Token, images: list[Tensor]) -> Token:
    return ({"type": "image", "data": images.pop(0)}, *token[1:]) if images else token


class PictureEncoder(CausalEncoder):
    """``transformer`` is transformers' ``Qwen2_5_VLTextModel``, ``visual`` the vision tower, whose outputs stand where
    the pictures are."""

    def __init__(self, transformer: Any, visual: Any, layer: int = -1, start: int | None = None) -> None:
        super().__init__(transformer, layer, start)
        self.visual = visual

    def hidden(self, chunks: Sequence[Sequence[Token]]) -> tuple[list[Any], Any]:
        """The tokens of the first chunk, and the model's output for it, where a picture is as long as it is large."""
        tokens = [token[0] for token in chunks[0]]
        rows: list[Tensor] = []
        places: list[Tensor] = []
        for piece in _pieces(tokens):
            values, place = self._seen(piece["data"]) if isinstance(piece, Mapping) else self._read(piece)
            rows.append(values)
            places.append(place + (int(places[-1].max()) + 1 if places else 0))
        made = self.transformer(
            inputs_embeds=torch.cat(rows)[None],
            position_ids=torch.cat(places, dim=1)[:, None].to(self.device),
            output_hidden_states=True,
            use_cache=False,
        )
        return tokens, made

    def _read(self, ids: list[int]) -> tuple[Tensor, Tensor]:
        """Words ``[N,D]`` and their places ``[3,N]``: the same in time, down and across."""
        return self.transformer.embed_tokens(torch.tensor(ids, device=self.device)), torch.arange(len(ids)).expand(
            3, -1
        )

    def _seen(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """A picture's tokens ``[N,D]`` and their places ``[3,N]``."""
        squares, (rows, columns) = patches(image)
        weight = self.visual.patch_embed.proj.weight
        grid = torch.tensor([[1, rows, columns]], device=weight.device)
        made = self.visual(squares.to(weight.device, weight.dtype), grid_thw=grid)
        # since version 5 transformers gives an object with the merged tokens as pooler_output, before the tokens alone
        return getattr(made, "pooler_output", made), _square(rows // _MERGE, columns // _MERGE)


def _pieces(tokens: list[Any]) -> Iterator[Any]:
    """Lists of the ids that follow one another, and pictures."""
    for is_picture, group in itertools.groupby(tokens, lambda token: isinstance(token, Mapping)):
        following = list(group)
        yield from following if is_picture else [following]


def _square(rows: int, columns: int) -> Tensor:
    """Time, row and column of a picture's tokens, ``[3, rows·columns]``."""
    down, across = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack([torch.zeros_like(down), down, across]).reshape(3, -1)


def patches(image: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """The first picture of ``[B,H,W,C]`` in 0…1 → squares ``[N, 3·2·14·14]``, four neighbours one after the other, and
    how many there are: (rows, columns)."""
    pixels = image[:1, ..., :3].movedim(-1, 1).float()
    pixels = functional.interpolate(pixels, size=seen_size(*pixels.shape[-2:]), mode="bilinear", align_corners=False)
    mean, std = (pixels.new_tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
    pixels = ((pixels - mean) / std)[0]
    rows, columns = (side // _PATCH for side in pixels.shape[-2:])
    squares = pixels.reshape(3, rows // _MERGE, _MERGE, _PATCH, columns // _MERGE, _MERGE, _PATCH)
    squares = squares.permute(1, 4, 2, 5, 0, 3, 6).unsqueeze(5).expand(-1, -1, -1, -1, -1, _FRAMES, -1, -1)
    return squares.reshape(rows * columns, -1), (rows, columns)


def seen_size(height: int, width: int) -> tuple[int, int]:
    """The nearest multiples of 28 pixels, with the area kept between 56² and 16384 · 28²."""
    unit = _PATCH * _MERGE
    sides = [max(unit, round(side / unit) * unit) for side in (height, width)]
    area = sides[0] * sides[1]
    if area > _MOST_PIXELS:
        scale = math.sqrt(height * width / _MOST_PIXELS)
        sides = [max(unit, math.floor(side / scale / unit) * unit) for side in (height, width)]
    elif area < _LEAST_PIXELS:
        scale = math.sqrt(_LEAST_PIXELS / (height * width))
        sides = [math.ceil(side * scale / unit) * unit for side in (height, width)]
    return sides[0], sides[1]


def sees(weights: Mapping[str, Tensor]) -> bool:
    """Whether a file of Qwen 2.5 has its vision tower."""
    return bool(_vision_part(weights))


def _vision_part(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for prefix in ("visual.", "model.visual."):
        found = {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}
        if "patch_embed.proj.weight" in found:
            return found
    return {}


def load_qwen_vl(weights: Mapping[str, Tensor], dtype: Any, layer: int, start: int | None = None) -> PictureEncoder:
    """Qwen 2.5-VL with the weights of a file.

    Raises :class:`~..checkpoints.files.WeightsError` when they are incomplete.
    """
    from transformers.models.qwen2_5_vl import configuration_qwen2_5_vl as configs
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as models

    from ..checkpoints.layout import assign
    from ..checkpoints.meta import quiet_libraries, without_weights

    quiet_libraries()
    language, vision = language_part(weights), _vision_part(weights)
    sizes = language_sizes(language)
    head = sizes.pop("head_dim")
    sizes["rope_scaling"] = {"type": "mrope", "mrope_section": [head // 8, head * 3 // 16, head * 3 // 16]}
    with without_weights():
        reader = models.Qwen2_5_VLTextModel(configs.Qwen2_5_VLTextConfig(**sizes))
        eye = models.Qwen2_5_VisionTransformerPretrainedModel(configs.Qwen2_5_VLVisionConfig(**_vision_sizes(vision)))
    for module, state, what in ((reader, language, "text encoder"), (eye, vision, "vision tower")):
        assign(module, {name: value.to(dtype) for name, value in state.items()}, f"Qwen 2.5-VL {what}")
    return PictureEncoder(reader, eye, layer, start)


def _vision_sizes(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    width, _, frames, patch, _ = weights["patch_embed.proj.weight"].shape
    return {
        "depth": depth,
        "hidden_size": width,
        "intermediate_size": weights["blocks.0.mlp.gate_proj.weight"].shape[0],
        "num_heads": _HEADS,
        "patch_size": patch,
        "temporal_patch_size": frames,
        "spatial_merge_size": _MERGE,
        "window_size": 112,
        "out_hidden_size": weights["merger.mlp.2.weight"].shape[0],
        "fullatt_block_indexes": list(range(7, depth, 8)),
    }
