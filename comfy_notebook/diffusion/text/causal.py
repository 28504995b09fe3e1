"""Causal language models (Qwen) as text encoders: a prompt inside a template, hidden states of one layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Token = tuple[Any, ...]
#: What Qwen-Image was trained behind; its own tokens are no part of the conditioning.
QWEN_IMAGE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
Z_IMAGE = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
_START = "<|im_start|>"


@dataclass
class TemplateTokenizer:
    """One chunk of the prompt inside ``template``. Brackets are words like others here."""

    encode: Callable[[str], list[int]]
    template: str

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> list[list[Token]]:
        """Chunks (here one) of (token, 1.0) or (token, 1.0, word)."""
        whole = text if text.startswith(_START) else options.get("llama_template", self.template).format(text)
        tokens = [(token, 1.0, 1) for token in self.encode(whole)]
        return [tokens if return_word_ids else [token[:2] for token in tokens]]


class CausalEncoder(nn.Module):
    """``transformer`` is a Qwen model; ``layer`` which hidden state counts (-1 after the last norm, -2 before the last
    layer); ``start`` is the token whose second occurrence begins the user's turn, before which all is cut (None: keep).
    """

    def __init__(self, transformer: Any, layer: int = -1, start: int | None = None, header: int = 3) -> None:
        super().__init__()
        self.transformer = transformer
        self.layer, self.start, self.header = layer, start, header

    @property
    def device(self) -> torch.device:
        return self.transformer.embed_tokens.weight.device  # type: ignore[no-any-return]

    def encode_token_weights(self, chunks: Sequence[Sequence[Token]]) -> tuple[Tensor, Tensor | None]:
        """``[1, tokens, width]`` float32 and no pooled vector."""
        ids, made = self.hidden(chunks)
        hidden = made.last_hidden_state if self.layer == -1 else made.hidden_states[self.layer]
        return hidden[:, self._first(ids) :].float(), None

    def hidden(self, chunks: Sequence[Sequence[Token]]) -> tuple[list[Any], Any]:
        """The tokens of the first chunk, and the model's output for all."""
        ids = [[token[0] for token in chunk] for chunk in chunks]
        if any(isinstance(token, Mapping) for chunk in ids for token in chunk):
            raise ValueError("this text encoder can't see pictures: its file lacks the vision tower (visual.…)")
        given = torch.tensor(ids, device=self.device)
        return ids[0], self.transformer(input_ids=given, output_hidden_states=True, use_cache=False)

    def _first(self, ids: list[Any]) -> int:
        """Where the prompt begins: after ``<|im_start|>user`` and the line's end."""
        places = [place for place, token in enumerate(ids) if token == self.start]
        return places[1] + self.header if len(places) > 1 and self.start is not None else 0


def load_qwen(weights: Mapping[str, Tensor], dtype: Any, layer: int, start: int | None = None) -> CausalEncoder:
    """Qwen 2.5 (also the language part of its VL models) or Qwen 3 with the weights of a file.

    Raises :class:`~..checkpoints.files.WeightsError` when they are incomplete.
    """
    import transformers

    from ..checkpoints.layout import assign
    from ..checkpoints.meta import quiet_libraries, without_weights

    quiet_libraries()
    bare = language_part(weights)
    third = _is_third(bare)
    classes: Any = transformers
    config = getattr(classes, "Qwen3Config" if third else "Qwen2Config")(
        **language_sizes(bare), tie_word_embeddings=True
    )
    with without_weights():
        module = getattr(classes, "Qwen3Model" if third else "Qwen2Model")(config)
    state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in bare.items()}
    assign(module, state, "Qwen text encoder")
    return CausalEncoder(module, layer, start)


def _is_third(weights: Mapping[str, Tensor]) -> bool:
    return "layers.0.self_attn.q_norm.weight" in weights


def language_sizes(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """The arguments of the config class for a language model's weights."""
    third = _is_third(weights)
    rows, width = weights["embed_tokens.weight"].shape
    queries, keys = (weights[f"layers.0.self_attn.{part}_proj.weight"].shape[0] for part in "qk")
    head = (
        weights["layers.0.self_attn.q_norm.weight"].shape[0] if third else 128 if queries % 128 == 0 else queries // 2
    )
    return {
        "vocab_size": rows,
        "hidden_size": width,
        "intermediate_size": weights["layers.0.mlp.gate_proj.weight"].shape[0],
        "num_hidden_layers": 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers.")),
        "num_attention_heads": queries // head,
        "num_key_value_heads": keys // head,
        "head_dim": head,
        "max_position_embeddings": 40960 if third else 128000,
        "rope_theta": 1000000.0,
        "rms_norm_eps": 1e-6,
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def language_part(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The language model alone, without what stands before its names."""
    for prefix in ("model.language_model.", "language_model.model.", "model."):
        found = {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}
        if "embed_tokens.weight" in found:
            return found
    return {name: value for name, value in weights.items() if not name.startswith(("visual.", "lm_head."))}
