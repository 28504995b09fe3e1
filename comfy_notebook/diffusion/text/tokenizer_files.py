"""Tokenizers of language models: files the user has, because they are too many and too large for the package.

Looked for in ``models/tokenizers/<name>/`` (``tokenizer.json``, ``spiece.model``, ``tokenizer.model``, or
``vocab.json`` with ``merges.txt``), then in the cache of downloads from Hugging Face. Nothing is fetched unless
``COMFY_NOTEBOOK_ALLOW_DOWNLOADS=1`` is set.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ... import model_folders
from ..checkpoints.files import WeightsError

ALLOW_DOWNLOADS = "COMFY_NOTEBOOK_ALLOW_DOWNLOADS"
#: Name → where Hugging Face has its tokenizer.json, and in which folder of that repository.
SOURCES = {
    "t5": ("black-forest-labs/FLUX.1-schnell", "tokenizer_2"),
    "umt5": ("google/umt5-xxl", ""),
    "pile-t5": ("fal/AuraFlow", "tokenizer"),
    "qwen2.5-vl": ("Qwen/Qwen2.5-VL-7B-Instruct", ""),
    "llama3": ("meta-llama/Llama-3.1-8B-Instruct", ""),
    "qwen3": ("Qwen/Qwen3-4B", ""),
}
_FILE = "tokenizer.json"
#: Text → ids.
Encode = Callable[[str], list[int]]


def load_tokenizer(name: str) -> Encode:
    """Text → ids, without tokens for the start or end.

    Raises :class:`WeightsError` that says which file belongs where when there is none.
    """
    folder = model_folders.current().root / "tokenizers" / name
    return _loaded(name, folder)


@functools.lru_cache(maxsize=8)
def _loaded(name: str, folder: Path) -> Encode:
    tokenizer = _from_folder(folder) or _from_hub(name)
    if tokenizer is None:
        repository, inside = SOURCES[name]
        path = f"{inside}/{_FILE}" if inside else _FILE
        raise WeightsError(
            f"the tokenizer {name!r} is missing: put {path} of huggingface.co/{repository} into {folder}, or set the "
            f"environment variable {ALLOW_DOWNLOADS}=1 to have it fetched (a few MB)"
        )
    return _encoding(tokenizer)


def sentencepiece_tokenizer(model: bytes) -> Encode:
    """The tokenizer of a ``spiece.model``, as some text encoders' files hold it."""
    from .sentencepiece import unigram_tokenizer

    return _encoding(unigram_tokenizer(model))


def _encoding(tokenizer: Any) -> Encode:
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def _from_folder(folder: Path) -> Any:
    from tokenizers import Tokenizer  # type: ignore[import-not-found, unused-ignore]

    if (file := folder / _FILE).is_file():
        return Tokenizer.from_file(str(file))
    for name in ("spiece.model", "tokenizer.model"):
        if (file := folder / name).is_file():
            from .sentencepiece import unigram_tokenizer

            return unigram_tokenizer(file.read_bytes())
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        from .sentencepiece import byte_level_tokenizer

        return byte_level_tokenizer(folder / "vocab.json", folder / "merges.txt")
    return None


def _from_hub(name: str) -> Any:
    from tokenizers import Tokenizer

    try:
        import huggingface_hub as hub  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    repository, inside = SOURCES[name]
    path = f"{inside}/{_FILE}" if inside else _FILE
    found = hub.try_to_load_from_cache(repository, path)
    if not isinstance(found, str):
        if os.environ.get(ALLOW_DOWNLOADS) != "1":
            return None
        found = hub.hf_hub_download(repository, path)
    return Tokenizer.from_file(found)
