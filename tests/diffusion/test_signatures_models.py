"""The nodes for models declare what the reference declares; tooltips are ours."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

RECORDED = Path(__file__).parents[3] / "shared" / "reference" / "node_signatures.json"
MODULES = (
    *("loaders", "loaders_lora", "text_encode", "vae", "upscale_model", "model_merge", "model_save", "model_patches"),
    *(
        "controlnet",
        "clip_vision",
        "style",
        "unclip",
        "gligen",
        "model_edit",
        "model_merge_families",
        "unet_patches",
        "skip_layers",
    ),
    *("guidance_rules", "step_reuse", "hooks", "hook_keyframes", "conditioning_hooks"),
)
NODES: dict[str, Any] = {}
for name in MODULES:
    if (Path(__file__).parents[2] / "comfy_notebook" / "nodes" / f"{name}.py").exists():
        NODES |= import_module(f"comfy_notebook.nodes.{name}").NODES
#: Files are what the folders hold.
LISTS_FILES = {
    "ckpt_name",
    "unet_name",
    "clip_name",
    "clip_name1",
    "clip_name2",
    "clip_name3",
    "clip_name4",
    "vae_name",
    "lora_name",
}
LISTS_FILES |= {"hypernetwork_name", "model_name", "control_net_name", "name"}


def recorded() -> dict[str, Any]:
    if not RECORDED.exists():
        return {}
    every = json.loads(RECORDED.read_text())["nodes"]
    return {name: every[name] for name in NODES if name in every}


def declared(spec: Any, name: str) -> tuple[Any, dict[str, Any]]:
    kind, options = spec[0], dict(spec[1]) if len(spec) > 1 else {}
    options.pop("tooltip", None)
    if name in LISTS_FILES:
        kind = [] if isinstance(kind, list) else kind
        if "options" in options:
            options["options"] = []
    return kind, options


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded signatures are not on this machine")
@pytest.mark.parametrize("name", sorted(recorded()))
def test_signature(name: str) -> None:
    expected = recorded()[name]
    node, display_name = NODES[name]
    inputs = node.INPUT_TYPES()
    for category in ("required", "optional"):
        wanted = {key: declared(spec, key) for key, spec in expected.get(category, {}).items()}
        found = {key: declared(spec, key) for key, spec in inputs.get(category, {}).items()}
        assert found == wanted
        assert list(found) == list(wanted), "the order is part of the format"
    assert list(node.RETURN_TYPES) == expected["output"]
    assert list(getattr(node, "RETURN_NAMES", node.RETURN_TYPES)) == expected["output_name"]
    assert getattr(node, "OUTPUT_NODE", False) == expected.get("output_node", False)
    assert getattr(node, "EXPERIMENTAL", False) == expected.get("experimental", False)
    assert getattr(node, "DEPRECATED", False) == expected.get("deprecated", False)
    assert expected["category"] == node.CATEGORY
    assert display_name == expected["display_name"]
