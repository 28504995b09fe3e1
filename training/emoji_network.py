"""The network of the tiny text-to-image model: the U-Net of Stable Diffusion 1 in small, on pixels in patches.

A 64 px picture is 16 x 16 patches of 4 x 4 pixels, so 48 channels; the network predicts the clean picture (x0) on
Stable Diffusion's noise schedule. The text encoder is CLIP's in small with CLIP's own token ids, of which only those
that captions use have a row of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from comfy_notebook.diffusion.families import unet_layout
from comfy_notebook.diffusion.text.bpe import END, START, clip_vocabulary

PATCH = 4
CHANNELS = 3 * PATCH * PATCH
WIDTH = 128
CHUNK = 77
#: The block, the kind of part, its number and the rest of a weight's name.
_PLACE = re.compile(r"(mid_block|(?:down|up)_blocks\.\d+)\.(\w+)\.(\d+)\.(.+)")


class TextToPatches(nn.Module):
    """Token rows ``[B,77]``, noisy patches ``[B,48,16,16]`` and timesteps ``[B]`` → clean patches."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=rows, hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=CHUNK, hidden_act="quick_gelu", projection_dim=WIDTH,
                bos_token_id=0, eos_token_id=1, pad_token_id=1,
            )
        )  # fmt: skip
        nn.init.normal_(cast(nn.Embedding, self.text.get_input_embeddings()).weight, std=0.5)
        self.unet = UNet2DConditionModel(
            sample_size=16, in_channels=CHANNELS, out_channels=CHANNELS, block_out_channels=(64, 96, 160),
            layers_per_block=1, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=WIDTH,
            attention_head_dim=8, norm_num_groups=32,
        )  # fmt: skip

    def forward(self, rows: Tensor, patches: Tensor, timesteps: Tensor) -> Tensor:
        context = self.text(input_ids=rows).last_hidden_state
        clean: Tensor = self.unet(patches, timesteps, encoder_hidden_states=context).sample
        return clean


class Tokens:
    """Captions → rows of the small token table: 0 start, 1 end and padding, 2 any token no caption has."""

    def __init__(self, captions: Iterable[str]) -> None:
        self.vocabulary = clip_vocabulary()
        used = sorted({number for caption in captions for number in self.vocabulary.encode(caption)})
        self.ids = [START, END, -1, *used]
        self._row = {number: row for row, number in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, caption: str) -> list[int]:
        """77 rows: start, the caption, then ends."""
        inner = [self._row.get(number, 2) for number in self.vocabulary.encode(caption)][: CHUNK - 2]
        return [0, *inner, *[1] * (CHUNK - 1 - len(inner))]


def save_checkpoint(model: TextToPatches, tokens: Tokens, path: Path) -> None:
    """One file in half precision with the names of a Stable Diffusion 1 checkpoint."""
    from safetensors.torch import save_file

    weights: dict[str, Tensor] = {}
    names = file_names(model.unet)
    for name, value in model.unet.state_dict().items():
        weights[f"model.diffusion_model.{names[name]}"] = value
    prefix = "cond_stage_model.transformer."
    for name, value in model.text.state_dict().items():
        if not name.endswith("position_ids"):
            full = name if name.startswith("text_model.") else f"text_model.{name}"
            weights[prefix + full] = value
    table = weights.pop(f"{prefix}text_model.embeddings.token_embedding.weight")
    weights[f"{prefix}text_model.embeddings.token_embedding.rows"] = table
    halves = {name: value.detach().to(torch.float16).contiguous() for name, value in weights.items()}
    halves[f"{prefix}text_model.embeddings.token_embedding.ids"] = torch.tensor(tokens.ids, dtype=torch.int32)
    halves["first_stage_model.pixels"] = torch.ones(PATCH, PATCH, 3, dtype=torch.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    save_file(halves, beside, metadata={"modelspec.title": "Emoji, a demonstration", "modelspec.license": "Apache-2.0"})
    beside.replace(path)


def file_names(unet: UNet2DConditionModel) -> dict[str, str]:
    """What Stable Diffusion 1 files call each weight of the module."""
    per_block = cast(Any, unet.config).layers_per_block
    attended = {name.split(".attentions.")[0] for name in unet.state_dict() if ".attentions." in name}
    return {name: _file_name(name, per_block, attended) for name in unet.state_dict()}


def _file_name(name: str, per_block: int, attended: set[str]) -> str:
    for outside, inside in unet_layout.OUTSIDE.items():
        if name.startswith(inside + "."):
            return outside + name[len(inside) :]
    place, kind, index, rest = _PLACE.fullmatch(name).groups()  # type: ignore[union-attr]
    if place == "mid_block":
        return f"middle_block.1.{rest}" if kind == "attentions" else f"middle_block.{2 * int(index)}.{_resnet(rest)}"
    side, level = place.split("_blocks.")
    first = int(level) * (per_block + 1)
    if kind == "downsamplers":
        return f"input_blocks.{first + per_block + 1}.0.op.{rest.removeprefix('conv.')}"
    if kind == "upsamplers":
        return f"output_blocks.{first + per_block}.{2 if place in attended else 1}.{rest}"
    block = f"input_blocks.{first + 1 + int(index)}" if side == "down" else f"output_blocks.{first + int(index)}"
    return f"{block}.1.{rest}" if kind == "attentions" else f"{block}.0.{_resnet(rest)}"


def _resnet(rest: str) -> str:
    for old, new in unet_layout.RESNET.items():
        if rest.startswith(new + "."):
            return old + rest[len(new) :]
    return rest
