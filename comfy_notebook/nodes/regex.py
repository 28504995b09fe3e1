"""Regular expressions on texts.

Patterns come from workflow files, and some patterns take exponential time. They run with the ``regex`` library, which
can give up after a time limit and lets other threads run meanwhile; the standard library's ``re`` can do neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import regex

TIME_LIMIT = 5.0  # seconds for one search


class PatternError(ValueError):
    """The pattern cannot be read, or takes too long on this text."""


def _flags() -> dict[str, Any]:
    return {
        "case_insensitive": ("BOOLEAN", {"default": True}),
        "multiline": ("BOOLEAN", {"default": False}),
        "dotall": ("BOOLEAN", {"default": False}),
    }


def _text() -> tuple[str, dict[str, Any]]:
    return ("STRING", {"multiline": True})


def _compile(pattern: str, case_insensitive: bool, multiline: bool, dotall: bool) -> regex.Pattern[str]:
    import regex

    flags = regex.VERSION0  # the meaning that `re` gives to patterns
    flags |= regex.IGNORECASE if case_insensitive else 0
    flags |= regex.MULTILINE if multiline else 0
    flags |= regex.DOTALL if dotall else 0
    try:
        return regex.compile(pattern, flags)
    except regex.error as error:
        raise PatternError(f"Cannot read the pattern '{pattern}': {error}.") from None


def _too_slow(pattern: str) -> PatternError:
    return PatternError(
        f"The pattern '{pattern}' took longer than {TIME_LIMIT:g} s on this text. "
        "Patterns with a repetition inside a repetition, such as (a+)+, often do; write it without."
    )


class RegexExtract:
    """Text found by a pattern: the first match, all matches, or one group of them, one a line."""

    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "string": _text(),
                "regex_pattern": _text(),
                "mode": (
                    "COMBO",
                    {"multiselect": False, "options": ["First Match", "All Matches", "First Group", "All Groups"]},
                ),
                **_flags(),
                "group_index": ("INT", {"default": 1, "min": 0, "max": 100}),
            }
        }

    def execute(
        self,
        string: str,
        regex_pattern: str,
        mode: str,
        case_insensitive: bool,
        multiline: bool,
        dotall: bool,
        group_index: int,
    ) -> tuple[str]:
        pattern = _compile(regex_pattern, case_insensitive, multiline, dotall)
        group = group_index if mode.endswith("Group") or mode.endswith("Groups") else 0
        found: list[str] = []
        try:
            for match in pattern.finditer(string, timeout=TIME_LIMIT, concurrent=True):
                if group <= pattern.groups:
                    found.append(match.group(group) or "")
                if mode.startswith("First"):
                    break
        except TimeoutError:
            raise _too_slow(regex_pattern) from None
        return ("\n".join(found),)


class RegexMatch:
    """Whether a pattern is found anywhere in a text."""

    RETURN_TYPES = ("BOOLEAN",)
    RETURN_NAMES = ("matches",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "regex_pattern": _text(), **_flags()}}

    def execute(
        self, string: str, regex_pattern: str, case_insensitive: bool, multiline: bool, dotall: bool
    ) -> tuple[bool]:
        pattern = _compile(regex_pattern, case_insensitive, multiline, dotall)
        try:
            return (pattern.search(string, timeout=TIME_LIMIT, concurrent=True) is not None,)
        except TimeoutError:
            raise _too_slow(regex_pattern) from None


class RegexReplace:
    r"""Replaces what a pattern finds, at most ``count`` times (0: always); ``\1`` stands for the first group."""

    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"string": _text(), "regex_pattern": _text(), "replace": _text()},
            "optional": {**_flags(), "count": ("INT", {"default": 0, "min": 0, "max": 100})},
        }

    def execute(
        self,
        string: str,
        regex_pattern: str,
        replace: str,
        case_insensitive: bool = True,
        multiline: bool = False,
        dotall: bool = False,
        count: int = 0,
    ) -> tuple[str]:
        import regex

        pattern = _compile(regex_pattern, case_insensitive, multiline, dotall)
        try:
            return (pattern.sub(replace, string, count=count, timeout=TIME_LIMIT, concurrent=True),)
        except TimeoutError:
            raise _too_slow(regex_pattern) from None
        except (regex.error, IndexError) as error:
            raise PatternError(f"Cannot use the replacement '{replace}': {error}.") from None


NODES: dict[str, tuple[type, str]] = {
    "RegexExtract": (RegexExtract, "Regex Extract"),
    "RegexMatch": (RegexMatch, "Regex Match"),
    "RegexReplace": (RegexReplace, "Regex Replace"),
}
