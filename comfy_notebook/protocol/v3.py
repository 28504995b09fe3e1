"""Node classes of the V3 protocol (``define_schema``, ``execute`` …) as a ``NodeDefinition``.

A V3 class becomes a V1 class: ``v1_class`` builds one whose methods take flat inputs, nest groups of inputs, put hidden
values where the node looks for them and call the node's own class methods. Nothing here knows the classes of
``comfy_api``; a schema is read by its attributes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

from .blocking import ExecutionBlocker
from .code_version import version_of_class
from .definition import HIDDEN_PREFIX, NodeDefinition, OutputDefinition
from .dynamic_inputs import flattened, is_dynamic, nested
from .errors import NodeDefinitionError
from .types import MATCH_TYPE

#: Marks the methods of the base class that a node may override.
DEFAULT_METHOD = "is_default_of_v3"


class HiddenHolder:
    """What ``cls.hidden`` is while a node runs: the hidden values it asked for; anything else is None."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.__dict__.update(values or {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def is_v3_class(cls: Any) -> bool:
    """Whether ``cls`` is written for the V3 protocol."""
    return isinstance(cls, type) and callable(getattr(cls, "define_schema", None)) and hasattr(cls, "GET_SCHEMA")


def definition_from_v3(
    cls: Any, name: str | None = None, display_name: str | None = None, python_module: str = "nodes"
) -> NodeDefinition:
    """Read a V3 class; ``name`` and ``display_name`` are those of its schema when None.

    Raises :class:`NodeDefinitionError` when the schema cannot be made or contradicts itself.
    """
    try:
        schema, node_class = cls.GET_SCHEMA(), v1_class(cls)
    except Exception as error:
        raise NodeDefinitionError(f"node {name or cls.__name__!r}: define_schema failed: {error}") from error
    node_name = name or schema.node_id
    return NodeDefinition(
        name=node_name,
        node_class=node_class,
        function=function_name(cls),
        input_types=functools.partial(_input_types, cls),
        outputs=tuple(map(_output, schema.outputs)),
        display_name=display_name or schema.display_name or node_name,
        category=schema.category,
        description=schema.description or "",
        python_module=python_module,
        is_output_node=bool(schema.is_output_node),
        input_is_list=bool(schema.is_input_list),
        not_idempotent=bool(schema.not_idempotent),
        deprecated=bool(schema.is_deprecated),
        experimental=bool(schema.is_experimental),
        api_node=bool(schema.is_api_node),
        dev_only=bool(schema.is_dev_only),
        has_intermediate_output=bool(schema.has_intermediate_output),
        search_aliases=tuple(schema.search_aliases or ()),
        essentials_category=schema.essentials_category,
        keeps_hidden_apart=True,
        code=version_of_class(cls),
        extra=_extra(schema),
    )


def _input_types(cls: Any) -> Mapping[str, Any]:
    """Asked on every use, so the schema is not checked again each time."""
    schema = cls.define_schema()
    schema.finalize()
    return cast("Mapping[str, Any]", schema.input_types())


def _output(output: Any) -> OutputDefinition:
    name = output.display_name or (output.id if output.has_own_id else output.io_type)
    return OutputDefinition(name, output.io_type, bool(output.is_output_list), output.tooltip)


def _extra(schema: Any) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if any(output.io_type == MATCH_TYPE for output in schema.outputs):
        extra["output_matchtypes"] = [getattr(output, "template_id", None) for output in schema.outputs]
    if schema.price_badge is not None:
        extra["price_badge"] = schema.price_badge.as_dict()
    return extra


def function_name(cls: Any) -> str:
    return "EXECUTE_NORMALIZED_ASYNC" if inspect.iscoroutinefunction(cls.execute) else "EXECUTE_NORMALIZED"


def is_overridden(cls: Any, method: str) -> bool:
    """Whether a node class has a ``method`` of its own, below the base class."""
    function = getattr(cls, method, None)
    return function is not None and not hasattr(getattr(function, "__func__", function), DEFAULT_METHOD)


def v1_class(cls: Any) -> type:
    """The V1 class that stands for a V3 class; always the same one."""
    known = vars(cls).get("_v1_class")
    if known is None:
        known = _make_v1_class(cls)
        type.__setattr__(cls, "_v1_class", known)
    return cast("type", known)


def _make_v1_class(cls: Any) -> type:
    schema = cls.GET_SCHEMA()
    outputs = tuple(map(_output, schema.outputs))
    members: dict[str, Any] = {
        "__doc__": cls.__doc__,
        "__module__": cls.__module__,
        "V3_CLASS": cls,
        "INPUT_TYPES": classmethod(lambda _: _input_types(cls)),
        "RETURN_TYPES": tuple(output.type for output in outputs),
        "RETURN_NAMES": tuple(output.name for output in outputs),
        "OUTPUT_IS_LIST": tuple(output.is_list for output in outputs),
        "OUTPUT_TOOLTIPS": tuple(output.tooltip for output in outputs),
        "FUNCTION": function_name(cls),
        "CATEGORY": schema.category,
        "DESCRIPTION": schema.description or "",
        "OUTPUT_NODE": bool(schema.is_output_node),
        "INPUT_IS_LIST": bool(schema.is_input_list),
        "NOT_IDEMPOTENT": bool(schema.not_idempotent),
        "DEPRECATED": bool(schema.is_deprecated),
        "EXPERIMENTAL": bool(schema.is_experimental),
        "API_NODE": bool(schema.is_api_node),
    }
    return type(cls.__name__, (), {**members, **_Calls(cls, schema).members()})


class _Calls:
    """Calls of the class methods of one node class, from flat inputs."""

    def __init__(self, cls: Any, schema: Any) -> None:
        self._cls = cls
        self._input_is_list = bool(schema.is_input_list)
        self._may_expand = bool(schema.enable_expand)
        declared = schema.input_types()
        specs = [spec for kind in ("required", "optional") for spec in (declared.get(kind) or {}).values()]
        self._has_groups = any(is_dynamic(spec) for spec in specs)
        self._prepared_bare: Any = None

    def members(self) -> dict[str, Any]:
        """The methods of the V1 class; optional ones only where the node has its own."""
        is_async = inspect.iscoroutinefunction(self._cls.execute)
        found = {function_name(self._cls): staticmethod(self._execute_async if is_async else self._execute)}
        if is_overridden(self._cls, "validate_inputs"):
            found["VALIDATE_INPUTS"] = staticmethod(self._validation())
        if is_overridden(self._cls, "fingerprint_inputs"):
            found["IS_CHANGED"] = staticmethod(self._fingerprint)
        if is_overridden(self._cls, "check_lazy_status"):
            found["check_lazy_status"] = staticmethod(self._lazy_status)
        return found

    def _execute(self, **inputs: Any) -> Any:
        prepared, arguments = self._prepared(inputs)
        value = prepared.execute(**arguments)
        return self._awaited(value) if inspect.isawaitable(value) else self._returned(value)

    async def _awaited(self, value: Any) -> Any:
        """Of an ``async`` method that a decorator hides."""
        return self._returned(await value)

    async def _execute_async(self, **inputs: Any) -> Any:
        prepared, arguments = self._prepared(inputs)
        return self._returned(await prepared.execute(**arguments))

    def _fingerprint(self, **inputs: Any) -> Any:
        prepared, arguments = self._prepared(inputs)
        return prepared.fingerprint_inputs(**arguments)

    def _lazy_status(self, **inputs: Any) -> Any:
        """In groups the node gets pairs of a value and the flat name to ask for."""
        prepared, arguments = self._prepared(inputs, with_names=True)
        return prepared.check_lazy_status(**arguments)

    def _validation(self) -> Callable[..., Any]:
        """Which checks a node takes over follows from the names of its own parameters."""

        def validate(**inputs: Any) -> Any:
            prepared, arguments = self._prepared(inputs)
            return prepared.validate_inputs(**arguments)

        validate.__signature__ = inspect.signature(self._cls.validate_inputs)  # type: ignore[attr-defined]
        return validate

    def _prepared(self, inputs: Mapping[str, Any], *, with_names: bool = False) -> tuple[Any, dict[str, Any]]:
        """A class of its own for this call, which nobody can write to, and the arguments as the node wants them."""
        hidden, values = {}, {}
        for name, value in inputs.items():
            if name.startswith(HIDDEN_PREFIX):
                hidden[name[len(HIDDEN_PREFIX) :]] = value[0] if self._input_is_list else value
            else:
                values[name] = value
        if hidden or self._prepared_bare is None:
            prepared = self._locked(hidden)
            if not hidden:  # nothing tells one such call from the next, and nobody can write to it
                self._prepared_bare = prepared
        else:
            prepared = self._prepared_bare
        return prepared, self._nested(values, with_names) if self._has_groups else values

    def _locked(self, hidden: Mapping[str, Any]) -> Any:
        cls = self._cls
        prepared = type(cls)(cls.__name__, (cls,), {"hidden": HiddenHolder(hidden), "__module__": cls.__module__})
        prepared.is_locked = True
        return prepared

    def _nested(self, values: dict[str, Any], with_names: bool) -> dict[str, Any]:
        groups = flattened(_input_types(self._cls), values).groups
        if with_names:
            tops = {group.partition(".")[0] for group in groups}
            values = {
                name: (value, name) if name.partition(".")[0] in tops else value for name, value in values.items()
            }
        return nested(groups, values)

    def _returned(self, value: Any) -> Any:
        """What ``execute`` returned in the terms of the V1 protocol."""
        if value is None:
            return ()
        if isinstance(value, (tuple, list, ExecutionBlocker)):
            return value
        block = None
        if isinstance(value, Mapping):
            ui, expand, result = value.get("ui"), value.get("expand"), value.get("result", ())
        elif hasattr(value, "block_execution") and hasattr(value, "expand"):
            ui, expand, result, block = value.ui, value.expand, tuple(value.args), value.block_execution
        else:
            raise TypeError(
                f"{self._cls.__name__}.execute returned {type(value).__name__}; "
                "return io.NodeOutput(...) with one value per output"
            )
        if expand is not None and not self._may_expand:
            raise TypeError(f"{self._cls.__name__} returned nodes to run, but its schema lacks enable_expand=True")
        if block is not None and block is not False:
            result = ExecutionBlocker(None if block is True else block)
        answer: dict[str, Any] = {"result": result}
        if ui is not None:
            answer["ui"] = ui if isinstance(ui, Mapping) else ui.as_dict()
        if expand is not None:
            answer["expand"] = expand
        return answer
