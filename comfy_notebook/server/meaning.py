"""What a document means: a key per node that changes when the node's result would, to tell which results are stale."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import workflow
from ..protocol.registry import Registry
from ..workflow.repair import definitions
from . import node_info

if TYPE_CHECKING:
    from ..engine import Engine

Keys = Mapping[str, Any]

#: "Control after generate": the value before such a word moves on with every run, which makes no result stale.
MOVING = ("randomize", "increment", "decrement", "increment-wrap")


def prompt_keys(engine: Engine, prompt: Mapping[str, Any]) -> Keys:
    """The keys of a prompt's nodes; none of a prompt that is invalid, which has no meaning."""
    try:
        return engine.signatures(prompt)
    except Exception:
        return {}


def document_keys(engine: Engine, registry: Registry, document: Mapping[str, Any]) -> Keys:
    """The keys of the nodes of a document by their id in the prompt, leaving out what is drawn by lot or moves on.

    Nodes that get something from nodes of unknown types have no key: a pack's script may lead such links elsewhere.
    """
    try:
        still = _held_still(document)
        info = node_info.info_source(registry)
        conversion = workflow.to_api(still, info, choose=lambda count: 0, now=datetime.min)
    except workflow.WorkflowError:
        return {}
    keys = prompt_keys(engine, conversion.prompt)
    unknown = _fed_by(conversion.prompt, {node for nodes in conversion.missing.values() for node in nodes})
    return {node: key for node, key in keys.items() if node not in unknown}


def _fed_by(prompt: Mapping[str, Any], sources: set[str]) -> set[str]:
    """``sources`` and all nodes that get something from them: what they mean is known in the browser alone."""
    followers: dict[str, list[str]] = {}
    for name, node in prompt.items():
        for value in node["inputs"].values():
            if isinstance(value, list) and value:
                followers.setdefault(str(value[0]), []).append(name)
    found, work = set(sources), list(sources)
    while work:
        for name in followers.get(work.pop(), ()):
            if name not in found:
                found.add(name)
                work.append(name)
    return found


def _held_still(document: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` with its moving values at rest; what does not move is shared with it."""
    still = dict(document, nodes=_at_rest(document.get("nodes")))
    if definitions(still):
        held = still["definitions"]
        still["definitions"] = {**held, "subgraphs": [_definition(item) for item in held.get("subgraphs") or ()]}
    return still


def _definition(definition: Any) -> Any:
    return _held_still(definition) if isinstance(definition, dict) else definition


def _at_rest(nodes: Any) -> Any:
    if not isinstance(nodes, list):
        return nodes
    return [_node_at_rest(node) if isinstance(node, dict) else node for node in nodes]


def _node_at_rest(node: dict[str, Any]) -> dict[str, Any]:
    values = node.get("widgets_values")
    if not isinstance(values, list) or not any(isinstance(value, str) and value in MOVING for value in values):
        return node
    rest = [
        0 if str(following) in MOVING else value for value, following in zip(values, [*values[1:], ""], strict=True)
    ]
    return {**node, "widgets_values": rest}
