"""What schemas say, in the JSON that clients read; the older names of the interface; schemas that cannot be."""

from __future__ import annotations

import enum
import subprocess
import sys
from typing import Any

import pytest

from comfy_notebook.compat.comfy_api.latest import io
from comfy_notebook.protocol.errors import NodeDefinitionError
from comfy_notebook.protocol.object_info import object_info
from comfy_notebook.protocol.v1 import definition_from_class


class Size(enum.Enum):
    small = "S"
    large = "L"


T = io.MatchType.Template("t", allowed_types=[io.Image, io.Mask])

INPUTS: list[tuple[Any, Any]] = [
    (io.Image.Input("x", shiny=True), ["IMAGE", {"shiny": True}]),
    (io.Int.Input("x", default=1, shiny=True), ["INT", {"default": 1, "shiny": True}]),
    (io.BoundingBox.Input("x", force_input=True), ["BOUNDING_BOX", {"forceInput": True}]),
    (io.Image.Input("x"), ["IMAGE", {}]),
    (io.Image.Input("x", "Picture", tooltip="tip"), ["IMAGE", {"display_name": "Picture", "tooltip": "tip"}]),
    (io.Model.Input("x", lazy=True, raw_link=True), ["MODEL", {"lazy": True, "rawLink": True}]),
    (io.AnyType.Input("x", extra_dict={"mine": 1}), ["*", {"mine": 1}]),
    (io.Int.Input("x"), ["INT", {}]),
    (
        io.Int.Input("x", default=1, min=0, max=9, step=2, control_after_generate=True),
        ["INT", {"default": 1, "min": 0, "max": 9, "step": 2, "control_after_generate": True}],
    ),
    (
        io.Int.Input("x", display_mode=io.NumberDisplay.slider, control_after_generate=io.ControlAfterGenerate.fixed),
        ["INT", {"display": "slider", "control_after_generate": "fixed"}],
    ),
    (
        io.Float.Input("x", default=0.0, step=0.1, round=0.01, advanced=True),
        ["FLOAT", {"default": 0.0, "step": 0.1, "round": 0.01, "advanced": True}],
    ),
    (io.Boolean.Input("x", default=False, label_on="yes"), ["BOOLEAN", {"default": False, "label_on": "yes"}]),
    (
        io.String.Input("x", multiline=True, placeholder="p", dynamic_prompts=True, default=""),
        ["STRING", {"multiline": True, "placeholder": "p", "dynamicPrompts": True, "default": ""}],
    ),
    (io.String.Input("x", force_input=True), ["STRING", {"multiline": False, "forceInput": True}]),
    (
        io.Float.Input("x", socketless=True, widget_type="KNOB"),
        ["FLOAT", {"socketless": True, "widgetType": "KNOB"}],
    ),
    (io.Combo.Input("x", options=["a", "b"]), ["COMBO", {"multiselect": False, "options": ["a", "b"]}]),
    (
        io.Combo.Input("x", options=Size, default=Size.large),
        ["COMBO", {"multiselect": False, "options": ["S", "L"], "default": "L"}],
    ),
    (
        io.Combo.Input("x", ["a.png"], upload=io.UploadType.image, image_folder=io.FolderType.output),
        ["COMBO", {"multiselect": False, "options": ["a.png"], "image_upload": True, "image_folder": "output"}],
    ),
    (
        io.Combo.Input("x", remote=io.RemoteOptions("/list", refresh_button=True, timeout=500)),
        [
            "COMBO",
            {
                "multiselect": False,
                "remote": {
                    "route": "/list",
                    "refresh_button": True,
                    "control_after_refresh": "first",
                    "timeout": 500,
                },
            },
        ],
    ),
    (
        io.MultiCombo.Input("x", options=["a"], chip=True),
        ["COMBO", {"multiselect": True, "options": ["a"], "multi_select": {"chip": True}}],
    ),
    (io.Custom("MY_THING").Input("x"), ["MY_THING", {}]),
    (io.MultiType.Input("x", types=[io.Image, io.Mask]), ["IMAGE,MASK", {}]),
    (
        io.MultiType.Input(io.Float.Input("x", default=1.0), types=[io.Int]),
        ["FLOAT,INT", {"widgetType": "FLOAT", "default": 1.0}],
    ),
    (
        io.MatchType.Input("x", template=T),
        ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "t", "allowed_types": "IMAGE,MASK"}}],
    ),
    (
        io.Autogrow.Input("x", template=io.Autogrow.TemplatePrefix(io.Image.Input("image"), "i", min=2, max=5)),
        [
            "COMFY_AUTOGROW_V3",
            {"template": {"input": {"required": {"image": ["IMAGE", {}]}}, "prefix": "i", "min": 2, "max": 5}},
        ],
    ),
    (
        io.Autogrow.Input("x", template=io.Autogrow.TemplateNames(io.Int.Input("n", optional=True), ["a", "b"])),
        [
            "COMFY_AUTOGROW_V3",
            {
                "template": {
                    "input": {"required": {}, "optional": {"n": ["INT", {"forceInput": True}]}},
                    "names": ["a", "b"],
                    "min": 1,
                }
            },
        ],
    ),
    (
        io.DynamicCombo.Input("x", options=[io.DynamicCombo.Option("k", [io.Int.Input("n")])]),
        ["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "k", "inputs": {"required": {"n": ["INT", {}]}}}]}],
    ),
    (
        io.DynamicSlot.Input(io.Image.Input("x"), inputs=[io.Int.Input("n")]),
        ["COMFY_DYNAMICSLOT_V3", {"slotType": "IMAGE", "inputs": {"required": {"n": ["INT", {}]}}}],
    ),
]


def node_of(schema: Any) -> Any:
    class Made(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> Any:
            return schema() if callable(schema) else schema

        @classmethod
        def execute(cls, **inputs: Any) -> Any:
            return io.NodeOutput()

    return Made


@pytest.mark.parametrize(("item", "expected"), INPUTS)
def test_inputs_as_clients_read_them(item: Any, expected: Any) -> None:
    info = object_info(definition_from_class("n", node_of(io.Schema(node_id="n", inputs=[item]))))
    assert info["input"]["required"]["x"] == expected


def test_a_whole_schema_as_clients_read_it() -> None:
    schema = io.Schema(
        node_id="Whole",
        display_name="The Whole",
        category="a/b",
        description="says",
        inputs=[io.Image.Input("image"), io.Mask.Input("mask", optional=True)],
        outputs=[
            io.Image.Output("picture", tooltip="tip"),
            io.Mask.Output(display_name="M", is_output_list=True),
            io.Latent.Output(),
        ],
        hidden=[io.Hidden.unique_id],
        is_input_list=True,
        is_output_node=True,
        is_api_node=True,
        is_deprecated=True,
        is_experimental=True,
        is_dev_only=True,
        search_aliases=["find me"],
        essentials_category="Basics",
        has_intermediate_output=True,
        price_badge=io.PriceBadge("1+1", io.PriceBadgeDepends(widgets=["a"])),
    )
    info = object_info(definition_from_class("Whole", node_of(schema), None, "custom_nodes.pack"))
    assert info == {
        "input": {
            "required": {"image": ["IMAGE", {}]},
            "optional": {"mask": ["MASK", {}]},
            "hidden": {
                "unique_id": ["UNIQUE_ID"],
                "prompt": ["PROMPT"],
                "extra_pnginfo": ["EXTRA_PNGINFO"],
                "auth_token_comfy_org": ["AUTH_TOKEN_COMFY_ORG"],
                "api_key_comfy_org": ["API_KEY_COMFY_ORG"],
            },
        },
        "input_order": {
            "required": ["image"],
            "optional": ["mask"],
            "hidden": ["unique_id", "prompt", "extra_pnginfo", "auth_token_comfy_org", "api_key_comfy_org"],
        },
        "is_input_list": True,
        "output": ["IMAGE", "MASK", "LATENT"],
        "output_is_list": [False, True, False],
        "output_name": ["picture", "M", "LATENT"],
        "output_tooltips": ["tip", "", ""],
        "name": "Whole",
        "display_name": "The Whole",
        "description": "says",
        "python_module": "custom_nodes.pack",
        "category": "a/b",
        "output_node": True,
        "has_intermediate_output": True,
        "search_aliases": ["find me"],
        "deprecated": True,
        "experimental": True,
        "api_node": True,
        "dev_only": True,
        "essentials_category": "Basics",
        "price_badge": {
            "engine": "jsonata",
            "depends_on": {"widgets": ["a"], "inputs": [], "input_groups": []},
            "expr": "1+1",
        },
    }


def test_outputs_that_match_an_input() -> None:
    outputs = [io.Int.Output(), io.MatchType.Output(template=T, display_name="out")]
    schema = io.Schema(node_id="n", inputs=[io.MatchType.Input("x", template=T)], outputs=outputs)
    info = object_info(definition_from_class("n", node_of(schema)))
    assert info["output"] == ["INT", "COMFY_MATCHTYPE_V3"]
    assert info["output_matchtypes"] == [None, "t"]


def test_fields_of_newer_versions_cost_no_node() -> None:
    definition = definition_from_class("n", node_of(io.Schema(node_id="n", sparkles=3)))
    assert definition.name == "n"


def test_features_of_a_client() -> None:
    from comfy_notebook.compat.comfy_api import feature_flags

    clients = {"a": {"feature_flags": {"supports_preview_metadata": True, "size": 3}}}
    assert feature_flags.supports_feature(clients, "a", "supports_preview_metadata")
    assert not feature_flags.supports_feature(clients, "a", "size")
    assert not feature_flags.supports_feature(clients, "b", "supports_preview_metadata")
    assert feature_flags.get_connection_feature(clients, "a", "size") == 3
    assert feature_flags.get_connection_feature(clients, "b", "size", 7) == 7


def fails() -> Any:
    raise RuntimeError("no file")


BAD = [
    (io.Schema(node_id="n", inputs=[io.Int.Input("a"), io.Image.Input("a")]), "twice there: a"),
    (io.Schema(node_id="n", outputs=[io.Int.Output("a"), io.Int.Output("a")]), "twice there: a"),
    (io.Schema(node_id="n", inputs=[io.Int.Output("a")]), "write io"),
    (
        io.Schema(
            node_id="n",
            inputs=[io.Autogrow.Input("g", template=io.Autogrow.TemplatePrefix(io.Int.Input("v"), "v", 1, 101))],
        ),
        "max <= 100",
    ),
    (
        io.Schema(
            node_id="n",
            inputs=[
                io.DynamicCombo.Input("c", options=[io.DynamicCombo.Option("k", []), io.DynamicCombo.Option("k", [])])
            ],
        ),
        "same key twice",
    ),
    (lambda: {"node_id": "n"}, "not io.Schema"),
    (fails, "no file"),
]


@pytest.mark.parametrize(("schema", "text"), BAD)
def test_a_bad_schema_costs_its_node_and_says_why(schema: Any, text: str) -> None:
    with pytest.raises(NodeDefinitionError, match=text):
        definition_from_class("n", node_of(schema))


def test_a_v3_class_answers_to_the_names_of_v1() -> None:
    node = node_of(
        io.Schema(
            node_id="n", category="c", inputs=[io.Int.Input("a")], outputs=[io.Image.Output("i")], description="d"
        )
    )
    assert node.RETURN_TYPES == ("IMAGE",)
    assert node.RETURN_NAMES == ("i",)
    assert (node.CATEGORY, node.DESCRIPTION, node.OUTPUT_NODE) == ("c", "d", False)
    assert node.INPUT_TYPES() == {"required": {"a": ("INT", {})}}
    assert callable(getattr(node, node.FUNCTION))
    assert not hasattr(node, "IS_CHANGED")
    assert not hasattr(node, "VALIDATE_INPUTS")
    assert not hasattr(node, "NO_SUCH_NAME")
    assert not hasattr(io.ComfyNode, "RETURN_TYPES")


def test_types_of_ones_own() -> None:
    @io.comfytype(io_type="TEA")
    class Tea(io.ComfyTypeIO):
        Type = str

        class Input(io.WidgetInput):
            pass

    assert Tea.Input("x", default="green").as_dict() == {"default": "green"}
    assert Tea.Input("x").get_io_type() == Tea.Output("y").get_io_type() == "TEA"
    assert io.Image.Input("x").get_io_type() == "IMAGE"
    assert io.ComfyTypeIO.Input("x").get_io_type() == "*"


NAMES = """
from comfy_api.latest import ComfyAPI, ComfyAPISync, ComfyExtension, io, ui, IO, UI, Input, InputImpl, Types
from comfy_api.v0_0_1 import io as io1, ui as ui1, ComfyExtension as extension1
from comfy_api.v0_0_2 import io as io2, ui as ui2, ComfyAPISync as sync2, InputImpl as impl2, Types as types2
from comfy_api.latest._io import ComfyNode
from comfy_api.input import AudioInput, ImageInput, LatentInput, MaskInput, VideoInput
from comfy_api.input.basic_types import AudioInput as audio
from comfy_api.input_impl import VideoFromComponents, VideoFromFile
from comfy_api.input_impl.video_types import VideoFromFile as file
from comfy_api.util import VideoCodec, VideoComponents, VideoContainer
from comfy_api.torch_helpers import set_torch_compile_wrapper
import comfy_api, comfy_api.latest, comfy_notebook.compat.comfy_api.latest as ours, sys
assert io is io1 is io2 and IO is io and io.ComfyNode is ComfyNode
assert comfy_api.latest is ours and VideoInput is Input.VideoInput and file is InputImpl.VideoFromFile
assert Types.VideoComponents is VideoComponents
assert ComfyAPI() is ComfyAPI()
"""


def test_every_name_that_packs_import_is_there_without_heavy_modules() -> None:
    heavy = ["torch", "PIL", "av", "numpy", "aiohttp", "ipywidgets"]
    code = f"""
import sys, comfy_notebook
assert "comfy_api" not in sys.modules
from comfy_notebook import compat
assert "comfy_api" not in sys.modules
compat.install(); compat.install()
{NAMES}
print([name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_somebody_elses_comfy_api_stays() -> None:
    code = """
import sys, types
theirs = sys.modules["comfy_api"] = types.ModuleType("comfy_api")
from comfy_notebook import compat
compat.install()
assert sys.modules["comfy_api"] is theirs and "comfy_api.latest" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
