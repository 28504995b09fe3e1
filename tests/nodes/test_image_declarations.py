"""Every image and mask node is declared as ComfyUI declares it, and declaring costs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from comfy_notebook import folders, nodes
from comfy_notebook.protocol.object_info import object_info
from comfy_notebook.protocol.registry import Registry

SIGNATURES = Path(__file__).parents[3] / "shared" / "reference" / "node_signatures.json"
DATA: dict[str, Any] = json.loads(SIGNATURES.read_text()) if SIGNATURES.exists() else {"nodes": {}, "tiers": {}}
#: Nodes of other subjects that sit in the image categories.
ELSEWHERE = ("ImageUpscaleWithModel", "LTXVPreprocess")
IMAGE_NODES = {
    name: signature
    for name, signature in DATA["nodes"].items()
    if signature["category"].split("/")[0] in ("image", "mask")
    and signature["category"] != "image/video"
    and name not in ELSEWHERE
}


@pytest.fixture(scope="module")
def infos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path_factory.mktemp("empty")))
    registry = Registry()
    nodes.register_all(registry)
    try:
        return {definition.name: object_info(definition) for definition in registry.definitions()}
    finally:
        folders.use(before)


def without_texts(spec: list[Any]) -> list[Any]:
    options = {name: value for name, value in (spec[1] if len(spec) > 1 else {}).items() if name != "tooltip"}
    if spec[0] == "COMBO" and options.get("options") == []:
        del options["options"]
    return [spec[0], options] if options else [spec[0]]


@pytest.mark.skipif(not IMAGE_NODES, reason=f"the signatures are not here: {SIGNATURES}")
@pytest.mark.parametrize("name", IMAGE_NODES or ["-"])
def test_declared_like_the_reference(name: str, infos: dict[str, dict[str, Any]]) -> None:
    expected, info = IMAGE_NODES[name], infos[name]
    for section in ("required", "optional"):
        declared = info["input"].get(section, {})
        wanted = expected.get(section, {})
        assert list(declared) == list(wanted)
        assert {key: without_texts(spec) for key, spec in declared.items()} == {
            key: without_texts(spec) for key, spec in wanted.items()
        }
    assert list(info["input"].get("hidden", {})) == expected.get("hidden", [])
    assert info["output"] == expected["output"]
    assert info["output_name"] == expected["output_name"]
    assert info["output_is_list"] == expected.get("output_is_list", [False] * len(expected["output"]))
    assert info["category"] == expected["category"]
    assert info["display_name"] == (expected["display_name"] or name)
    assert info["output_node"] == expected.get("output_node", False)
    assert info.get("experimental", False) == expected.get("experimental", False)


NEWER = {
    "SaveImageAdvanced": (["images", "filename_prefix", "format"], ["IMAGE"]),
    "ResizeImageMaskNode": (["input", "resize_type", "scale_method"], ["IMAGE,MASK"]),
    "ResizeImagesByLongerEdge": (["images", "longer_edge"], ["IMAGE"]),
    "BatchImagesNode": (["images"], ["IMAGE"]),
    "ImageCropV2": (["image", "crop_region"], ["IMAGE"]),
    "SplitImageToTileList": (["image", "tile_width", "tile_height", "overlap"], ["IMAGE"]),
    "ImageCropToMask": (["images", "masks", "width", "height", "pad_factor", "grow_mask", "background"], ["IMAGE"]),
    "ImageCompare": (["image_a", "image_b", "compare_view"], []),
}


@pytest.mark.parametrize("name", NEWER)
def test_newer_nodes_have_the_inputs_that_workflows_use(name: str, infos: dict[str, dict[str, Any]]) -> None:
    inputs = [key for section in ("required", "optional") for key in infos[name]["input"].get(section, {})]
    assert (inputs, infos[name]["output"]) == NEWER[name]


def test_every_node_has_texts(infos: dict[str, dict[str, Any]]) -> None:
    without = [name for name, info in infos.items() if not (info["description"] and info["search_aliases"])]
    assert without == []


def test_declaring_imports_no_torch() -> None:
    code = (
        "import sys; from comfy_notebook import nodes; from comfy_notebook.protocol.registry import Registry; "
        "from comfy_notebook.protocol.object_info import all_object_info; r = Registry(); nodes.register_all(r); "
        "all_object_info(r); assert len(r) > 80, len(r); assert not {'torch', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
