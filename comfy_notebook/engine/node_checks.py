"""The checks of one node: each declared input, then the node's own ``VALIDATE_INPUTS``."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ..protocol.definition import HIDDEN_PREFIX, InputDefinition, NodeDefinition, input_definition
from ..protocol.expansion import is_link
from ..protocol.object_info import jsonable
from ..protocol.types import type_name, types_match
from .awaiting import finished
from .calling import list_calls
from .failure import is_a_persons_stop, safe_text, type_name_of
from .inputs import DeclaredInputs, gather_static, pairs
from .prompt import Prompt, constant

Error = dict[str, Any]
Link = tuple[InputDefinition, list[Any]]
_CONVERT: Mapping[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
_LONG_LIST = 20
_MESSAGES = {
    "required_input_missing": "Required input is missing",
    "bad_linked_input": "Bad linked input, must be a list of two: node id and output slot",
    "return_type_mismatch": "The output that is linked here has another type",
    "invalid_input_type": "The value cannot be converted to the type of the input",
    "value_smaller_than_min": "Value is smaller than the minimum",
    "value_bigger_than_max": "Value is bigger than the maximum",
    "value_not_in_list": "Value is not in the list",
    "custom_validation_failed": "The node refuses this value",
}


class NodeChecks:
    """Collects ``errors`` (by the node they are reported on) and ``sources`` (the nodes linked to declared inputs, with
    the first such input and its link)."""

    def __init__(
        self, node_id: str, prompt: Prompt, definition: NodeDefinition, definitions: Mapping[str, NodeDefinition]
    ) -> None:
        self._node_id = node_id
        self._inputs: dict[str, Any] = prompt[node_id]["inputs"]
        self._prompt = prompt
        self._definition = definition
        self._definitions = definitions
        self._received: dict[str, Any] = {}
        self._checked: set[str] = set()
        self.errors: dict[str, list[Error]] = {}
        self.sources: dict[str, Link] = {}

    def add(self, node_id: str, error: Error) -> None:
        self.errors.setdefault(node_id, []).append(error)

    def run(self, declared: DeclaredInputs) -> bool:
        """Check everything; returns whether there are links to undeclared inputs."""
        own = OwnValidation.of(self._definition)
        declared = declared.with_inputs(self._inputs)
        for category in ("required", "optional"):
            for name, spec in pairs(declared.declared.get(category)):
                self._check_input(input_definition(name, spec, category), own)
        if own is not None:
            self._ask_node(own, declared)
        return any(is_link(value) and name not in self._checked for name, value in self._inputs.items())

    def _fail(self, type: str, declared: InputDefinition, details: str | None = None, **extra: Any) -> None:
        info = {"input_name": declared.name}
        if type != "required_input_missing":
            info["input_config"] = jsonable([declared.type, declared.options])
        info.update(extra)
        self.add(
            self._node_id,
            {
                "type": type,
                "message": _MESSAGES[type],
                "details": declared.name if details is None else details,
                "extra_info": info,
            },
        )

    def _check_input(self, declared: InputDefinition, own: OwnValidation | None) -> None:
        name = declared.name
        self._checked.add(name)
        if name not in self._inputs:
            if declared.category == "required":
                self._fail("required_input_missing", declared)
            return
        value = self._inputs[name]
        if isinstance(value, list):
            if len(value) != 2:
                self._fail("bad_linked_input", declared, received_value=value)
            else:
                self._check_link(declared, value, own)
        elif self._convert(declared, constant(value)) and not (own is not None and own.takes(name)):
            value = constant(self._inputs[name])
            self._check_range(declared, value)
            self._check_choice(declared, value)

    def _check_link(self, declared: InputDefinition, given: list[Any], own: OwnValidation | None) -> None:
        source = str(given[0])
        if not declared.options.get("nonNavigable"):
            self.sources.setdefault(source, (declared, given))
        try:
            slot, received = self._output(source, given[1])
        except Exception as exception:
            self._fail_linked(declared, source, exception)
            return
        link = self._inputs[declared.name] = [source, slot]
        self._received[declared.name] = received
        if (own is None or not own.wants_types) and not types_match(received, declared.type):
            shown, wanted = _shown_type(received), _shown_type(declared.type)
            details = f"{declared.name}, received_type({shown}) mismatch input_type({wanted})"
            link_info = {"received_type": jsonable(received), "linked_node": link}
            self._fail("return_type_mismatch", declared, details, **link_info)

    def _output(self, source: str, slot: Any) -> tuple[int, Any]:
        """The slot a link leads to and its type; raises ``KeyError``, ``IndexError`` or what ``int`` raises."""
        definition = self._definitions.get(source)
        if definition is None:
            raise KeyError(f"there is no node {source}")
        slot = int(slot)
        try:
            if slot < 0:
                raise IndexError(slot)
            return slot, definition.output_type(slot)
        except IndexError:
            count = len(definition.outputs)
            raise IndexError(f"{definition.name} #{source} has no output {slot}, only {count}") from None

    def _fail_linked(self, declared: InputDefinition, source: str, exception: Exception) -> None:
        error = exception_below_link(exception, declared, self._inputs[declared.name], in_node=False)
        self.add(source, error)
        if source in self._definitions:
            return
        # Nobody can look at a node that is not there: what is linked to it says so too.
        self.add(self._node_id, error)

    def _convert(self, declared: InputDefinition, value: Any) -> bool:
        kind = declared.type
        convert = _CONVERT.get(str.__str__(kind)) if isinstance(kind, str) else None
        if convert is None or (value is None and declared.category == "optional"):
            return True
        try:
            self._inputs[declared.name] = convert(value)
        except Exception as exception:
            details = f"{declared.name}, {value}, {exception}"
            problem = {"received_value": jsonable(value), "exception_message": str(exception)}
            self._fail("invalid_input_type", declared, details, **problem)
            return False
        return True

    def _check_range(self, declared: InputDefinition, value: Any) -> None:
        if value is None:
            return
        least, most = declared.options.get("min"), declared.options.get("max")
        if least is not None and value < least:
            self._fail("value_smaller_than_min", declared, received_value=jsonable(value))
        if most is not None and value > most:
            self._fail("value_bigger_than_max", declared, received_value=jsonable(value))

    def _check_choice(self, declared: InputDefinition, value: Any) -> None:
        choices = _choices(declared)
        if choices is None:
            return
        wrong = [item for item in (value if isinstance(value, (list, tuple)) else [value]) if item not in choices]
        if not wrong:
            return
        long = len(choices) > _LONG_LIST
        shown = f"(list of length {len(choices)})" if long else str(choices)
        extra: dict[str, Any] = {"received_value": jsonable(value)}
        if long:
            extra["input_config"] = None
        details = f"{declared.name}: '{wrong[0]}' not in {shown}"
        explain = getattr(choices, "absent", None)  # lists of files know where the file should be
        why = explain(wrong[0]) if callable(explain) else None
        self._fail("value_not_in_list", declared, f"{details}; {why}" if why else details, **extra)

    def _ask_node(self, own: OwnValidation, declared: DeclaredInputs) -> None:
        lists = gather_static(declared, self._inputs, self._node_id)
        passed: dict[str, Any] = {name: value for name, value in lists.items() if own.takes(name)}
        if own.wants_types:
            passed["input_types"] = [self._received]
        try:
            calls = list_calls(passed, self._definition.input_is_list)
            function: Callable[..., Any] = own.function
            answers = [finished(function(**arguments)) for arguments in calls]
        except BaseException as error:
            if self._node_id in self.errors and not is_a_persons_stop(error):
                return  # it was called with values already known to be wrong
            raise
        for answer in answers:
            if answer is not True:
                names = [name for name in passed if not name.startswith(HIDDEN_PREFIX)]
                self._refuse(answer, names)

    def _refuse(self, answer: Any, names: list[str]) -> None:
        reason = "" if answer is False else f" - {answer}"
        for name in names or [self._definition.function]:
            error = {
                "type": "custom_validation_failed",
                "message": _MESSAGES["custom_validation_failed"],
                "details": f"{name}{reason}",
                "extra_info": {"input_name": name},
            }
            self.add(self._node_id, error)


def exception_error(exception: BaseException) -> Error:
    """An exception while an output node was checked."""
    return {
        "type": "exception_during_validation",
        "message": "Exception when validating node",
        "details": _text_of(exception),
        "extra_info": {"exception_type": type_name_of(type(exception)), "traceback": _frames(exception)},
    }


def exception_below_link(
    exception: BaseException, declared: InputDefinition, link: list[Any], *, in_node: bool = True
) -> Error:
    """An exception at the other end of a link: ``in_node`` while that node was checked, else because it lacks it."""
    text = _text_of(exception)
    return {
        "type": "exception_during_inner_validation",
        "message": "Exception when validating inner node" if in_node else "The linked output does not exist",
        "details": text,
        "extra_info": {
            "input_name": declared.name,
            "input_config": jsonable([declared.type, declared.options]),
            "exception_message": text,
            "exception_type": type_name_of(type(exception)),
            "traceback": _frames(exception) if in_node else [],
            "linked_node": list(link),
        },
    }


def _text_of(exception: BaseException) -> str:
    if isinstance(exception, KeyError) and len(exception.args) == 1:
        return str(exception.args[0])
    return safe_text(exception)


def _frames(exception: BaseException) -> list[str]:
    return traceback.format_tb(exception.__traceback__)


class OwnValidation:
    """A node's ``VALIDATE_INPUTS``: which checks it takes over follows from the names of its parameters."""

    def __init__(self, function: Callable[..., Any], definition: NodeDefinition) -> None:
        self.function: Callable[..., Any] = function
        self._apart = definition.keeps_hidden_apart
        spec = inspect.getfullargspec(function)
        positional = spec.args[1:] if inspect.ismethod(function) else spec.args
        self._names = {*positional, *spec.kwonlyargs}
        self._takes_all = spec.varkw is not None
        self.wants_types = "input_types" in self._names

    @staticmethod
    def of(definition: NodeDefinition) -> OwnValidation | None:
        function = getattr(definition.node_class, "VALIDATE_INPUTS", None)
        return OwnValidation(function, definition) if callable(function) else None

    def takes(self, name: str) -> bool:
        """A node that keeps hidden values apart gets all of them, and groups of inputs by the name of the group."""
        if self._takes_all or name in self._names:
            return True
        return self._apart and (name.startswith(HIDDEN_PREFIX) or name.partition(".")[0] in self._names)


def _choices(declared: InputDefinition) -> list[Any] | None:
    """The options of a combo, a list as it is: it may take more than it shows. None where the node's file does not
    know them (remote combos)."""
    if isinstance(declared.type, (list, tuple)):
        return declared.type if isinstance(declared.type, list) else list(declared.type)
    is_combo = isinstance(declared.type, str) and str.__eq__(declared.type, "COMBO")
    if not is_combo or declared.options.get("remote"):
        return None
    options = declared.options.get("options")
    return options if options is None or isinstance(options, list) else list(options)


def _shown_type(declared: Any) -> str:
    return str(type_name(declared))
