"""UI workflow → API prompt: what the editor shows becomes what the engine runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import text as texts
from .build import EXTRA_INPUTS
from .document import Document, read_document
from .graph import BYPASSED, MUTED, Scope, Scopes
from .repair import Json, Warnings
from .resolve import VIRTUAL, Resolver, Source, Value
from .specs import InfoSource, InputSpec, children, input_specs
from .widget_values import widget_values

Prompt = dict[str, dict[str, Any]]

SHOW_ONCE = (
    "If it is a node that only a pack's JavaScript makes (reroutes, Set and Get nodes), show the workflow once, as it "
    "is now, in an editor that has the pack, and save it."
)
"""What helps where a node type is missing that no Python code defines."""


@dataclass
class Conversion:
    """An API prompt and what a person should know about its making."""

    prompt: Prompt
    warnings: list[str] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=dict)
    """Unknown class types, each with the ids of its nodes in the prompt; those entries are guesses."""


def to_api(
    document: Document | Mapping[str, Any],
    info: InfoSource,
    values: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    choose: Callable[[int], int] = random.randrange,
    now: datetime | None = None,
) -> Conversion:
    """The API prompt of a UI workflow.

    ``values`` (``{node id in the prompt: {widget: value}}``) stand above what the document holds: they are what only
    the browser knows, and are taken as they are. ``choose(n)`` picks an alternative of a dynamic prompt, ``now`` is the
    time that ``%date:…%`` shows. Raises :class:`WorkflowError` when the document is no workflow or a subgraph contains
    itself.
    """
    if not isinstance(document, Document):
        document = read_document(document, info)
    return _Converter(document, info, values or {}, choose, now or datetime.now()).convert()


class _Converter:
    def __init__(
        self,
        document: Document,
        info: InfoSource,
        values: Mapping[str, Mapping[str, Any]],
        choose: Callable[[int], int],
        now: datetime,
    ) -> None:
        self._entries: dict[str, Mapping[str, Any] | None] = {}
        self._ask = info
        self._given = values
        self._choose = choose
        self._now = now
        self._scopes = Scopes(document.data, self._info)
        self._resolver = Resolver(self._scopes, self._info)
        self._specs: dict[str, dict[str, InputSpec]] = {}
        self._named: dict[str, tuple[Scope, Json]] | None = None
        self._warnings = Warnings()
        self._result = Conversion({})

    def convert(self) -> Conversion:
        for scope in self._scopes.all:
            for key, node in scope.graph.nodes.items():
                skipped = node["type"] in VIRTUAL or node.get("mode", 0) in (MUTED, BYPASSED)
                if not skipped and not self._scopes.is_instance(node) and not self._only_in_browsers(scope, key, node):
                    self._result.prompt[scope.prefix + key] = self._entry(scope, key, node)
        self._drop_dangling()
        for kind, ids in self._result.missing.items():
            where = ", ".join(ids[:5]) + (" …" if len(ids) > 5 else "")
            self._warnings.add(
                f"There is no node type {kind!r} (node {where}); its values are a guess from the file. {SHOW_ONCE}"
            )
        self._result.warnings = self._warnings.finish()
        return self._result

    def _only_in_browsers(self, scope: Scope, key: str, node: Json) -> bool:
        """Whether a node is a pack's virtual one and an editor wrote down what it stands for."""
        return key in scope.graph.led and self._info(node["type"]) is None

    def _entry(self, scope: Scope, key: str, node: Json) -> dict[str, Any]:
        kind = node["type"]
        entry = self._info(kind)
        if entry is None:
            self._result.missing.setdefault(kind, []).append(scope.prefix + key)
        inputs = self._inputs(scope, key, node, entry)
        title = node.get("title")
        if not isinstance(title, str):
            title = str((entry or {}).get("display_name") or kind)
        return {"inputs": inputs, "class_type": kind, "_meta": {"title": title}}

    def _inputs(self, scope: Scope, key: str, node: Json, entry: Mapping[str, Any] | None) -> dict[str, Any]:
        specs = self._specs_of(node["type"])
        values = self._own_values(scope, key, node, entry)
        links: dict[str, Any] = {}
        muted: set[str] = set()
        for slot in node.get("inputs") or ():
            if slot.get("link") is None:
                continue
            name = slot["name"]
            spec = specs.get(name)
            resolved = self._resolver.resolve(scope, slot["link"], spec.type if spec else slot.get("type", "*"))
            if isinstance(resolved, Source):
                links[name] = [resolved.node, resolved.slot]
            elif isinstance(resolved, Value):
                # a primitive speaks to widgets alone: a plain socket has nothing to hold its value
                if name in values or scope.parent is not None or "widget" in slot:
                    value = resolved.value
                    values[name] = self._fields(value) if resolved.replace_text else value
            elif resolved.muted:
                muted.add(name)
            elif resolved.missing:
                self._warnings.add(
                    f"Input {name!r} of node {scope.prefix}{key} ({node['type']}) hangs on {resolved.missing}."
                )
        specs = self._with_chosen(specs, values)
        given = self._given.get(scope.prefix + key)
        given = given if isinstance(given, Mapping) else {}
        inputs: dict[str, Any] = {}
        for name, value in values.items():
            if (
                name not in muted
                and name not in links
                and not self._left_to_default(scope, key, node, specs.get(name), value)
            ):
                inputs[name] = _wrap(given[name] if name in given else self._queued(node, specs.get(name), name, value))
        for name, value in given.items():
            if name not in inputs and name not in links and name not in muted:
                inputs[name] = _wrap(value)
        return inputs | links

    def _left_to_default(self, scope: Scope, key: str, node: Json, spec: InputSpec | None, value: Any) -> bool:
        """Whether an optional number is empty, as NaN is in JSON: the node has a default for it and can't use None."""
        if value is not None or spec is None or spec.required or spec.type not in ("INT", "FLOAT"):
            return False
        default = spec.options.get("default")
        if default is not None:
            where = f"node {scope.prefix}{key} ({node['type']})"
            self._warnings.add(f"Input {spec.name!r} of {where} is empty; its default {default} is used.")
        return default is not None

    def _own_values(self, scope: Scope, key: str, node: Json, entry: Mapping[str, Any] | None) -> dict[str, Any]:
        values = widget_values(node, entry)
        kept = (node.get("properties") or {}).get(EXTRA_INPUTS)
        if isinstance(kept, dict):
            values |= kept
        if scope.overrides:
            values |= {
                name: value for (owner, name), value in scope.overrides.items() if owner == key and name in values
            }
        return values

    def _with_chosen(self, specs: Mapping[str, InputSpec], values: dict[str, Any]) -> dict[str, InputSpec]:
        """``specs`` and the inputs that dynamic ones add now. A value that was handed in may have chosen others than
        the saved ones: those get their defaults."""
        active = dict(specs)
        work = list(specs.values())
        while work:
            spec = work.pop()
            for child in children(spec, values.get(spec.name)):
                active[child.name] = child
                work.append(child)
                if child.is_widget and child.name not in values and (default := child.default()) is not None:
                    values[child.name] = default
        return active

    def _queued(self, node: Json, spec: InputSpec | None, name: str, value: Any) -> Any:
        """A widget's value as it is when the prompt is queued."""
        if not isinstance(value, str):
            return value
        if spec is not None and spec.options.get("dynamicPrompts"):
            return texts.dynamic_prompt(value, self._choose)
        if name == "filename_prefix" and node["type"] in texts.SAVE_NODES:
            return self._fields(value)
        return value

    def _fields(self, value: Any) -> Any:
        return (
            texts.replace_fields(value, self._now, self._widget) if isinstance(value, str) and "%" in value else value
        )

    def _widget(self, name: str, widget: str) -> Any:
        """The value of a widget of the first node that is called ``name``."""
        if self._named is None:
            self._named = {}
            nodes = [(scope, node) for scope in self._scopes.all for node in scope.graph.nodes.values()]
            # in files that state neither name, nodes answer to what they show and to their class type
            for call in (_search_name, lambda node: node.get("title"), self._shown_name, lambda node: node["type"]):
                for scope, node in nodes:
                    called = call(node)
                    if isinstance(called, str):
                        self._named.setdefault(called, (scope, node))
        if name not in self._named:
            return None
        scope, node = self._named[name]
        return self._own_values(scope, str(node["id"]), node, self._info(node["type"])).get(widget)

    def _shown_name(self, node: Json) -> Any:
        return (self._info(node["type"]) or {}).get("display_name") if node.get("title") is None else None

    def _drop_dangling(self) -> None:
        for key, node in self._result.prompt.items():
            for name, value in list(node["inputs"].items()):
                if isinstance(value, list) and value[0] not in self._result.prompt:
                    del node["inputs"][name]
                    self._warnings.add(f"Input {name!r} of node {key} comes from node {value[0]}, which does not run.")

    def _info(self, kind: str) -> Mapping[str, Any] | None:
        if kind not in self._entries:
            self._entries[kind] = self._ask(kind)
        return self._entries[kind]

    def _specs_of(self, kind: str) -> dict[str, InputSpec]:
        if kind not in self._specs:
            entry = self._info(kind)
            self._specs[kind] = {spec.name: spec for spec in input_specs(entry)} if entry is not None else {}
        return self._specs[kind]


def _search_name(node: Json) -> Any:
    properties = node.get("properties")
    return properties.get("Node name for S&R") if isinstance(properties, dict) else None


def _wrap(value: Any) -> Any:
    """A list would read as a link; it travels wrapped."""
    return {"__value__": value} if isinstance(value, list) else value
