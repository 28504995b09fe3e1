"""Documents as graphs: nodes and links by id, subgraphs opened into scopes, one for each instance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from .errors import WorkflowError
from .group_nodes import group_definition, group_name, group_values
from .leads import Lead, Leads, read_leads
from .repair import LINK_FIELDS, Json, definitions
from .specs import InfoSource

ALWAYS, MUTED, BYPASSED = 0, 2, 4
INPUT_NODE, OUTPUT_NODE = "-10", "-20"
#: Stands for the instance itself where its values are listed.
OWN = "-1"
MAX_NODES = 200_000
"""Most nodes a prompt may have after all subgraphs are opened."""

# From this front end on, an instance's values follow its list of proxies; before, its inputs that carry widgets.
_VALUES_FOLLOW_PROXIES = (1, 28)
_UNSTATED = (0, 0)


class Link(NamedTuple):
    origin: str
    origin_slot: int
    target: str
    target_slot: int


@dataclass
class Graph:
    """The nodes and links of a document or of a subgraph definition."""

    nodes: dict[str, Json]
    links: dict[str, Link]
    inputs: list[Json] = field(default_factory=list)
    """Of a definition: the inputs its instances have."""
    outgoing: dict[int, str] = field(default_factory=dict)
    """Of a definition: output slot → the link that feeds it."""
    incoming: dict[int, list[Link]] = field(default_factory=dict)
    """Of a definition: input slot → the links that leave it."""
    leads: Leads = field(default_factory=Leads)
    """What an editor wrote down about the virtual nodes of packs."""

    def lead(self, number: str) -> Lead | None:
        """The lead of a link, None where there is none or the graph was changed since it was written."""
        lead, link = self.leads.by_link.get(number), self.links.get(number)
        if lead is None or link is None or lead.node != link.origin:
            return None
        if lead.last is not None:
            last = self.links.get(lead.last)
            if last is None or (last.origin, last.origin_slot) != lead.origin:
                return None
        known = lead.origin is None or lead.origin[0] == INPUT_NODE or lead.origin[0] in self.nodes
        return lead if known else None

    @cached_property
    def led(self) -> frozenset[str]:
        """The nodes of packs' virtual types of which every link to another node has a lead."""
        virtual = {key for key, node in self.nodes.items() if node["type"] in self.leads.types}
        lost = {
            link.origin
            for number, link in self.links.items()
            if link.origin in virtual and link.target not in virtual and self.lead(number) is None
        }
        return frozenset(virtual - lost)


def graph_of(data: Mapping[str, Any], leads: Leads | None = None) -> Graph:
    """The graph of a normalised document or definition."""
    nodes = {str(node["id"]): node for node in data["nodes"]}
    graph = Graph(nodes, {}, list(data.get("inputs") or ()), leads=leads or Leads())
    for item in data["links"]:
        ends = [item[name] for name in LINK_FIELDS[:5]] if isinstance(item, dict) else item
        number = str(ends[0])
        link = Link(str(ends[1]), int(ends[2]), str(ends[3]), int(ends[4]))
        graph.links[number] = link
        if link.target == OUTPUT_NODE:
            graph.outgoing.setdefault(link.target_slot, number)
        if link.origin == INPUT_NODE:
            graph.incoming.setdefault(link.origin_slot, []).append(link)
    return graph


@dataclass
class Scope:
    """A graph as one instance sees it."""

    graph: Graph
    prefix: str = ""
    """What stands before a node's id in the prompt: ``""``, ``"70:"``, ``"70:5:"``."""
    parent: Scope | None = None
    instance: Json = field(default_factory=dict)
    children: dict[str, Scope] = field(default_factory=dict)
    promoted: dict[str, Any] = field(default_factory=dict)
    """Values of the instance's own widgets, by input name."""
    overrides: dict[tuple[str, str], Any] = field(default_factory=dict)
    """Values the instance gives to widgets of inner nodes: (node id, widget name) → value."""
    inside: frozenset[str] = frozenset()
    """The definitions this scope lies in; a definition among them again would never end."""

    def input_of(self, slot: int) -> tuple[str, Json | None]:
        """Name of the definition's input ``slot`` and the instance's own entry for it."""
        if not 0 <= slot < len(self.graph.inputs):
            return "", None
        name = str(self.graph.inputs[slot].get("name", ""))
        own = [item for item in self.instance.get("inputs") or () if isinstance(item, dict)]
        return name, next((item for item in own if item.get("name") == name), None)


class Scopes:
    """All scopes of a document; ``skipped`` opens muted and bypassed instances too."""

    def __init__(self, data: Json, info: InfoSource, *, skipped: bool = False) -> None:
        self._info = info
        self._closed = () if skipped else (MUTED, BYPASSED)
        self._definitions = {str(item.get("id")): item for item in definitions(data)}
        extra = data.get("extra")
        groups = extra.get("groupNodes") if isinstance(extra, dict) else None
        self._groups: Json = groups if isinstance(groups, dict) else {}
        self._graphs: dict[str, Graph] = {}
        version = _version(extra)
        self._by_proxies = version >= _VALUES_FOLLOW_PROXIES
        self._unstated = version == _UNSTATED
        leads, self._leads = read_leads(data)
        self.root = Scope(graph_of(data, leads))
        self.all = list(self._open())

    def is_instance(self, node: Json) -> bool:
        return node["type"] in self._definitions or group_name(node["type"]) in self._groups

    def inputs_of(self, kind: str) -> list[Json]:
        """The inputs that instances of the subgraph ``kind`` have, [] for any other type."""
        listed = self._definitions[kind].get("inputs") if kind in self._definitions else None
        return [slot for slot in listed or () if isinstance(slot.get("name"), str)]

    def _open(self) -> Iterator[Scope]:
        """Every scope, root first."""
        work, count = [self.root], 0
        while work:
            scope = work.pop()
            yield scope
            count += len(scope.graph.nodes)
            if count > MAX_NODES:
                raise WorkflowError(f"The subgraphs of this workflow unfold to more than {MAX_NODES:,} nodes.")
            for key, node in scope.graph.nodes.items():
                if self.is_instance(node) and node.get("mode", 0) not in self._closed:
                    scope.children[key] = self._child(scope, key, node)
            work.extend(reversed(scope.children.values()))

    def _child(self, scope: Scope, key: str, node: Json) -> Scope:
        kind = node["type"]
        if kind in scope.inside:
            name = self._definitions.get(kind, {}).get("name") or kind
            raise WorkflowError(f"The subgraph {name!r} contains itself (at node {scope.prefix}{key}).")
        if kind not in self._graphs:
            self._graphs[kind] = graph_of(self._definition(kind), self._leads.get(kind))
        child = Scope(self._graphs[kind], f"{scope.prefix}{key}:", scope, node, inside=scope.inside | {kind})
        if kind in self._definitions:
            child.promoted, child.overrides = self._instance_values(node, child.graph)
        else:
            child.overrides = group_values(self._groups[str(group_name(kind))], node, self._info)
        for (owner, name), value in scope.overrides.items():
            if owner == key:
                child.promoted[name] = value
        return child

    def _definition(self, kind: str) -> Json:
        if kind in self._definitions:
            return self._definitions[kind]
        return group_definition(self._groups[str(group_name(kind))], self._info)

    def _instance_values(self, node: Json, graph: Graph) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
        """The values of an instance's widgets: for its own inputs, and for widgets inside."""
        values = node.get("widgets_values")
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}, {}
        if not isinstance(values, list) or not values:
            return {}, {}
        return _values_by_place(self.places(node, graph), values)

    def places(self, node: Json, graph: Graph) -> list[tuple[str, str]]:
        """What each place in the ``widgets_values`` of an instance of ``graph`` is for: (inner node id, widget name),
        with ``OWN`` for an input of the instance itself."""
        proxies = _proxies(node)
        if proxies and self._by_proxies:
            return proxies
        names = [str(item.get("name", "")) for slot, item in enumerate(graph.inputs) if _carries_widget(graph, slot)]
        own = [(OWN, name) for name in names]
        return proxies if self._unstated and _only_more(proxies, own, node) else own


def _values_by_place(
    places: list[tuple[str, str]], values: list[Any]
) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
    own: dict[str, Any] = {}
    inner: dict[tuple[str, str], Any] = {}
    for (owner, name), value in zip(places, values, strict=False):
        if value is not None and owner == OWN:
            own[name] = value
        elif value is not None:
            inner[owner, name] = value
    return own, inner


def _proxies(node: Json) -> list[tuple[str, str]]:
    """``properties.proxyWidgets`` as (inner node id or OWN, widget name); some files hold it as JSON text."""
    properties = node.get("properties")
    listed = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    if isinstance(listed, str):
        try:
            listed = json.loads(listed)
        except (ValueError, RecursionError):
            return []
    if not isinstance(listed, list):
        return []
    return [(str(item[0]), str(item[1])) if isinstance(item, list) and len(item) >= 2 else ("", "") for item in listed]


def _only_more(proxies: list[tuple[str, str]], own: list[tuple[str, str]], node: Json) -> bool:
    """Whether the proxies begin with the instance's ``own`` widgets and its values have a place for each proxy: then
    both readings agree on the own ones, and nothing but the proxies tells what the other values are for."""
    values = node.get("widgets_values")
    counted = isinstance(values, list) and len(values) == len(proxies)
    return counted and 0 < len(own) < len(proxies) and proxies[: len(own)] == own


def _carries_widget(graph: Graph, slot: int) -> bool:
    """Whether an input of a subgraph leads to a widget inside."""
    for link in graph.incoming.get(slot, ()):
        slots = graph.nodes.get(link.target, {}).get("inputs") or ()
        if 0 <= link.target_slot < len(slots) and isinstance(slots[link.target_slot].get("widget"), dict):
            return True
    return False


def _version(extra: Any) -> tuple[int, ...]:
    stated = extra.get("frontendVersion") if isinstance(extra, dict) else None
    parts = stated.split(".")[:2] if isinstance(stated, str) else []
    return tuple(int(part) for part in parts) if parts and all(part.isdecimal() for part in parts) else _UNSTATED
