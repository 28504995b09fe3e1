"""Whether a prompt can run, and if not, why: in the JSON that every client of the HTTP API reads.

Nodes are walked with a stack of our own, so that a chain of any length and a cycle of any size are no matter.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..protocol.definition import NodeDefinition
from ..protocol.registry import Registry
from ..workflow.missing_nodes import what_it_needs
from .cycles import path_into_cycle, told
from .failure import is_a_persons_stop
from .inputs import DeclaredInputs
from .node_checks import Link, NodeChecks, exception_below_link, exception_error
from .prompt import Prompt, own_copy

Error = dict[str, Any]


class PromptRejected(Exception):  # noqa: N818 - says what happened to the prompt
    """Nothing of the prompt can run. ``error`` and ``node_errors`` are the body of the HTTP API's 400 answer."""

    def __init__(self, error: Error, node_errors: Mapping[str, Any] | None = None) -> None:
        super().__init__(_readable(error, node_errors or {}))
        self.error = error
        self.node_errors = dict(node_errors or {})


def _readable(error: Error, node_errors: Mapping[str, Any]) -> str:
    lines = [error["message"] + (f": {error['details']}" if error.get("details") else "")]
    for node_id, entry in node_errors.items():
        for reason in entry["errors"]:
            details = f": {reason['details']}" if reason["details"] else ""
            lines.append(f"  node {node_id} ({entry['class_type']}): {reason['message']}{details}")
    return "\n".join(lines)


@dataclass
class Validated:
    """``roots``: the output nodes that will run; ``node_errors``: why others will not."""

    roots: list[str]
    node_errors: dict[str, Any] = field(default_factory=dict)


def make_error(type: str, message: str, details: str = "", extra_info: Mapping[str, Any] | None = None) -> Error:
    return {"type": type, "message": message, "details": details, "extra_info": dict(extra_info or {})}


def checked_copy(prompt: Any) -> Prompt:
    """A copy the engine may write to; raises :class:`PromptRejected` for what is no prompt at all."""
    if not isinstance(prompt, Mapping):
        raise PromptRejected(make_error("invalid_prompt", "A prompt is an object of nodes by id"))
    for node_id, node in prompt.items():
        if not isinstance(node, Mapping) or not isinstance(node.get("inputs", {}), Mapping):
            extra = {"node_id": str(node_id)}
            message = "A node of a prompt is an object with class_type and inputs"
            raise PromptRejected(make_error("invalid_prompt", message, f"Node ID '#{node_id}'", extra))
    return own_copy(prompt)


def validate(prompt: Prompt, registry: Registry, targets: Collection[str] | None = None) -> Validated:
    """Check ``prompt`` and write converted constants back into it; raises :class:`PromptRejected`.

    ``targets`` restricts the output nodes that run. As long as one output node can run, the prompt is accepted.
    """
    definitions = _definitions(prompt, registry)
    wanted = None if targets is None else {str(target) for target in targets}
    roots = [
        node_id
        for node_id, definition in definitions.items()
        if definition.is_output_node and (wanted is None or node_id in wanted)
    ]
    if not roots:
        hint = "Add a node that shows or saves a result, such as PreviewImage"
        raise PromptRejected(make_error("prompt_no_outputs", "Prompt has no outputs", hint if wanted is None else ""))
    walk = _Walk(prompt, definitions)
    good = [root for root in roots if walk.check(root)]
    node_errors = walk.node_errors(roots)
    if not good:
        details = "\n".join(
            f"{_shown(prompt, node_id)}: {reason['message']}{' - ' if reason['details'] else ''}{reason['details']}"
            for node_id, entry in node_errors.items()
            for reason in entry["errors"]
        )
        error = make_error("prompt_outputs_failed_validation", "Prompt outputs failed validation", details)
        raise PromptRejected(error, node_errors)
    return Validated(good, node_errors)


def _shown(prompt: Prompt, node_id: str) -> str:
    node = prompt.get(node_id, {})
    title = (node.get("_meta") or {}).get("title") if isinstance(node.get("_meta"), Mapping) else None
    return f"{title or node.get('class_type', 'missing node')} #{node_id}"


def _definitions(prompt: Prompt, registry: Registry) -> dict[str, NodeDefinition]:
    found = {}
    for node_id, node in prompt.items():
        class_type = node.get("class_type")
        definition = registry.get(class_type) if isinstance(class_type, str) else None
        if definition is None:
            meta = node.get("_meta")
            title = meta.get("title") if isinstance(meta, Mapping) else None
            message = (
                f"Node '{title or node_id}' has no class_type"
                if class_type is None
                else f"Node '{class_type}' is not installed. {what_it_needs(str(class_type))}"
            )
            extra = {"node_id": node_id, "class_type": class_type, "node_title": title or class_type}
            raise PromptRejected(make_error("missing_node_type", message, f"Node ID '#{node_id}'", extra))
        found[node_id] = definition
    return found


class _Walk:
    """Depth first from each output node, every node checked once."""

    def __init__(self, prompt: Prompt, definitions: Mapping[str, NodeDefinition]) -> None:
        self._prompt = prompt
        self._definitions = definitions
        self._declared: dict[str, DeclaredInputs] = {}
        self._good: dict[str, bool] = {}
        self._sources: dict[str, dict[str, Any]] = {}
        self._undeclared_links = False
        self._on_cycles: set[str] = set()
        self._without_cycle: set[str] = set()
        self._failed: set[str] = set()
        self.errors: dict[str, list[Error]] = {}

    def check(self, root: str) -> bool:
        """Whether ``root`` and everything above it can run."""
        if root not in self._good:
            self._walk_up(root)
        if self._good[root] and self._undeclared_links:
            self._look_for_undeclared_cycle(root)
        return self._good[root]

    def _walk_up(self, root: str) -> None:
        path = {root: None}
        stack = [(root, iter(self._check_node(root, None)))]
        while stack:
            node_id, sources = stack[-1]
            for source in sources:
                if source in path:
                    self._report_cycle([*path], source)
                elif source not in self._good:
                    path[source] = None
                    stack.append((source, iter(self._check_node(source, self._sources[node_id][source]))))
                    break
            else:
                stack.pop()
                del path[node_id]
                bad_source = any(not self._good.get(source, False) for source in self._sources[node_id])
                self._good[node_id] = not bad_source and node_id not in self._failed

    def _look_for_undeclared_cycle(self, root: str) -> None:
        path = path_into_cycle(self._prompt, root, self._without_cycle)
        if not path:
            return
        self._good[root] = False
        if path[-1] not in self._on_cycles:
            self._report_cycle(path[:-1], path[-1])
        for consumer, source in itertools.pairwise(path):
            self._sources.setdefault(consumer, {}).setdefault(source, None)

    def _check_node(self, node_id: str, via: Link | None) -> list[str]:
        """Check one node by itself; returns the nodes its declared inputs are linked to. ``via``: the link that led
        here, None for an output node."""
        definition = self._definitions[node_id]
        checks = NodeChecks(node_id, self._prompt, definition, self._definitions)
        try:
            declared = self._declared.get(definition.name)
            if declared is None:
                asked = definition.input_types()  # not as a run asks: see get_input_info
                declared = self._declared[definition.name] = DeclaredInputs(definition, asked)
            self._undeclared_links |= checks.run(declared)
        except BaseException as exception:
            if is_a_persons_stop(exception):
                raise
            checks.add(node_id, exception_error(exception) if via is None else exception_below_link(exception, *via))
        for owner, reasons in checks.errors.items():
            self.errors.setdefault(owner, []).extend(reasons)
        if checks.errors:
            self._failed.add(node_id)
        self._sources[node_id] = checks.sources
        return [source for source in checks.sources if source in self._definitions]

    def _report_cycle(self, path: list[str], closing: str) -> None:
        names, cycle = told(self._prompt, path, closing)
        extra = {"node_id": closing, "cycle_nodes": cycle}
        self._failed.add(closing)
        self._on_cycles.update(cycle)
        reasons = self.errors.setdefault(closing, [])
        if not any(reason["type"] == "dependency_cycle" for reason in reasons):
            message = "The nodes form a cycle: each waits for the other"
            reasons.append(make_error("dependency_cycle", message, names, extra))

    def node_errors(self, roots: list[str]) -> dict[str, Any]:
        """The errors with the roots that depend on each faulty node."""
        if not self.errors:
            return {}
        dependents: dict[str, list[str]] = {node_id: [] for node_id in self.errors}
        for root in roots:
            seen, stack = {root}, [root]
            while stack:
                node_id = stack.pop()
                if node_id in dependents:
                    dependents[node_id].append(root)
                fresh = [source for source in self._sources.get(node_id, ()) if source not in seen]
                seen.update(fresh)
                stack.extend(fresh)
        return {
            node_id: {
                "errors": reasons,
                "dependent_outputs": dependents[node_id],
                "class_type": self._prompt[node_id]["class_type"] if node_id in self._prompt else None,
            }
            for node_id, reasons in self.errors.items()
        }
