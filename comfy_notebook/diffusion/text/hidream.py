"""HiDream's text side: pooled CLIP-L and CLIP-G, T5, and every layer of Llama 3.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .causal import language_part, language_sizes
from .language import LanguageTokenizer, Token
from .stack import TextStack, Tokens
from .tokenizer_files import load_tokenizer

#: Llama 3's tokens before a text and after it.
_BEGIN, _END_OF_TURN = 128000, 128009
#: T5 and Llama read at least as many tokens.
_SHORTEST = 128
_POOLED = {"l": 768, "g": 1280}
_WIDTH, _LAYERS = 4096, 32


class LlamaEncoder(nn.Module):
    """``transformer`` is transformers' ``LlamaModel``; tokens ``pad`` are hidden from it."""

    def __init__(self, transformer: Any, pad: int) -> None:
        super().__init__()
        self.transformer = transformer
        self.pad = pad

    @property
    def device(self) -> torch.device:
        return self.transformer.embed_tokens.weight.device  # type: ignore[no-any-return]

    def encode_token_weights(self, chunks: Sequence[Sequence[Token]]) -> tuple[Tensor, Tensor | None]:
        """``[1, layers, tokens, width]`` float32, the output of every layer, and no pooled vector."""
        ids = torch.tensor([[token[0] for token in chunk] for chunk in chunks], device=self.device)
        made = self.transformer(
            input_ids=ids, attention_mask=(ids != self.pad).long(), output_hidden_states=True, use_cache=False
        )
        return torch.stack(made.hidden_states[1:], dim=1).float(), None


class LlamaTokenizer(LanguageTokenizer):
    """Brackets are words like others here."""

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> list[list[Token]]:
        """Chunks (here one) of (token, 1.0) or (token, 1.0, word)."""
        escaped = text.replace("(", "\\(").replace(")", "\\)")
        return super().tokenize(escaped, return_word_ids, **options)


class HiDreamText(TextStack):
    """What is missing is zeros."""

    storage_dtype = None

    def encode_token_weights(self, tokens: Tokens) -> tuple[Any, ...]:
        text = self._encoded("t5xxl", tokens, torch.zeros(1, _SHORTEST, _WIDTH))[0]
        llama = self._encoded("llama", tokens, torch.zeros(1, _LAYERS, 1, _WIDTH))[0]
        pooled = [self._encoded(name, tokens, text, torch.zeros(1, width))[1] for name, width in _POOLED.items()]
        return text, torch.cat([part.to(text.device) for part in pooled], dim=-1), {"conditioning_llama3": llama}

    def _encoded(self, name: str, tokens: Tokens, text: Tensor, pooled: Any = None) -> tuple[Tensor, Any]:
        if name not in self.names or not tokens.get(name):
            return text, pooled
        return self.encoder(name).encode_token_weights(tokens[name])  # type: ignore[no-any-return]


def tokenizers(names: Sequence[str]) -> dict[str, Any]:
    """The tokenizers of T5 and Llama, where they are among ``names``."""
    made: dict[str, Any] = {}
    if "t5xxl" in names:
        made["t5xxl"] = LanguageTokenizer(load_tokenizer("t5"), shortest=_SHORTEST)
    if "llama" in names:
        made["llama"] = LlamaTokenizer(
            load_tokenizer("llama3"), None, _END_OF_TURN, _SHORTEST, prefix=(_BEGIN,), key="llama"
        )
    return made


def load_llama(weights: Mapping[str, Tensor], dtype: Any) -> LlamaEncoder:
    """Llama 3.1 with the weights of a file.

    Raises :class:`~..checkpoints.files.WeightsError` when they are incomplete.
    """
    import transformers

    from ..checkpoints.layout import assign
    from ..checkpoints.meta import quiet_libraries, without_weights

    quiet_libraries()
    bare = language_part(weights)
    sizes = language_sizes(bare) | {"rms_norm_eps": 1e-5, "rope_theta": 500000.0, "max_position_embeddings": 131072}
    longer = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    longer["original_max_position_embeddings"] = 8192
    classes: Any = transformers
    with without_weights():
        module = classes.LlamaModel(classes.LlamaConfig(**sizes, rope_scaling=longer))
    assign(module, {name: value.to(dtype) for name, value in bare.items()}, "Llama text encoder")
    return LlamaEncoder(module, _END_OF_TURN)
