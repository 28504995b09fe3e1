"""``comfy_execution.progress`` as packs use it: the state of the run, progress of their own, handlers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from comfy_notebook.compat.comfy_execution import progress
from comfy_notebook.compat.comfy_execution.progress import NodeState, ProgressHandler
from comfy_notebook.protocol.context import InterruptProcessingException
from comfy_notebook.protocol.v1 import definition_from_class
from comfy_notebook.session import Session

from .cases import n
from .pack import Base

HEARD: list[Any] = []


class Listens(ProgressHandler):
    def __init__(self, name: str = "listens") -> None:
        super().__init__(name)

    def start_handler(self, node_id: str, state: Any, prompt_id: str) -> None:
        HEARD.append(("start", node_id, state["state"]))

    def update_handler(
        self, node_id: str, value: float, max_value: float, state: Any, prompt_id: str, image: Any = None
    ) -> None:
        HEARD.append(("update", node_id, value, max_value))

    def finish_handler(self, node_id: str, state: Any, prompt_id: str) -> None:
        HEARD.append(("finish", node_id, state["state"]))


class Fails(ProgressHandler):
    def update_handler(self, *_: Any, **__: Any) -> None:
        raise RuntimeError("broken handler")


class Exits(ProgressHandler):
    def update_handler(self, *_: Any, **__: Any) -> None:
        raise SystemExit(1)


class Cancels(ProgressHandler):
    def update_handler(self, *_: Any, **__: Any) -> None:
        raise InterruptProcessingException


class Watched(Base):
    """Adds handlers and does three steps, which it reports for itself."""

    OUTPUT_NODE = True
    handlers: tuple[Any, ...] = ()

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        return {"required": {"salt": ("INT", {"default": 0})}, "hidden": {"me": "UNIQUE_ID"}}

    def go(self, salt: int, me: str) -> Any:
        registry = progress.get_progress_state()
        assert registry is progress.get_progress_state()
        assert registry.dynprompt.get_node(me)["class_type"] == "Watched"
        for handler in self.handlers:
            progress.add_progress_handler(handler)
        for step in range(3):
            registry.update_progress(me, step + 1, 3)
        HEARD.append(registry.nodes[me])
        return {"ui": {"text": ["done"]}, "result": (salt,)}


@pytest.fixture
def run(session: Session, monkeypatch: pytest.MonkeyPatch) -> Any:
    session.registry.register(definition_from_class("Watched", Watched))

    def run(*handlers: Any) -> Any:
        HEARD.clear()
        monkeypatch.setattr(Watched, "handlers", handlers)
        prompt = {"1": n("Watched", salt=time.monotonic_ns() % 2**31)}
        return session.engine.wait(session.engine.submit(prompt, client_id="me").prompt_id, 20)

    return run


STEPS = [("update", "1", 1, 3), ("update", "1", 2, 3), ("update", "1", 3, 3)]
AT_THE_END = {"state": NodeState.Running, "value": 3, "max": 3}


def test_a_handler_hears_every_step_at_once(run: Any) -> None:
    assert run(Listens())["status"]["completed"]
    assert [*STEPS, AT_THE_END, ("finish", "1", NodeState.Finished)] == HEARD
    run()
    assert HEARD == [AT_THE_END], "handlers belong to the prompt that added them"


@pytest.mark.parametrize("broken", [Fails("broken"), Exits("broken")])
def test_a_broken_handler_costs_nothing(run: Any, broken: Any) -> None:
    assert run(broken, Listens())["status"]["completed"]
    assert [*STEPS, AT_THE_END, ("finish", "1", NodeState.Finished)] == HEARD


def test_a_handler_may_cancel_the_run(run: Any) -> None:
    assert run(Cancels("stop"))["status"]["messages"][-1][0] == "execution_interrupted"


def test_handlers_are_switched_off_and_on_and_taken_out(run: Any) -> None:
    off = Listens()
    off.disable()
    run(off, progress.WebUIProgressHandler())
    assert [AT_THE_END] == HEARD
    off.enable()
    run(off)
    assert HEARD[:3] == STEPS


def test_outside_a_run_nobody_is_told(session: Session) -> None:
    HEARD.clear()
    registry = progress.get_progress_state()
    registry.register_handler(Listens())
    registry.start_progress("7")
    registry.update_progress("7", 1, 2)
    registry.finish_progress("7")
    assert [("start", "7", NodeState.Running), ("update", "7", 1, 2), ("finish", "7", NodeState.Finished)] == HEARD
    assert registry.nodes["7"] == {"state": NodeState.Finished, "value": 2, "max": 2}
    registry.unregister_handler("listens")
    progress.reset_progress_state("", registry.dynprompt)
    assert progress.get_progress_state().nodes == {}
