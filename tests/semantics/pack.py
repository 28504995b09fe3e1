"""A small pack of nodes, one per corner of what a run means: V1 and V3, as pack authors write them."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from comfy_notebook.compat.comfy_api.latest import ComfyAPISync, ComfyExtension, io, ui
from comfy_notebook.compat.comfy_execution.graph_utils import ExecutionBlocker, GraphBuilder, is_link

STARTED = threading.Event()


class Base:
    FUNCTION = "go"
    CATEGORY = "semantics"
    RETURN_TYPES: tuple[Any, ...] = ("INT",)


class Number(Base):
    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"value": ("INT", {"default": 0, "min": -100, "max": 1000})}}

    def go(self, value: int) -> Any:
        return (value,)


class Add(Base):
    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"a": ("INT", {"default": 0}), "b": ("INT", {"default": 0})}}

    def go(self, a: int, b: int) -> Any:
        return (a + b,)


class Less(Base):
    RETURN_TYPES = ("BOOLEAN",)

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"a": ("INT", {"default": 0}), "b": ("INT", {"default": 0})}}

    def go(self, a: int, b: int) -> Any:
        return (a < b,)


class Show(Base):
    OUTPUT_NODE = True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"value": ("*", {})}}

    def go(self, value: Any) -> Any:
        return {"ui": {"text": [str(value)]}}


class Switch(Base):
    """Evaluates one of its two branches."""

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        lazy = ("INT", {"lazy": True, "forceInput": True})
        return {"required": {"which": ("BOOLEAN", {"default": True}), "yes": lazy, "no": lazy}}

    def check_lazy_status(self, which: bool, yes: Any = None, no: Any = None) -> list[str]:
        return ["yes" if which else "no"]

    def go(self, which: bool, yes: Any = None, no: Any = None) -> Any:
        return (yes if which else no,)


class Range(Base):
    OUTPUT_IS_LIST = (True,)

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"count": ("INT", {"default": 3})}}

    def go(self, count: int) -> Any:
        return (list(range(count)),)


class Gather(Base):
    """Everything of a list at once."""

    INPUT_IS_LIST = True
    OUTPUT_NODE = True
    RETURN_TYPES = ("STRING",)

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"values": ("*", {})}}

    def go(self, values: list[Any]) -> Any:
        return {"ui": {"all": [str(value) for value in values]}, "result": (",".join(map(str, values)),)}


class Block(Base):
    """Lets through what is at most ``above``."""

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        required = {"value": ("INT", {"default": 0}), "above": ("INT", {"default": 0})}
        return {"required": {**required, "message": ("STRING", {"default": ""})}}

    def go(self, value: int, above: int, message: str) -> Any:
        return (ExecutionBlocker(message or None) if value > above else value,)


class Fail(Base):
    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"value": ("INT", {"default": 0}), "how": (["error", "exit", "nothing"],)}}

    def go(self, value: int, how: str) -> Any:
        if how == "error":
            raise ValueError(f"{value} is no good")
        if how == "exit":
            raise SystemExit(3)
        return None


class Checked(Base):
    """Takes even numbers."""

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"value": ("INT", {"default": 0, "max": 10})}}

    @classmethod
    def VALIDATE_INPUTS(cls, value: Any) -> Any:
        return True if value is None or value % 2 == 0 else "odd numbers are refused"

    def go(self, value: int) -> Any:
        return (value,)


class Wait(Base):
    """Async: waits, then gives its value."""

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"value": ("INT", {"default": 0}), "seconds": ("FLOAT", {"default": 0.02, "step": 0.01})}}

    async def go(self, value: int, seconds: float) -> Any:
        STARTED.set()
        await asyncio.sleep(seconds)
        return (value,)


class Steps(Base):
    """Works until it is cancelled; each step is progress."""

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"steps": ("INT", {"default": 3, "max": 100000})}}

    def go(self, steps: int) -> Any:
        for step in range(steps):
            ComfyAPISync().execution.set_progress(step + 1, steps)
            STARTED.set()
            time.sleep(0.001)
        return (steps,)


class Clock(Base):
    """Runs every time."""

    ticks = 0

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"value": ("INT", {"default": 0})}}

    @classmethod
    def IS_CHANGED(cls, value: Any) -> Any:
        return float("nan")

    def go(self, value: int) -> Any:
        return (value,)


class LoopOpen(Base):
    """Where a loop begins: gives the values of this turn."""

    RETURN_TYPES = ("LOOP", "*", "*")

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"first": ("*", {})}, "optional": {"second": ("*", {})}}

    def go(self, first: Any, second: Any = None) -> Any:
        return ("loop", first, second)


class LoopClose(Base):
    """Where a loop ends: as long as ``again`` holds, everything between is done once more with the new values."""

    RETURN_TYPES = ("*", "*")

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        required = {"loop": ("LOOP", {"rawLink": True}), "again": ("BOOLEAN", {"forceInput": True})}
        return {
            "required": {**required, "first": ("*", {})},
            "optional": {"second": ("*", {})},
            "hidden": {"dynprompt": "DYNPROMPT", "unique_id": "UNIQUE_ID"},
        }

    def go(self, loop: Any, again: bool, first: Any, dynprompt: Any, unique_id: str, second: Any = None) -> Any:
        if not again:
            return (first, second)
        between = _between(dynprompt, loop[0], unique_id)
        graph, copies = GraphBuilder(), dict[str, Any]()
        for node_id in between:
            copy = graph.node(dynprompt.get_node(node_id)["class_type"], "next" if node_id == unique_id else node_id)
            copy.set_override_display_id(node_id)
            copies[node_id] = copy
        for node_id, copy in copies.items():
            for name, value in dynprompt.get_node(node_id)["inputs"].items():
                inner = is_link(value) and value[0] in copies
                copy.set_input(name, copies[value[0]].out(value[1]) if inner else value)
        copies[loop[0]].set_input("first", first)
        copies[loop[0]].set_input("second", second)
        close = copies[unique_id]
        return {"result": (close.out(0), close.out(1)), "expand": graph.finalize()}


def _between(dynprompt: Any, first: str, last: str) -> list[str]:
    """The nodes on the ways from ``first`` to ``last``, both included."""
    consumers: dict[str, set[str]] = {}
    waiting, seen = [last], {last}
    while waiting:
        node_id = waiting.pop()
        for value in dynprompt.get_node(node_id)["inputs"].values():
            if is_link(value):
                consumers.setdefault(value[0], set()).add(node_id)
                if value[0] not in seen:
                    seen.add(value[0])
                    waiting.append(value[0])
    found, waiting = {first}, [first]
    while waiting:
        for consumer in consumers.get(waiting.pop(), ()):
            if consumer not in found:
                found.add(consumer)
                waiting.append(consumer)
    return sorted(found | {last})


class Append(Base):
    """An accumulator: a list that grows by one."""

    RETURN_TYPES = ("ACCUMULATION",)

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"item": ("*", {})}, "optional": {"to": ("ACCUMULATION", {})}}

    def go(self, item: Any, to: Any = None) -> Any:
        return ({"accum": [*(to["accum"] if to else ()), item]},)


class Spread(Base):
    """The elements of an accumulator as a list."""

    RETURN_TYPES = ("*",)
    OUTPUT_IS_LIST = (True,)

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"accumulation": ("ACCUMULATION", {})}}

    def go(self, accumulation: Any) -> Any:
        return (accumulation["accum"],)


class Countdown(Base):
    """A loop by recursion."""

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"times": ("INT", {"default": 0}), "value": ("INT", {"default": 0})}}

    def go(self, times: int, value: int) -> Any:
        if times == 0:
            return (value,)
        graph = GraphBuilder()
        step = graph.node("Add", a=value, b=1)
        return {
            "result": (graph.node("Countdown", times=times - 1, value=step.out(0)).out(0),),
            "expand": graph.finalize(),
        }


class AnyNumber(dict):  # type: ignore[type-arg]
    """Declares nothing, takes everything."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return ("INT", {"forceInput": True})


class Total(Base):
    """The sum of whatever is linked."""

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {}, "optional": AnyNumber()}

    def go(self, **values: int) -> Any:
        return (sum(values.values()),)


# V3


class V3Switch(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        template = io.MatchType.Template("value")
        return io.Schema(
            node_id="V3Switch",
            inputs=[
                io.Boolean.Input("which"),
                io.MatchType.Input("yes", template=template, lazy=True),
                io.MatchType.Input("no", template=template, lazy=True),
            ],
            outputs=[io.MatchType.Output(template=template)],
        )

    @classmethod
    def check_lazy_status(cls, which: bool, yes: Any = None, no: Any = None) -> list[str]:
        return ["yes" if which else "no"]

    @classmethod
    def execute(cls, which: bool, yes: Any = None, no: Any = None) -> io.NodeOutput:
        return io.NodeOutput(yes if which else no)


class V3Sum(io.ComfyNode):
    """The sum of as many numbers as there are."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        template = io.Autogrow.TemplatePrefix(io.Int.Input("n"), "n", min=1, max=10)
        return io.Schema(
            node_id="V3Sum", inputs=[io.Autogrow.Input("numbers", template=template)], outputs=[io.Int.Output()]
        )

    @classmethod
    def execute(cls, numbers: dict[str, int]) -> io.NodeOutput:
        return io.NodeOutput(sum(numbers.values()))


class V3Choose(io.ComfyNode):
    """What is calculated depends on a choice, and so do the inputs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        options = [
            io.DynamicCombo.Option("double", [io.Int.Input("value", default=1, max=100)]),
            io.DynamicCombo.Option("power", [io.Int.Input("base", default=2), io.Int.Input("exponent", default=2)]),
        ]
        return io.Schema(
            node_id="V3Choose", inputs=[io.DynamicCombo.Input("rule", options=options)], outputs=[io.Int.Output()]
        )

    @classmethod
    def execute(cls, rule: dict[str, Any]) -> io.NodeOutput:
        return io.NodeOutput(
            rule["value"] * 2 if rule["rule"] == "double" else rule["base"] ** rule["exponent"],
        )


class V3Gate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="V3Gate",
            inputs=[io.Int.Input("value"), io.String.Input("closed", default="")],
            outputs=[io.Int.Output()],
        )

    @classmethod
    def execute(cls, value: int, closed: str) -> io.NodeOutput:
        return io.NodeOutput(value, block_execution=closed or None)


class V3Show(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="V3Show", inputs=[io.AnyType.Input("value")], hidden=[io.Hidden.unique_id], is_output_node=True
        )

    @classmethod
    async def execute(cls, value: Any) -> io.NodeOutput:
        await asyncio.sleep(0)
        return io.NodeOutput(ui=ui.PreviewText(f"{cls.hidden.unique_id}: {value}"))


class V3Factorial(io.ComfyNode):
    """n! by expansion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="V3Factorial",
            inputs=[io.Int.Input("n"), io.Int.Input("product", default=1)],
            outputs=[io.Int.Output()],
            enable_expand=True,
        )

    @classmethod
    def execute(cls, n: int, product: int) -> io.NodeOutput:
        if n <= 1:
            return io.NodeOutput(product)
        graph = GraphBuilder()
        return io.NodeOutput(graph.node("V3Factorial", n=n - 1, product=product * n).out(0), expand=graph.finalize())


class V3Checked(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(node_id="V3Checked", inputs=[io.Int.Input("value")], outputs=[io.Int.Output()])

    @classmethod
    def validate_inputs(cls, value: Any) -> bool | str:
        return True if value is None or value % 2 == 0 else "odd numbers are refused"

    @classmethod
    def execute(cls, value: int) -> io.NodeOutput:
        return io.NodeOutput(value)


class Extension(ComfyExtension):
    loaded = False

    async def on_load(self) -> None:
        Extension.loaded = True

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [V3Switch, V3Sum, V3Choose, V3Gate, V3Show, V3Factorial, V3Checked]


async def comfy_entrypoint() -> Extension:
    return Extension()


NODE_CLASS_MAPPINGS = {
    name: found
    for name, found in list(globals().items())
    if isinstance(found, type) and issubclass(found, Base) and found is not Base
}
