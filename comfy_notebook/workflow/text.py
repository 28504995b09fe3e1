"""What the client does to texts when a prompt is queued: dynamic prompts, ``%date:…%`` and ``%Node.widget%``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

_COMMENTS = re.compile(r"/\*[\s\S]*?\*/|//.*")
_FIELD = re.compile(r"%([^%]+)%")
_DATE = re.compile(r"yyyy|yy|M{1,2}|d{1,2}|h{1,2}|m{1,2}|s{1,2}")
_NOT_IN_NAMES = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')

SAVE_NODES = frozenset(
    {"SaveImage", "SaveAnimatedWEBP", "SaveAnimatedPNG", "SaveWEBM", "SaveVideo", "SaveAudio", "SaveAudioMP3"}
    | {"SaveAudioOpus", "SaveGLB", "SaveSVGNode", "SaveLatent", "CLIPSave", "VAESave", "ModelSave", "LoraSave"}
    | {"CheckpointSave", "ImageOnlyCheckpointSave"}
)
"""Nodes whose ``filename_prefix`` may hold fields."""


def dynamic_prompt(text: str, choose: Callable[[int], int]) -> str:
    """Strip comments, then take one alternative of every ``{a|b}``; ``choose(n)`` picks 0 … n−1; ``\\{`` is a brace."""
    text = _COMMENTS.sub("", text)
    # one frame for each open brace: the finished alternatives, and the parts of the one being read
    frames: list[tuple[list[str], list[str]]] = [([], [])]
    at = 0
    while at < len(text):
        char = text[at]
        alternatives, parts = frames[-1]
        if char == "\\" and at + 1 < len(text) and text[at + 1] in "{}|":
            parts.append(text[at + 1])
            at += 1
        elif char == "{":
            frames.append(([], []))
        elif len(frames) > 1 and char == "|":
            alternatives.append("".join(parts))
            parts.clear()
        elif len(frames) > 1 and char == "}":
            frames.pop()
            alternatives.append("".join(parts))
            frames[-1][1].append(alternatives[choose(len(alternatives))])
        else:
            parts.append(char)
        at += 1
    while len(frames) > 1:  # a brace that is never closed is text
        alternatives, parts = frames.pop()
        frames[-1][1].append("{" + "|".join([*alternatives, "".join(parts)]))
    return "".join(frames[0][1])


def replace_fields(text: str, now: datetime, widget: Callable[[str, str], Any]) -> str:
    """``%date:yyyy-MM-dd%`` and ``%Node.widget%`` replaced. ``widget(node, name)`` gives a value, None if there is
    none; other fields (``%width%``, ``%year%`` …) stay for the node that saves."""

    def field(match: re.Match[str]) -> str:
        inner = match[1]
        if inner.startswith("date:"):
            return format_date(inner[5:], now)
        node, dot, name = inner.partition(".")
        if not dot or "." in name:
            return match[0]
        value = widget(node, name)
        return match[0] if value is None else _NOT_IN_NAMES.sub("_", as_text(value))

    return _FIELD.sub(field, text)


def format_date(pattern: str, now: datetime) -> str:
    """A date by tokens: yyyy yy M MM d dd h hh (24 hours) m mm s ss."""
    parts = {"M": now.month, "d": now.day, "h": now.hour, "m": now.minute, "s": now.second}

    def token(match: re.Match[str]) -> str:
        word = match[0]
        if word[0] == "y":
            return f"{now.year:04}"[-len(word) :]
        return f"{parts[word[0]]:0{len(word)}}"

    return _DATE.sub(token, pattern)


def as_text(value: Any) -> str:
    """A value as a browser writes it: ``true``, ``8`` for 8.0."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)
