"""Short ways to declare the inputs of node classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: The largest side of an image, in pixels.
MAX_RESOLUTION = 16384

Spec = tuple[Any, dict[str, Any]]

UPSCALE_METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")


def _spec(kind: Any, options: dict[str, Any], tooltip: str) -> Spec:
    return (kind, {**options, "tooltip": tooltip} if tooltip else options)


def socket(kind: str, tooltip: str = "") -> Spec:
    """An input without a widget: ``IMAGE``, ``MASK`` …"""
    return _spec(kind, {}, tooltip)


def image(tooltip: str = "") -> Spec:
    return socket("IMAGE", tooltip)


def mask(tooltip: str = "") -> Spec:
    return socket("MASK", tooltip)


def integer(default: int, minimum: int, maximum: int, step: int | None = None, tooltip: str = "", **more: Any) -> Spec:
    options = {"default": default, "min": minimum, "max": maximum, **({} if step is None else {"step": step}), **more}
    return _spec("INT", options, tooltip)


def pixels(default: int = 512, minimum: int = 0, step: int = 1, tooltip: str = "") -> Spec:
    """A width, height or position: up to :data:`MAX_RESOLUTION`."""
    return integer(default, minimum, MAX_RESOLUTION, step, tooltip)


def number(default: float, minimum: float, maximum: float, step: float, tooltip: str = "", **more: Any) -> Spec:
    return _spec("FLOAT", {"default": default, "min": minimum, "max": maximum, "step": step, **more}, tooltip)


def boolean(default: bool, tooltip: str = "") -> Spec:
    return _spec("BOOLEAN", {"default": default}, tooltip)


def text(default: str, tooltip: str = "") -> Spec:
    return _spec("STRING", {"default": default}, tooltip)


def options(values: Sequence[str], tooltip: str = "", **more: Any) -> Spec:
    """A choice whose type is the list of its options (checked before a run)."""
    return _spec(_list(values), dict(more), tooltip)


def combo(values: Sequence[str], tooltip: str = "", **more: Any) -> Spec:
    """A choice of type ``COMBO``."""
    return _spec("COMBO", {**more, "multiselect": False, "options": _list(values)}, tooltip)


def _list(values: Sequence[str]) -> list[str]:
    """As it is where it is one: lists of files know more than their names."""
    return values if isinstance(values, list) else list(values)


#: What every saving node asks for beside its inputs, to put it into the file.
SAVE_HIDDEN = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}


class OpenInputs(dict[str, Any]):
    """A section of inputs that lists some and answers for ``more``.

    What is only answered for is not needed and has no place on a new node, but a prompt may carry it.
    """

    def __init__(self, listed: Mapping[str, Any], more: Mapping[str, Spec]) -> None:
        super().__init__(listed)
        self._more = more

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._more

    def __missing__(self, name: str) -> Spec:
        return self._more[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 - dict.get would not ask __missing__


def choice(keys: Mapping[str, Mapping[str, Spec]], tooltip: str = "") -> Spec:
    """A choice whose keys bring inputs of their own; in a prompt these are called ``<name of the choice>.<child>``."""
    listed = [{"key": key, "inputs": {"required": dict(inputs)}} for key, inputs in keys.items()]
    return _spec("COMFY_DYNAMICCOMBO_V3", {"options": listed}, tooltip)


def chosen(name: str, value: Any, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The key of a choice and the values of its inputs.

    ``value`` is the key, with the children as dotted names in ``arguments``, or a dict that holds both.
    """
    if isinstance(value, Mapping):
        return str(value[name.rsplit(".", 1)[-1]]), {key: item for key, item in value.items() if key != name}
    prefix = name + "."
    return str(value), {key[len(prefix) :]: item for key, item in arguments.items() if key.startswith(prefix)}
