"""API prompts for the tests of this folder."""

from __future__ import annotations

from typing import Any

from comfy_notebook.engine import Engine


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def run(engine: Engine, prompt: dict[str, Any]) -> Any:
    """The history entry of ``prompt``, which must be valid in every part."""
    submission = engine.submit(prompt)
    assert submission.node_errors == {}
    return engine.wait(submission.prompt_id, timeout=60)
