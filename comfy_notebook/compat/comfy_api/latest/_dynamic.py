"""Inputs that change with what is chosen or connected, and sockets that take the type of what is connected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....protocol import dynamic_inputs as dynamic
from ....protocol.types import MATCH_TYPE
from ._sockets import AnyType
from ._types import ComfyTypeI, ComfyTypeIO, Input, Output, WidgetInput, comfytype, without_none

MAX_GROWING = 100


def input_types_of(inputs: Sequence[Input]) -> dict[str, dict[str, Any]]:
    """A list of inputs in the form of ``INPUT_TYPES``."""
    declared: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
    for item in inputs:
        declared["optional" if item.optional else "required"][item.id] = item.spec()
    return {category: found for category, found in declared.items() if found or category == "required"}


class DynamicInput(Input):
    """An input that stands for several."""

    def get_all(self) -> list[Input]:
        """The input itself and those it may bring."""
        return [self]


class _Template:
    def __init__(self, input: Input) -> None:
        self.input = input
        if isinstance(input, WidgetInput):
            input.force_input = True

    def as_dict(self) -> dict[str, Any]:
        return {"input": input_types_of([self.input])}

    def validate(self) -> None:
        self.input.validate()


class _TemplatePrefix(_Template):
    """Members ``<prefix>0``, ``<prefix>1`` … of which the first ``min`` are required; at most ``max``."""

    def __init__(self, input: Input, prefix: str, min: int = 1, max: int = 10) -> None:
        super().__init__(input)
        self.prefix, self.min, self.max = prefix, min, max

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "prefix": self.prefix, "min": self.min, "max": self.max}

    def validate(self) -> None:
        super().validate()
        if not (0 <= self.min <= self.max and 1 <= self.max <= MAX_GROWING):
            raise ValueError(f"Autogrow needs 0 <= min <= max <= {MAX_GROWING}, not min={self.min}, max={self.max}")


class _TemplateNames(_Template):
    """Members of the given names, of which the first ``min`` are required."""

    def __init__(self, input: Input, names: Sequence[str], min: int = 1) -> None:
        super().__init__(input)
        self.names, self.min = list(names), min

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "names": self.names, "min": self.min}

    def validate(self) -> None:
        super().validate()
        if len(self.names) > MAX_GROWING or len(set(self.names)) < len(self.names):
            raise ValueError(f"Autogrow takes at most {MAX_GROWING} different names")


@comfytype(dynamic.AUTOGROW)
class Autogrow(ComfyTypeI):
    """A group of equal inputs that grows as it is used; ``execute`` gets a dict of the connected ones."""

    Type = dict
    TemplatePrefix = _TemplatePrefix
    TemplateNames = _TemplateNames

    class Input(DynamicInput):
        def __init__(
            self,
            id: str,
            template: _TemplatePrefix | _TemplateNames,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
            **more: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, **more)
            self.template = template

        def as_dict(self) -> dict[str, Any]:
            return {**super().as_dict(), "template": self.template.as_dict()}

        def validate(self) -> None:
            self.template.validate()


class _Option:
    def __init__(self, key: str, inputs: Sequence[Input]) -> None:
        self.key = key
        self.inputs = list(inputs)

    def as_dict(self) -> dict[str, Any]:
        return {"key": self.key, "inputs": input_types_of(self.inputs)}


@comfytype(dynamic.DYNAMIC_COMBO)
class DynamicCombo(ComfyTypeI):
    """A choice that brings inputs of its own; ``execute`` gets a dict of the key and those inputs."""

    Type = dict
    Option = _Option

    class Input(DynamicInput):
        def __init__(
            self,
            id: str,
            options: Sequence[_Option],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
            **more: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, **more)
            self.options = list(options)

        def get_all(self) -> list[Input]:
            return [self, *(item for option in self.options for item in option.inputs)]

        def as_dict(self) -> dict[str, Any]:
            return {**super().as_dict(), "options": [option.as_dict() for option in self.options]}

        def validate(self) -> None:
            keys = [option.key for option in self.options]
            if len(set(keys)) < len(keys):
                raise ValueError(f"the choice {self.id!r} has the same key twice: {keys}")
            for option in self.options:
                validate_inputs(option.inputs)


@comfytype(dynamic.DYNAMIC_SLOT)
class DynamicSlot(ComfyTypeI):
    """A socket that brings further inputs once it is connected; ``execute`` gets a dict of all of them."""

    Type = dict

    class Input(DynamicInput):
        def __init__(
            self,
            slot: Input,
            inputs: Sequence[Input],
            display_name: str | None = None,
            tooltip: str | None = None,
            lazy: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
        ) -> None:
            super().__init__(
                slot.id, display_name or slot.display_name, slot.optional, tooltip or slot.tooltip, lazy, extra_dict
            )
            self.slot = slot
            self.inputs = list(inputs)
            self.force_input = None
            if isinstance(slot, WidgetInput):
                self.force_input = slot.force_input = True

        def get_all(self) -> list[Input]:
            return [self, *self.inputs]

        def as_dict(self) -> dict[str, Any]:
            options = {
                "slotType": self.slot.get_io_type(),
                "inputs": input_types_of(self.inputs),
                "forceInput": self.force_input,
            }
            return {**super().as_dict(), **without_none(options)}

        def validate(self) -> None:
            validate_inputs(self.inputs)


class _MatchTemplate:
    """Sockets of one template take the same type. ``allowed_types`` is a type or a list of types."""

    def __init__(self, template_id: str, allowed_types: Any = AnyType) -> None:
        self.template_id = template_id
        self.allowed_types = list(allowed_types) if isinstance(allowed_types, (list, tuple)) else [allowed_types]

    def as_dict(self) -> dict[str, Any]:
        allowed = ",".join(str(kind.io_type) for kind in self.allowed_types)
        return {"template_id": self.template_id, "allowed_types": allowed}


@comfytype(MATCH_TYPE)
class MatchType(ComfyTypeIO):
    """Inputs and outputs that take the type of what is connected to one of them."""

    Template = _MatchTemplate

    class Input(Input):
        def __init__(
            self,
            id: str,
            template: _MatchTemplate,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            extra_dict: Mapping[str, Any] | None = None,
            raw_link: bool | None = None,
            advanced: bool | None = None,
            **more: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, raw_link, advanced, **more)
            self.template = template

        def as_dict(self) -> dict[str, Any]:
            return {**super().as_dict(), "template": self.template.as_dict()}

    class Output(Output):
        def __init__(
            self,
            template: _MatchTemplate,
            id: str | None = None,
            display_name: str | None = None,
            tooltip: str | None = None,
            is_output_list: bool = False,
        ) -> None:
            super().__init__(id, display_name, tooltip, is_output_list)
            self.template = template

        @property
        def template_id(self) -> str:
            return self.template.template_id


def validate_inputs(inputs: Sequence[Input]) -> None:
    """Raise ``ValueError`` when two inputs have one name or one of them contradicts itself."""
    ids = [item.id for item in inputs]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ValueError(f"input ids must be unique; twice there: {', '.join(twice)}")
    for item in inputs:
        item.validate()
