"""Functions as nodes: parameters become inputs, the return annotation becomes the outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .annotations import Parameter, Result, read_parameters, read_results
from .code_version import function_version
from .definition import NodeDefinition, OutputDefinition
from .errors import NodeDefinitionError
from .image_values import as_image, as_mask
from .model_values import as_latent, as_model
from .v1 import definition_from_class
from .v3 import definition_from_v3, is_v3_class

_RESULT_KEYS = {"ui", "result", "expand"}
_NORMALISE: Mapping[str, Callable[[Any], Any]] = {
    "IMAGE": as_image,
    "MASK": as_mask,
    "LATENT": as_latent,
    "MODEL": as_model,
}


def definition_from_function(
    fn: Callable[..., Any],
    *,
    name: str | None = None,
    display_name: str | None = None,
    category: str = "notebook",
    description: str | None = None,
    output_node: bool = False,
    input_is_list: bool = False,
    search_aliases: tuple[str, ...] = (),
    not_idempotent: bool = False,
    always_run: bool = False,
    python_module: str | None = None,
    localns: Mapping[str, Any] | None = None,
) -> NodeDefinition:
    """Read ``fn`` (a function or bound method, plain or async) as a node; a V1 or V3 class says all of this itself.

    ``name`` defaults to the function's name, ``description`` to its docstring. A function without outputs is an output
    node in any case: nothing else could make it run. ``always_run`` never reuses an earlier result (for functions that
    read the clock, a file, the network). ``localns`` helps to find names in annotations written as text. Raises
    :class:`NodeDefinitionError` naming the parameter whose annotation says nothing to the node protocol, or for a
    function that yields.
    """
    if not callable(fn):
        raise NodeDefinitionError(f"a node is made of a function, not of {fn!r}")
    if isinstance(fn, type) and (is_v3_class(fn) or hasattr(fn, "INPUT_TYPES")):
        class_name = name or (None if is_v3_class(fn) else fn.__name__)
        return _definition_from_class(fn, class_name, display_name, python_module or fn.__module__)
    node_name: str = name or getattr(fn, "__name__", "") or type(fn).__name__
    _refuse_generators(fn, node_name)
    parameters = read_parameters(fn, node_name, localns)
    results = read_results(fn, node_name, localns)
    call = _FunctionCall(fn, node_name, tuple(parameters), tuple(results.outputs), results.is_tuple)
    description = description if description is not None else (inspect.getdoc(fn) or "")
    is_output_node = output_node or not results.outputs
    said = {
        "CATEGORY": category,
        "DESCRIPTION": description,
        "OUTPUT_NODE": is_output_node,
        "INPUT_IS_LIST": input_is_list,
        "NOT_IDEMPOTENT": not_idempotent,
        "SEARCH_ALIASES": list(search_aliases),
    }
    return NodeDefinition(
        name=node_name,
        node_class=_node_class(call, always_run, said),
        function="run",
        input_types=partial(_input_types, tuple(parameters)),
        outputs=tuple(OutputDefinition(out.name, out.type, out.is_list) for out in results.outputs),
        display_name=display_name or _title(node_name),
        category=category,
        description=description,
        python_module=python_module or getattr(fn, "__module__", "") or "",
        is_output_node=is_output_node,
        input_is_list=input_is_list,
        not_idempotent=not_idempotent,
        search_aliases=search_aliases,
        code=partial(function_version, fn),
    )


def _refuse_generators(fn: Callable[..., Any], node: str) -> None:
    for function in (fn, getattr(fn, "__call__", None)):  # noqa: B004 - objects that are called
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise NodeDefinitionError(
                f"node {node!r} yields, but a node returns its outputs all at once: collect them in a list and return "
                "it (-> cn.Image makes a batch of it, -> list[cn.Image] hands the images on one by one); what it has "
                "so far is shown by cn.context().progress(step, steps, preview)"
            )


def _definition_from_class(cls: type, name: str | None, display_name: str | None, module: str) -> NodeDefinition:
    if name is None:
        return definition_from_v3(cls, None, display_name, module)
    return definition_from_class(name, cls, display_name, module)


def _title(name: str) -> str:
    """``"edge_glow"`` → ``"Edge Glow"``; a name with capitals of its own stays."""
    return name.replace("_", " ").title() if name.islower() else name


def _input_types(parameters: tuple[Parameter, ...]) -> dict[str, dict[str, Any]]:
    declared: dict[str, dict[str, Any]] = {"required": {}, "optional": {}, "hidden": {}}
    for parameter in parameters:
        declared[parameter.category][parameter.name] = parameter.spec()
    return {category: inputs for category, inputs in declared.items() if inputs or category == "required"}


def _node_class(call: _FunctionCall, always_run: bool, said: Mapping[str, Any]) -> type:
    """A class that says all of itself in the V1 protocol, so that ComfyUI takes it too; one per function, so that
    instances are not shared between nodes."""
    members: dict[str, Any] = {
        **said,
        "FUNCTION": "run",
        "INPUT_TYPES": classmethod(lambda cls: _input_types(call.parameters)),
        "RETURN_TYPES": tuple(output.type for output in call.outputs),
        "RETURN_NAMES": tuple(output.name for output in call.outputs),
        "OUTPUT_IS_LIST": tuple(output.is_list for output in call.outputs),
        "__module__": getattr(call.fn, "__module__", __name__),
        "__doc__": getattr(call.fn, "__doc__", None),
        "node_function": staticmethod(call.fn),
    }
    if inspect.iscoroutinefunction(call.fn) or inspect.iscoroutinefunction(getattr(call.fn, "__call__", None)):  # noqa: B004

        async def run_async(self: Any, /, **inputs: Any) -> Any:
            return call.results(await call.fn(**call.arguments(inputs)))

        members["run"] = run_async
    else:

        def run(self: Any, /, **inputs: Any) -> Any:
            return call.results(call.fn(**call.arguments(inputs)))

        members["run"] = run
    if always_run:
        members["IS_CHANGED"] = classmethod(lambda cls, /, **inputs: float("nan"))
    return type(call.name, (), members)


@dataclass(frozen=True)
class _FunctionCall:
    """Carries values between the node protocol and a Python function."""

    fn: Callable[..., Any]
    name: str
    parameters: tuple[Parameter, ...]
    outputs: tuple[Result, ...]
    is_tuple: bool

    def arguments(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Combo texts become the Enum members or literals they stand for."""
        for parameter in self.parameters:
            if parameter.needs_none:
                inputs.setdefault(parameter.name, None)
            if parameter.choices and parameter.name in inputs:
                value = inputs[parameter.name]
                inputs[parameter.name] = parameter.choices.get(value, value)
        return inputs

    def results(self, value: Any) -> Any:
        """What the engine expects: one element per output, or the node protocol's own dict passed through."""
        if isinstance(value, dict) and value and value.keys() <= _RESULT_KEYS:
            value = {**value, "ui": _ui_lists(value["ui"])} if value.get("ui") else value
            if "result" in value and "expand" not in value:
                return {**value, "result": self._slots(tuple(value["result"]))}
            return value
        if _is_blocker(value):
            return value
        if not self.outputs:
            return ()
        if not self.is_tuple:
            return self._slots((value,))
        if not isinstance(value, (tuple, list)):
            raise TypeError(f"{self._promise()} and returned one {type(value).__name__}; {self._return_instead()}")
        return self._slots(tuple(value))

    def _slots(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(values) != len(self.outputs):
            raise TypeError(f"{self._promise()} and returned {len(values)}; {self._return_instead()}")
        return tuple(self._slot(value, output) for value, output in zip(values, self.outputs, strict=True))

    def _slot(self, value: Any, output: Result) -> Any:
        if _is_blocker(value) or (value is None and (output.optional or output.type == "*")):
            return value
        if output.is_list and not isinstance(value, (list, tuple)):
            raise TypeError(f"{self._promise()} and returned no list for {output.name}, but {type(value).__name__}")
        try:
            return [_normalised(item, output) for item in value] if output.is_list else _normalised(value, output)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{self._promise()}: {error}") from None

    def _promise(self) -> str:
        names = ", ".join(str(output.name) for output in self.outputs)
        return f"{self.name} promised {len(self.outputs)} output{'s' if len(self.outputs) > 1 else ''} ({names})"

    def _return_instead(self) -> str:
        count = len(self.outputs)
        return f"return a tuple of {count}" if self.is_tuple else "return one value"


def _is_blocker(value: Any) -> bool:
    return type(value).__name__ == "ExecutionBlocker"


def _ui_lists(ui: Mapping[str, Any]) -> dict[str, Any]:
    """``ui`` with lone values in lists, as the node protocol wants them: ``{"text": "hi"}`` is the common slip."""
    return {key: value if isinstance(value, (list, tuple)) else [value] for key, value in ui.items()}


def _normalised(value: Any, output: Result) -> Any:
    if value is None and output.type not in ("*", "IMAGE", "MASK"):
        raise TypeError(
            f"it returned None for {output.name}; return a value, or annotate it with '| None' if there may be none"
        )
    normalise = _NORMALISE.get(output.type)
    return value if normalise is None or _is_blocker(value) else normalise(value)
