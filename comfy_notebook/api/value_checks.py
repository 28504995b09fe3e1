"""Whether a widget can take a value, and in which form: before it is set, and before it is queued."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from ..workflow.errors import WorkflowError
from ..workflow.jsontext import plain
from .lookup import not_found
from .pictures import is_picture, is_tensor

#: A number with more digits than this is none that a node can use.
MOST_DIGITS = 300
_UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload")


class InvalidValue(ValueError, TypeError):  # noqa: N818 - it is both errors, and neither says it better
    """A value that an input can't take."""


def checked(value: Any, kind: Any, where: str) -> Any:
    """``value`` as JSON has it, of the type ``kind`` (``"INT"``, ``"FLOAT"`` …, or a list of options).

    Whole floats and texts that are numbers become numbers, scalars of numpy and torch plain values. Raises
    :class:`InvalidValue`, which names the input as ``where``, for another type and for numbers that are not finite.
    """
    value = _plain_scalar(value)
    if is_picture(value):
        raise InvalidValue(f"{where} takes {described(kind)}; give pictures to a Load Image node: 'Load Image.image'.")
    if kind in ("INT", "FLOAT"):
        return _number(value, kind, where)
    if kind == "BOOLEAN" and not isinstance(value, bool):
        raise InvalidValue(f"{where} takes True or False, not {shown(value)}.")
    if kind == "STRING" and not isinstance(value, str):
        raise InvalidValue(f"{where} takes a text, not {type(value).__name__} {shown(value)}.")
    try:
        value, replaced = plain(value, where)
    except WorkflowError:
        text = f"{where} takes {described(kind)}, not {type(value).__name__}."
        if isinstance(kind, str) and kind not in ("STRING", "COMBO"):
            text += " Objects of the kernel go into a graph through a node (@cn.node) that returns them."
        raise InvalidValue(text) from None
    if replaced:
        raise InvalidValue(f"{where} takes finite numbers, not NaN or infinity.")
    return value


def check_limits(value: Any, kind: Any, options: Mapping[str, Any], where: str) -> None:
    """Raise :class:`InvalidValue` for a number beyond the input's range and for a choice it does not offer."""
    if kind in ("INT", "FLOAT"):
        least, most = options.get("min"), options.get("max")
        if isinstance(least, (int, float)) and value < least:
            raise InvalidValue(f"{where}: {shown(value)} is smaller than the minimum, {least}.")
        if isinstance(most, (int, float)) and value > most:
            raise InvalidValue(f"{where}: {shown(value)} is bigger than the maximum, {most}.")
        return
    choices = kind if isinstance(kind, (list, tuple)) else options.get("options") if kind == "COMBO" else None
    if not choices or any(options.get(key) for key in _UPLOADS):  # an uploaded file may lie in a folder not listed
        return
    for item in value if isinstance(value, list) else [value]:
        if item not in choices:
            raise InvalidValue(not_found(f"option of {where} called", str(item), _texts(choices)))


def described(kind: Any) -> str:
    return "one of its options" if isinstance(kind, (list, tuple)) else f"a value of type {kind}"


def shown(value: Any) -> str:
    """A value in a message: whatever it is, a short text."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return f"a number of about {int(value.bit_length() * math.log10(2)) + 1} digits"
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    scalar = type(value).__module__.split(".")[0] == "numpy" or is_tensor(value)
    return value.item() if scalar and getattr(value, "ndim", 1) == 0 else value


def _number(value: Any, kind: str, where: str) -> int | float:
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValue(f"{where} takes a number, not {type(value).__name__} {shown(value)}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue(f"{where} takes a finite number, not {value}.")
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        raise InvalidValue(f"{where} can't take {shown(value)}.")
    if kind == "INT" and isinstance(value, float):
        if not value.is_integer():
            raise InvalidValue(f"{where} takes a whole number, not {value!r}.")
        return int(value)
    return value


def _from_text(text: str) -> Any:
    """The number a text holds; the text itself where it holds none."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _texts(choices: Iterable[Any]) -> list[str]:
    return [str(choice) for choice in choices]
