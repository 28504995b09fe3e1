"""Packs hand over their nodes: entry points, mappings of both kinds, nodes that cannot be read, replacements."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.compat.comfy_api.latest import ComfyAPI, ComfyAPISync, ComfyExtension, io
from comfy_notebook.compat.extensions import read_extension, read_mappings
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.session import Session

from ..engine.sample_nodes import Number


def v3(node_id: str) -> Any:
    class Made(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema(node_id=node_id, display_name=f"The {node_id}", outputs=[io.Int.Output()])

    return Made


class Broken(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        raise FileNotFoundError("styles.csv")


class Extension(ComfyExtension):
    loaded = 0

    async def on_load(self) -> None:
        self.loaded += 1

    async def get_node_list(self) -> list[Any]:
        assert self.loaded == 1
        return [v3("A"), Broken, v3("B"), "no class"]


async def entrypoint_async() -> Any:
    return Extension()


@pytest.mark.parametrize("entrypoint", [Extension, entrypoint_async])
def test_an_extension(entrypoint: Any) -> None:
    nodes = read_extension(entrypoint, "custom_nodes.pack")
    assert [one.name for one in nodes.definitions] == ["A", "B"]
    assert nodes.definitions[0].display_name == "The A"
    assert nodes.definitions[0].python_module == "custom_nodes.pack"
    assert list(nodes.failed) == ["Broken", "'no class'"]
    assert "styles.csv" in str(nodes.failed["Broken"])


async def in_a_running_loop() -> Any:
    return read_extension(entrypoint_async, "p")


def test_an_extension_may_be_read_while_a_loop_runs() -> None:
    import asyncio

    assert len(asyncio.run(in_a_running_loop()).definitions) == 2


@pytest.mark.parametrize("entrypoint", [lambda: None, lambda: 3])
def test_what_is_no_extension(entrypoint: Any) -> None:
    with pytest.raises(TypeError, match="not a ComfyExtension"):
        read_extension(entrypoint, "p")


def test_mappings_with_both_kinds() -> None:
    classes = {"Num": Number, "Third": v3("A"), "Bad": Broken, "Empty": object}
    nodes = read_mappings(classes, {"Num": "A Number"}, "custom_nodes.pack")
    names = [(one.name, one.display_name) for one in nodes.definitions]
    assert names == [("Num", "A Number"), ("Third", "The A")]
    assert set(nodes.failed) == {"Bad", "Empty"}


def test_classes_where_functions_are_expected() -> None:
    third, first = definition_from_function(v3("A")), definition_from_function(Number)
    assert (third.name, third.display_name) == ("A", "The A")
    assert (first.name, first.display_name, first.function) == ("Number", "Number", "go")
    assert definition_from_function(Number, name="N", display_name="A Number").display_name == "A Number"


@pytest.fixture
def session() -> Any:
    made = Session()
    before = sessions.current()
    sessions.use(made)
    yield made
    made.close()
    sessions.use(before)


def test_replacements_registered_from_a_pack(session: Session) -> None:
    import asyncio

    replace = io.NodeReplace("New", "Old", input_mapping=[{"new_id": "b", "old_id": "a"}])
    asyncio.run(ComfyAPI().node_replacement.register(replace))
    ComfyAPISync().node_replacement.register(io.NodeReplace("Newer", "Old", old_widget_ids=["a"]))
    ComfyAPISync().node_replacement.register(replace)
    assert session.registry.replacements.as_json() == {
        "Old": [
            {
                "new_node_id": "New",
                "old_node_id": "Old",
                "old_widget_ids": None,
                "input_mapping": [{"new_id": "b", "old_id": "a"}],
                "output_mapping": None,
            },
            {
                "new_node_id": "Newer",
                "old_node_id": "Old",
                "old_widget_ids": ["a"],
                "input_mapping": None,
                "output_mapping": None,
            },
        ]
    }
