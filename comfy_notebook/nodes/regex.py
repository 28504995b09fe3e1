"""Regular expressions on texts.

Patterns come from workflow files, and some patterns take exponential time. They run with the ``regex`` library, which
can give up after a time limit and lets other threads run meanwhile; the standard library's ``re`` can do neither.
A search has a thread of its own, so that Cancel need not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from ..protocol.context import context

if TYPE_CHECKING:
    import regex

TIME_LIMIT = 5.0  # seconds for one search
_POLL = 0.05  # seconds between two looks at Cancel

T = TypeVar("T")


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


def _searched(pattern: str, search: Callable[[], T]) -> T:
    """What ``search`` returns; on Cancel it is left to end by its time limit. Raises :class:`PatternError` when it
    takes too long."""
    result: Future[T] = Future()

    def work() -> None:
        try:
            result.set_result(search())
        except BaseException as error:
            result.set_exception(error)

    Thread(target=work, name="regular expression", daemon=True).start()
    while not wait([result], _POLL).done:
        context().check_interrupted()
    try:
        return result.result()
    except TimeoutError:
        raise PatternError(
            f"The pattern '{pattern}' took longer than {TIME_LIMIT:g} s on this text. "
            "Patterns with a repetition inside a repetition, such as (a+)+, often do; write it without."
        ) from None


class RegexExtract:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"
    DESCRIPTION = (
        "What a regular expression finds: the first match, every match, or one of its groups; several results stand "
        "on lines of their own."
    )
    SEARCH_ALIASES = ["find", "capture", "pattern", "search text"]

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
        if group > pattern.groups:
            return ("",)

        def search() -> list[str]:
            matches = pattern.finditer(string, timeout=TIME_LIMIT, concurrent=True)
            return [match.group(group) or "" for match in islice(matches, 1 if mode.startswith("First") else None)]

        return ("\n".join(_searched(regex_pattern, search)),)


class RegexMatch:
    RETURN_TYPES = ("BOOLEAN",)
    RETURN_NAMES = ("matches",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"
    DESCRIPTION = "Tells whether a regular expression finds anything in a text."
    SEARCH_ALIASES = ["test", "pattern", "contains"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "regex_pattern": _text(), **_flags()}}

    def execute(
        self, string: str, regex_pattern: str, case_insensitive: bool, multiline: bool, dotall: bool
    ) -> tuple[bool]:
        pattern = _compile(regex_pattern, case_insensitive, multiline, dotall)
        found = _searched(regex_pattern, lambda: pattern.search(string, timeout=TIME_LIMIT, concurrent=True))
        return (found is not None,)


class RegexReplace:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"
    DESCRIPTION = (
        "Replaces what a regular expression finds. \\1 in the replacement is the first group; count limits how often, "
        "0 replaces all."
    )
    SEARCH_ALIASES = ["substitute", "pattern", "search and replace"]

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

        def search() -> str:
            return pattern.sub(replace, string, count=count, timeout=TIME_LIMIT, concurrent=True)

        try:
            return (_searched(regex_pattern, search),)
        except (regex.error, IndexError) as error:
            raise PatternError(f"Cannot use the replacement '{replace}': {error}.") from None


NODES: dict[str, tuple[type, str]] = {
    "RegexExtract": (RegexExtract, "Regex Extract"),
    "RegexMatch": (RegexMatch, "Regex Match"),
    "RegexReplace": (RegexReplace, "Regex Replace"),
}
