"""What may change a prompt between its submission and its validation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .failure import is_a_persons_stop

log = logging.getLogger(__name__)

PromptHandler = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Asked:
    """What was submitted."""

    prompt: Any
    client_id: str | None
    prompt_id: str | None
    extra_data: Mapping[str, Any] | None
    targets: Collection[str] | None


class PromptHandlers:
    """Called one after the other with ``{prompt, client_id, extra_data, prompt_id?, partial_execution_targets?}``; each
    returns the same or another such dict. What one raises is logged and changes nothing."""

    def __init__(self) -> None:
        self._handlers: list[PromptHandler] = []

    def add(self, handler: PromptHandler) -> None:
        self._handlers.append(handler)

    def remove(self, handler: PromptHandler) -> None:
        """Raises ``ValueError`` for one that was not added."""
        self._handlers.remove(handler)

    def remove_if(self, unwanted: Callable[[PromptHandler], bool]) -> list[PromptHandler]:
        """Remove those that are ``unwanted``; returns them."""
        removed = [handler for handler in self._handlers if unwanted(handler)]
        self._handlers = [handler for handler in self._handlers if handler not in removed]
        return removed

    def apply(self, asked: Asked) -> Asked:
        if not self._handlers:
            return asked
        json: dict[str, Any] = {"prompt": _own_copy(asked.prompt), "extra_data": dict(asked.extra_data or {})}
        json |= {"client_id": asked.client_id} if asked.client_id is not None else {}
        json |= {"prompt_id": asked.prompt_id} if asked.prompt_id is not None else {}
        json |= {"partial_execution_targets": list(asked.targets)} if asked.targets is not None else {}
        for handler in list(self._handlers):
            try:
                changed = handler(json)
            except BaseException as error:
                if is_a_persons_stop(error):
                    raise
                log.exception("an on_prompt handler failed")
                continue
            if isinstance(changed, dict) and "prompt" in changed:
                json = changed
        return Asked(
            json["prompt"],
            json.get("client_id"),
            json.get("prompt_id"),
            json.get("extra_data"),
            json.get("partial_execution_targets"),
        )


def _own_copy(prompt: Any) -> Any:
    """A prompt that handlers may write to, its constants shared with the original."""
    if not isinstance(prompt, Mapping):
        return prompt
    return {
        node_id: {**node, "inputs": dict(node["inputs"])}
        if isinstance(node, Mapping) and isinstance(node.get("inputs"), Mapping)
        else node
        for node_id, node in prompt.items()
    }
