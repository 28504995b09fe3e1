"""The schema of a V3 node, its base class, and what it returns."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from ....protocol.blocking import ExecutionBlocker
from ....protocol.v3 import DEFAULT_METHOD, HiddenHolder, is_overridden, v1_class
from ._dynamic import input_types_of, validate_inputs
from ._types import Input, Output

log = logging.getLogger(__name__)

__all__ = [
    "ComfyNode",
    "Hidden",
    "HiddenHolder",
    "NodeOutput",
    "NodeReplace",
    "PriceBadge",
    "PriceBadgeDepends",
    "Schema",
]


class Hidden(str, Enum):
    """What a node can ask for without an input."""

    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"
    auth_token_comfy_org = "AUTH_TOKEN_COMFY_ORG"
    api_key_comfy_org = "API_KEY_COMFY_ORG"


@dataclass
class PriceBadgeDepends:
    """What the price of an API node depends on."""

    widgets: Sequence[str] = ()
    inputs: Sequence[str] = ()
    input_groups: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        return {key: list(value) for key, value in vars(self).items()}


@dataclass
class PriceBadge:
    """The price of an API node as an expression that the client evaluates."""

    expr: str
    depends_on: PriceBadgeDepends = field(default_factory=PriceBadgeDepends)
    engine: str = "jsonata"

    def as_dict(self) -> dict[str, Any]:
        return {"engine": self.engine, "depends_on": self.depends_on.as_dict(), "expr": self.expr}


class _AnyConstant(dict[str, Any]):
    """Optional inputs of a node that takes constants of any name."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        return ("*", {})


class Schema:
    """What a node looks like. ``node_id`` is its class type in prompts and must be unique. Fields we do not know are
    left aside: packs are written for newer versions too."""

    def __init__(
        self,
        node_id: str,
        display_name: str | None = None,
        category: str = "sd",
        inputs: Sequence[Any] | None = None,
        outputs: Sequence[Any] | None = None,
        hidden: Sequence[Hidden] | None = None,
        description: str = "",
        is_input_list: bool = False,
        is_output_node: bool = False,
        is_deprecated: bool = False,
        is_experimental: bool = False,
        is_api_node: bool = False,
        not_idempotent: bool = False,
        enable_expand: bool = False,
        search_aliases: Sequence[str] | None = None,
        is_dev_only: bool = False,
        accept_all_inputs: bool = False,
        price_badge: PriceBadge | None = None,
        essentials_category: str | None = None,
        has_intermediate_output: bool = False,
        **later: Any,
    ) -> None:
        self.node_id = node_id
        self.display_name = display_name
        self.category = category
        self.inputs = list(inputs or ())
        self.outputs = list(outputs or ())
        self.hidden = list(hidden or ())
        self.description = description
        self.is_input_list = is_input_list
        self.is_output_node = is_output_node
        self.is_deprecated = is_deprecated
        self.is_experimental = is_experimental
        self.is_api_node = is_api_node
        self.not_idempotent = not_idempotent
        self.enable_expand = enable_expand
        self.search_aliases = list(search_aliases or ())
        self.is_dev_only = is_dev_only
        self.accept_all_inputs = accept_all_inputs
        self.price_badge = price_badge
        self.essentials_category = essentials_category
        self.has_intermediate_output = has_intermediate_output
        if later:
            log.debug("the schema of %s has fields that are not known here: %s", node_id, ", ".join(later))

    def validate(self) -> None:
        """Raise ``ValueError`` for a schema that contradicts itself."""
        for what, items, kind in (("inputs", self.inputs, Input), ("outputs", self.outputs, Output)):
            wrong = [item for item in items if not isinstance(item, kind)]
            if wrong:
                raise ValueError(f"{what} of {self.node_id} holds {wrong[0]!r}; write io.<Type>.{kind.__name__}(...)")
        validate_inputs(self.inputs)
        ids = [output.id for output in self.outputs if output.id is not None]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"output ids must be unique; twice there: {', '.join(twice)}")

    def finalize(self) -> None:
        """Fill in what follows from the rest: names of outputs, hidden values that saving and API nodes need."""
        wanted = list(self.hidden)
        if self.is_output_node:
            wanted += [Hidden.prompt, Hidden.extra_pnginfo]
        if self.is_api_node:
            wanted += [Hidden.auth_token_comfy_org, Hidden.api_key_comfy_org]
        self.hidden = list(dict.fromkeys(wanted))
        for index, output in enumerate(self.outputs):
            if output.id is None:
                output.id = f"_{index}_{output.io_type}_"

    def input_types(self) -> dict[str, Any]:
        """The inputs in the form of ``INPUT_TYPES``."""
        declared: dict[str, Any] = input_types_of(self.inputs)
        if self.accept_all_inputs:
            declared["optional"] = _AnyConstant(declared.get("optional", {}))
        if self.hidden:
            declared["hidden"] = {hidden.name: (hidden.value,) for hidden in self.hidden}
        return declared


class NodeOutput:
    """What ``execute`` returns: a value per output, and what to show, to run or to stop besides.

    ``ui`` is a dict or a helper of :mod:`comfy_api.latest.ui`; ``expand`` a graph made by ``GraphBuilder.finalize()``
    (the schema says ``enable_expand=True``); ``block_execution`` a message for the nodes that would
    go on, or True to stop them without a word.
    """

    def __init__(
        self,
        *args: Any,
        ui: Any = None,
        expand: Mapping[str, Any] | None = None,
        block_execution: str | bool | None = None,
    ) -> None:
        self.args = args
        self.ui = ui
        self.expand = expand
        self.block_execution = block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        return self.args or None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NodeOutput:
        """The same from the dict of the V1 protocol."""
        result, shown = data.get("result"), {"ui": data.get("ui"), "expand": data.get("expand")}
        if isinstance(result, ExecutionBlocker):
            return cls(block_execution=True if result.message is None else result.message, **shown)
        return cls(*(result or ()), **shown)

    def __getitem__(self, index: int) -> Any:
        return self.args[index]


class _NodeMeta(type):
    """A V3 class answers to the names of the V1 protocol too; a class prepared for a call cannot be written to."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if cls.__dict__.get("is_locked"):
            raise AttributeError(f"{cls.__name__}.{name}: a node keeps nothing on its class while it runs")
        super().__setattr__(name, value)

    def __getattr__(cls, name: str) -> Any:
        if name.isupper() and is_overridden(cls, "define_schema"):
            try:
                return getattr(v1_class(cls), name)
            except AttributeError:
                pass
            except Exception as error:
                raise AttributeError(f"{cls.__name__}.{name}: define_schema failed: {error}") from error
        raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")


def _default(function: Any) -> Any:
    setattr(function, DEFAULT_METHOD, True)
    return function


class ComfyNode(metaclass=_NodeMeta):
    """The base of V3 nodes. All methods are class methods; ``cls.hidden`` holds the hidden values of the schema."""

    hidden: ClassVar[HiddenHolder] = HiddenHolder()

    @classmethod
    @_default
    def define_schema(cls) -> Schema:
        """What the node looks like; asked again on every use, so that choices may list files."""
        raise NotImplementedError(f"{cls.__name__} has no define_schema")

    @classmethod
    def execute(cls, *_: Any, **inputs: Any) -> Any:
        """The work of the node; gets the inputs by their ids, returns a :class:`NodeOutput`. May be ``async``."""
        raise NotImplementedError(f"{cls.__name__} has no execute")

    @classmethod
    @_default
    def validate_inputs(cls, *_: Any, **inputs: Any) -> bool | str:
        """True, or why the values (None for linked ones) cannot be used. May be ``async``."""
        return True

    @classmethod
    @_default
    def fingerprint_inputs(cls, *_: Any, **inputs: Any) -> Any:
        """Anything; while it stays equal, earlier results are reused. May be ``async``."""
        return None

    @classmethod
    @_default
    def check_lazy_status(cls, *_: Any, **inputs: Any) -> list[str]:
        """The ids of lazy inputs that are needed now (those not evaluated yet are None)."""
        return [name for name, value in inputs.items() if value is None]

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        """The finished schema; raises ``ValueError`` for one that contradicts itself."""
        schema = cls.define_schema()
        if not isinstance(schema, Schema):
            raise ValueError(f"{cls.__name__}.define_schema returned {type(schema).__name__}, not io.Schema")
        schema.finalize()
        schema.validate()
        return schema


class NodeReplace:
    """How nodes that no longer exist become others.

    ``old_widget_ids`` names the old widgets in their order; ``input_mapping`` holds ``{"new_id", "old_id"}`` or
    ``{"new_id", "set_value"}``; ``output_mapping`` holds ``{"new_idx", "old_idx"}``.
    """

    def __init__(
        self,
        new_node_id: str,
        old_node_id: str,
        old_widget_ids: Sequence[str] | None = None,
        input_mapping: Sequence[Mapping[str, Any]] | None = None,
        output_mapping: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.new_node_id = new_node_id
        self.old_node_id = old_node_id
        self.old_widget_ids = old_widget_ids
        self.input_mapping = input_mapping
        self.output_mapping = output_mapping

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))
