"""Texts: joining, cutting, comparing, formatting, JSON, saving."""

from __future__ import annotations

import json
import string as letters
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import folders
from .autogrow import GrowingInputs, members
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
    """Two texts with a delimiter between them."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        delimiter = ("STRING", {"default": "", "multiline": False})
        return {"required": {"string_a": _text(), "string_b": _text(), "delimiter": delimiter}}

    def execute(self, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
        return (string_a + delimiter + string_b,)


class StringSubstring(_TextNode):
    """The characters from ``start`` up to, not including, ``end``; negative numbers count from the end."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "start": ("INT", {}), "end": ("INT", {})}}

    def execute(self, string: str, start: int, end: int) -> tuple[str]:
        return (string[start:end],)


class StringLength(_TextNode):
    """The number of characters of a text."""

    RETURN_TYPES = ("INT",)
    RETURN_NAMES = ("length",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text()}}

    def execute(self, string: str) -> tuple[int]:
        return (len(string),)


class CaseConverter(_TextNode):
    """A text in another letter case."""

    MODES = {"UPPERCASE": str.upper, "lowercase": str.lower, "Capitalize": str.capitalize, "Title Case": str.title}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "mode": _choice(*cls.MODES)}}

    def execute(self, string: str, mode: str) -> tuple[str]:
        return (self.MODES[mode](string),)


class StringTrim(_TextNode):
    """A text without the white space at its start, its end, or both."""

    MODES = {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "mode": _choice(*cls.MODES)}}

    def execute(self, string: str, mode: str) -> tuple[str]:
        return (self.MODES[mode](string),)


class StringReplace(_TextNode):
    """A text with every occurrence of ``find`` replaced."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"string": _text(), "find": _text(), "replace": _text()}}

    def execute(self, string: str, find: str, replace: str) -> tuple[str]:
        return (string.replace(find, replace),)


class StringContains(_TextNode):
    """Whether one text occurs in another."""

    RETURN_TYPES = ("BOOLEAN",)
    RETURN_NAMES = ("contains",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        case_sensitive = ("BOOLEAN", {"default": True})
        return {"required": {"string": _text(), "substring": _text(), "case_sensitive": case_sensitive}}

    def execute(self, string: str, substring: str, case_sensitive: bool) -> tuple[bool]:
        return (_fold(substring, case_sensitive) in _fold(string, case_sensitive),)


class StringCompare(_TextNode):
    """Whether a text starts with, ends with or equals another."""

    RETURN_TYPES = ("BOOLEAN",)
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
    """Puts the connected values ``a``, ``b``, ``c`` … where ``{a}``, ``{b:.3f}`` … stand in a text."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"f_string": ("STRING", {"default": "{a}", "multiline": True})},
            "optional": GrowingInputs("values", "*", letters.ascii_lowercase),
        }

    def execute(self, f_string: str, **values: Any) -> tuple[str]:
        try:
            return (_Formatter().vformat(f_string, (), members("values", values)),)
        except (ValueError, TypeError) as error:
            raise ValueError(f"Cannot format the text: {error}") from None


class JsonExtractString(_TextNode):
    """The value of a key in the first JSON object found in a text; empty where there is none.

    Other text around the object, such as a code fence, does not matter. Texts come as they are, the rest as JSON.
    """

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
    """A dictionary as JSON text; ``indent`` 0 writes it on one line, without spaces."""

    SOURCE = ("dictionary", "DICT")


class ConvertArrayToString(_ToJson):
    """An array as JSON text; ``indent`` 0 writes it on one line, without spaces."""

    SOURCE = ("array", "ARRAY")


class SaveText(_TextNode):
    """Saves a text in the output folder under a name that is not taken yet, and passes it on."""

    RETURN_NAMES = ("text",)
    CATEGORY = "text"
    OUTPUT_NODE = True

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
        write_bytes(path, content.encode())
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
