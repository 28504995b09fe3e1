"""Values for one run: ``run(seed=7)``, ``run({"KSampler.seed": 7})``, ``run(KSampler__seed=7)``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..folders import Folders
from .errors import title_of
from .lookup import NameNotFound, find_node, is_link, not_found
from .pictures import holds_pictures, is_picture, one_pil, png
from .value_checks import checked

if TYPE_CHECKING:
    from .document_nodes import DocumentNodes

InfoSource = Callable[[str], Mapping[str, Any] | None]
Prompt = dict[str, Any]


class Override(NamedTuple):
    """One value for one run, as the prompt carries it. ``literal``: the text is not expanded as typed text would be."""

    node_id: str
    input: str
    value: Any
    literal: bool


def read_overrides(
    prompt: Prompt, values: Mapping[str, Any], nodes: DocumentNodes, info: InfoSource, folders: Folders
) -> list[Override]:
    """``values`` by the nodes they are for: of ``prompt``, or subgraph instances among the document's ``nodes``.

    A name is an input's name where one node alone has it, or ``"Node.input"`` (also ``Node__input``) with the node's
    title, id or class type, or ``"Subgraph/Node.input"``. A picture (PIL, tensor ``[1,H,W,C]``, numpy) for an input
    that chooses an image file is written to the input folder. Raises ``KeyError`` for unknown or ambiguous names,
    ``ValueError`` for values that the input can't take.
    """
    found = []
    for name, value in values.items():
        node_id, input_name = find_place(prompt, nodes, name)
        node = prompt.get(node_id, {})
        spec = input_spec(info, str(node.get("class_type")), input_name)
        where = f"{title_of(prompt, node_id)}.{input_name}"
        checked = checked_value(value, spec, where, folders)
        found.append(Override(node_id, input_name, checked, bool(spec[1].get("dynamicPrompts"))))
    return found


def with_overrides(prompt: Prompt, overrides: Iterable[Override]) -> Prompt:
    """``prompt`` with these inputs replaced; ``prompt`` itself stays as it is."""
    changed = dict(prompt)
    for override in overrides:
        node = changed.get(override.node_id)
        if node is not None:
            inputs = {**node.get("inputs", {}), override.input: override.value}
            changed[override.node_id] = {**node, "inputs": inputs}
    return changed


def find_place(prompt: Prompt, nodes: DocumentNodes, name: str) -> tuple[str, str]:
    """The node id and input that ``name`` means, subgraphs and what is inside them included."""
    try:
        return find_input(prompt, name)
    except NameNotFound:
        head, _, input_name = name.rpartition("." if "." in name else "__")
        try:
            node = nodes.find(head)
        except NameNotFound:
            if "/" in head:
                raise
        else:
            if node.id in prompt:
                return find_input(prompt, f"{node.id}.{input_name}")
            if input_name in node.values:
                return node.id, input_name
        raise


def find_input(prompt: Mapping[str, Any], name: str) -> tuple[str, str]:
    """The node id and input that ``name`` means."""
    for separator in (".", "__"):
        node_name, found, input_name = name.rpartition(separator)
        if found and node_name and not _has_input(prompt, name):
            node_id = find_node(prompt, node_name)
            inputs = prompt[node_id].get("inputs", {})
            if input_name not in inputs:
                title = title_of(prompt, node_id)
                raise NameNotFound(not_found(f"input of {title!r} called", input_name, inputs))
            return node_id, input_name
    owners = [node_id for node_id, node in prompt.items() if name in node.get("inputs", {})]
    settable = [node_id for node_id in owners if not is_link(prompt, prompt[node_id]["inputs"][name])]
    candidates = settable or owners
    if len(candidates) == 1:
        return candidates[0], name
    if candidates:
        listed = ", ".join(f"'{_unique_name(prompt, node_id)}.{name}'" for node_id in candidates)
        raise NameNotFound(f"{len(candidates)} nodes have an input {name!r}; say which: {listed}")
    every = {key for node in prompt.values() for key in node.get("inputs", {})}
    raise NameNotFound(not_found("input", name, every))


def _has_input(prompt: Mapping[str, Any], name: str) -> bool:
    return any(name in node.get("inputs", {}) for node in prompt.values())


def _unique_name(prompt: Mapping[str, Any], node_id: str) -> str:
    title = title_of(prompt, node_id)
    return title if sum(title_of(prompt, other) == title for other in prompt) == 1 else node_id


def input_spec(info: InfoSource, class_type: str, name: str) -> tuple[Any, Mapping[str, Any]]:
    """The declared type and options of an input; ``("*", {})`` where nothing is known."""
    declared = (info(class_type) or {}).get("input", {})
    for category in ("required", "optional"):
        spec = (declared.get(category) or {}).get(name)
        if spec:
            return spec[0], spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
    return "*", {}


def checked_value(value: Any, spec: tuple[Any, Mapping[str, Any]], where: str, folders: Folders) -> Any:
    """``value`` in the form the prompt carries."""
    kind, options = spec
    if options.get("image_upload") and (is_picture(value) or holds_pictures(value)):
        return write_input(value, where, folders)
    value = checked(value, kind, where)
    return {"__value__": value} if isinstance(value, list) else value


def write_input(picture: Any, where: str, folders: Folders) -> str:
    """Put a picture into the input folder under a name made of its content; returns that name."""
    from ..server.atomic import write_bytes

    try:
        data = png(one_pil(picture))
    except (ValueError, TypeError, OSError) as exc:
        raise ValueError(f"{where}: {exc}.") from None
    name = f"notebook-{hashlib.sha256(data).hexdigest()[:16]}.png"
    folders.input.mkdir(parents=True, exist_ok=True)
    if not (folders.input / name).is_file():
        write_bytes(folders.input / name, data)
    return name
