"""Microseconds per node of the engine on graphs of no-ops, alone and with a client connected, beside a plain walk that
does the same calls.

Run: ``python -m benchmarks.engine [--cpu] [--only CASE]``. Every figure is the best of three; ``--cpu`` counts the
processor time of this process (server included, client not) instead of wall time, which says more on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from comfy_notebook.compat.comfy_api.latest import io
from comfy_notebook.engine import Engine, EventBus
from comfy_notebook.folders import Folders
from comfy_notebook.protocol.expansion import GraphBuilder
from comfy_notebook.protocol.registry import Registry
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.session import Session

from .table import print_table

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


NODES = (Number, Step, AsyncStep, StepV3, Sum, Numbers, Countdown)


def make_engine() -> Engine:
    registry, bus = Registry(), EventBus()
    for cls in NODES:
        registry.register(definition_from_class(cls.__name__, cls))
    return Engine(registry, bus)


LISTEN = """
import asyncio, sys, aiohttp
async def listen(url):
    async with aiohttp.ClientSession(url) as http, http.ws_connect("/ws?clientId=client", max_msg_size=0) as socket:
        print("connected", flush=True)
        async for message in socket:
            pass
asyncio.run(listen(sys.argv[1]))
"""


@contextlib.contextmanager
def engine_with_client() -> Iterator[Engine]:
    """An engine behind a server, with a client of another process at its websocket."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Folders(base=Path(folder)))
        for cls in NODES:
            session.registry.register(definition_from_class(cls.__name__, cls))
        url = session.server.listen(port=0).url
        client = subprocess.Popen([sys.executable, "-c", LISTEN, url], stdout=subprocess.PIPE)
        assert client.stdout is not None
        client.stdout.readline()
        try:
            yield session.engine
        finally:
            client.kill()
            client.wait()
            session.close()


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


Make = Callable[[int], Prompt]
ROUNDS = 3


class Case:
    """``make(salt)`` gives a graph of ``count`` units; ``more`` are its other ways to run, after the same graph ran:
    graphs of which only a part is new."""

    def __init__(self, name: str, count: int, make: Make, **more: Make) -> None:
        self.name, self.count, self.make, self.more = name, count, make, more


def chain_case(length: int, step: str = "Step", name: str = "chain") -> Case:
    return Case(
        f"{name} of {length}",
        length,
        lambda salt: chain(length, salt, step=step),
        last=lambda salt: chain(length, 0, last=salt, step=step),
        first=lambda salt: chain(length, salt, step=step),
    )


CASES = [
    *(chain_case(length) for length in (20, 200, 1000, 10_000)),
    Case("fan-in 1000", 1000, lambda salt: fan_in(1000, "Step", salt)),
    Case("list mapping 1000 (element)", 1000, lambda salt: list_mapping(1000, salt)),
    Case("loop of 200 (iteration)", 200, lambda salt: loop(200, salt)),
    Case("200 async nodes", 200, lambda salt: fan_in(200, "AsyncStep", salt)),
    chain_case(200, "StepV3", "V3 chain"),
]
salts = itertools.count(1)


def measured(engines: list[Engine], case: Case) -> list[dict[str, float]]:
    """Seconds by way of running, an entry per engine; the engines take turns, so that a busy machine hits both."""
    found: list[dict[str, float]] = [{} for _ in engines]

    def note(way: str, make: Callable[[], Prompt]) -> None:
        prompt = make()
        for engine, seconds in zip(engines, found, strict=True):
            seconds[way] = min(seconds.get(way, float("inf")), run(engine, prompt))

    for _ in range(ROUNDS):
        salt = next(salts)
        note("cold", lambda salt=salt: case.make(salt))  # type: ignore[misc]
        note("cached", lambda salt=salt: case.make(salt))  # type: ignore[misc]
    for way, make in case.more.items():
        for engine in engines:
            run(engine, case.make(0))
        for _ in range(ROUNDS):
            note(way, lambda make=make: make(next(salts) + 2))  # type: ignore[misc]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpu", action="store_true", help="processor time instead of wall time")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    if parser.parse_known_args()[0].cpu:
        global clock
        clock = time.process_time
    wanted = [case for case in CASES if case.name.startswith(parser.parse_known_args()[0].only)]
    alone = make_engine()
    rows: list[list[str]] = []
    with engine_with_client() as heard:
        for engine in (alone, heard):
            run(engine, chain(20, 0))
        for case in wanted:
            by_itself, with_client = measured([alone, heard], case)
            figures = [by_itself.get(way) for way in WAYS] + [with_client[way] for way in ("cold", "cached")]
            cells = ["" if seconds is None else f"{seconds / case.count * 1e6:.1f}" for seconds in figures]
            rows.append([case.name, *cells, f"{with_client['cold'] / by_itself['cold']:.2f}", *floors(case)])
    head = ["µs per node", *WAYS, "client: cold", "cached", "ratio", "floor", "cached"]
    print_table(f"Engine, no-op nodes ({'processor' if clock is time.process_time else 'wall'} time)", head, rows)
    print("goals: cold ≤ 100, cached ≤ 20 at every size, with a client ≤ 1.5 times, loop ≤ 500 per iteration")


WAYS = ("cold", "cached", "last", "first")


def floors(case: Case) -> list[str]:
    """The plain walk over the same graph, where it is one of plain nodes."""
    prompt, store = case.make(0), dict[Any, Any]()
    if not {node["class_type"] for node in prompt.values()} <= {"Number", "Step", "Sum"}:
        return ["", ""]
    cold = plain_walk(prompt, store)
    cached = min(plain_walk(prompt, store) for _ in range(ROUNDS))
    return [f"{seconds / case.count * 1e6:.1f}" for seconds in (cold, cached)]


if __name__ == "__main__":
    main()
