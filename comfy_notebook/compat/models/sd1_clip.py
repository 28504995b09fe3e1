"""``comfy.sd1_clip``: prompts with weights, and the encoders of CLIP."""

from __future__ import annotations

from typing import Any

from ...diffusion.text.chunks import ClipTokenizer as SDTokenizer
from ...diffusion.text.clip_encoder import ClipEncoder as SDClipModel
from ...diffusion.text.embeddings import find_embedding
from ...diffusion.text.prompt import weighted_segments
from ...diffusion.text.stack import TextStack as SD1ClipModel

__all__ = ["SD1ClipModel", "SDClipModel", "SDTokenizer"]


def token_weights(string: str, current_weight: float) -> list[tuple[str, float]]:
    """The pieces of a prompt with their weights."""
    return weighted_segments(string, current_weight)


def load_embed(embedding_name: str, embedding_directory: Any, embedding_size: int, embed_key: str | None = None) -> Any:
    """The rows of an embedding file; None when there is none that fits."""
    return find_embedding(embedding_name, embedding_size, embed_key or "clip_l")
