"""The empty prompt as Stable Diffusion 2's text encoder reads it, for models that know no other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import model_folders
from ..checkpoints.files import SAFETENSORS, WeightsError, read_header, read_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..clip import CLIP

#: The width of OpenCLIP's ViT-H.
_WIDTH = 1024
_TABLES = (
    *("text_model.embeddings.token_embedding.weight", "token_embedding.weight"),
    "cond_stage_model.model.token_embedding.weight",
)


def empty_prompt() -> Tensor:
    """``[1, 2, 1024]`` float32: the tokens for start and end.

    Raises :class:`WeightsError` when no file with Stable Diffusion 2's text encoder is there.
    """
    clip = _text_encoder()
    encoded: Tensor = clip.encode_from_tokens(clip.tokenize(""))
    return encoded[:, :2]


def _text_encoder() -> CLIP:
    from .files import clip_of_checkpoint, load_text_encoders

    for kind in ("text_encoders", "checkpoints"):
        for _, path in sorted(model_folders.current().found(kind, SAFETENSORS)):
            if not _holds_it(path):
                continue
            if kind == "text_encoders":
                return load_text_encoders([path], "stable_diffusion")
            clip = clip_of_checkpoint(read_weights(path)[0], None, path.name)
            if clip is not None:
                return clip
    folder = model_folders.current().root / "text_encoders"
    raise WeightsError(
        "this conditioning is an empty prompt that the text encoder of Stable Diffusion 2 has read, and no file holds "
        f"that encoder: put text_encoder/model.fp16.safetensors of Stable Diffusion 2 into {folder}, or a checkpoint "
        "of Stable Diffusion 2 into models/checkpoints"
    )


def _holds_it(path: Path) -> bool:
    try:
        header: dict[str, Any] = read_header(path)
    except (WeightsError, OSError):
        return False
    return any(name in header and header[name]["shape"][-1] == _WIDTH for name in _TABLES)
