"""SentencePiece and byte-level vocabularies as tokenizers of the ``tokenizers`` library."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_UNKNOWN, _BYTE = 2, 6
#: Qwen's own tokens in the order of their numbers, after those of ``vocab.json``.
_QWEN_TOKENS = (
    *("endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end"),
    *("quad_start", "quad_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"),
)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field of a protocol buffer message."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while place < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
        elif kind == 2:
            length = varint()
            yield key >> 3, data[place : place + length]
            place += length
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield key >> 3, data[place : place + size]
            place += size
        else:
            raise ValueError("this is no SentencePiece model")


def unigram_tokenizer(model: bytes) -> Any:
    """The tokenizer of a ``spiece.model`` of the unigram kind (T5, UMT5)."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    pieces: list[tuple[str, float]] = []
    unknown, has_bytes, characters = 0, False, b""
    for number, value in _fields(model):
        if number == 1:
            piece = dict(_fields(value))
            kind = piece.get(3, 1)
            if kind == _UNKNOWN:
                unknown = len(pieces)
            has_bytes |= kind == _BYTE
            pieces.append((piece[1].decode("utf-8"), struct.unpack("<f", piece.get(2, b"\0\0\0\0"))[0]))
        elif number == 3:
            characters = dict(_fields(value)).get(2, b"")
    made = Tokenizer(models.Unigram(pieces, unknown, has_bytes))
    steps = [normalizers.Precompiled(characters)] if characters else []
    made.normalizer = normalizers.Sequence([*steps, normalizers.Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return made


def byte_level_tokenizer(vocabulary: Path, merges: Path) -> Any:
    """The tokenizer of a ``vocab.json`` and ``merges.txt`` as Qwen has them."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
        + r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    made = Tokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
    made.add_special_tokens([f"<|{name}|>" for name in _QWEN_TOKENS])
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return made
