"""Functions as nodes: annotations to inputs and outputs, calls, values, code versions."""

from __future__ import annotations

import asyncio
import enum
import functools
import importlib
import inspect
import re
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

import numpy as np
import pytest
from PIL import Image

import comfy_notebook
import comfy_notebook.protocol.markers as cn
from comfy_notebook.protocol.blocking import ExecutionBlocker
from comfy_notebook.protocol.function import definition_from_function
from comfy_notebook.protocol.v1 import NodeDefinitionError


class Fit(enum.Enum):
    COVER = "cover"
    CONTAIN = "contain"


class Palette:
    """A class of the person's own."""


class Parts(NamedTuple):
    picture: cn.Image
    alpha: Annotated[cn.Mask, cn.Name("opacity")]


def spec(annotation: Any, *default: Any) -> tuple[str, Any]:
    """``(category, INPUT_TYPES entry)`` of one parameter with this annotation."""

    def f(x: Any) -> None: ...

    f.__annotations__["x"] = annotation
    f.__defaults__ = default or None
    declared = definition_from_function(f).input_types()
    ((category, entry),) = [(category, inputs["x"]) for category, inputs in declared.items() if "x" in inputs]
    return category, entry


NUMBER = {"min": -(2**31), "max": 2**31 - 1}
FRACTION = {"min": -1e9, "max": 1e9, "step": 0.01, "round": False}
INPUTS: list[tuple[Any, tuple[Any, ...], str, Any]] = [
    (cn.Image, (), "required", ("IMAGE", {})),
    (cn.Mask, (), "required", ("MASK", {})),
    (cn.Latent, (), "required", ("LATENT", {})),
    (cn.ControlNet, (), "required", ("CONTROL_NET", {})),
    (cn.Any, (), "required", ("*", {})),
    (Any, (), "required", ("*", {})),
    (int, (), "required", ("INT", NUMBER)),
    (int, (3,), "optional", ("INT", {**NUMBER, "default": 3})),
    (float, (0.5,), "optional", ("FLOAT", {**FRACTION, "default": 0.5})),
    (bool, (True,), "optional", ("BOOLEAN", {"default": True})),
    (str, ("hi",), "optional", ("STRING", {"default": "hi"})),
    (Literal["a", "b"], (), "required", ("COMBO", {"options": ["a", "b"]})),
    (Literal[1, 2], (2,), "optional", ("COMBO", {"options": [1, 2], "default": 2})),
    (Fit, (Fit.CONTAIN,), "optional", ("COMBO", {"options": ["cover", "contain"], "default": "contain"})),
    (Optional[cn.Mask], (), "optional", ("MASK", {})),  # noqa: UP045 - the old spelling is what is tested
    (cn.Mask | None, (None,), "optional", ("MASK", {})),
    (Union[int, float], (), "required", ("INT,FLOAT", {})),  # noqa: UP007
    (cn.Image | cn.Mask, (), "required", ("IMAGE,MASK", {})),
    (Palette, (), "required", ("PALETTE", {})),
    (Annotated[Palette, cn.Socket("COLOURS")], (), "required", ("COLOURS", {})),
    (Annotated[float, cn.Range(0, 1, step=0.1)], (0.5,), "optional",
     ("FLOAT", {**FRACTION, "min": 0, "max": 1, "step": 0.1, "default": 0.5})),
    (int, (2**70,), "optional", ("INT", {**NUMBER, "max": 2**70, "default": 2**70})),
    (float, (-1e300,), "optional", ("FLOAT", {**FRACTION, "min": -1e300, "default": -1e300})),
    (Annotated[int, cn.Range(0)], (2**40,), "optional", ("INT", {"min": 0, "max": 2**40, "default": 2**40})),
    (Annotated[int, cn.Slider(1, 9)], (), "required", ("INT", {"min": 1, "max": 9, "display": "slider"})),
    (Annotated[str, cn.Multiline("say it")], (), "required", ("STRING", {"multiline": True, "placeholder": "say it"})),
    (Annotated[int, {"tooltip": "how many"}], (), "required", ("INT", {**NUMBER, "tooltip": "how many"})),
    (Annotated[float, cn.SocketOnly()], (), "required", ("FLOAT", {**FRACTION, "forceInput": True})),
    (Annotated[str, cn.Hidden("UNIQUE_ID")], (), "hidden", "UNIQUE_ID"),
    ("cn.Image", (), "required", ("IMAGE", {})),
    ("Annotated[float, cn.Range(0, 1)]", (), "required", ("FLOAT", {**FRACTION, "min": 0, "max": 1})),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "default", "category", "entry"), INPUTS, ids=[str(row[0]) for row in INPUTS])
def test_inputs(annotation: Any, default: tuple[Any, ...], category: str, entry: Any) -> None:
    assert spec(annotation, *default) == (category, entry)


def outputs(annotation: Any) -> list[tuple[str, str, bool]]:
    def f() -> Any: ...

    f.__annotations__["return"] = annotation
    return [(out.name, out.type, out.is_list) for out in definition_from_function(f).outputs]


OUTPUTS = [
    (cn.Image, [("IMAGE", "IMAGE", False)]),
    (int, [("INT", "INT", False)]),
    (None, []),
    (Image.Image, [("IMAGE", "IMAGE", False)]),
    (tuple[cn.Image, cn.Mask], [("IMAGE", "IMAGE", False), ("MASK", "MASK", False)]),
    (tuple[Annotated[cn.Image, "sharp"], int], [("sharp", "IMAGE", False), ("INT", "INT", False)]),
    (Annotated[cn.Mask, cn.Name("edges")], [("edges", "MASK", False)]),
    (Parts, [("picture", "IMAGE", False), ("opacity", "MASK", False)]),
    (list[cn.Image], [("IMAGE", "IMAGE", True)]),
    ("tuple[cn.Image, str]", [("IMAGE", "IMAGE", False), ("STRING", "STRING", False)]),
]


@pytest.mark.parametrize(("annotation", "expected"), OUTPUTS, ids=[str(row[0]) for row in OUTPUTS])
def test_outputs(annotation: Any, expected: Any) -> None:
    assert outputs(annotation) == expected


def test_seeds_have_the_range_of_seeds() -> None:
    def f(seed: int = 0) -> int: ...  # type: ignore[empty-body]

    assert definition_from_function(f).input_types()["optional"]["seed"][1]["max"] == 2**64 - 1


def test_unannotated_parameters() -> None:
    def f(a, b=2, c="x"):  # type: ignore[no-untyped-def]
        return a

    declared = definition_from_function(f).input_types()
    assert declared["required"] == {"a": ("*", {})}
    assert [declared["optional"][name][0] for name in "bc"] == ["INT", "STRING"]
    assert [out.type for out in definition_from_function(f).outputs] == ["*"]


@pytest.mark.parametrize(
    "annotation", [list, dict[str, int], bytes, np.ndarray, Image.Image, list[cn.Image], "Nowhere", 5]
)
def test_annotations_that_say_nothing_name_the_parameter_and_a_way_out(annotation: Any) -> None:
    with pytest.raises(NodeDefinitionError, match=r"node 'f', parameter 'x'.*(cn\.Image|input_is_list)"):
        spec(annotation)


@pytest.mark.parametrize(("annotation", "default", "told"), [
    (Annotated[float, cn.Range(0, 1)], 1.5, "the default 1.5 lies beyond its max, 1"),
    (Annotated[int, cn.Slider(1, 9)], 0, "the default 0 lies beyond its min, 1"),
    (float, float("nan"), "nan is no number a widget can show"),
    (float, float("inf"), "inf is no number a widget can show"),
])  # fmt: skip
def test_defaults_no_widget_could_hold(annotation: Any, default: Any, told: str) -> None:
    with pytest.raises(NodeDefinitionError, match=f"node 'f', parameter 'x': {told}"):
        spec(annotation, default)


def test_a_seed_may_start_below_zero() -> None:
    def f(seed: int = -1) -> int: ...  # type: ignore[empty-body]

    assert definition_from_function(f).input_types()["optional"]["seed"][1]["min"] == -1


@pytest.mark.parametrize("name", ["annotations", "function", "image_values"])
def test_what_messages_recommend_can_be_imported(name: str) -> None:
    module = importlib.import_module(f"comfy_notebook.protocol.{name}")
    named = set(re.findall(r"\bcn\.(\w+)", inspect.getsource(module)))
    assert named
    assert named <= set(comfy_notebook.__all__)


def test_functions_that_yield_are_refused() -> None:
    def lazily(a: int) -> Any:
        yield a

    async def slowly(a: int) -> Any:
        yield a

    class Tool:
        def __call__(self, a: int) -> Any:
            yield a

    for fn in (lazily, slowly, functools.partial(lazily, a=1), Tool(), Tool().__call__):
        with pytest.raises(NodeDefinitionError, match=r"'n' yields.*collect them in a list"):
            definition_from_function(fn, name="n")


def test_inputs_called_self_and_cls() -> None:
    def plain(self: int = 1, cls: int = 2) -> int:
        return self * 10 + cls

    async def later(self: int = 1, cls: int = 2) -> int:
        return self * 10 + cls

    assert call(plain, self=3, cls=4) == (34,)
    assert asyncio.run(call(later, self=3, cls=4)) == (34,)
    always = definition_from_function(plain, always_run=True).node_class
    assert always.IS_CHANGED(self=3, cls=4) != always.IS_CHANGED(self=3, cls=4)  # type: ignore[attr-defined]


def test_a_method_without_its_object_is_refused() -> None:
    class Tool:
        def scale(self, a: int) -> int:
            return a

    with pytest.raises(NodeDefinitionError, match="'scale' is a method without its object"):
        definition_from_function(Tool.scale)
    assert call(Tool().scale, a=2) == (2,)


def test_positional_parameters_are_refused() -> None:
    with pytest.raises(NodeDefinitionError, match="'x'"):
        definition_from_function(lambda x, /: x)
    with pytest.raises(NodeDefinitionError, match="'rest'"):
        definition_from_function(lambda *rest: rest)


def call(fn: Any, **inputs: Any) -> Any:
    definition = definition_from_function(fn)
    return getattr(definition.node_class(), definition.function)(**inputs)


def test_a_bare_value_is_wrapped() -> None:
    def plain(a: int) -> int:
        return a + 1

    def of_tuple(a: int) -> Annotated[Any, cn.Socket("PAIR")]:
        return (a, a)

    assert call(plain, a=1) == (2,)
    assert call(of_tuple, a=1) == ((1, 1),)


def test_results_of_the_node_protocol_pass_through() -> None:
    def shows(a: int) -> int:
        return {"ui": {"text": ["x"]}, "result": (a,)}  # type: ignore[return-value]

    def blocks(a: int) -> int:
        return ExecutionBlocker("no")  # type: ignore[return-value]

    assert call(shows, a=1) == {"ui": {"text": ["x"]}, "result": (1,)}
    assert isinstance(call(blocks, a=1), ExecutionBlocker)


def test_a_broken_promise_is_named() -> None:
    def three(a: int) -> tuple[cn.Image, Annotated[int, "count"]]:
        return (1, 2, 3)  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"three promised 2 outputs \(IMAGE, count\) and returned 3"):
        call(three, a=1)


def test_enums_arrive_as_enums_and_missing_optionals_as_none() -> None:
    seen: list[Any] = []

    def f(fit: Fit, mask: Optional[cn.Mask]) -> None:  # noqa: UP045
        seen.extend([fit, mask])

    assert call(f, fit="contain") == ()
    assert seen == [Fit.CONTAIN, None]
    assert definition_from_function(f).is_output_node, "nothing else could make it run"


class Mixed(enum.Enum):
    A = "a"
    B = 2
    C = (1, 2)
    D = "A"


@pytest.mark.parametrize(("text", "member"), [
    ("a", Mixed.A), ("A", Mixed.D), (2, Mixed.B), ("B", Mixed.B), ("C", Mixed.C), ("D", Mixed.D),
])  # fmt: skip
def test_enums_are_chosen_by_value_or_name(text: Any, member: Mixed) -> None:
    """Values come first: "A" is the value of D."""

    def f(x: Mixed = Mixed.B) -> Annotated[Any, cn.Socket("MIXED")]:
        return x

    options = definition_from_function(f).input_types()["optional"]["x"][1]
    assert options == {"options": ["a", 2, "C", "A"], "default": 2}
    assert text in options["options"]
    assert "E" not in options["options"]
    assert call(f, x=text) == (member,)


def test_async_functions_and_methods() -> None:
    class Tool:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        async def scale(self, a: int) -> int:
            return a * self.factor

    assert asyncio.run(call(Tool(3).scale, a=2)) == (6,)


def test_closures_find_their_annotations_through_the_caller() -> None:
    def build() -> Any:
        local = cn.Mask

        def f(x: "local") -> None: ...  # type: ignore[valid-type]  # noqa: UP037

        return definition_from_function(f, localns=locals())

    assert build().input_types()["required"] == {"x": ("MASK", {})}


ARRAYS = [
    (np.zeros((4, 6, 3), np.float32), (1, 4, 6, 3)),
    (np.zeros((4, 6), np.float32), (1, 4, 6, 3)),
    (np.zeros((2, 4, 6, 3), np.float64), (2, 4, 6, 3)),
    (np.full((4, 6, 3), 255, np.uint8), (1, 4, 6, 3)),
    (Image.new("RGB", (6, 4), "white"), (1, 4, 6, 3)),
    (Image.new("RGBA", (6, 4)), (1, 4, 6, 4)),
    (Image.new("P", (6, 4)), (1, 4, 6, 3)),
    (Image.new("L", (6, 4), 255), (1, 4, 6, 3)),
    ([Image.new("RGB", (6, 4))] * 3, (3, 4, 6, 3)),
]


@pytest.mark.parametrize(("value", "shape"), ARRAYS, ids=lambda v: str(getattr(v, "shape", getattr(v, "mode", v)))[:30])
def test_pictures_become_image_tensors(value: Any, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")

    def f() -> cn.Image:
        return value  # type: ignore[no-any-return]

    (tensor,) = call(f)
    assert tuple(tensor.shape) == shape
    assert tensor.dtype == torch.float32
    assert float(tensor.max()) <= 1.0
    if getattr(value, "dtype", None) == np.uint8:
        assert float(tensor.min()) == 1.0


def returning(annotation: Any, value: Any) -> Any:
    def maker() -> Any:
        return value

    maker.__annotations__["return"] = annotation
    return call(maker)


BROKEN: list[tuple[Any, Any, str]] = [
    (cn.Image, "hello", r"\(IMAGE\): str 'hello' is no image; return a PIL image, or a tensor"),
    (cn.Image, None, "None is no image; return"),
    (cn.Image, np.zeros(3), r"ndarray \[3\] is no image"),
    (cn.Image, [], "list is no image"),
    (cn.Image, ["a", 1], "a list of int, str is no image"),
    (cn.Image, [Image.new("RGB", (3, 2)), Image.new("RGB", (4, 3))],
     r"several sizes \(3 x 2, 4 x 3\).*list\[cn.Image\]"),
    (cn.Mask, 5, "int 5 is no mask"),
    (cn.Mask, np.zeros((1, 2, 3, 4)), r"ndarray \[1, 2, 3, 4\] is no mask"),
    (cn.Mask, [np.zeros((2, 3)), np.zeros((3, 2))], "several sizes"),
    (int, None, r"1 output \(INT\): it returned None for INT; return a value"),
    (cn.Model, None, "it returned None for MODEL"),
    (cn.Model, "sdxl", r"str 'sdxl' is no MODEL; return what a loader made, or cn.wrap_model\(network\)"),
    (cn.Latent, 5, "int 5 is no latent; return"),
    (cn.Latent, {"sample": 1}, "a dict without samples is no latent"),
    (cn.Latent, {"samples": np.zeros((4, 8))}, r"a dict with samples ndarray \[4, 8\] is no latent"),
    (tuple[cn.Image, int], (np.zeros((2, 2)), None), "it returned None for INT"),
    (tuple[int, int], (1, 2, 3), r"2 outputs \(INT, INT\) and returned 3; return a tuple of 2"),
    (tuple[cn.Image, int], 5, "returned one int; return a tuple of 2"),
    (list[cn.Image], [Image.new("RGB", (3, 2)), "x"], "str 'x' is no image"),
    (list[int], 3, "returned no list for INT, but int"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value", "told"), BROKEN, ids=lambda item: str(item)[:30])
def test_what_is_no_such_output_is_refused(annotation: Any, value: Any, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"maker promised.*{told}"):
        returning(annotation, value)


def test_a_tensor_alone_is_a_latent() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.zeros(1, 4, 8, 8)
    assert returning(cn.Latent, tensor)[0]["samples"] is tensor
    whole = {"samples": tensor, "noise_mask": torch.ones(1, 8, 8)}
    assert returning(cn.Latent, whole)[0] is whole


def test_none_where_there_may_be_none() -> None:
    assert returning(cn.Image | None, None) == (None,)
    assert returning(int | None, None) == (None,)
    assert returning(cn.Any, None) == (None,)
    assert returning(tuple[int, cn.Mask | None], (1, None)) == (1, None)


def test_pictures_of_several_modes_make_one_batch() -> None:
    pytest.importorskip("torch")
    clear, red = Image.new("RGBA", (3, 2)), Image.new("RGB", (3, 2), "red")
    (batch,) = returning(cn.Image, [clear, red, np.full((2, 3, 1), 0.5)])
    assert batch[:, 0, 0].tolist() == [[0, 0, 0, 0], [1, 0, 0, 1], [0.5, 0.5, 0.5, 1]]


def test_masks_become_mask_tensors() -> None:
    torch = pytest.importorskip("torch")

    def f(value: Any) -> cn.Mask:
        return value  # type: ignore[no-any-return]

    for value in (np.zeros((4, 6)), torch.zeros(4, 6), Image.new("L", (6, 4))):
        assert tuple(call(f, value=value)[0].shape) == (1, 4, 6)


def evaluated(source: str, **names: Any) -> Any:
    namespace = dict(names)
    exec(source, namespace)
    return definition_from_function(namespace["f"]).code_version


MAKE = "def m(k):\n def f(a): return a + k\n return f\n"
CHANGES = [
    ("def f(a): return a", "def f(a): return a", True),
    ("def f(a): return a", "# moved\n\ndef f(a):\n    return a  # said", True),
    ("def f(a): return a + 1", "def f(a): return a + 2", False),
    ("def f(a=1): return a", "def f(a=2): return a", False),
    ("def f(*, a=1): return a", "def f(*, a=2): return a", False),
    ("def f(a): return abs(a)", "def f(a): return int(a)", False),
    ("def f(a): return (lambda: 1)()", "def f(a): return (lambda: 2)()", False),
    ("def f(a): return a in {'x', 'y', 'z'}", "def f(a): return a in {'x', 'y', 'z'}", True),
    (f"{MAKE}f = m(1)", f"{MAKE}f = m(1)", True),
    (f"{MAKE}f = m(1)", f"{MAKE}f = m(2)", False),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "same"), CHANGES)
def test_code_versions(one: str, other: str, same: bool) -> None:
    assert (evaluated(one) == evaluated(other)) is same


def test_lone_ui_values_are_put_into_lists() -> None:
    def says(a: int) -> None:
        return {"ui": {"text": "hi", "n": [1]}}  # type: ignore[return-value]

    assert call(says, a=1) == {"ui": {"text": ["hi"], "n": [1]}}
