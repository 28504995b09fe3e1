"""Colours as people write them."""

from __future__ import annotations

import re

_HEX = re.compile(r"#?(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)


def parse(text: str) -> tuple[int, int, int, int]:
    """Red, green, blue and opacity, each 0..255, of ``#rgb``, ``#rgba``, ``#rrggbb`` or ``#rrggbbaa``; the ``#`` may be
    left out. Raises ``ValueError`` for any other text."""
    text = text.strip()
    if not _HEX.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not a colour. Write it as #rrggbb or #rrggbbaa, for example #0a9299.")
    digits = text.removeprefix("#")
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, opacity = bytes.fromhex(digits.ljust(8, "f"))
    return red, green, blue, opacity
