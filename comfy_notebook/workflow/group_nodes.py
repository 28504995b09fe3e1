"""Legacy group nodes (``workflow>NAME``, defined in ``extra.groupNodes``), read as subgraph definitions."""

from __future__ import annotations

from typing import Any

from .specs import InfoSource, input_specs, widget_slots

Json = dict[str, Any]


def group_name(kind: str) -> str | None:
    """The group a node type names, None for any other type."""
    for mark in ("workflow>", "workflow/"):
        if kind.startswith(mark):
            return kind[len(mark) :]
    return None


def group_definition(group: Any, info: InfoSource) -> Json:
    """A subgraph definition that does what ``group`` does; the id of an inner node is its index."""
    nodes = _nodes(group)
    links: list[Json] = []
    inputs: list[Json] = []
    outputs: list[Json] = []
    taken: dict[str, int] = {}
    fed: dict[tuple[int, int], Json] = {}

    def connect(origin: Any, origin_slot: int, target: Any, target_slot: int, kind: Any) -> int:
        number = len(links) + 1
        ends = {"origin_id": origin, "origin_slot": origin_slot, "target_id": target, "target_slot": target_slot}
        links.append({"id": number, **ends, "type": kind})
        return number

    for source, slot, target, target_slot in _links(group, len(nodes)):
        entry = _slot(nodes[target], target_slot)
        if entry is not None:
            entry["link"] = connect(source, slot, target, target_slot, entry.get("type", "*"))
            fed[target, target_slot] = entry
    used = {(link["origin_id"], link["origin_slot"]) for link in links}
    external = {(item[0], item[1]) for item in group.get("external") or () if isinstance(item, list) and len(item) > 1}
    for index, node in enumerate(nodes):
        names = _widget_names(node, info)
        slots = {str(entry["name"]): number for number, entry in enumerate(node["inputs"])}
        for name in [*names, *(name for name in slots if name not in names)]:
            number = slots.get(name)
            shown = _unique(_own_name(group, node, name), node, taken)
            if number is not None and (index, number) not in fed:
                entry = node["inputs"][number]
                entry["link"] = connect(-10, len(inputs), index, number, entry.get("type", "*"))
                inputs.append({"name": shown, "type": entry.get("type", "*")})
            elif number is None:
                inputs.append({"name": shown, "type": "*"})
                entry = {"name": name, "type": "*", "widget": {"name": name}}
                entry["link"] = connect(-10, len(inputs) - 1, index, len(node["inputs"]), "*")
                node["inputs"].append(entry)
        for number, output in enumerate(node.get("outputs") or ()):
            if (index, number) not in used or (index, number) in external:
                connect(index, number, -20, len(outputs), output.get("type", "*"))
                outputs.append({"name": output.get("name", ""), "type": output.get("type", "*")})
    return {"nodes": nodes, "links": links, "inputs": inputs, "outputs": outputs}


def group_values(group: Any, node: Json, info: InfoSource) -> dict[tuple[str, str], Any]:
    """The instance's ``widgets_values``, shared out over the inner widgets: (inner id, widget name) → value."""
    values = node.get("widgets_values")
    nodes = _nodes(group)
    if not isinstance(values, list):
        return {}
    fed = {(target, (_slot(nodes[target], slot) or {}).get("name")) for _, _, target, slot in _links(group, len(nodes))}
    nothing: set[tuple[int, Any]] = set()
    for hidden in (nothing, fed):
        places = [
            (str(index), name)
            for index, inner in enumerate(nodes)
            for name in _places(inner, info)
            if (index, name) not in hidden
        ]
        if len(places) == len(values):
            return {(index, name): value for (index, name), value in zip(places, values, strict=True) if name}
    return {}


def _nodes(group: Any) -> list[Json]:
    listed = group.get("nodes") if isinstance(group, dict) else None
    nodes = []
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        node = item if isinstance(item, dict) else {}
        inputs = [dict(item) for item in node.get("inputs") or () if isinstance(item, dict) and "name" in item]
        for slot in inputs:
            slot["link"] = None
        outputs = [item for item in node.get("outputs") or () if isinstance(item, dict)]
        nodes.append({**node, "id": index, "type": str(node.get("type", "")), "inputs": inputs, "outputs": outputs})
    return nodes


def _links(group: Any, count: int) -> list[tuple[int, int, int, int]]:
    """[source index, slot, target index, slot, …]; a source of None stands for a link from outside."""
    found = []
    for link in group.get("links") or () if isinstance(group, dict) else ():
        ends = link[:4] if isinstance(link, list) else []
        whole = len(ends) == 4 and all(isinstance(end, int) for end in ends)
        if whole and 0 <= ends[0] < count and 0 <= ends[2] < count:
            found.append((ends[0], ends[1], ends[2], ends[3]))
    return found


def _slot(node: Json, number: int) -> Json | None:
    inputs: list[Json] = node["inputs"]
    return inputs[number] if 0 <= number < len(inputs) else None


def _places(node: Json, info: InfoSource) -> list[str]:
    """Widget names by place in ``widgets_values``; "" for the places of control and upload."""
    entry = info(node["type"])
    if entry is None:
        return [""] * len(node.get("widgets_values") or ())
    slots = widget_slots(input_specs(entry), lambda _name: None)
    return [slot.spec.name if slot.kind == "value" else "" for slot in slots]


def _widget_names(node: Json, info: InfoSource) -> list[str]:
    return [name for name in _places(node, info) if name]


def _own_name(group: Json, node: Json, name: str) -> str:
    """The name that the group, or the label of the slot, gives to an inner input."""
    spot: Any = group.get("config")
    for key in (str(node["id"]), "input", name, "name"):
        spot = spot.get(key) if isinstance(spot, dict) else None
    label = next((slot.get("label") for slot in node["inputs"] if slot["name"] == name), None)
    return str(spot or label or name)


def _unique(name: str, node: Json, taken: dict[str, int]) -> str:
    """The name an inner input has outside: its own, with the node's title before it where that is taken."""
    shown = name
    if shown in taken:
        title = str(node.get("title") or node["type"])
        shown = f"{title} {name}"
        if shown in taken:
            shown = f"{title} {taken[shown]} {name}"
    taken[shown] = taken.get(shown, 1) + 1
    return shown
