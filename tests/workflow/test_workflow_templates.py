"""Real workflow files: every template that Comfy Org publishes on PyPI loads, converts, and survives a save."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import recorded_workflows as recorded

from comfy_notebook.workflow import Conversion, read_document, to_api


def templates() -> list[Path]:
    spec = importlib.util.find_spec("comfyui_workflow_templates_json")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders for path in sorted(Path(folder).rglob("*.json"))]
    return [path for path in found if not path.name.startswith(("index", "fuse_options"))]


TEMPLATES = templates()
needed = pytest.mark.skipif(not TEMPLATES, reason="comfyui-workflow-templates-json is not installed")


def convert(data: Mapping[str, Any]) -> Conversion:
    return to_api(data, recorded.info, choose=lambda _count: 0)


@needed
def test_there_are_many() -> None:
    assert len(TEMPLATES) >= 200


@needed
def test_every_template_loads_converts_and_survives_a_save() -> None:
    unequal: list[str] = []
    odd: list[str] = []
    for path in TEMPLATES:
        document = read_document(path)
        odd += [text for text in document.warnings if "does not exist" not in text]
        first = convert(document.data)
        saved = json.dumps(document.data)
        again = read_document(saved.encode())
        if (
            again.data != document.data
            or again.warnings != document.warnings
            or convert(again.data).prompt != first.prompt
        ):
            unequal.append(path.name)
        assert kept_whole(json.loads(path.read_text("utf-8")), document.data), path.name
        sources = [
            value for node in first.prompt.values() for value in node["inputs"].values() if isinstance(value, list)
        ]
        assert all(source in first.prompt for source, _slot in sources), path.name
    assert unequal == []
    assert odd == [], "only loose links are odd in published files"


def kept_whole(raw: dict[str, Any], data: dict[str, Any]) -> bool:
    """Every node and every unknown key of the file is in the document, word for word."""
    before = {json.dumps(node["id"]): node for node in raw["nodes"]}
    after = {json.dumps(node["id"]): node for node in data["nodes"]}
    same_nodes = all(after[key].items() >= node.items() for key, node in before.items())
    keys = raw.keys() - {"nodes", "links", "definitions", "last_node_id", "last_link_id", "version"}
    return same_nodes and all(raw[key] == data[key] for key in keys)
