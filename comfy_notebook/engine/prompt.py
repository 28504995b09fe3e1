"""The prompt that runs: what was submitted, and the nodes that expanding nodes add to it while it runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Prompt = dict[str, dict[str, Any]]


class NodeNotFoundError(Exception):
    """A link or an expansion names a node that is not there."""


class DuplicateNodeError(Exception):
    """An expansion adds a node under an id that is taken."""


def own_copy(prompt: Mapping[str, Any]) -> Prompt:
    """A prompt the engine may write to: constants wrapped as ``{"__value__": …}`` unwrapped where a bare one cannot be
    taken for a link (lists stay wrapped: see :func:`constant`), ids made text.

    Constants are shared with the original (nodes may mutate what they are given, as the protocol allows), node entries
    and input dicts are not.
    """
    mine: Prompt = {}
    for node_id, node in prompt.items():
        entry = dict(node)
        entry["inputs"] = {
            name: value if isinstance(bare := constant(value), list) else bare
            for name, value in (node.get("inputs") or {}).items()
        }
        mine[str(node_id)] = entry
    return mine


def constant(value: Any) -> Any:
    """What a constant of a prompt stands for: lists come wrapped, as a bare one would be a link."""
    if isinstance(value, dict) and "__value__" in value:
        return copy.copy(value["__value__"])
    return value


class DynamicPrompt:
    """The submitted prompt plus its ephemeral nodes; what the hidden input ``DYNPROMPT`` receives.

    Every ephemeral node has a parent (the node that expanded into it), a display id (the drawn node that shows its
    progress) and a real id (the submitted node it descends from).
    """

    def __init__(self, original_prompt: Prompt) -> None:
        self.original_prompt = original_prompt
        self.ephemeral_prompt: Prompt = {}
        self._parents: dict[str, str] = {}
        self._display: dict[str, str] = {}
        self._real: dict[str, str] = {}

    def get_node(self, node_id: str) -> dict[str, Any]:
        """The entry of a node; raises :class:`NodeNotFoundError`."""
        node = self.ephemeral_prompt.get(node_id) or self.original_prompt.get(node_id)
        if node is None:
            raise NodeNotFoundError(f"Node {node_id} not found")
        return node

    def has_node(self, node_id: str) -> bool:
        return node_id in self.ephemeral_prompt or node_id in self.original_prompt

    def add_ephemeral_node(self, node_id: str, node_info: dict[str, Any], parent_id: str, display_id: str) -> None:
        """Add a node; raises :class:`DuplicateNodeError` when its id is taken."""
        if self.has_node(node_id):
            raise DuplicateNodeError(f"Node {parent_id} expands into a node {node_id} that exists already")
        self.ephemeral_prompt[node_id] = node_info
        self._parents[node_id] = parent_id
        self._display[node_id] = self.get_display_node_id(display_id)
        self._real[node_id] = self.get_real_node_id(parent_id)

    def get_real_node_id(self, node_id: str) -> str:
        """The submitted node that ``node_id`` descends from."""
        return self._real.get(node_id, node_id)

    def get_parent_node_id(self, node_id: str) -> str | None:
        """The node that expanded into ``node_id``; None for a submitted node."""
        return self._parents.get(node_id)

    def get_display_node_id(self, node_id: str) -> str:
        """The node that shows the progress of ``node_id``."""
        return self._display.get(node_id, node_id)

    def all_node_ids(self) -> set[str]:
        return {*self.original_prompt, *self.ephemeral_prompt}

    def get_original_prompt(self) -> Prompt:
        return self.original_prompt
