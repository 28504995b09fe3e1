"""Inputs with widgets: numbers, texts, choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ._types import ComfyTypeI, ComfyTypeIO, Output, WidgetInput, comfytype, without_none


class NumberDisplay(str, Enum):
    """How a number is edited."""

    number = "number"
    slider = "slider"
    knob = "knob"
    gradient_slider = "gradientslider"


class ControlAfterGenerate(str, Enum):
    """What happens to a value after each run."""

    fixed = "fixed"
    increment = "increment"
    decrement = "decrement"
    randomize = "randomize"


class FolderType(str, Enum):
    """One of the folders files are read from and written to."""

    input = "input"
    output = "output"
    temp = "temp"


class UploadType(str, Enum):
    """What a choice of files lets people upload."""

    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"
    model = "file_upload"


@dataclass
class RemoteOptions:
    """Choices that the client fetches from ``route``; times in milliseconds."""

    route: str
    refresh_button: bool | None = None
    control_after_refresh: str | None = "first"
    timeout: int | None = None
    max_retries: int | None = None
    refresh: int | None = None
    response_key: str | None = None
    query_params: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        return without_none(vars(self))


def plain(value: Any) -> Any:
    """The value of an Enum member, anything else as it is."""
    return value.value if isinstance(value, Enum) else value


@comfytype("BOOLEAN")
class Boolean(ComfyTypeIO):
    Type = bool

    class Input(WidgetInput):
        def __init__(
            self, id: str, *args: Any, label_on: str | None = None, label_off: str | None = None, **options: Any
        ) -> None:
            super().__init__(id, *args, **options)
            self.label_on = label_on
            self.label_off = label_off

        def as_dict(self) -> dict[str, Any]:
            return {**super().as_dict(), **without_none({"label_on": self.label_on, "label_off": self.label_off})}


class _NumberInput(WidgetInput):
    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        default: float | None = None,
        min: float | None = None,
        max: float | None = None,
        step: float | None = None,
        *,
        round: float | bool | None = None,
        control_after_generate: bool | ControlAfterGenerate | None = None,
        display_mode: NumberDisplay | str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(id, display_name, optional, tooltip, lazy, default, **options)
        self.min, self.max, self.step, self.round = min, max, step, round
        self.control_after_generate = control_after_generate
        self.display_mode = display_mode

    def as_dict(self) -> dict[str, Any]:
        options = {
            "min": self.min,
            "max": self.max,
            "step": self.step,
            "round": self.round,
            "control_after_generate": plain(self.control_after_generate),
            "display": plain(self.display_mode),
        }
        return {**super().as_dict(), **without_none(options)}


@comfytype("INT")
class Int(ComfyTypeIO):
    Type = int

    class Input(_NumberInput):
        pass


@comfytype("FLOAT")
class Float(ComfyTypeIO):
    Type = float

    class Input(_NumberInput):
        pass


@comfytype("STRING")
class String(ComfyTypeIO):
    Type = str

    class Input(WidgetInput):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            multiline: bool = False,
            placeholder: str | None = None,
            default: str | None = None,
            dynamic_prompts: bool | None = None,
            **options: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, default, **options)
            self.multiline = multiline
            self.placeholder = placeholder
            self.dynamic_prompts = dynamic_prompts

        def as_dict(self) -> dict[str, Any]:
            options = {"placeholder": self.placeholder, "dynamicPrompts": self.dynamic_prompts}
            return {**super().as_dict(), "multiline": self.multiline, **without_none(options)}


class _ComboInput(WidgetInput):
    """``options`` is a list of texts or numbers, or an Enum class."""

    def __init__(
        self,
        id: str,
        options: Sequence[Any] | type[Enum] | None = None,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        default: Any = None,
        control_after_generate: bool | ControlAfterGenerate | None = None,
        upload: UploadType | None = None,
        image_folder: FolderType | None = None,
        remote: RemoteOptions | None = None,
        **more: Any,
    ) -> None:
        super().__init__(id, display_name, optional, tooltip, lazy, plain(default), **more)
        self.options = None if options is None else [plain(option) for option in options]
        self.control_after_generate = control_after_generate
        self.upload = upload
        self.image_folder = image_folder
        self.remote = remote

    def as_dict(self) -> dict[str, Any]:
        options = {
            "options": self.options,
            "control_after_generate": plain(self.control_after_generate),
            "image_folder": plain(self.image_folder),
            "remote": None if self.remote is None else self.remote.as_dict(),
        }
        found = {**super().as_dict(), "multiselect": False, **without_none(options)}
        return found if self.upload is None else {**found, plain(self.upload): True}


@comfytype("COMBO")
class Combo(ComfyTypeIO):
    Type = str

    class Input(_ComboInput):
        pass

    class Output(Output):
        def __init__(
            self,
            id: str | None = None,
            display_name: str | None = None,
            options: Sequence[Any] | type[Enum] | None = None,
            tooltip: str | None = None,
            is_output_list: bool = False,
        ) -> None:
            super().__init__(id, display_name, tooltip, is_output_list)
            self.options = [] if options is None else [plain(option) for option in options]


@comfytype("COMBO")
class MultiCombo(ComfyTypeI):
    """A choice of several options; the value is a list."""

    Type = list

    class Input(_ComboInput):
        def __init__(
            self,
            id: str,
            options: Sequence[Any] | type[Enum],
            *args: Any,
            placeholder: str | None = None,
            chip: bool | None = None,
            **more: Any,
        ) -> None:
            super().__init__(id, options, *args, **more)
            self.placeholder = placeholder
            self.chip = chip

        def as_dict(self) -> dict[str, Any]:
            select = without_none({"placeholder": self.placeholder, "chip": self.chip})
            return {**super().as_dict(), "multiselect": True, "multi_select": select}


@comfytype("WEBCAM")
class Webcam(ComfyTypeIO):
    Type = str

    class Input(WidgetInput):
        pass


@comfytype("COLOR")
class Color(ComfyTypeIO):
    """A colour as ``"#rrggbb"``."""

    Type = str

    class Input(WidgetInput):
        pass
