"""Any UI JSON, 0.4 or 1.0 or damaged, brought to the one form the rest works with: UI JSON 0.4.

Unknown keys and unknown nodes stay as they are. What has the wrong type is mended or left out, with a warning each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .errors import WorkflowError

Json = dict[str, Any]

LINK_FIELDS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
_MAX_WARNINGS = 100


class Warnings(list[str]):
    """Messages for people; after the first hundred they are only counted."""

    left_out = 0

    def add(self, text: str) -> None:
        if text in self:
            return
        if len(self) < _MAX_WARNINGS:
            self.append(text)
        else:
            self.left_out += 1

    def finish(self) -> list[str]:
        return [*self, f"… and {self.left_out} more."] if self.left_out else list(self)


def normalise(data: Json, warnings: Warnings) -> Json:
    """UI JSON 0.4 from ``data`` (already a private copy, which is changed)."""
    nodes = data.get("nodes")
    if not isinstance(nodes, list):
        raise WorkflowError(
            "This is not a workflow: it has no list of nodes." if nodes is None else "'nodes' is not a list of nodes."
        )
    if not _is_04(data):
        _from_10(data, warnings)
    _mend_graph(data, "", warnings)
    for key, kind in (("groups", list), ("extra", dict), ("definitions", dict), ("config", dict)):
        if key in data and not isinstance(data[key], kind):
            if data[key] is not None:
                warnings.add(f"'{key}' was {_short(data[key])}, not {_NAMES[kind]}; it was left out.")
            del data[key]
    for definition in definitions(data):
        _mend_definition(definition, warnings)
    data["version"] = 0.4
    data.setdefault("groups", [])
    data.setdefault("config", {})
    data.setdefault("extra", {})
    data["last_node_id"] = _last(data.get("last_node_id"), (node["id"] for node in data["nodes"]))
    data["last_link_id"] = _last(data.get("last_link_id"), (link[0] for link in data["links"]))
    return data


_NAMES = {list: "a list", dict: "an object", int: "a number"}


def definitions(data: Json) -> list[Json]:
    """Every subgraph definition of a document, those nested in other definitions too."""
    found: list[Json] = []
    work: list[Any] = [data.get("definitions")]
    while work:
        holder = work.pop()
        subgraphs = holder.get("subgraphs") if isinstance(holder, dict) else None
        for definition in subgraphs if isinstance(subgraphs, list) else ():
            if isinstance(definition, dict):
                found.append(definition)
                work.append(definition.get("definitions"))
    return found


def _is_04(data: Json) -> bool:
    version = data.get("version", 0.4)
    return not isinstance(data.get("state"), dict) and not (isinstance(version, (int, float)) and version >= 1)


def _from_10(data: Json, warnings: Warnings) -> None:
    """Counters, link parents and native reroutes move to where 0.4 keeps them."""
    state = data.pop("state", None)
    state = state if isinstance(state, dict) else {}
    data.setdefault("last_node_id", state.get("lastNodeId", 0))
    data.setdefault("last_link_id", state.get("lastLinkId", 0))
    extra = data.setdefault("extra", {})
    if not isinstance(extra, dict):
        warnings.add(f"'extra' was {_short(extra)}, not an object; it was left out.")
        extra = data["extra"] = {}
    links = data.get("links")
    parents = [
        {"id": link["id"], "parentId": link["parentId"]}
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and "id" in link and link.get("parentId") is not None
    ]
    if parents:
        extra["linkExtensions"] = parents
    if reroutes := data.pop("reroutes", None):
        extra["reroutes"] = reroutes


def _mend_definition(definition: Json, warnings: Warnings) -> None:
    where = f" in subgraph {_short(definition.get('name', definition.get('id')))}"
    if not isinstance(definition.get("nodes"), list):
        warnings.add(f"A subgraph definition has no list of nodes{where}.")
        definition["nodes"] = []
    definition["nodes"] = _mend_nodes(definition["nodes"], where, warnings)
    if not isinstance(definition.get("links"), list):
        definition["links"] = []
    links = [(raw, _link_object(raw)) for raw in definition["links"]]
    for raw, link in links:
        if link is None and raw is not None:
            warnings.add(f"A link is malformed and was left out{where}: {_short(raw)}.")
    definition["links"] = [link for _raw, link in links if link is not None]
    for side in ("inputs", "outputs"):
        slots = definition.get(side)
        definition[side] = [slot for slot in slots if isinstance(slot, dict)] if isinstance(slots, list) else []
    ends = {str(node["id"]) for node in definition["nodes"]} | {"-10", "-20"}
    for link in definition["links"]:
        _warn_of_loose_ends(link["id"], (link["origin_id"], link["target_id"]), ends, where, warnings)


def _mend_graph(data: Json, where: str, warnings: Warnings) -> None:
    data["nodes"] = _mend_nodes(data["nodes"], where, warnings)
    links = data.get("links")
    if not isinstance(links, list):
        if links is not None:
            warnings.add(f"'links' was {_short(links)}, not a list; the nodes come unconnected.")
        links = []
    ends = {str(node["id"]) for node in data["nodes"]}
    kept: list[list[Any]] = []
    for raw in links:
        link = _link_list(raw)
        if link is None:
            if raw is not None:
                warnings.add(f"A link is malformed and was left out: {_short(raw)}.")
            continue
        _warn_of_loose_ends(link[0], (link[1], link[3]), ends, where, warnings)
        kept.append(link)
    data["links"] = kept


def _warn_of_loose_ends(link: Any, nodes: Iterable[Any], known: set[str], where: str, warnings: Warnings) -> None:
    for node in nodes:
        if str(node) not in known:
            warnings.add(f"Link {_short(link)} goes to node {_short(node)}, which does not exist{where}.")


def _mend_nodes(nodes: list[Any], where: str, warnings: Warnings) -> list[Json]:
    kept: list[Json] = []
    taken = {str(node["id"]) for node in nodes if isinstance(node, dict) and _is_id(node.get("id"))}
    seen: set[str] = set()
    next_id = 1 + max((int(name) for name in taken if name.isdecimal() and len(name) < 16), default=0)
    for node in nodes:
        if not isinstance(node, dict):
            warnings.add(f"A node is {_short(node)}, not an object; it was left out{where}.")
            continue
        if not _is_id(node.get("id")) or str(node["id"]) in seen:
            was = _short(node.get("id"))
            node["id"], next_id = next_id, next_id + 1
            warnings.add(f"A node's id {was} is missing, odd or used twice; it is now {node['id']}{where}.")
        seen.add(str(node["id"]))
        _mend_node(node, where, warnings)
        kept.append(node)
    return kept


def _mend_node(node: Json, where: str, warnings: Warnings) -> None:
    def replace(key: str, value: Any) -> None:
        warnings.add(f"Node {_short(node['id'])}{where}: '{key}' was {_short(node[key])}; it is now {_short(value)}.")
        node[key] = value

    if not isinstance(node.setdefault("type", ""), str):
        replace("type", "" if node["type"] is None else _short(node["type"]))
    mode = node.get("mode", 0)
    if isinstance(mode, bool) or not isinstance(mode, int):
        replace("mode", 0)
    for key in ("pos", "size"):
        if key in node and (pair := _pair(node[key])) != node[key]:
            if isinstance(node[key], dict) and {"0", "1"} <= node[key].keys() and pair is not None:
                node[key] = pair
            else:
                replace(key, pair or ([0, 0] if key == "pos" else [210, 100]))
    for key in ("flags", "properties"):
        if not isinstance(node.get(key, {}), dict):
            replace(key, {})
    for key in ("inputs", "outputs"):
        if node.get(key) is not None:
            _mend_slots(node, key, replace)
    values = node.get("widgets_values")
    if values is not None and not isinstance(values, (list, dict)):
        replace("widgets_values", [values])
    if node.get("title") is not None and not isinstance(node["title"], str):
        replace("title", _short(node["title"]))


def _mend_slots(node: Json, key: str, replace: Any) -> None:
    slots = node[key]
    if not isinstance(slots, list):
        replace(key, [])
    elif not all(isinstance(slot, dict) and isinstance(slot.get("name"), str) for slot in slots):
        mended = [slot if isinstance(slot, dict) else {} for slot in slots]
        for index, slot in enumerate(mended):
            if not isinstance(slot.get("name"), str):
                slot["name"] = f"{key[:-1]}_{index}" if slot.get("name") is None else _short(slot["name"])
        replace(key, mended)
    for slot in node[key] or ():
        if key == "inputs" and not (slot.get("link") is None or _is_id(slot["link"])):
            slot["link"] = None
        if key == "outputs" and not isinstance(slot.get("links", []), (list, type(None))):
            slot["links"] = None


def _pair(value: Any) -> list[Any] | None:
    """Two numbers, also when they stand as ``{"0": x, "1": y}``."""
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, list) and len(value) >= 2 and all(_is_number(part) for part in value):
        return value
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _link_list(link: Any) -> list[Any] | None:
    if isinstance(link, dict):
        link = [link.get(field) for field in LINK_FIELDS]
    if not isinstance(link, list) or len(link) < 5:
        return None
    if not all(_is_id(link[i]) for i in (0, 1, 3)) or not all(_is_slot(link[i]) for i in (2, 4)):
        return None
    return link if len(link) > 5 else [*link, "*"]


def _link_object(link: Any) -> Json | None:
    if isinstance(link, dict):
        return link if _link_list(link) is not None else None
    as_list = _link_list(link)
    return dict(zip(LINK_FIELDS, as_list, strict=False)) if as_list is not None else None


def _is_slot(value: Any) -> bool:
    """Slots are numbers; very old files write them as text."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdecimal())


def _last(stated: Any, ids: Iterable[Any]) -> int:
    largest = max((name for name in ids if isinstance(name, int)), default=0)
    return max(largest, stated) if isinstance(stated, int) and not isinstance(stated, bool) else largest


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
