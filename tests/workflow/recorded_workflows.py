"""Recorded pairs of UI workflow and API prompt: those in the repository, and all of them where ``../shared`` is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COPIED = ROOT / "tests" / "fixtures" / "workflows"
SHARED = ROOT.parent / "shared" / "parity" / "workflows"
SIGNATURES = ROOT.parent / "shared" / "reference" / "node_signatures.json"


def pairs() -> list[Path]:
    """The UI files of every pair here; all 294 where the shared data is, else the copied ones."""
    folder = SHARED if SHARED.is_dir() else COPIED
    return sorted(folder.glob("*.ui.json"))


def name(path: Path) -> str:
    return path.name.removesuffix(".ui.json")


def prompt_of(path: Path) -> dict[str, Any]:
    return load(path.with_name(f"{name(path)}.api.json"))


def load(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return value


@cache
def copied_info() -> dict[str, Any]:
    return load(COPIED / "object_info.json")


def info(kind: str) -> Mapping[str, Any] | None:
    """Definitions the recording ran with, as ``object_info`` entries."""
    if not SHARED.is_dir():
        return copied_info().get(kind)
    return shared_info().get(kind)


@cache
def shared_info() -> dict[str, Any]:
    shown = load(SIGNATURES)["nodes"] if SIGNATURES.is_file() else {}
    learned = titles()
    found: dict[str, Any] = {}
    for kind, node in load(SHARED / "node_inputs.json").items():
        entry = {
            "input": {"required": node["required"], "optional": node["optional"]},
            "input_order": node["input_order"],
        }
        entry |= {"output": node["output"], "output_node": node["output_node"]}
        display = shown.get(kind, {}).get("display_name") or learned.get(kind)
        found[kind] = entry | ({"display_name": display} if display else {})
    return found


def titles() -> dict[str, str]:
    """The definitions lack the display names of API nodes: they are read off the recorded prompts, per node type."""
    found: dict[str, str] = {}
    for path in pairs():
        document, prompt = load(path), prompt_of(path)
        untitled = {str(node["id"]) for node in document["nodes"] if "title" not in node}
        inner = [node for graph in document.get("definitions", {}).get("subgraphs", []) for node in graph["nodes"]]
        titled = {(str(node["id"]), node["type"]) for node in inner if "title" in node}
        for key, entry in prompt.items():
            if key in untitled or (":" in key and (key.split(":")[-1], entry.get("class_type")) not in titled):
                found.setdefault(entry.get("class_type", ""), entry["_meta"]["title"])
    return found
