"""The text side of a family: one or more encoders with their tokenizers, and how their outputs become conditioning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .chunks import ClipTokenizer
from .clip_encoder import ClipEncoder

Tokens = dict[str, list[list[tuple[Any, ...]]]]


class TextStack(nn.Module):
    """Encoders by short name (``l``, ``g``, ``h``, ``t5xxl`` …); children are called ``clip_l`` and so on.

    Subclasses say in :meth:`encode_token_weights` what becomes of the outputs.
    """

    def __init__(self, encoders: Mapping[str, nn.Module], tokenizers: Mapping[str, Any]) -> None:
        super().__init__()
        self.names = tuple(encoders)
        self.tokenizers = dict(tokenizers)
        for name, encoder in encoders.items():
            self.add_module(child_name(name), encoder)

    #: Token tables are read outside their modules' calls, so encoders go to the device whole.
    streams = False
    #: Text encoders of the CLIP kind are kept as files have them.
    storage_dtype: torch.dtype | None = torch.float16

    def encoder(self, name: str) -> Any:
        """The encoder of a short name."""
        return getattr(self, child_name(name))

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> Tokens:
        """Chunks of (token, weight) for each encoder."""
        return {
            name: tokenizer.tokenize(text, return_word_ids, **options) for name, tokenizer in self.tokenizers.items()
        }

    def set_clip_options(self, options: Mapping[str, Any]) -> None:
        """``layer``: the hidden state CLIP encoders give, counted from the end (-1 the last), for all of them."""
        layer = options.get("layer")
        if layer is not None:
            for name in self.names:
                encoder = self.encoder(name)
                if isinstance(encoder, ClipEncoder):
                    encoder.layer_idx = layer

    def reset_clip_options(self) -> None:
        """The hidden states of the family again."""
        for name in self.names:
            encoder = self.encoder(name)
            if isinstance(encoder, ClipEncoder):
                encoder.layer_idx = encoder.size.default_layer

    def encode_token_weights(self, tokens: Tokens) -> tuple[Any, ...]:
        """The text ``[1, T, D]``, the pooled vector ``[1, P]`` or None, and maybe a dict for the conditioning."""
        raise NotImplementedError


def child_name(name: str) -> str:
    """``l`` → ``clip_l``; what is no CLIP keeps its name."""
    return f"clip_{name}" if name in ("l", "g", "h") else name


class SingleClip(TextStack):
    """One encoder whose output is the conditioning: SD 1 (``l``), SD 2 (``h``), XL Refiner (``g``)."""

    def encode_token_weights(self, tokens: Tokens) -> tuple[Any, ...]:
        name = self.names[0]
        return self.encoder(name).encode_token_weights(tokens[name])  # type: ignore[no-any-return]


class DualClip(TextStack):
    """Stable Diffusion XL: both encoders side by side, the pooled vector of the second."""

    def encode_token_weights(self, tokens: Tokens) -> tuple[Any, ...]:
        parts, pooled = encoded(self, ("l", "g"), tokens)
        return side_by_side(parts), pooled["g"]


def encoded(stack: TextStack, names: Sequence[str], tokens: Tokens) -> tuple[list[Tensor], dict[str, Any]]:
    """The outputs of encoders, and their pooled vectors by name."""
    parts, pooled = [], {}
    for name in names:
        part, pooled[name] = stack.encoder(name).encode_token_weights(tokens[name])[:2]
        parts.append(part)
    return parts, pooled


def side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Outputs joined along channels, at the length of the shortest."""
    length = min(part.shape[1] for part in parts)
    return torch.cat([part[:, :length] for part in parts], dim=-1)


def clip_tokenizer(name: str, width: int, length: int = 77) -> ClipTokenizer:
    """The tokenizer of a CLIP encoder: ``l`` fills up with the end token, the others with 0."""
    return ClipTokenizer(pad=49407 if name == "l" else 0, width=width, key=child_name(name), length=length)


class FluxText(TextStack):
    """Flux.1: T5's hidden states, CLIP-L's pooled vector."""

    storage_dtype = None

    def encode_token_weights(self, tokens: Tokens) -> tuple[Any, ...]:
        text, _ = self.encoder("t5xxl").encode_token_weights(tokens["t5xxl"])
        pooled = self.encoder("l").encode_token_weights(tokens["l"])[1] if "l" in self.names else None
        return text, pooled


class SingleLanguage(TextStack):
    """One language model whose hidden states are the conditioning: Chroma, AuraFlow."""

    storage_dtype = None

    def encode_token_weights(self, tokens: Tokens) -> tuple[Any, ...]:
        name = self.names[0]
        return self.encoder(name).encode_token_weights(tokens[name])  # type: ignore[no-any-return]


class StableDiffusion3Text(TextStack):
    """CLIP-L beside CLIP-G, widened with zeros to T5's width, before T5. What is missing is zeros."""

    storage_dtype = None
    _WIDTH, _POOLED = 4096, {"l": 768, "g": 1280}

    def encode_token_weights(self, tokens: Tokens) -> tuple[Any, ...]:
        parts: dict[str, Tensor] = {}
        pooled: dict[str, Tensor] = {}
        for name in ("l", "g"):
            if name in self.names and tokens.get(name):
                parts[name], pooled[name] = self.encoder(name).encode_token_weights(tokens[name])
        out = self._clips(parts)
        if "t5xxl" in self.names and tokens.get("t5xxl"):
            text, _ = self.encoder("t5xxl").encode_token_weights(tokens["t5xxl"])
            out = text if out is None else torch.cat([self._widened(out, text.shape[-1]), text], dim=-2)
        elif out is not None:
            out = self._widened(out, self._WIDTH)
        if out is None:
            out = torch.zeros(1, 77, self._WIDTH)
        zeros = [pooled.get(name, torch.zeros(1, self._pooled_width(name))) for name in ("l", "g")]
        return out, torch.cat([part.to(out.device) for part in zeros], dim=-1)

    def _pooled_width(self, name: str) -> int:
        return int(self.encoder(name).size.width) if name in self.names else self._POOLED[name]

    def _clips(self, parts: dict[str, Tensor]) -> Tensor | None:
        if not parts:
            return None
        like = next(iter(parts.values()))
        return side_by_side(
            [parts.get(name, like.new_zeros(*like.shape[:2], self._pooled_width(name))) for name in ("l", "g")]
        )

    @staticmethod
    def _widened(text: Tensor, width: int) -> Tensor:
        return torch.nn.functional.pad(text, (0, width - text.shape[-1]))
