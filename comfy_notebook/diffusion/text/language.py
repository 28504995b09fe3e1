"""Language models as text encoders: prompts of any length in one chunk, with weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .prompt import weighted_segments

Token = tuple[Any, ...]


@dataclass
class LanguageTokenizer:
    """One chunk: ``prefix``, the words with their weights, ``end``, and ``pad`` up to ``shortest`` tokens.

    The options ``<key>_min_length`` and ``<key>_min_padding`` (tokens that follow in any case) change that.
    """

    encode: Callable[[str], list[int]]
    end: int | None = 1
    pad: int = 0
    shortest: int = 77
    prefix: tuple[int, ...] = ()
    key: str = "t5xxl"

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> list[list[Token]]:
        """Chunks (here one) of (token, weight) or (token, weight, word)."""
        tokens: list[Token] = [(token, 1.0, 0) for token in self.prefix]
        for number, (segment, weight) in enumerate(weighted_segments(text), start=1):
            tokens += [(token, weight, number) for token in self.encode(segment)]
        if self.end is not None:
            tokens.append((self.end, 1.0, 0))
        tokens += [(self.pad, 1.0, 0)] * options.get(f"{self.key}_min_padding", 0)
        shortest = options.get(f"{self.key}_min_length", self.shortest)
        tokens += [(self.pad, 1.0, 0)] * (shortest - len(tokens))
        return [tokens if return_word_ids else [token[:2] for token in tokens]]


class T5Encoder(nn.Module):
    """``transformer`` is transformers' ``T5EncoderModel`` or ``UMT5EncoderModel``.

    ``masked``: padding is hidden from attention; ``zeroed``: and zero in the output.
    """

    def __init__(
        self, transformer: Any, end: int = 1, pad: int = 0, masked: bool = False, zeroed: bool | None = None
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.end, self.pad, self.masked = end, pad, masked
        self.zeroed = masked if zeroed is None else zeroed

    @property
    def device(self) -> torch.device:
        return self.transformer.shared.weight.device  # type: ignore[no-any-return]

    def encode_token_weights(self, chunks: Sequence[Sequence[Token]]) -> tuple[Tensor, Tensor | None]:
        """``[1, tokens, width]`` float32, each token moved away from an empty prompt's by its weight; no pooled."""
        length = max(len(chunk) for chunk in chunks)
        weighted = any(token[1] != 1.0 for chunk in chunks for token in chunk)
        empty: list[Token] = [(self.end, 1.0), *[(self.pad, 1.0)] * (length - 1)]
        hidden = self.encode([*chunks, empty] if weighted else chunks)
        if weighted:
            base, hidden = hidden[-1:], hidden[:-1]
            weights = torch.tensor([[token[1] for token in chunk] for chunk in chunks], device=hidden.device)
            hidden = torch.where(weights[..., None] == 1.0, hidden, (hidden - base) * weights[..., None] + base)
        return hidden.reshape(1, -1, hidden.shape[-1]), None

    def encode(self, chunks: Sequence[Sequence[Token]]) -> Tensor:
        """Last hidden states ``[chunks, tokens, width]``."""
        ids = torch.tensor([[token[0] for token in chunk] for chunk in chunks], device=self.device)
        mask = torch.ones_like(ids)
        if self.masked:
            ends = (ids == self.end).int().argmax(dim=1, keepdim=True)
            mask = (torch.arange(ids.shape[1], device=ids.device)[None] <= ends).long()
        made = self.transformer(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        return made * mask[..., None] if self.zeroed else made  # type: ignore[no-any-return]


def load_t5(
    weights: Mapping[str, Tensor],
    dtype: Any,
    kind: str = "t5",
    masked: bool = False,
    end: int = 1,
    zeroed: bool | None = None,
) -> T5Encoder:
    """A T5 (v1.1) or UMT5 encoder with the weights of a file.

    Raises :class:`~..checkpoints.files.WeightsError` when they are incomplete.
    """
    import transformers

    from ..checkpoints.layout import assign
    from ..checkpoints.meta import quiet_libraries, without_weights

    quiet_libraries()
    weights = {name: value for name, value in weights.items() if name.startswith(("encoder.", "shared."))}
    if "shared.weight" not in weights:
        weights["shared.weight"] = weights["encoder.embed_tokens.weight"]
    weights["encoder.embed_tokens.weight"] = weights["shared.weight"]
    bias = weights["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    inner = weights["encoder.block.0.layer.0.SelfAttention.q.weight"].shape[0]
    classes: Any = transformers
    config = getattr(classes, "T5Config" if kind == "t5" else "UMT5Config")(
        vocab_size=weights["shared.weight"].shape[0],
        d_model=weights["shared.weight"].shape[1],
        d_kv=inner // bias.shape[1],
        d_ff=weights["encoder.block.0.layer.1.DenseReluDense.wi_0.weight"].shape[0],
        num_layers=1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.block.")),
        num_heads=bias.shape[1],
        relative_attention_num_buckets=bias.shape[0],
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )
    with without_weights():
        module = getattr(classes, "T5EncoderModel" if kind == "t5" else "UMT5EncoderModel")(config)
    state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in weights.items()}
    state["encoder.embed_tokens.weight"] = state["shared.weight"]
    assign(module, state, "T5 text encoder")
    return T5Encoder(module, end, masked=masked, zeroed=zeroed)
