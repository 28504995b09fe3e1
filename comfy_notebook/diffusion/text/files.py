"""Text encoders in files: those inside checkpoints, and files of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints.files import WeightsError, read_weights
from ..checkpoints.quantised import dequantised
from .causal import QWEN_IMAGE, Z_IMAGE, TemplateTokenizer, load_qwen
from .clip_files import load_clip, to_open_clip
from .hidream import HiDreamText, load_llama
from .hidream import tokenizers as hidream_tokenizers
from .language import LanguageTokenizer
from .qwen_vl import PictureTokenizer, load_qwen_vl, sees
from .stack import (
    DualClip,
    FluxText,
    SingleClip,
    SingleLanguage,
    StableDiffusion3Text,
    TextStack,
    clip_tokenizer,
)
from .tokenizer_files import Encode, load_tokenizer, sentencepiece_tokenizer

if TYPE_CHECKING:
    from torch import Tensor

    from ..clip import CLIP
    from ..families.family import Family

#: What precedes the text encoders of each kind in checkpoints: SD 1, SD 2, SDXL and its refiner.
_L_IN_SD1 = ("cond_stage_model.transformer.", "cond_stage_model.")
_H_IN_SD2 = "cond_stage_model.model."
_IN_SDXL = ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model.")
#: How many of ViT-H's 24 layers files have that end with the one before the last.
_WITHOUT_LAST = 23
#: Qwen's token for the beginning of a turn.
_IM_START = 151644
#: Encoder → what it is called in checkpoints since Stable Diffusion 3.
_IN_NEWER = {"l": "clip_l", "g": "clip_g", "t5xxl": "t5xxl", "umt5": "pile_t5xl"}
#: Under what files of UMT5 hold the bytes of their tokenizer.
_SPIECE = "spiece_model"
_IN_REFINER = "conditioner.embedders.0.model."


def _below(weights: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}


def clip_l(weights: Mapping[str, Tensor], **more: Any) -> Any:
    """OpenAI's ViT-L/14: quick GELU."""
    return load_clip(weights, "CLIP-L text encoder", activation="quick_gelu", **more)


def clip_h(weights: Mapping[str, Tensor], **more: Any) -> Any:
    """OpenCLIP's ViT-H: the layer before the last, with the final norm. Files of diffusers end with that layer."""
    layers = {name.split(".layers.")[1].split(".")[0] for name in weights if ".layers." in name}
    layer = -1 if len(layers) == _WITHOUT_LAST else -2
    return load_clip(weights, "CLIP-H text encoder", activation="gelu", pad=0, default_layer=layer, **more)


def clip_g(weights: Mapping[str, Tensor], **more: Any) -> Any:
    """OpenCLIP's ViT-bigG: the layer before the last, without the final norm."""
    return load_clip(
        weights, "CLIP-G text encoder", activation="gelu", pad=0, default_layer=-2, norm_hidden=False, **more
    )


def clip_of_checkpoint(weights: Mapping[str, Tensor], family: Family | None, file: str) -> CLIP | None:
    """The text encoders that lie in a checkpoint; None when it has none."""
    from ..clip import CLIP

    stack = _stack_of_checkpoint(weights)
    return CLIP(stack) if stack is not None else None


def _stack_of_checkpoint(weights: Mapping[str, Tensor]) -> TextStack | None:
    named = {name: _below(weights, f"text_encoders.{child}.transformer.") for name, child in _IN_NEWER.items()}
    named = {name: part for name, part in named.items() if part}
    if named:
        kind = "auraflow" if "umt5" in named else "sd3" if "g" in named else "flux"
        return stack_for({name: _BUILDERS[name](dequantised(part), kind) for name, part in named.items()}, kind)
    first, second = (_below(weights, prefix) for prefix in _IN_SDXL)
    if first and second:
        encoders = {"l": clip_l(first, norm_hidden=False, default_layer=-2), "g": clip_g(second)}
        return DualClip(encoders, _tokenizers(encoders))
    if refiner := _below(weights, _IN_REFINER):
        encoder = {"g": clip_g(refiner)}
        return SingleClip(encoder, _tokenizers(encoder))
    if large := _below(weights, _H_IN_SD2):
        encoder = {"h": clip_h(large)}
        return SingleClip(encoder, _tokenizers(encoder))
    for prefix in _L_IN_SD1:
        small = _below(weights, prefix)
        if "text_model.encoder.layers.0.mlp.fc1.weight" in small or "encoder.layers.0.mlp.fc1.weight" in small:
            encoder = {"l": clip_l(small)}
            return SingleClip(encoder, _tokenizers(encoder))
    return None


def load_text_encoders(paths: Sequence[Path], kind: str, device: str = "default") -> CLIP:
    """Text encoders from files of their own, for the model called ``kind`` (as the Load CLIP nodes name it).

    Raises :class:`WeightsError` when a file is no text encoder that is known, or they do not belong together.
    """
    from .. import memory
    from ..clip import CLIP

    encoders: dict[str, Any] = {}
    inside: dict[str, Encode] = {}
    for path in paths:
        weights = dequantised(_bare(read_weights(path)[0]))
        name = which(weights, path.name)
        encoders[name] = _BUILDERS[name](weights, kind)
        if _SPIECE in weights:
            inside[name] = sentencepiece_tokenizer(bytes(weights[_SPIECE].tolist()))
    return CLIP(stack_for(encoders, kind, inside), memory.cpu() if device == "cpu" else None)


def _bare(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights without what programs put before all of them."""
    for prefix in ("conditioner.embedders.0.transformer.", "cond_stage_model.transformer.", "text_encoders."):
        if any(name.startswith(prefix) for name in weights):
            return _below(weights, prefix)
    return dict(weights)


def which(weights: Mapping[str, Tensor], file: str) -> str:
    """``l``, ``h``, ``g`` …: which encoder the weights are, by their names and sizes."""
    for name, width in _CLIP_TABLES.items():
        if name in weights:
            found = {768: "l", 1024: "h", 1280: "g"}.get(weights[name].shape[width])
            if found is not None:
                return found
    if any(name.endswith("layers.0.self_attn.q_norm.weight") for name in weights):
        return "qwen3"
    if any(name.endswith("layers.0.self_attn.q_proj.bias") and "text_model" not in name for name in weights):
        return "qwen25"
    if any(name.endswith("layers.0.self_attn.q_proj.weight") and "encoder" not in name for name in weights):
        return "llama"
    if "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight" in weights:
        second = "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight"
        return "umt5" if second in weights else "t5xxl"
    some = ", ".join(sorted(weights)[:3])
    raise WeightsError(f"{file} is no text encoder that is known; it has {len(weights)} weights, such as {some}")


#: The token table of a CLIP encoder under each program's name, and the dimension that is its width.
_CLIP_TABLES = {
    "text_model.embeddings.token_embedding.weight": 1,
    "embeddings.token_embedding.weight": 1,
    "token_embedding.weight": 1,
}


def _build_l(weights: Mapping[str, Tensor], kind: str) -> Any:
    hidden = kind in ("sdxl", "sd3")
    return clip_l(weights, **({"norm_hidden": False, "default_layer": -2} if hidden else {}))


_BUILDERS: dict[str, Callable[[Mapping[str, Tensor], str], Any]] = {
    "l": _build_l,
    "h": lambda weights, kind: clip_h(weights),
    "g": lambda weights, kind: clip_g(weights),
    "t5xxl": lambda weights, kind: _build_t5(weights, "t5", masked=kind == "hidream", zeroed=False),
    "llama": lambda weights, kind: load_llama(weights, _language_dtype()),
    "umt5": lambda weights, kind: _build_t5(weights, "umt5", masked=True, end=_umt5_end(kind)),
    "qwen3": lambda weights, kind: load_qwen(weights, _language_dtype(), layer=-2),
    "qwen25": lambda weights, kind: _build_qwen25(weights),
}


def _build_t5(weights: Mapping[str, Tensor], kind: str, **more: Any) -> Any:
    from .language import load_t5

    return load_t5(weights, _language_dtype(), kind, **more)


def _umt5_end(kind: str) -> int:
    """The token after a prompt: AuraFlow's encoder (Pile-T5) has the tokenizer of Llama."""
    return 2 if kind == "auraflow" else 1


def _build_qwen25(weights: Mapping[str, Tensor]) -> Any:
    load = load_qwen_vl if sees(weights) else load_qwen
    return load(weights, _language_dtype(), layer=-1, start=_IM_START)


def _language_dtype() -> Any:
    """Language models overflow in float16."""
    import torch

    from .. import memory

    return memory.compute_dtype(None, [torch.bfloat16, torch.float32])


def stack_for(encoders: dict[str, Any], kind: str, inside: Mapping[str, Encode] | None = None) -> TextStack:
    """Encoders put together as the model called ``kind`` wants them; ``inside`` are tokenizers that files held."""
    names = set(encoders)
    if kind == "hidream" and names <= {"l", "g", "t5xxl", "llama"}:
        clips = {name: encoder for name, encoder in encoders.items() if name in ("l", "g")}
        return HiDreamText(encoders, {**_tokenizers(clips), **hidream_tokenizers(list(encoders))})
    if names == {"l", "g"} and kind == "sd3":
        return StableDiffusion3Text(encoders, _tokenizers(encoders))
    if names == {"l", "g"}:
        return DualClip({"l": encoders["l"], "g": encoders["g"]}, _tokenizers(encoders))
    if len(names) == 1 and names <= {"l", "h", "g"}:
        return SingleClip(encoders, _tokenizers(encoders))
    if "t5xxl" in names and names <= {"l", "g", "t5xxl"}:
        return _with_t5(encoders, kind)
    if names == {"qwen3"}:
        return SingleLanguage(encoders, {"qwen3": TemplateTokenizer(load_tokenizer("qwen3"), Z_IMAGE)})
    if names == {"qwen25"}:
        return SingleLanguage(encoders, {"qwen25": PictureTokenizer(load_tokenizer("qwen2.5-vl"), QWEN_IMAGE)})
    if names == {"umt5"}:
        return SingleLanguage(encoders, {"umt5": _umt5_tokenizer(kind, (inside or {}).get("umt5"))})
    raise WeightsError(f"these text encoders ({', '.join(sorted(names))}) do not go together for {kind}")


def _umt5_tokenizer(kind: str, inside: Encode | None) -> LanguageTokenizer:
    encode = inside or load_tokenizer("pile-t5" if kind == "auraflow" else "umt5")
    if kind == "auraflow":
        return LanguageTokenizer(encode, _umt5_end(kind), shortest=256, key="pile_t5xl")
    return LanguageTokenizer(encode, shortest=512, key="umt5xxl")


def _with_t5(encoders: dict[str, Any], kind: str) -> TextStack:
    """T5 alone (Chroma, and Stable Diffusion 3 without CLIP), with CLIP-L (Flux), with both (Stable Diffusion 3)."""
    names = set(encoders)
    clips = {name: encoder for name, encoder in encoders.items() if name != "t5xxl"}
    encode = load_tokenizer("t5")
    if names == {"l", "t5xxl"} and kind != "sd3":
        return FluxText(encoders, {**_tokenizers(clips), "t5xxl": LanguageTokenizer(encode, shortest=256)})
    if kind == "sd3":
        return StableDiffusion3Text(encoders, {**_tokenizers(clips), "t5xxl": LanguageTokenizer(encode)})
    return SingleLanguage(encoders, {"t5xxl": LanguageTokenizer(encode, shortest=1)})


def checkpoint_names(weights: Mapping[str, Tensor], encoders: Sequence[str]) -> dict[str, Tensor]:
    """The weights of text encoders under the names that checkpoints have for them."""
    if set(encoders) == {"l"}:
        return _renamed(weights, "clip_l.transformer.", "cond_stage_model.transformer.")
    if set(encoders) == {"l", "g"}:
        large = to_open_clip(_below(weights, "clip_g.transformer."))
        small = _renamed(weights, "clip_l.transformer.", _IN_SDXL[0])
        return small | {_IN_SDXL[1] + name: value for name, value in large.items()}
    if set(encoders) == {"h"}:
        return {_H_IN_SD2 + name: value for name, value in to_open_clip(_below(weights, "clip_h.transformer.")).items()}
    if set(encoders) == {"g"}:
        large = to_open_clip(_below(weights, "clip_g.transformer."))
        return {_IN_REFINER + name: value for name, value in large.items()}
    newer = {name: _IN_NEWER.get(name.partition(".")[0], name.partition(".")[0]) for name in weights}
    return {f"text_encoders.{newer[name]}.{name.partition('.')[2]}": value for name, value in weights.items()}


def _renamed(weights: Mapping[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {new + name: value for name, value in _below(weights, old).items() if "text_projection" not in name}


def _tokenizers(encoders: Mapping[str, Any]) -> dict[str, Any]:
    """Chunks are as long as an encoder has places: 77, or 248 for the longer ones that HiDream reads."""
    return {name: clip_tokenizer(name, encoder.size.width, encoder.positions) for name, encoder in encoders.items()}
