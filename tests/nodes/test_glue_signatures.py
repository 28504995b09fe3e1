"""The glue nodes declare exactly what the reference declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook.nodes import logic, math, primitive, regex, text

NODES = {**primitive.NODES, **text.NODES, **regex.NODES, **math.NODES, **logic.NODES}
RECORDED = Path(__file__).parents[3] / "shared" / "reference" / "node_signatures.json"

#: Newer workflows read the text that this node passes on; the recorded version had no output yet.
GREW_AN_OUTPUT = {"PreviewAny": ["STRING"]}


def signatures() -> dict[str, Any]:
    if not RECORDED.exists():
        return {}
    recorded = json.loads(RECORDED.read_text())["nodes"]
    return {name: recorded[name] for name in NODES if name in recorded}


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded signatures are not on this machine")
@pytest.mark.parametrize("name", sorted(signatures()))
def test_signature(name: str) -> None:
    recorded = signatures()[name]
    node, display_name = NODES[name]
    declared = node.INPUT_TYPES()
    for category in ("required", "optional"):
        expected = {
            key: (spec[0], spec[1] if len(spec) > 1 else {}) for key, spec in recorded.get(category, {}).items()
        }
        assert {key: (spec[0], spec[1]) for key, spec in declared.get(category, {}).items()} == expected
        assert list(declared.get(category, {})) == list(expected), "the order is part of the format"
    assert list(node.RETURN_TYPES) == GREW_AN_OUTPUT.get(name, recorded["output"])
    names = list(getattr(node, "RETURN_NAMES", node.RETURN_TYPES))
    assert names == GREW_AN_OUTPUT.get(name, recorded["output_name"])
    assert getattr(node, "OUTPUT_NODE", False) == recorded.get("output_node", False)
    assert recorded["category"] == node.CATEGORY
    assert display_name == recorded["display_name"]
