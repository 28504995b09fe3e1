"""V3 nodes and helpers where packs use them in their own ways."""

from __future__ import annotations

import asyncio
import functools
import itertools
import threading
from typing import Any

import pytest

from comfy_notebook import compat
from comfy_notebook.compat.comfy_api.latest import ComfyAPISync, io
from comfy_notebook.protocol.blocking import ExecutionBlocker
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.session import Session

from .cases import n

salts = itertools.count()


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return around


async def later(cls: Any, salt: int) -> Any:
    await asyncio.sleep(0)
    return io.NodeOutput(7)


def not_marked_async(cls: Any, salt: int) -> Any:
    return later(cls, salt)


def run(session: Session, execute: Any, **schema: Any) -> Any:
    """The history entry, and what was told, of a V3 node whose output is shown."""

    class Made(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            fields = {"inputs": [io.Int.Input("salt")], "outputs": [io.Int.Output()], **schema}
            return io.Schema(node_id="Made", **fields)

    type.__setattr__(Made, "execute", classmethod(execute))
    session.registry.register(definition_from_class("Made", Made))
    told: list[Any] = []
    stop = session.bus.subscribe(told.append, "v3")
    prompt = {"1": n("Made", salt=next(salts)), "2": n("Show", value=["1", 0])}
    entry = session.engine.wait(session.engine.submit(prompt, client_id="v3").prompt_id, 20)
    stop()
    return entry, told


RETURNS: list[tuple[Any, Any, list[str]]] = [
    (decorated(later), ["7"], []),
    (not_marked_async, ["7"], []),
    (lambda cls, salt: io.NodeOutput(7, block_execution=False), ["7"], []),
    (lambda cls, salt: io.NodeOutput(7, block_execution=True), None, []),
    (lambda cls, salt: io.NodeOutput(ExecutionBlocker(None)), None, []),
    (lambda cls, salt: io.NodeOutput.from_dict({"result": ExecutionBlocker("no")}), None, ["Execution Blocked: no"]),
    (lambda cls, salt: io.NodeOutput.from_dict({"result": ExecutionBlocker(None)}), None, []),
    (lambda cls, salt: io.NodeOutput.from_dict({"result": (7,), "ui": {"text": ["x"]}}), ["7"], []),
]


@pytest.mark.parametrize(("execute", "shown", "blocked"), RETURNS)
def test_returns(session: Session, execute: Any, shown: Any, blocked: list[str]) -> None:
    entry, told = run(session, execute)
    assert entry["status"]["completed"], entry["status"]["messages"]
    assert entry["outputs"].get("2") == (None if shown is None else {"text": shown})
    assert [event.data["exception_message"] for event in told if event.type == "execution_error"] == blocked


def test_calls_do_not_see_each_other(session: Session) -> None:
    seen: list[Any] = []

    def execute(cls: Any, salt: int) -> Any:
        seen.append((cls.hidden.unique_id, getattr(cls, "kept", None)))
        with pytest.raises(AttributeError, match="keeps nothing"):
            cls.kept = salt
        return io.NodeOutput(1)

    for hidden in ([], [io.Hidden.unique_id]):
        for _ in range(2):
            assert run(session, execute, hidden=hidden)[0]["status"]["completed"]
    assert seen == [(None, None), (None, None), ("1", None), ("1", None)]


def test_a_progress_bar_moves_from_a_thread_of_the_node(session: Session) -> None:
    compat.install()
    import comfy.utils  # type: ignore[import-not-found]

    def execute(cls: Any, salt: int) -> Any:
        bar = comfy.utils.ProgressBar(4)
        worker = threading.Thread(target=lambda: [bar.update(1) for _ in range(4)])
        worker.start()
        worker.join()
        return io.NodeOutput(1)

    _, told = run(session, execute)
    last = [event.data for event in told if event.type == "progress"][-1]
    assert (last["node"], last["value"], last["max"]) == ("1", 4, 4)


def test_progress_outside_a_run_is_harmless() -> None:
    ComfyAPISync().execution.set_progress(1, 2)
    asyncio.run(later(None, 1))


NUMBERS: dict[str, Any] = {"1": n("Number", value=1)}
LOST: list[tuple[Any, str]] = [
    (lambda: io.Schema(node_id="X", inputs=[io.Int.Input("a"), io.Int.Input("a")]), "unique"),
    (lambda: io.Schema(node_id="X", outputs=[io.Int.Output("a"), io.Int.Output("a")]), "unique"),
    (lambda: io.Schema(node_id="X", inputs=[io.Int.Output("a")]), "holds"),
    (lambda: 1 / 0, "division by zero"),
    (lambda: None, "not io.Schema"),
]


@pytest.mark.parametrize(("schema", "message"), LOST)
def test_one_failing_schema_costs_one_node(schema: Any, message: str) -> None:
    from comfy_notebook.compat.extensions import read_mappings

    from .pack import V3Sum

    class Bad(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> Any:
            return schema()

        @classmethod
        def execute(cls, **_: Any) -> Any:
            return None

    found = read_mappings({"Bad": Bad, "V3Sum": V3Sum}, None, "custom_nodes.x")
    assert [definition.name for definition in found.definitions] == ["V3Sum"]
    assert message in str(found.failed["Bad"])


def test_socket_types_of_newer_versions(session: Session) -> None:
    with pytest.raises(AttributeError):
        getattr(io, "not_a_type")  # noqa: B009 - a question, as packs ask it
    assert not hasattr(io, "HyperField")
    made = io.HyperField
    assert made.Input("x", tooltip="t").spec() == ("HYPER_FIELD", {"tooltip": "t"})
    assert made.Output().io_type == "HYPER_FIELD"
    assert io.HyperField is made

    def execute(cls: Any, salt: int) -> Any:
        return io.NodeOutput(3)

    entry, _ = run(session, execute, inputs=[io.Int.Input("salt"), io.LaterThing2.Input("later", optional=True)])
    assert entry["outputs"]["2"] == {"text": ["3"]}
