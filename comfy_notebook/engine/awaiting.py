"""Waiting for a coroutine where no event loop of ours runs."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable
from typing import Any


def finished(value: Any) -> Any:
    """``value`` itself, or what it yields when it is awaitable; may be called on a thread whose loop is running."""
    if not inspect.isawaitable(value):
        return value
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_wait_for(value))
    return _on_another_thread(value)


async def _wait_for(value: Awaitable[Any]) -> Any:
    return await value


def _on_another_thread(value: Awaitable[Any]) -> Any:
    answer: list[Any] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            answer.append((True, context.run(asyncio.run, _wait_for(value))))
        except BaseException as error:  # carried over to the thread that asked
            answer.append((False, error))

    thread = threading.Thread(target=work, name="comfy-notebook-await", daemon=True)
    thread.start()
    thread.join()
    succeeded, result = answer[0]
    if not succeeded:
        raise result
    return result
