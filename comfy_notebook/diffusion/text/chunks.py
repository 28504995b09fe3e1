"""Tokens of a prompt in the chunks that CLIP reads: start, up to 75 tokens, end, padding."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .bpe import END, START, clip_vocabulary
from .embeddings import MARK, find_embedding
from .prompt import weighted_segments

#: A token id, or a row ``[width]`` from an embedding; its weight; the number of the word it belongs to, if wanted.
Token = tuple[Any, ...]
_EMBEDDINGS = re.compile(rf"(?:^|(?<=[ \n])){MARK}")
#: Words shorter than this are not broken over two chunks.
_LONG_WORD = 8


@dataclass(frozen=True)
class ClipTokenizer:
    """Prompts → chunks for one encoder.

    ``pad`` is the id that fills a chunk, ``width`` that of the encoder's token rows, ``key`` the name under which
    embedding files keep rows for it.
    """

    pad: int = END
    width: int = 768
    key: str = "clip_l"
    length: int = 77
    encode: Callable[[str], list[int]] | None = None

    def tokenize(self, text: str, return_word_ids: bool = False, **_options: Any) -> list[list[Token]]:
        """Chunks of (token, weight) or (token, weight, word), each :attr:`length` long; words count from 1."""
        words = [
            [(token, weight, number) for token in tokens]
            for number, (tokens, weight) in enumerate(self._words(text), start=1)
        ]
        chunks = self._chunks(words)
        return chunks if return_word_ids else [[token[:2] for token in chunk] for chunk in chunks]

    def empty(self) -> list[Token]:
        """The chunk of an empty prompt."""
        return self._closed([])

    def _words(self, text: str) -> list[tuple[list[Any], float]]:
        encode = self.encode or clip_vocabulary().encode
        found: list[tuple[list[Any], float]] = []
        for segment, weight in weighted_segments(text):
            plain, *marked = _EMBEDDINGS.split(segment)
            found.append((encode(plain), weight))
            for text_after in marked:
                rows, rest = self._embedding(text_after)
                found += [(rows, weight), (encode(rest), weight)]
        return [(tokens, weight) for tokens, weight in found if tokens]

    def _embedding(self, text: str) -> tuple[list[Any], str]:
        """The rows of the embedding that ``text`` begins with, and the text after its name."""
        name, _, rest = text.partition(" ")
        name, line, after = name.partition("\n")
        rest = f"{after} {rest}" if line else rest
        bare = name.rstrip(",")
        rows = find_embedding(bare, self.width, self.key)
        return ([] if rows is None else list(rows)), name[len(bare) :] + " " + rest

    def _chunks(self, words: list[list[Token]]) -> list[list[Token]]:
        room = self.length - 2
        chunks: list[list[Token]] = []
        current: list[Token] = []
        for word in words:
            rest = word
            while len(current) + len(rest) > room:
                free = room - len(current) if len(word) >= _LONG_WORD else 0
                chunks.append(self._closed([*current, *rest[:free]]))
                current, rest = [], rest[free:]
            current = [*current, *rest]
        return [*chunks, self._closed(current)]

    def _closed(self, tokens: list[Token]) -> list[Token]:
        filling = self.length - 2 - len(tokens)
        return [(START, 1.0, 0), *tokens, (END, 1.0, 0), *[(self.pad, 1.0, 0)] * filling]
