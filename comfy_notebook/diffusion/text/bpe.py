"""CLIP's byte-pair encoding. The merges are OpenAI's (MIT), in the package."""

from __future__ import annotations

import functools
import gzip
import itertools
from importlib import resources

import regex

START, END = 49406, 49407
_MERGES = 49152 - 256 - 2
_WORDS = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)
_WORD_END = "</w>"


def _byte_letters() -> dict[int, str]:
    """A printable letter for each byte: itself where it is one, else one from 256 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in printable}
    others = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(256 + index) for index, byte in enumerate(others)}


class ClipVocabulary:
    """Text → token ids, without start and end."""

    def __init__(self) -> None:
        packed = resources.files(__package__).joinpath("clip_merges.txt.gz").read_bytes()
        lines = gzip.decompress(packed).decode("utf-8").split("\n")[1 : 1 + _MERGES]
        merges = [(first, second) for first, second in (line.split() for line in lines)]
        self._letters = _byte_letters()
        letters = list(self._letters.values())
        words = [*letters, *(letter + _WORD_END for letter in letters), *(first + second for first, second in merges)]
        self.ids = {word: number for number, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
        self._rank = {pair: number for number, pair in enumerate(merges)}
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The ids of a text; letter case and repeated white space do not matter."""
        return [number for word in _WORDS.findall(" ".join(text.lower().split())) for number in self._word(word)]

    def decode(self, ids: list[int]) -> str:
        """The text that ids stand for."""
        words = {number: word for word, number in self.ids.items()}
        bytes_of = {letter: byte for byte, letter in self._letters.items()}
        joined = "".join(words.get(number, "") for number in ids).replace(_WORD_END, " ")
        return bytes(bytes_of.get(letter, 32) for letter in joined).decode("utf-8", errors="replace").strip()

    def _word(self, word: str) -> list[int]:
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = [self.ids[part] for part in self._merged(word)]
        return known

    def _merged(self, word: str) -> list[str]:
        if word in ("<|startoftext|>", "<|endoftext|>"):
            return [word]
        parts = [self._letters[byte] for byte in word.encode("utf-8")]
        parts[-1] += _WORD_END
        while len(parts) > 1:
            ranked = [(self._rank.get(pair, _MERGES), pair) for pair in itertools.pairwise(parts)]
            rank, pair = min(ranked)
            if rank == _MERGES:
                break
            parts = _joined(parts, pair)
        return parts


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    made, index = [], 0
    while index < len(parts):
        if tuple(parts[index : index + 2]) == pair:
            made.append(parts[index] + parts[index + 1])
            index += 2
        else:
            made.append(parts[index])
            index += 1
    return made


@functools.cache
def clip_vocabulary() -> ClipVocabulary:
    """The one vocabulary, read on first use."""
    return ClipVocabulary()
