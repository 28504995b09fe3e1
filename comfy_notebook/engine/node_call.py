"""Calls of node functions: the context they see, cancel points, coroutines, torch's inference mode."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

from ..protocol.blocking import ExecutionBlocker
from ..protocol.context import NodeContext, ProgressSink, current
from ..protocol.expansion import builder_scope
from .calling import find_blocker
from .inference import InferenceMode

Task = asyncio.Task[Any]


class NodeExit(Exception):  # noqa: N818 - what a node raised to end the program
    """An async node raised ``SystemExit`` or ``KeyboardInterrupt``, which would end the event loop as well."""


class Caller:
    """Everything one prompt calls, on the engine thread. Its event loop exists once a node needs it."""

    def __init__(self, prompt_id: str, sink: ProgressSink) -> None:
        self._prompt_id = prompt_id
        self._sink = sink
        self._loop: asyncio.AbstractEventLoop | None = None
        self._inference = InferenceMode()

    def call_each(
        self,
        node_id: str,
        function: Callable[..., Any],
        calls: Sequence[Mapping[str, Any]],
        input_is_list: bool,
        blocked: Callable[[ExecutionBlocker], Any],
    ) -> list[Any]:
        """What each call returned; a task in place of what a coroutine function will return, ``blocked(blocker)`` in
        place of a call that a blocker stops. Raises ``InterruptProcessingException`` when the run was cancelled."""
        self._inference.enter()
        returns: list[Any] = []
        for index, arguments in enumerate(calls):
            blocker = find_blocker(arguments, input_is_list)
            if blocker is not None:
                returns.append(blocked(blocker))
                continue
            context = NodeContext(self._prompt_id, node_id, index, self._sink)
            context.check_interrupted()
            in_context, in_scope = current.set(context), builder_scope.set([node_id, index, 0])
            try:
                value = function(**arguments)
                if inspect.iscoroutine(value):
                    value = self._event_loop().create_task(_exits_kept(value))
                returns.append(value)
            finally:
                builder_scope.reset(in_scope)
                current.reset(in_context)
        if self._loop is not None and any(isinstance(value, asyncio.Task) for value in returns):
            self.spin()
        return returns

    def spin(self) -> None:
        """Let every coroutine under way take two steps, as many as an ``asyncio.sleep(0)`` would leave them."""
        loop = self._event_loop()
        loop.call_soon(loop.call_soon, loop.stop)
        loop.run_forever()

    def wait(self, tasks: Collection[Task], timeout: float) -> None:
        """Let coroutines run until one of ``tasks`` is done, at most ``timeout`` seconds."""
        waiting = asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        self._event_loop().run_until_complete(waiting)

    def finished(self, value: Any) -> Any:
        """``value``, or what it yields when it is awaitable; other coroutines go on meanwhile."""
        return self._event_loop().run_until_complete(value) if inspect.isawaitable(value) else value

    def close(self) -> None:
        """Cancel what is still under way and leave torch's inference mode."""
        self._inference.close()
        if self._loop is None:
            return
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        with contextlib.suppress(Exception):
            self._loop.run_until_complete(asyncio.wait(left, timeout=1) if left else asyncio.sleep(0))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop


async def _exits_kept(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:
        raise NodeExit(f"The node tried to end the program ({type(error).__name__})") from error
