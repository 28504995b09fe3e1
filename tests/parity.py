"""Prompts whose outputs were recorded from ComfyUI: the nodes in which they end, an engine for them, what they give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from comfy_notebook import folders, nodes
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

#: The recorded data, beside the repository.
PARITY = Path(__file__).parents[2] / "shared" / "parity"

Arrays = dict[str, np.ndarray[Any, Any]]


class ParityCapture:
    """An output node: keeps the list of values that reaches it."""

    RETURN_TYPES = ()
    FUNCTION = "capture"
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    captured: dict[str, list[Any]] = {}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("*",), "tag": ("STRING", {"default": "out"})}}

    @classmethod
    def IS_CHANGED(cls, **values: Any) -> float:
        return float("nan")  # what is asked for again is captured again

    def capture(self, value: list[Any], tag: list[str]) -> dict[str, Any]:
        self.captured[tag[0]] = list(value)
        return {"ui": {"n": [len(value)]}}


@contextmanager
def engine_for(own: folders.Folders, **more: type) -> Iterator[Engine]:
    """An engine with every node, ``ParityCapture`` and ``more`` nodes by name; ``own`` are the folders meanwhile."""
    registry = Registry()
    nodes.register_all(registry)
    for name, node in {"ParityCapture": ParityCapture, **more}.items():
        registry.register(definition_from_class(name, node))
    before = folders.current()
    folders.use(own)
    engine = Engine(registry, EventBus(), own)
    yield engine
    engine.shutdown()
    folders.use(before)


def outputs(engine: Engine, prompt: dict[str, Any], timeout: float = 60) -> Arrays:
    """What reaches each ``ParityCapture`` of ``prompt``, as arrays under the names of the recording."""
    ParityCapture.captured.clear()
    submission = engine.submit(prompt)
    assert submission.node_errors == {}
    status = engine.wait(submission.prompt_id, timeout=timeout)["status"]
    assert status["status_str"] == "success", status["messages"]
    found: Arrays = {}
    for tag, values in ParityCapture.captured.items():
        for index, value in enumerate(values):
            found |= _arrays(tag if len(values) == 1 else f"{tag}[{index}]", value)
    return found


def _arrays(key: str, value: Any) -> Arrays:
    """A latent gives one array per entry that holds numbers, a conditioning several per pair, everything else one."""
    if isinstance(value, dict):
        return {f"{key}.{name}": np.asarray(part) for name, part in value.items() if _is_array(part)}
    if not (isinstance(value, list) and value and isinstance(value[0], (list, tuple))):
        return {key: np.asarray(value)}
    found: Arrays = {}
    for number, (cond, options) in enumerate(value):
        found[f"{key}.cond{number}"] = np.asarray(cond)
        for name, part in options.items():
            if _is_array(part) or isinstance(part, (int, float, str)):
                found[f"{key}.cond{number}.{name}"] = np.asarray(part)
    return found


def _is_array(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(one, (int, float, str)) for one in value)
    return hasattr(value, "numpy")
