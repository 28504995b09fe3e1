"""Reading a workflow from whatever a person has: a file, its bytes, its text, a dict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from . import jsontext, metadata
from .errors import WorkflowError
from .repair import Json, Warnings, normalise
from .specs import InfoSource

Readable = bytes | str | os.PathLike[str] | Mapping[str, Any]
"""A path, the bytes of a file, JSON text, or a parsed object."""


@dataclass
class Document:
    """A workflow that was read."""

    data: Json
    """UI JSON 0.4; unknown keys and nodes as they were."""
    warnings: list[str] = field(default_factory=list)
    """What was odd about it and what was done about that."""
    source: str = "ui"
    """``"ui"``, or ``"api"`` when the file held an API prompt (then ``data`` was arranged from it)."""


def read_document(
    source: bytes | str | os.PathLike[str] | Mapping[str, Any], info: InfoSource | None = None
) -> Document:
    """Read a workflow: UI JSON 0.4 or 1.0, an API prompt, or an image or media file that carries one.

    ``source`` is a path, the bytes of a file, JSON text, or an already parsed object (which is not changed). ``info``
    gives an API prompt its node definitions (slots and widget order); without it they are guessed from the prompt.
    Raises :class:`WorkflowError` with a readable message when there is no workflow in it.
    """
    warnings = Warnings()
    value, what = _value(source, warnings)
    if isinstance(value, Mapping) and isinstance(value.get("templates"), list) and "nodes" not in value:
        names = ", ".join(str(item.get("name")) for item in value["templates"][:5] if isinstance(item, dict))
        raise WorkflowError(f"{what} holds node templates ({names}), not a workflow; read_templates() reads them.")
    return _document(value, what, info, warnings)


def read_templates(source: Readable) -> dict[str, Document]:
    """The node templates of a template file, by name, each as a document of its own."""
    warnings = Warnings()
    value, what = _value(source, warnings)
    templates = value.get("templates") if isinstance(value, dict) else None
    if not isinstance(templates, list):
        raise WorkflowError(f"{what} holds no node templates.")
    found: dict[str, Document] = {}
    for number, item in enumerate(templates):
        if not isinstance(item, dict):
            continue
        data = item.get("data")
        name = str(item.get("name") or f"template {number + 1}")
        data = jsontext.loads(data, f"Template {name!r}")[0] if isinstance(data, str) else data
        found[name] = _document(_relative_links(data), f"Template {name!r}", None, Warnings())
    return found


def is_prompt(value: Any) -> TypeGuard[Json]:
    """Whether ``value`` has the shape of an API prompt: node ids to objects with a ``class_type``."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(node, dict) and isinstance(node.get("class_type"), str) for node in value.values())
    )


def _document(value: Any, what: str, info: InfoSource | None, warnings: Warnings) -> Document:
    from .build import from_api

    if not isinstance(value, dict):
        raise WorkflowError(f"{what} is not a workflow: it is {_kind(value)}, not an object with nodes.")
    value = _unwrap(value)
    if is_prompt(value):
        return Document(from_api(value, info or (lambda _name: None)), warnings.finish(), "api")
    if "nodes" not in value and (nodes := {key: node for key, node in value.items() if is_prompt({key: node})}):
        odd = ", ".join(repr(key) for key in value if key not in nodes)
        warnings.add(f"Beside its nodes the prompt holds {odd}, which are no nodes; they were left out.")
        return Document(from_api(nodes, info or (lambda _name: None)), warnings.finish(), "api")
    if "nodes" not in value:
        keys = ", ".join(repr(key) for key in list(value)[:6]) or "nothing"
        raise WorkflowError(f"{what} is not a workflow: it has neither nodes nor prompt entries, but {keys}.")
    return Document(normalise(value, warnings), warnings.finish(), "ui")


def _unwrap(value: Json) -> Json:
    """The workflow inside what tools wrap around it: a queue request, or the two keys that media files carry."""
    if "nodes" in value or is_prompt(value):
        return value
    extra = value.get("extra_data")
    png = extra.get("extra_pnginfo") if isinstance(extra, dict) else None
    for inner in (png.get("workflow") if isinstance(png, dict) else None, value.get("workflow")):
        if isinstance(inner, dict) and "nodes" in inner:
            return inner
    for inner in (value.get("prompt"), value.get("output")):
        if is_prompt(inner):
            return dict(inner)
    return value


def _value(source: Any, warnings: Warnings) -> tuple[Any, str]:
    """The parsed JSON of ``source`` and what to call it in messages."""
    if isinstance(source, Mapping):
        value, replaced = jsontext.plain(dict(source))
        what = "The workflow"
    else:
        data, what = _bytes(source)
        if isinstance(data, bytes) and metadata.file_kind(data) is not None:
            return _from_media(data, what, warnings), what
        if isinstance(data, bytes):
            data = _decode(data, what)
        value, replaced = jsontext.loads(data, what)
    if replaced:
        warnings.add(f"Numbers that were NaN or infinite are empty now, as JSON has none ({replaced} of them).")
    return value, what


def _bytes(source: Any) -> tuple[bytes | str, str]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "The file"
    if isinstance(source, str) and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return source, "The text"
    if not isinstance(source, (str, os.PathLike)):
        raise WorkflowError(
            f"A workflow is read from a path, bytes, JSON text or a dict, not from a {type(source).__name__}."
        )
    path = Path(source)
    shown = path.name if len(path.name) <= 80 else path.name[:77] + "…"
    try:
        return path.read_bytes(), shown
    except FileNotFoundError:
        raise WorkflowError(f"There is no file {str(path)[:200]!r}.") from None
    except (OSError, ValueError) as error:
        raise WorkflowError(f"{shown!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _decode(data: bytes, what: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise WorkflowError(f"{what} is neither a workflow (JSON text) nor an image that could carry one.") from None


def _from_media(data: bytes, what: str, warnings: Warnings) -> Any:
    found = metadata.read(data)
    for key in ("workflow", "prompt"):
        text = found.get(key)
        if text is None:
            continue
        try:
            value, replaced = (
                jsontext.loads(text, f"The {key!r} entry of {what}") if isinstance(text, str) else (text, 0)
            )
        except WorkflowError as error:
            warnings.add(str(error))
            continue
        if isinstance(value, dict) and value:
            if replaced:
                warnings.add(f"Numbers that were NaN or infinite are empty now, as JSON has none ({replaced} of them).")
            return value
    if "parameters" in found:
        raise WorkflowError(
            f"{what} carries AUTOMATIC1111 generation parameters but no ComfyUI workflow: "
            f"{str(found['parameters'])[:200]}"
        )
    raise WorkflowError(" ".join([f"{what} carries no workflow in its metadata.", *warnings]))


def _relative_links(data: Any) -> Any:
    """Copied nodes write a link as [source index, slot, target index, slot, source id]; number them as documents do."""
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list) or not isinstance(data.get("links"), list):
        return data
    nodes = data["nodes"]
    for index, node in enumerate(nodes):
        if isinstance(node, dict):
            node.setdefault("id", index + 1)
            for slot in node.get("inputs") or ():
                slot["link"] = None
    links: list[list[Any]] = []
    for link in data["links"]:
        if not (isinstance(link, list) and len(link) >= 4 and all(isinstance(part, int) for part in link[:4])):
            continue
        source, source_slot, target, target_slot = link[:4]
        if not (0 <= source < len(nodes) and 0 <= target < len(nodes)):
            continue
        number = len(links) + 1
        inputs = nodes[target].get("inputs") or []
        if 0 <= target_slot < len(inputs):
            inputs[target_slot]["link"] = number
            kind = inputs[target_slot].get("type", "*")
            links.append([number, nodes[source]["id"], source_slot, nodes[target]["id"], target_slot, kind])
    return {**data, "links": links}


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false"}
    return "empty" if value is None else names.get(type(value), type(value).__name__)
