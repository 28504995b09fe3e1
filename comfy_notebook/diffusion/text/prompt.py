"""Weights in prompts: ``(more)``, ``(exactly:1.3)``, nested, with ``\\(`` and ``\\)`` for brackets that are meant."""

from __future__ import annotations

from collections.abc import Iterator

#: What a pair of brackets without a number multiplies the weight by.
_EMPHASIS = 1.1
_OPEN, _CLOSE = "\ue000", "\ue001"


def weighted_segments(text: str, weight: float = 1.0) -> list[tuple[str, float]]:
    """The pieces of a prompt with their weights, in order; escaped brackets come out as brackets."""
    hidden = text.replace("\\(", _OPEN).replace("\\)", _CLOSE)
    return [(piece.replace(_OPEN, "(").replace(_CLOSE, ")"), value) for piece, value in _segments(hidden, weight)]


def _segments(text: str, weight: float) -> Iterator[tuple[str, float]]:
    for piece in _split(text):
        if len(piece) >= 2 and piece[0] == "(" and piece[-1] == ")":
            inner, own = _number_at_end(piece[1:-1], weight * _EMPHASIS)
            yield from _segments(inner, own)
        else:
            yield piece, weight


def _number_at_end(text: str, otherwise: float) -> tuple[str, float]:
    start = text.rfind(":")
    if start > 0:
        try:
            return text[:start], float(text[start + 1 :])
        except ValueError:
            pass
    return text, otherwise


def _split(text: str) -> list[str]:
    """``a (b (c)) d`` → ``a``, ``(b (c))``, ``d``. Brackets without their other half stay in the text."""
    pieces, start, depth = [], 0, 0
    for index, letter in enumerate(text):
        if letter == "(":
            if depth == 0:
                pieces.append(text[start:index])
                start = index
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                pieces.append(text[start : index + 1])
                start = index + 1
    pieces.append(text[start:])
    return [piece for piece in pieces if piece]
