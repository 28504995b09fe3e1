"""Small node classes, one per corner of the protocol."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from comfy_notebook.protocol.blocking import ExecutionBlocker
from comfy_notebook.protocol.context import context
from comfy_notebook.protocol.expansion import GraphBuilder

CALLS: list[tuple[str, Any]] = []
GATE = threading.Event()


def inputs(required: dict[str, Any] | None = None, optional: dict[str, Any] | None = None, **hidden: str) -> Any:
    declared: dict[str, Any] = {"required": required or {}}
    if optional:
        declared["optional"] = optional
    if hidden:
        declared["hidden"] = hidden
    return classmethod(lambda cls: declared)


class Node:
    FUNCTION = "go"
    RETURN_TYPES: tuple[Any, ...] = ("INT",)


class Number(Node):
    INPUT_TYPES = inputs({"value": ("INT", {"default": 0, "min": -1000, "max": 1000})})

    def go(self, value: int) -> Any:
        CALLS.append(("Number", value))
        return (value,)


class Text(Node):
    RETURN_TYPES = ("STRING",)
    INPUT_TYPES = inputs({"value": ("STRING", {})})

    def go(self, value: str) -> Any:
        return (value,)


class Float(Node):
    RETURN_TYPES = ("FLOAT",)
    INPUT_TYPES = inputs({"value": ("FLOAT", {"min": 0.0, "max": 1.0})})

    def go(self, value: float) -> Any:
        return (value,)


class Add(Node):
    INPUT_TYPES = inputs({"a": ("INT", {}), "b": ("INT", {})})

    def go(self, a: int, b: int) -> Any:
        CALLS.append(("Add", (a, b)))
        return (a + b,)


class Combine(Node):
    """Not commutative, so that a mix-up of inputs shows."""

    RETURN_TYPES = ("INT", "INT")
    INPUT_TYPES = inputs({"a": ("INT", {}), "b": ("INT", {})}, {"c": ("INT", {})})

    def go(self, a: int, b: int, c: int = 5) -> Any:
        return ((2 * a + 3 * b + c) % 1009, (a - b + 7 * c) % 1009)


class Show(Node):
    OUTPUT_NODE = True
    RETURN_TYPES = ()
    INPUT_TYPES = inputs({"value": ("*", {})})

    def go(self, value: Any) -> Any:
        CALLS.append(("Show", value))
        return {"ui": {"text": [str(value)]}}


class Quiet(Node):
    OUTPUT_NODE = True
    RETURN_TYPES = ()
    INPUT_TYPES = inputs({"value": ("*", {})})

    def go(self, value: Any) -> Any:
        return ()


class Sum(Node):
    """Takes whatever is linked, declared or not."""

    OUTPUT_NODE = True
    INPUT_TYPES = inputs({})

    def go(self, **values: int) -> Any:
        CALLS.append(("Sum", dict(values)))
        return {"ui": {"sum": [sum(values.values())]}, "result": (sum(values.values()),)}


class Range(Node):
    OUTPUT_IS_LIST = (True,)
    INPUT_TYPES = inputs({"count": ("INT", {})})

    def go(self, count: int) -> Any:
        return (list(range(count)),)


class Gather(Node):
    INPUT_IS_LIST = True
    OUTPUT_NODE = True
    INPUT_TYPES = inputs({"value": ("*", {})}, {"other": ("*", {})})

    def go(self, value: list[Any], other: Any = None) -> Any:
        return {"ui": {"all": list(value)}, "result": (len(value),)}


class Switch(Node):
    INPUT_TYPES = inputs(
        {"which": ("BOOLEAN", {}), "on_true": ("INT", {"lazy": True}), "on_false": ("INT", {"lazy": True})}
    )

    def check_lazy_status(self, which: bool, on_true: Any, on_false: Any) -> list[Any]:
        return ["on_true" if which else "on_false", None]

    def go(self, which: bool, on_true: Any, on_false: Any) -> Any:
        return (on_true if which else on_false,)


class LazyWrong(Switch):
    def check_lazy_status(self, **_: Any) -> list[Any]:
        return ["nothing of the kind"]


class Block(Node):
    INPUT_TYPES = inputs({"value": ("INT", {}), "message": ("STRING", {})}, {"above": ("INT", {})})

    def go(self, value: int, message: str, above: int = -1) -> Any:
        return (ExecutionBlocker(message or None) if value > above else value,)


class Fail(Node):
    INPUT_TYPES = inputs({"value": ("INT", {}), "kind": ("STRING", {})})

    def go(self, value: int, kind: str) -> Any:
        if kind == "none":
            return None
        if kind == "text":
            return "abc"
        raise {
            "ValueError": ValueError("no good"),
            "SystemExit": SystemExit(3),
            "KeyboardInterrupt": KeyboardInterrupt(),
            "GeneratorExit": GeneratorExit(),
            "RecursionError": RecursionError("deep"),
        }[kind]


class AsyncAdd(Add):
    running = 0
    most = 0
    runs = 0

    async def go(self, a: int, b: int) -> Any:  # type: ignore[override]
        AsyncAdd.running += 1
        AsyncAdd.runs += 1
        AsyncAdd.most = max(AsyncAdd.most, AsyncAdd.running)
        await asyncio.sleep(0.02)
        AsyncAdd.running -= 1
        return (a + b,)


class AsyncFail(Node):
    INPUT_TYPES = inputs({"value": ("INT", {}), "exit": ("BOOLEAN", {})})

    async def go(self, value: int, exit: bool) -> Any:
        await asyncio.sleep(0.001)
        raise SystemExit(1) if exit else ValueError("async no good")


class AsyncForever(Node):
    INPUT_TYPES = inputs({"value": ("INT", {})})

    async def go(self, value: int) -> Any:
        GATE.set()
        await asyncio.sleep(60)


class Repeat(Node):
    """A loop by recursion: expands into one Add and the rest of itself."""

    INPUT_TYPES = inputs({"times": ("INT", {}), "value": ("INT", {})})

    def go(self, times: int, value: int) -> Any:
        if times == 0:
            return (value,)
        graph = GraphBuilder()
        step = graph.node("Add", a=value, b=1)
        rest = graph.node("Repeat", times=times - 1, value=step.out(0))
        return {"result": (rest.out(0),), "expand": graph.finalize()}


class ExpandWith(Node):
    """Expands into one node of a class, with the given constant."""

    INPUT_TYPES = inputs({"make": ("STRING", {}), "value": ("INT", {})}, {"kind": ("STRING", {})})

    def go(self, make: str, value: int, kind: str = "") -> Any:
        graph = GraphBuilder()
        made = graph.node(make, value=value, **({"kind": kind} if kind else {}))
        return {"result": (made.out(0),), "expand": graph.finalize()}


class Opaque(Node):
    """Expands with an object as a constant."""

    INPUT_TYPES = inputs({"value": ("INT", {})})

    def go(self, value: int) -> Any:
        graph = GraphBuilder()
        return {"result": (graph.node("Unwrap", value=[object(), value]).out(0),), "expand": graph.finalize()}


class Unwrap(Node):
    INPUT_TYPES = inputs({"value": ("ANYTHING", {})})

    def go(self, value: Any) -> Any:
        return (value[1],)


class Changed(Node):
    answer: Any = 0
    INPUT_TYPES = inputs({"value": ("INT", {})})

    @classmethod
    def IS_CHANGED(cls, value: Any) -> Any:
        CALLS.append(("IS_CHANGED", value))
        if isinstance(cls.answer, BaseException):
            raise cls.answer
        return cls.answer

    def go(self, value: int) -> Any:
        CALLS.append(("Changed", value))
        return (value,)


class ChangedNotCallable(Changed):
    IS_CHANGED = True  # type: ignore[assignment]


class OwnId(Node):
    RETURN_TYPES = ("STRING",)
    INPUT_TYPES = inputs(
        {"value": ("INT", {})}, None, me="UNIQUE_ID", all="PROMPT", info="EXTRA_PNGINFO", dyn="DYNPROMPT"
    )

    def go(self, value: int, me: str, all: Any, info: Any, dyn: Any) -> Any:
        assert dyn.get_node(me)["class_type"] == "OwnId"
        return (f"{me} {len(all)} {info}",)


class WritesInfo(Node):
    """Writes into what is embedded in files, as packs do before a saving node runs."""

    INPUT_TYPES = inputs({"value": ("INT", {})}, None, info="EXTRA_PNGINFO")

    def go(self, value: int, info: Any) -> Any:
        info["added"] = info.get("added", 0) + value
        return (info["added"],)


class NotIdempotent(Number):
    NOT_IDEMPOTENT = True


class RawLink(Node):
    RETURN_TYPES = ("STRING",)
    INPUT_TYPES = inputs({"value": ("INT", {"rawLink": True})})

    def go(self, value: Any) -> Any:
        return (repr(value),)


class Slow(Node):
    INPUT_TYPES = inputs({"value": ("INT", {}), "steps": ("INT", {})})

    def go(self, value: int, steps: int) -> Any:
        GATE.set()
        for step in range(steps):
            context().progress(step + 1, steps)
            time.sleep(0.002)
        return (value,)


class Counter(Node):
    """Keeps state in its instance."""

    INPUT_TYPES = inputs({"value": ("INT", {})})

    def __init__(self) -> None:
        self.calls = 0

    def go(self, value: int) -> Any:
        self.calls += 1
        return (self.calls,)


class Keyword(Node):
    INPUT_TYPES = inputs({"a": ("INT", {}), "b": ("INT", {})})

    @staticmethod
    def go(*, a: int, b: int) -> Any:
        return (a * b,)


class AnyName(dict):  # type: ignore[type-arg]
    """The trick of packs that take any input: a dict that claims to contain everything."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: Any) -> Any:
        return ("*", {})


class TakesAll(Node):
    RETURN_TYPES = ("STRING",)
    INPUT_TYPES = classmethod(lambda cls: {"required": {}, "optional": AnyName()})

    def go(self, **values: Any) -> Any:
        return (repr(sorted(values.items())),)


class Choice(Node):
    RETURN_TYPES = ("STRING",)
    INPUT_TYPES = inputs({"old": (["a", "b"],), "new": ("COMBO", {"options": ["x", "y"]}), "flag": ([False, True],)})

    def go(self, old: str, new: str, flag: bool) -> Any:
        return (f"{old}{new}{flag}",)


class LongChoice(Node):
    INPUT_TYPES = inputs({"one": ([str(n) for n in range(30)],)})

    def go(self, one: str) -> Any:
        return (0,)


class Picky(Node):
    INPUT_TYPES = inputs({"a": ("INT", {"max": 1}), "b": ("INT", {"max": 1})})

    @classmethod
    def VALIDATE_INPUTS(cls, a: Any) -> Any:
        if a == 99:
            raise RuntimeError("validation broke")
        if a == 98:
            raise SystemExit("validation left")
        return True if a is None or a < 10 else "a is too big for me"

    def go(self, a: int, b: int) -> Any:
        return (a + b,)


class PickyTypes(Node):
    INPUT_TYPES = inputs({"a": ("INT", {})})

    @classmethod
    async def VALIDATE_INPUTS(cls, input_types: Any) -> Any:
        return True if input_types.get("a") == "STRING" else f"got {input_types}"

    def go(self, a: Any) -> Any:
        return (0,)


class LooseType(str):
    """Equal to every type, the way packs write it: only ``__ne__`` is overridden, and it cannot be hashed."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


class Loose(Node):
    RETURN_TYPES = (LooseType("WHATEVER"),)
    INPUT_TYPES = inputs({"value": (LooseType("WHATEVER"), {})})

    def go(self, value: Any) -> Any:
        return (value,)


class BrokenTypes(Node):
    @classmethod
    def INPUT_TYPES(cls) -> Any:
        raise RuntimeError("no types today")

    def go(self) -> Any:
        return (0,)


class TypedUnion(Node):
    INPUT_TYPES = inputs({"value": ("FLOAT, INT", {})})

    def go(self, value: Any) -> Any:
        return (int(value),)


ALL = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Node) and value is not Node
}
