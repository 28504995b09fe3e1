"""Texts: joining, cutting, comparing, formatting, JSON, saving."""

from __future__ import annotations

import json
import string as letters
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import folders
from .autogrow import growing, members
from .whole_files import write_bytes

LONGEST_PADDING = 10_000


def _text() -> tuple[str, dict[str, Any]]:
    return ("STRING", {"multiline": True})


def _choice(*options: str) -> tuple[str, dict[str, Any]]:
    return ("COMBO", {"multiselect": False, "options": list(options)})


def _fold(text: str, case_sensitive: bool) -> str:
    return text if case_sensitive else text.lower()


class _TextNode:
    RETURN_TYPES: tuple[str, ...] = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"


class StringConcatenate(_TextNode):
    DESCRIPTION = "Joins two texts with the delimiter between them."
    SEARCH_ALIASES = ["join", "append", "combine text"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        delimiter = ("STRING", {"default": "", "multiline": False})
        return {"required": {"string_a": _text(), "string_b": _text(), "delimiter": delimiter}}

    def execute(self, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
        return (string_a + delimiter + string_b,)


class StringSubstring(_TextNode):
    DESCRIPTION = "Cuts out the characters from start up to, but without, end. Numbers below 0 count from the end."
    SEARCH_ALIASES = ["slice", "cut text", "part"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "start": ("INT", {}), "end": ("INT", {})}}

    def execute(self, string: str, start: int, end: int) -> tuple[str]:
        return (string[start:end],)


class StringLength(_TextNode):
    RETURN_TYPES = ("INT",)
    RETURN_NAMES = ("length",)
    DESCRIPTION = "Counts the characters of a text."
    SEARCH_ALIASES = ["count", "size", "len"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text()}}

    def execute(self, string: str) -> tuple[int]:
        return (len(string),)


class CaseConverter(_TextNode):
    DESCRIPTION = (
        "Changes a text to capitals, to small letters, or to a capital at the start of the text or of every word."
    )
    SEARCH_ALIASES = ["upper case", "lower case", "capitalise"]
    MODES = {"UPPERCASE": str.upper, "lowercase": str.lower, "Capitalize": str.capitalize, "Title Case": str.title}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "mode": _choice(*cls.MODES)}}

    def execute(self, string: str, mode: str) -> tuple[str]:
        return (self.MODES[mode](string),)


class StringTrim(_TextNode):
    DESCRIPTION = "Removes the white space at the start of a text, at its end, or at both."
    SEARCH_ALIASES = ["strip", "white space", "clean"]
    MODES = {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "mode": _choice(*cls.MODES)}}

    def execute(self, string: str, mode: str) -> tuple[str]:
        return (self.MODES[mode](string),)


class StringReplace(_TextNode):
    DESCRIPTION = "Replaces a piece of text wherever it stands."
    SEARCH_ALIASES = ["substitute", "find and replace", "swap"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "find": _text(), "replace": _text()}}

    def execute(self, string: str, find: str, replace: str) -> tuple[str]:
        return (string.replace(find, replace),)


class StringContains(_TextNode):
    RETURN_TYPES = ("BOOLEAN",)
    RETURN_NAMES = ("contains",)
    DESCRIPTION = "Tells whether one text stands inside another."
    SEARCH_ALIASES = ["find", "includes", "search"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        case_sensitive = ("BOOLEAN", {"default": True})
        return {"required": {"string": _text(), "substring": _text(), "case_sensitive": case_sensitive}}

    def execute(self, string: str, substring: str, case_sensitive: bool) -> tuple[bool]:
        return (_fold(substring, case_sensitive) in _fold(string, case_sensitive),)


class StringCompare(_TextNode):
    RETURN_TYPES = ("BOOLEAN",)
    DESCRIPTION = "Tells whether a text starts with another, ends with it or is the same."
    SEARCH_ALIASES = ["equals", "starts with", "ends with"]
    MODES: dict[str, Callable[[str, str], bool]] = {
        "Starts With": str.startswith,
        "Ends With": str.endswith,
        "Equal": str.__eq__,
    }

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        case_sensitive = ("BOOLEAN", {"default": True})
        return {
            "required": {
                "string_a": _text(),
                "string_b": _text(),
                "mode": _choice(*cls.MODES),
                "case_sensitive": case_sensitive,
            }
        }

    def execute(self, string_a: str, string_b: str, mode: str, case_sensitive: bool) -> tuple[bool]:
        return (self.MODES[mode](_fold(string_a, case_sensitive), _fold(string_b, case_sensitive)),)


class _Formatter(letters.Formatter):
    """``str.format`` over plain values: no attributes, no items, no paddings of a million characters."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if field_name not in kwargs:
            known = ", ".join(sorted(kwargs)) or "none"
            raise ValueError(
                f"'{{{field_name}}}' names no connected value. Connected: {known}. Write {{{{ for a brace."
            )
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> Any:
        widths = "".join(character if character.isdigit() else " " for character in format_spec).split()
        if any(int(width) > LONGEST_PADDING for width in widths):
            raise ValueError(f"'{format_spec}' asks for more than {LONGEST_PADDING} characters.")
        return super().format_field(value, format_spec)


class StringFormat(_TextNode):
    DESCRIPTION = (
        "Fills a template: {a}, {b}, {c} … stand for the connected values, {a:.2f} sets the decimals, {{ and }} are "
        "plain braces."
    )
    SEARCH_ALIASES = ["template", "placeholder", "f-string", "insert values"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "f_string": ("STRING", {"default": "{a}", "multiline": True}),
                "values": growing("*", letters.ascii_lowercase),
            }
        }

    def execute(self, f_string: str, **values: Any) -> tuple[str]:
        try:
            return (_Formatter().vformat(f_string, (), members("values", values)),)
        except (ValueError, TypeError) as error:
            raise ValueError(f"Cannot format the text: {error}") from None


class JsonExtractString(_TextNode):
    DESCRIPTION = (
        "Looks up a key in the first JSON object of a text, whatever else the text holds. What is no text comes as "
        "JSON; a missing key gives an empty text."
    )
    SEARCH_ALIASES = ["json", "parse", "get key", "structured output"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"json_string": _text(), "key": ("STRING", {"multiline": False})}}

    def execute(self, json_string: str, key: str) -> tuple[str]:
        value = _first_object(json_string).get(key)
        if value is None or isinstance(value, str):
            return (value or "",)
        return (json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value),)


def _first_object(text: str) -> dict[str, Any]:
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            return dict(decoder.raw_decode(text, start)[0])
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
    return {}


class _ToJson(_TextNode):
    """JSON text of a value; ``indent`` 0 writes it on one line, without spaces."""

    SOURCE = ("", "")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        name, kind = cls.SOURCE
        return {"required": {name: (kind, {})}, "optional": {"indent": ("INT", {"default": 2, "min": 0, "max": 8})}}

    def execute(self, indent: int = 2, **source: Any) -> tuple[str]:
        layout: dict[str, Any] = {"indent": indent} if indent else {"separators": (",", ":")}
        try:
            return (json.dumps(source[self.SOURCE[0]], ensure_ascii=False, **layout),)
        except (TypeError, ValueError) as error:
            raise ValueError(f"This value cannot be written as JSON: {error}.") from None


class ConvertDictionaryToString(_ToJson):
    DESCRIPTION = "Writes a dictionary as JSON. An indent of 0 puts all on one line."
    SEARCH_ALIASES = ["json", "serialize", "dict"]
    SOURCE = ("dictionary", "DICT")


class ConvertArrayToString(_ToJson):
    DESCRIPTION = "Writes an array as JSON. An indent of 0 puts all on one line."
    SEARCH_ALIASES = ["json", "serialize", "list"]
    SOURCE = ("array", "ARRAY")


class SaveText(_TextNode):
    RETURN_NAMES = ("text",)
    CATEGORY = "text"
    OUTPUT_NODE = True
    DESCRIPTION = "Writes a text into a numbered file of the output folder and hands it on."
    SEARCH_ALIASES = ["write file", "export", "txt", "csv", "markdown", "json"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "text": ("STRING", {"forceInput": True}),
                "filename_prefix": ("STRING", {"default": "ComfyUI"}),
                "format": ("COMBO", {"default": "txt", "options": ["txt", "csv", "md", "json"]}),
            }
        }

    def execute(self, text: str, filename_prefix: str = "ComfyUI", format: str = "txt") -> dict[str, Any]:
        content = _pretty(text) if format == "json" else text
        names = folders.save_path(folders.current().output, filename_prefix)
        path = names.path(0, f".{format}")
        write_bytes(path, content.encode("utf-8", "replace"))
        saved = names.entry(path, "output")
        return {"ui": {"text": (text,), "files": [saved]}, "result": (text,)}


def _pretty(text: str) -> str:
    """Valid JSON with an indent of two spaces; anything else unchanged."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


NODES: dict[str, tuple[type, str]] = {
    "StringConcatenate": (StringConcatenate, "Concatenate"),
    "StringSubstring": (StringSubstring, "Substring"),
    "StringLength": (StringLength, "Length"),
    "CaseConverter": (CaseConverter, "Case Converter"),
    "StringTrim": (StringTrim, "Trim"),
    "StringReplace": (StringReplace, "Replace"),
    "StringContains": (StringContains, "Contains"),
    "StringCompare": (StringCompare, "Compare"),
    "StringFormat": (StringFormat, "Format"),
    "JsonExtractString": (JsonExtractString, "Extract String from JSON"),
    "ConvertDictionaryToString": (ConvertDictionaryToString, "Convert Dictionary to String"),
    "ConvertArrayToString": (ConvertArrayToString, "Convert Array to String"),
    "SaveText": (SaveText, "Save Text"),
}
