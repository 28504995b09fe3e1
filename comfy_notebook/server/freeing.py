"""Models are taken off their devices once nothing computes with them."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable

from ..engine import Engine
from ..engine.events import Event, EventBus

log = logging.getLogger(__name__)

#: What places models on devices; imported by the first node that needs it.
MODELS = "comfy_notebook.diffusion.memory"


def unload_models() -> None:
    """Take every model off its device; does nothing where none was ever loaded."""
    loaded = sys.modules.get(MODELS)
    if loaded is not None:
        loaded.unload_all_models()


def between_runs(engine: Engine, bus: EventBus, work: Callable[[], None]) -> None:
    """Do ``work`` now, or as soon as the prompt that runs has ended: then on the engine's thread, before the next."""
    guard, stop = threading.Lock(), list[Callable[[], None]]()

    def attempt(event: Event | None = None) -> None:
        if event is not None and event.type != "status":
            return
        with guard:
            if not stop or engine.queue.running():
                return
            stop.pop()()
        try:
            work()
        except Exception:  # the next prompt must run all the same
            log.exception("freeing memory failed")

    with guard:
        stop.append(bus.subscribe(attempt))
    attempt()
