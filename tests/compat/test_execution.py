"""V3 nodes run: groups of inputs, hidden values, all sorts of returns, laziness, checks, fingerprints, expansion."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from comfy_notebook import session as sessions
from comfy_notebook.compat.comfy_api.latest import Caching, ComfyAPI, ComfyAPISync, io, ui
from comfy_notebook.engine import PromptRejected
from comfy_notebook.protocol.blocking import ExecutionBlocker
from comfy_notebook.protocol.expansion import GraphBuilder

from .conftest import Door, node, register

SEEN: list[Any] = []


def make(execute: Any, node_id: str = "N", **schema: Any) -> Any:
    """A V3 class with one INT input ``a`` and one INT output, unless ``schema`` says otherwise."""
    fields = {"inputs": [io.Int.Input("a", default=0)], "outputs": [io.Int.Output("out")], **schema}

    class Made(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> Any:
            return io.Schema(node_id=node_id, **fields)

    type.__setattr__(Made, "execute", classmethod(execute))
    Made.__name__ = node_id
    return Made


def show(source: str = "n") -> dict[str, Any]:
    return node("Gather", value=[source, 0])


RETURNS: list[tuple[Any, list[Any]]] = [
    (lambda cls, a: io.NodeOutput(a + 1), [6]),
    (lambda cls, a: (a + 2,), [7]),
    (lambda cls, a: {"result": (a + 3,)}, [8]),
    (lambda cls, a: {"ui": {"text": ["x"]}, "result": (a,)}, [5]),
    (lambda cls, a: io.NodeOutput.from_dict({"result": (a,), "ui": None}), [5]),
    (lambda cls, a: None, [None]),
    (lambda cls, a: io.NodeOutput(), [None]),
]


@pytest.mark.parametrize(("execute", "expected"), RETURNS)
def test_returns(door: Door, execute: Any, expected: list[Any]) -> None:
    register(door, make(execute))
    entry = door.run({"n": node("N", a=5), "s": show()})
    assert entry["status"]["completed"], entry["status"]["messages"]
    assert entry["outputs"]["s"] == {"all": expected}


@pytest.mark.parametrize(
    "execute",
    [
        lambda cls, a: io.NodeOutput(block_execution="no more"),
        lambda cls, a: io.NodeOutput(a, block_execution="no more"),
        lambda cls, a: ExecutionBlocker("no more"),
    ],
)
def test_blocking(door: Door, execute: Any) -> None:
    register(door, make(execute))
    entry = door.run({"n": node("N", a=5), "s": show()})
    assert entry["status"]["completed"]
    assert entry["outputs"] == {}
    assert [data["exception_message"] for data in door.of("execution_error")] == ["Execution Blocked: no more"]


@pytest.mark.parametrize(
    ("execute", "message"),
    [
        (lambda cls, a: 5, "N.execute returned int"),
        (lambda cls, a: io.NodeOutput(a, expand={}), "enable_expand"),
        (lambda cls, a: setattr(cls, "kept", a), "keeps nothing"),
    ],
)
def test_mistakes_say_what_to_do(door: Door, execute: Any, message: str) -> None:
    register(door, make(execute))
    entry = door.run({"n": node("N", a=5), "s": show()})
    assert message in entry["status"]["messages"][-1][1]["exception_message"]


UI: list[tuple[Any, Any]] = [
    ({"text": ["a"]}, {"text": ["a"]}),
    (ui.PreviewText("b"), {"text": ["b"]}),
    (ui.PreviewVideo([ui.SavedResult("v.mp4", "", io.FolderType.output)]), {
        "images": [{"filename": "v.mp4", "subfolder": "", "type": "output"}], "animated": [True],
    }),
    (ui.PreviewUI3D("m.glb", {"x": 1}), {"result": ["m.glb", {"x": 1}, None]}),
    (ui.SavedImages([ui.SavedResult("a.png", "s", "temp")]), {
        "images": [{"filename": "a.png", "subfolder": "s", "type": "temp"}],
    }),
    (ui.SavedAudios([{"filename": "a.flac", "subfolder": "", "type": "output"}]), {
        "audio": [{"filename": "a.flac", "subfolder": "", "type": "output"}],
    }),
]  # fmt: skip


@pytest.mark.parametrize(("shown", "expected"), UI)
def test_ui(door: Door, shown: Any, expected: Any) -> None:
    register(door, make(lambda cls, a: io.NodeOutput(ui=shown), outputs=[], is_output_node=True))
    entry = door.run({"n": node("N", a=5)})
    assert entry["outputs"] == {"n": expected}
    assert door.of("executed")[0]["output"] == expected


CHOICE = io.DynamicCombo.Input(
    "c",
    options=[
        io.DynamicCombo.Option("one", [io.Int.Input("x", min=0), io.Int.Input("y", optional=True)]),
        io.DynamicCombo.Option(
            "two", [io.DynamicCombo.Input("d", options=[io.DynamicCombo.Option("deep", [io.Int.Input("z")])])]
        ),
    ],
)
GROW = io.Autogrow.Input("g", template=io.Autogrow.TemplatePrefix(io.Int.Input("v"), "v", min=1, max=3))
SLOT = io.DynamicSlot.Input(io.Int.Input("s", optional=True), inputs=[io.Int.Input("n")])
GROUPS: list[tuple[Any, dict[str, Any], Any]] = [
    (CHOICE, {"c": "one", "c.x": 3}, {"c": {"c": "one", "x": 3}}),
    (CHOICE, {"c": "one", "c.x": ["five", 0], "c.y": 4}, {"c": {"c": "one", "x": 5, "y": 4}}),
    (CHOICE, {"c": "two", "c.d": "deep", "c.d.z": 1}, {"c": {"c": "two", "d": {"d": "deep", "z": 1}}}),
    (CHOICE, {"c": "one", "c.x": 3, "c.d": "deep"}, {"c": {"c": "one", "x": 3}}),
    (GROW, {"g.v0": ["five", 0], "g.v2": ["five", 0]}, {"g": {"v0": 5, "v2": 5}}),
    (SLOT, {}, {"s": {}}),
    (SLOT, {"s": ["five", 0], "s.n": 2}, {"s": {"s": 5, "n": 2}}),
]


@pytest.mark.parametrize(("item", "inputs", "expected"), GROUPS)
def test_groups_of_inputs(door: Door, item: Any, inputs: dict[str, Any], expected: Any) -> None:
    SEEN.clear()

    def execute(cls: Any, **given: Any) -> Any:
        SEEN.append(given)
        return io.NodeOutput(ui={"text": ["done"]})

    register(door, make(execute, inputs=[item], outputs=[], is_output_node=True))
    entry = door.run({"five": node("Number", value=5), "n": {"class_type": "N", "inputs": inputs}})
    assert entry["status"]["completed"], entry["status"]["messages"]
    assert [expected] == SEEN


WRONG: list[tuple[Any, dict[str, Any], tuple[str, str]]] = [
    (CHOICE, {}, ("required_input_missing", "c")),
    (CHOICE, {"c": "three"}, ("value_not_in_list", "c")),
    (CHOICE, {"c": "one"}, ("required_input_missing", "c.x")),
    (CHOICE, {"c": "one", "c.x": -1}, ("value_smaller_than_min", "c.x")),
    (CHOICE, {"c": "one", "c.x": "many"}, ("invalid_input_type", "c.x")),
    (CHOICE, {"c": "two", "c.d": "deep"}, ("required_input_missing", "c.d.z")),
    (CHOICE, {"c": "one", "c.x": ["word", 0]}, ("return_type_mismatch", "c.x")),
    (GROW, {}, ("required_input_missing", "g.v0")),
    (GROW, {"g.v0": ["word", 0]}, ("return_type_mismatch", "g.v0")),
    (SLOT, {"s": ["five", 0]}, ("required_input_missing", "s.n")),
]


@pytest.mark.parametrize(("item", "inputs", "expected"), WRONG)
def test_groups_are_validated(door: Door, item: Any, inputs: dict[str, Any], expected: tuple[str, str]) -> None:
    register(door, make(lambda cls, **_: None, inputs=[item], outputs=[], is_output_node=True))
    sources = {"five": node("Number", value=5), "word": node("Text", value="w")}
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit({**sources, "n": {"class_type": "N", "inputs": inputs}})
    errors = [(one["type"], one["extra_info"]["input_name"]) for one in refused.value.node_errors["n"]["errors"]]
    assert errors == [expected]


def test_a_member_of_a_group_counts_in_the_key(door: Door) -> None:
    SEEN.clear()

    def execute(cls: Any, c: Any) -> Any:
        SEEN.append(c["x"])
        return io.NodeOutput(ui={"text": ["done"]})

    register(door, make(execute, inputs=[CHOICE], outputs=[], is_output_node=True))
    for value in (1, 2, 2, 1):
        door.run({"n": {"class_type": "N", "inputs": {"c": "one", "c.x": value}}})
    assert SEEN == [1, 2]


def test_hidden_values_and_inputs_of_the_same_name(door: Door) -> None:
    SEEN.clear()

    def execute(cls: Any, prompt: str, unique_id: int) -> Any:
        held = cls.hidden
        SEEN.append((prompt, unique_id, held.unique_id, held.extra_pnginfo, sorted(held.prompt), held.whatever))
        return io.NodeOutput()

    inputs = [io.String.Input("prompt"), io.Int.Input("unique_id")]
    hidden = [io.Hidden.unique_id]
    register(door, make(execute, inputs=inputs, hidden=hidden, outputs=[], is_output_node=True))
    door.run({"n": node("N", prompt="a cat", unique_id=7)}, extra_data={"extra_pnginfo": {"workflow": 1}})
    assert SEEN == [("a cat", 7, "n", {"workflow": 1}, ["n"], None)]
    door.run({"m": node("N", prompt="a cat", unique_id=7)})
    assert [seen[2] for seen in SEEN] == ["n", "m"], "a node that asks who it is shares no result"


def test_hidden_values_of_a_node_that_takes_lists(door: Door) -> None:
    SEEN.clear()

    def execute(cls: Any, a: list[int]) -> Any:
        SEEN.append((a, cls.hidden.unique_id))
        return io.NodeOutput()

    schema: dict[str, Any] = {
        "hidden": [io.Hidden.unique_id],
        "is_input_list": True,
        "outputs": [],
        "is_output_node": True,
    }
    register(door, make(execute, **schema))
    door.run({"r": node("Range", count=3), "n": node("N", a=["r", 0])})
    assert SEEN == [([0, 1, 2], "n")]


def test_lists_are_mapped(door: Door) -> None:
    def execute(cls: Any, a: int) -> Any:
        return io.NodeOutput([a, a * 10])

    register(door, make(execute, outputs=[io.Int.Output("out", is_output_list=True)]))
    assert door.value({"r": node("Range", count=3), "n": node("N", a=["r", 0]), "s": show()}, "n") == [
        0,
        0,
        1,
        10,
        2,
        20,
    ]


def test_async_nodes_with_progress(door: Door) -> None:
    api, sync = ComfyAPI(), ComfyAPISync()

    async def execute(cls: Any, a: int) -> Any:
        await asyncio.sleep(0.01)
        await api.execution.set_progress(1, 4)
        sync.execution.set_progress(value=4, max_value=4)
        return io.NodeOutput(a)

    register(door, make(execute))
    assert door.value({"n": node("N", a=3), "s": show()}, "n") == [3]
    assert door.of("progress")[-1] == {
        "value": 4,
        "max": 4,
        "prompt_id": door.of("progress")[-1]["prompt_id"],
        "node": "n",
    }


def test_previews_of_tensors_and_pictures(door: Door) -> None:
    torch = pytest.importorskip("torch")
    api = ComfyAPISync()

    def execute(cls: Any, a: int) -> Any:
        api.execution.set_progress(1, 2, preview_image=torch.zeros(1, 600, 700, 3), ignore_size_limit=a == 1)
        return io.NodeOutput(a)

    register(door, make(execute))
    from io import BytesIO

    from PIL import Image

    sizes = []
    for a in (0, 1):
        door.run({"n": node("N", a=a), "s": show()})
        previews = [event for event in door.events if event.type == "b_preview_with_metadata"]
        sizes.append(Image.open(BytesIO(previews[-1].buffers[0])).size)
    assert sizes == [(512, 439), (700, 600)]


def test_lazy_inputs_and_the_default_that_asks_for_all(door: Door) -> None:
    template = io.MatchType.Template("t")
    inputs = [
        io.Boolean.Input("first"),
        io.MatchType.Input("yes", template=template, lazy=True),
        io.MatchType.Input("no", template=template, lazy=True),
    ]

    class Switch(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> Any:
            return io.Schema(node_id="Switch", inputs=inputs, outputs=[io.MatchType.Output(template=template)])

        @classmethod
        def check_lazy_status(cls, first: bool, yes: Any = None, no: Any = None) -> list[str]:
            wanted = "yes" if first else "no"
            return [wanted] if (yes if first else no) is None else []

        @classmethod
        def execute(cls, first: bool, yes: Any = None, no: Any = None) -> Any:
            return io.NodeOutput(yes if first else no)

    register(door, Switch)
    sources = {"y": node("Number", value=1), "n": node("Number", value=2)}
    for first, expected in ((True, [1]), (False, [2])):
        prompt = {**sources, "w": node("Switch", first=first, yes=["y", 0], no=["n", 0]), "s": show("w")}
        assert door.value(prompt, "w") == expected
        assert door.calls("Number") == expected


def test_lazy_members_of_groups_are_asked_for_by_their_flat_names(door: Door) -> None:
    lazy = io.Autogrow.Input("g", template=io.Autogrow.TemplatePrefix(io.Int.Input("v", lazy=True), "v", min=1, max=3))

    class Pick(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> Any:
            return io.Schema(node_id="Pick", inputs=[io.Int.Input("which"), lazy], outputs=[io.Int.Output()])

        @classmethod
        def check_lazy_status(cls, which: int, g: dict[str, Any]) -> list[str]:
            value, name = g[f"v{which}"]
            return [name] if value is None else []

        @classmethod
        def execute(cls, which: int, g: dict[str, Any]) -> Any:
            return io.NodeOutput(g[f"v{which}"])

    register(door, Pick)
    numbers = {str(i): node("Number", value=10 + i) for i in range(3)}
    links = {f"g.v{i}": [str(i), 0] for i in range(3)}
    pick = {"class_type": "Pick", "inputs": {"which": 1, **links}}
    assert door.value({**numbers, "p": pick, "s": show("p")}, "p") == [11]
    assert door.calls("Number") == [11]


def test_fingerprints_decide_what_runs_again(door: Door) -> None:
    SEEN.clear()
    state = {"file": "v1"}

    def execute(cls: Any, a: int) -> Any:
        SEEN.append(state["file"])
        return io.NodeOutput(a)

    made = make(execute)
    made.fingerprint_inputs = classmethod(lambda cls, a: state["file"])
    register(door, made)
    prompt = {"n": node("N", a=1), "s": show()}
    for content in ("v1", "v1", "v2"):
        state["file"] = content
        door.run(prompt)
    assert SEEN == ["v1", "v2"]


async def refuses_later(cls: Any, a: int) -> Any:
    await asyncio.sleep(0)
    return "not three" if a == 3 else True


@pytest.mark.parametrize("check", [lambda cls, a: "not three" if a == 3 else True, refuses_later])
def test_nodes_validate_their_inputs(door: Door, check: Any) -> None:
    made = make(lambda cls, a: io.NodeOutput(a), inputs=[io.Int.Input("a", max=1)])
    made.validate_inputs = classmethod(check)
    register(door, made)
    assert door.value({"n": node("N", a=2), "s": show()}, "n") == [2], "a named input is the node's own to check"
    with pytest.raises(PromptRejected) as refused:
        door.engine.submit({"n": node("N", a=3), "s": show()})
    (error,) = refused.value.node_errors["n"]["errors"]
    assert (error["type"], error["details"]) == ("custom_validation_failed", "a - not three")


def test_a_group_is_validated_by_the_name_of_the_group(door: Door) -> None:
    SEEN.clear()
    made = make(lambda cls, c: io.NodeOutput(), inputs=[CHOICE], outputs=[], is_output_node=True)

    def validate(cls: Any, c: dict[str, Any]) -> bool:
        SEEN.append(c)
        return bool(c["x"] < 0)

    made.validate_inputs = classmethod(validate)
    register(door, made)
    door.run({"n": {"class_type": "N", "inputs": {"c": "one", "c.x": -5}}})
    assert SEEN == [{"c": "one", "x": -5}]


def test_constants_of_any_name(door: Door) -> None:
    SEEN.clear()

    def execute(cls: Any, a: int, **others: Any) -> Any:
        SEEN.append((a, others))
        return io.NodeOutput()

    register(door, make(execute, outputs=[], is_output_node=True, accept_all_inputs=True))
    door.run({"n": node("N", a=1, colour="red")})
    door.run({"n": node("N", a=1, colour="blue")})
    assert SEEN == [(1, {"colour": "red"}), (1, {"colour": "blue"})]


def test_expansion_and_recursion(door: Door) -> None:
    def execute(cls: Any, a: int) -> Any:
        if a == 0:
            return io.NodeOutput(100)
        graph = GraphBuilder()
        rest = graph.node("N", a=a - 1)
        total = graph.node("Add", a=rest.out(0), b=a)
        return io.NodeOutput(total.out(0), expand=graph.finalize())

    register(door, make(execute, enable_expand=True))
    assert door.value({"n": node("N", a=20), "s": show()}, "n") == [100 + sum(range(21))]


def test_choices_are_asked_afresh(door: Door) -> None:
    files = ["a.png"]

    class Pick(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> Any:
            return io.Schema(
                node_id="Pick", inputs=[io.Combo.Input("file", options=files)], outputs=[io.String.Output()]
            )

        @classmethod
        def execute(cls, file: str) -> Any:
            return io.NodeOutput(file)

    register(door, Pick)
    prompt = {"p": node("Pick", file="b.png"), "s": show("p")}
    with pytest.raises(PromptRejected, match="not in the list"):
        door.engine.submit(prompt)
    files.append("b.png")
    assert door.value(prompt, "p") == ["b.png"]


def test_v3_classes_inherit(door: Door) -> None:
    class Base(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> Any:
            return io.Schema(node_id=cls.__name__, inputs=[io.Int.Input("a")], outputs=[io.Int.Output()])

        @classmethod
        def execute(cls, a: int) -> Any:
            return io.NodeOutput(cls.change(a))

        @classmethod
        def change(cls, a: int) -> int:
            return a

    class Double(Base):
        @classmethod
        def change(cls, a: int) -> int:
            return super().change(a) * 2

    register(door, Base, Double)
    assert door.value({"n": node("Base", a=4), "m": node("Double", a=["n", 0]), "s": show("m")}, "m") == [8]


def test_a_pack_keeps_results_elsewhere(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "current", lambda: door)
    kept: dict[str, Caching.CacheValue] = {}

    class Shelf(Caching.CacheProvider):
        def should_cache(self, context: Caching.CacheContext, value: Any = None) -> bool:
            return context.class_type == "N"

        async def on_lookup(self, context: Caching.CacheContext) -> Any:
            return kept.get(context.cache_key_hash)

        async def on_store(self, context: Caching.CacheContext, value: Caching.CacheValue) -> None:
            kept[context.cache_key_hash] = value

    def execute(cls: Any, a: int) -> Any:
        SEEN.append(a)
        return io.NodeOutput(a)

    SEEN.clear()
    register(door, make(execute))
    shelf = Shelf()
    asyncio.run(ComfyAPI().caching.register_provider(shelf))
    try:
        for _ in range(2):
            assert door.value({"n": node("N", a=7), "s": show()}, "n") == [7]
            door.engine.free()
    finally:
        ComfyAPISync().caching.unregister_provider(shelf)
    assert (SEEN, len(kept)) == ([7], 1)
