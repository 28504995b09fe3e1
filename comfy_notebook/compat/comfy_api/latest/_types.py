"""What inputs and outputs of V3 nodes have in common, and how a socket type is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

C = TypeVar("C", bound=type)


def without_none(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


class Input:
    """One input of a schema. ``id`` is its name in a prompt and the name of the parameter of ``execute``.

    Options we do not know (packs are written for newer versions too) go to the client as they are, as in V1.
    """

    io_type: ClassVar[str] = "*"
    Parent: ClassVar[Any] = None

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        extra_dict: Mapping[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
        **more: Any,
    ) -> None:
        self.id = id
        self.display_name = display_name
        self.optional = optional
        self.tooltip = tooltip
        self.lazy = lazy
        self.extra_dict = {**(extra_dict or {}), **more}
        self.rawLink = raw_link
        self.advanced = advanced

    def get_io_type(self) -> str:
        return self.io_type

    def as_dict(self) -> dict[str, Any]:
        """The options of the input in the form of ``INPUT_TYPES``."""
        options = {
            "display_name": self.display_name,
            "tooltip": self.tooltip,
            "lazy": self.lazy,
            "advanced": self.advanced,
            "rawLink": self.rawLink,
        }
        return {**without_none(options), **self.extra_dict}

    def spec(self) -> tuple[Any, dict[str, Any]]:
        """The entry of the input in ``INPUT_TYPES``."""
        return self.get_io_type(), self.as_dict()

    def validate(self) -> None:
        """Raise ``ValueError`` for a declaration that contradicts itself."""


class WidgetInput(Input):
    """An input that is also edited on the node."""

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        default: Any = None,
        socketless: bool | None = None,
        widget_type: str | None = None,
        force_input: bool | None = None,
        extra_dict: Mapping[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
        **more: Any,
    ) -> None:
        super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, raw_link, advanced, **more)
        self.default = default
        self.socketless = socketless
        self.widget_type = widget_type
        self.force_input = force_input

    def as_dict(self) -> dict[str, Any]:
        options = {
            "default": self.default,
            "socketless": self.socketless,
            "widgetType": self.widget_type,
            "forceInput": self.force_input,
        }
        return {**super().as_dict(), **without_none(options), **self.extra_dict}


class Output:
    """One output of a schema."""

    io_type: ClassVar[str] = "*"
    Parent: ClassVar[Any] = None

    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None:
        self.id = id
        self.has_own_id = id is not None
        self.display_name = display_name
        self.tooltip = tooltip
        self.is_output_list = is_output_list

    def get_io_type(self) -> str:
        return self.io_type


class ComfyType:
    """A socket type; ``Type`` is the Python type of its values."""

    io_type: ClassVar[str] = "*"
    Type: ClassVar[Any] = Any


class ComfyTypeI(ComfyType):
    """A type that only inputs have."""

    class Input(Input):
        pass


class ComfyTypeIO(ComfyTypeI):
    """A type of inputs and outputs."""

    class Output(Output):
        pass


def comfytype(io_type: str, **_: Any) -> Callable[[C], C]:
    """Name the socket type of a class: its ``Input`` and ``Output`` belong to it from then on."""

    def named(cls: C) -> C:
        cls.io_type = io_type  # type: ignore[attr-defined]
        for name in ("Input", "Output"):
            inner: Any = getattr(cls, name, None)
            if inner is None:
                continue
            if name not in vars(cls):
                inner = type(name, (inner,), {"__module__": cls.__module__, "__doc__": inner.__doc__})
                setattr(cls, name, inner)
            inner.io_type = io_type
            inner.Parent = cls
        return cls

    return named


def Custom(io_type: str) -> Any:
    """A socket type of one's own: ``Custom("MY_THING").Input("thing")``."""

    @comfytype(io_type)
    class CustomComfyType(ComfyTypeIO):
        pass

    return CustomComfyType
