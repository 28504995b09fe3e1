"""Microseconds per node of the engine on graphs of no-ops, beside a plain walk that does the same calls.

Run: ``python benchmarks/engine.py [--client] [--cpu]``. Every figure is the best of three; ``--cpu`` counts processor
time instead of wall time, which says more on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from typing import Any

from comfy_notebook.compat.comfy_api.latest import io
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.protocol.expansion import GraphBuilder
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class

Prompt = dict[str, dict[str, Any]]
clock: Callable[[], float] = time.perf_counter


class Number:
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("INT", {"default": 0, "min": 0, "max": 2**31})}}

    def go(self, value: int) -> tuple[int]:
        return (value,)


class Step:
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("INT",), "amount": ("INT", {"default": 1, "min": 0, "max": 2**31})}}

    def go(self, value: int, amount: int) -> tuple[int]:
        return (value + amount,)


class AsyncStep(Step):
    async def go(self, value: int, amount: int) -> tuple[int]:  # type: ignore[override]
        await asyncio.sleep(0)
        return (value + amount,)


class Sum:
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def go(self, **values: int) -> tuple[int]:
        return (sum(values.values()),)


class Numbers:
    RETURN_TYPES = ("INT",)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "go"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"count": ("INT", {"default": 1}), "salt": ("INT", {"default": 0})}}

    def go(self, count: int, salt: int) -> tuple[list[int]]:
        return ([salt + index for index in range(count)],)


class Countdown:
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"left": ("INT", {"default": 1}), "value": ("INT", {"default": 0})}}

    def go(self, left: int, value: int) -> Any:
        if left == 0:
            return (value,)
        graph = GraphBuilder()
        step = graph.node("Step", value=value, amount=1)
        rest = graph.node("Countdown", left=left - 1, value=step.out(0))
        return {"result": (rest.out(0),), "expand": graph.finalize()}


class StepV3(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        amount = io.Int.Input("amount", default=1, min=0, max=2**31)
        return io.Schema(node_id="StepV3", inputs=[io.Int.Input("value"), amount], outputs=[io.Int.Output()])

    @classmethod
    def execute(cls, value: int, amount: int) -> io.NodeOutput:
        return io.NodeOutput(value + amount)


def make_engine(with_client: bool) -> Engine:
    registry, bus = Registry(), EventBus()
    for cls in (Number, Step, AsyncStep, StepV3, Sum, Numbers, Countdown):
        registry.register(definition_from_class(cls.__name__, cls))
    if with_client:
        received: list[Any] = []
        bus.subscribe(received.append, "client")
    return Engine(registry, bus)


def chain(length: int, first: int, last: int = 1, step: str = "Step") -> Prompt:
    prompt: Prompt = {"0": {"class_type": "Number", "inputs": {"value": first}}}
    for index in range(1, length - 1):
        amount = last if index == length - 2 else 1
        prompt[str(index)] = {"class_type": step, "inputs": {"value": [str(index - 1), 0], "amount": amount}}
    prompt["end"] = {"class_type": "Sum", "inputs": {"value": [str(length - 2), 0]}}
    return prompt


def fan_in(count: int, class_type: str, first: int) -> Prompt:
    inputs = {"value": first, "amount": 0}
    prompt: Prompt = {
        str(index): {"class_type": class_type, "inputs": {**inputs, "amount": index}} for index in range(count)
    }
    prompt["end"] = {"class_type": "Sum", "inputs": {f"v{index}": [str(index), 0] for index in range(count)}}
    return prompt


def list_mapping(count: int, first: int) -> Prompt:
    return {
        "0": {"class_type": "Numbers", "inputs": {"count": count, "salt": first}},
        "1": {"class_type": "Step", "inputs": {"value": ["0", 0], "amount": 1}},
        "end": {"class_type": "Sum", "inputs": {"value": ["1", 0]}},
    }


def loop(count: int, first: int) -> Prompt:
    return {
        "0": {"class_type": "Countdown", "inputs": {"left": count, "value": first}},
        "end": {"class_type": "Sum", "inputs": {"value": ["0", 0]}},
    }


def run(engine: Engine, prompt: Prompt) -> float:
    """Seconds from submission to end, validation included."""
    started = clock()
    submission = engine.submit(prompt, client_id="client")
    entry = engine.wait(submission.prompt_id, 300)
    seconds = clock() - started
    assert entry["status"]["completed"], entry["status"]["messages"]
    return seconds


def plain_walk(prompt: Prompt, cache: dict[Any, Any]) -> float:
    """The floor: a walk in order with a cache keyed by nested hashes; no validation, no messages."""
    classes: dict[str, Any] = {"Number": Number(), "Step": Step(), "Sum": Sum()}
    started = clock()
    keys: dict[str, int] = {}
    values: dict[str, Any] = {}
    for node_id, node in prompt.items():
        inputs = node["inputs"]
        parts = [(n, keys[v[0]] if isinstance(v, list) else v) for n, v in sorted(inputs.items())]
        key = keys[node_id] = hash((node["class_type"], tuple(parts)))
        if key not in cache:
            found = {name: values[v[0]][v[1]] if isinstance(v, list) else v for name, v in inputs.items()}
            classes[node["class_type"]].INPUT_TYPES()
            cache[key] = classes[node["class_type"]].go(**found)
        values[node_id] = cache[key]
    return clock() - started


def best(make: Callable[[int], float], rounds: int = 3) -> float:
    return min(make(index) for index in range(rounds))


def report(name: str, count: int, **seconds: float) -> None:
    figures = "   ".join(f"{step} {value / count * 1e6:8.1f}" for step, value in seconds.items())
    print(f"{name:<28}{figures}")


def measure_chain(engine: Engine, length: int) -> None:
    salt = length * 1000
    cold = best(lambda index: run(engine, chain(length, salt + index)))
    cached = best(lambda index: run(engine, chain(length, salt)))
    last = best(lambda index: run(engine, chain(length, salt, last=2 + index)))
    first = best(lambda index: run(engine, chain(length, salt + 10 + index)))
    store: dict[Any, Any] = {}
    floor = plain_walk(chain(length, salt), store)
    floor_cached = best(lambda index: plain_walk(chain(length, salt), store))
    report(
        f"chain of {length}",
        length,
        cold=cold,
        cached=cached,
        last_changed=last,
        first_changed=first,
        floor=floor,
        floor_cached=floor_cached,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", action="store_true", help="with a client that receives every event")
    parser.add_argument("--cpu", action="store_true", help="processor time instead of wall time")
    arguments = parser.parse_args()
    if arguments.cpu:
        global clock
        clock = time.process_time
    engine = make_engine(arguments.client)
    run(engine, chain(20, 0))
    print("microseconds per node (list mapping: per element, loop: per iteration)")
    for length in (20, 100, 200, 1000, 10_000):
        measure_chain(engine, length)
    cases: list[tuple[str, int, Callable[[int], Prompt]]] = [
        ("fan-in 1000", 1000, lambda salt: fan_in(1000, "Step", salt)),
        ("list mapping 1000", 1000, lambda salt: list_mapping(1000, salt)),
        ("loop of 200 iterations", 200, lambda salt: loop(200, salt)),
        ("V3 chain of 200", 200, lambda salt: chain(200, salt, step="StepV3")),
        ("200 async nodes", 200, lambda salt: fan_in(200, "AsyncStep", salt)),
    ]
    for name, count, make in cases:
        cold = best(lambda salt, make=make: run(engine, make(salt)))  # type: ignore[misc]
        cached = best(lambda salt, make=make: run(engine, make(0)))  # type: ignore[misc]
        report(name, count, cold=cold, cached=cached)
    hundred = chain(100, 7)
    run(engine, hundred)
    print(f"100 nodes, all cached, submit to done: {best(lambda _: run(engine, hundred)) * 1000:.2f} ms")


if __name__ == "__main__":
    main()
