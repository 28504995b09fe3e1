"""CLIP's text encoder: chunks of tokens to hidden states, with weights, clip skip and rows from embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .bpe import END, START

Chunk = Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class ClipSize:
    """The shape of an encoder. ``norm_hidden``: whether hidden states before the last go through the final norm."""

    width: int
    layers: int
    heads: int
    inner: int
    activation: str
    pad: int = END
    norm_hidden: bool = True
    default_layer: int | None = None

    @staticmethod
    def of(shapes: Mapping[str, tuple[int, ...]], **more: Any) -> ClipSize:
        """The size of weights called as in ``text_model.…``; heads have 64 channels."""
        width = shapes["text_model.embeddings.token_embedding.weight"][1]
        layers = 1 + max(int(name.split(".")[3]) for name in shapes if name.startswith("text_model.encoder.layers."))
        inner = shapes["text_model.encoder.layers.0.mlp.fc1.weight"][0]
        return ClipSize(width, layers, max(width // 64, 1), inner, **more)


class ClipEncoder(nn.Module):
    """``transformer`` is transformers' ``CLIPTextModelWithProjection``; computed in float32, stored as float16."""

    def __init__(self, transformer: Any, size: ClipSize) -> None:
        super().__init__()
        self.transformer = transformer
        self.size = size
        self.layer_idx: int | None = size.default_layer

    @property
    def device(self) -> torch.device:
        return self.transformer.text_model.final_layer_norm.weight.device  # type: ignore[no-any-return]

    @property
    def positions(self) -> int:
        """How many tokens it reads at once."""
        return int(self.transformer.text_model.embeddings.position_embedding.weight.shape[0])

    def encode_token_weights(self, chunks: Sequence[Chunk]) -> tuple[Tensor, Tensor]:
        """``[1, 77 × chunks, width]`` with each token moved from the empty prompt's by its weight, and the pooled
        ``[1, width]`` of the first chunk."""
        weighted = any(token[1] != 1.0 for chunk in chunks for token in chunk)
        empty = [(START, 1.0), (END, 1.0), *[(self.size.pad, 1.0)] * (len(chunks[0]) - 2)] if chunks else []
        hidden, pooled = self.encode([*chunks, empty] if weighted or not chunks else list(chunks))
        if weighted:
            base, hidden = hidden[-1:], hidden[:-1]
            weights = torch.tensor([[token[1] for token in chunk] for chunk in chunks], device=hidden.device)
            hidden = torch.where(weights[..., None] == 1.0, hidden, (hidden - base) * weights[..., None] + base)
        return hidden.reshape(1, -1, hidden.shape[-1]), pooled[:1]

    def encode(self, chunks: Sequence[Chunk]) -> tuple[Tensor, Tensor]:
        """Hidden states ``[chunks, 77, width]`` of the chosen layer and pooled outputs ``[chunks, width]``."""
        model = self.transformer.text_model
        hidden = self._rows(chunks)
        layers = model.encoder.layers
        wanted = None if self.layer_idx is None else self.layer_idx % len(layers)
        chosen = None
        for index, layer in enumerate(layers):
            hidden = _layer(layer, hidden)
            if index == wanted:
                chosen = hidden
        last = model.final_layer_norm(hidden)
        if chosen is None:
            chosen = last
        elif self.size.norm_hidden:
            chosen = model.final_layer_norm(chosen)
        ends = torch.tensor([_end_of(chunk) for chunk in chunks], device=last.device)
        pooled = last[torch.arange(len(chunks), device=last.device), ends]
        return chosen.float(), self.transformer.text_projection(pooled).float()

    def _rows(self, chunks: Sequence[Chunk]) -> Tensor:
        table = self.transformer.text_model.embeddings
        ids = [[token[0] if isinstance(token[0], int) else END for token in chunk] for chunk in chunks]
        rows = table.token_embedding(torch.tensor(ids, device=self.device))
        for number, chunk in enumerate(chunks):
            for place, token in enumerate(chunk):
                if not isinstance(token[0], int):
                    rows[number, place] = token[0].to(rows.device, rows.dtype)
        return rows + table.position_embedding.weight[: rows.shape[1]]  # type: ignore[no-any-return]


def _end_of(chunk: Chunk) -> int:
    return next(place for place, token in enumerate(chunk) if isinstance(token[0], int) and token[0] == END)


def _layer(layer: Any, hidden: Tensor) -> Tensor:
    normed = layer.layer_norm1(hidden)
    attention = layer.self_attn
    batch, count, width = normed.shape
    heads = attention.num_heads
    query, key, value = (
        project(normed).view(batch, count, heads, width // heads).transpose(1, 2)
        for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    made = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    hidden = hidden + attention.out_proj(made.transpose(1, 2).reshape(batch, count, width))
    return hidden + layer.mlp(layer.layer_norm2(hidden))  # type: ignore[no-any-return]


def build(size: ClipSize, vocabulary: int = 49408, positions: int = 77, projection: int | None = None) -> ClipEncoder:
    """An encoder without weights."""
    from transformers.models.clip.configuration_clip import CLIPTextConfig
    from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection

    from ..checkpoints.meta import without_weights

    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=size.width,
        intermediate_size=size.inner,
        projection_dim=projection or size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        max_position_embeddings=positions,
        hidden_act=size.activation,
    )
    with without_weights():
        return ClipEncoder(CLIPTextModelWithProjection(config), size)
