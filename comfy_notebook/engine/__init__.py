"""Validation, plan, cache, run, queue, history, events."""

from .cache import ResultCache
from .engine import Engine, Submission
from .events import Event, EventBus
from .validation import PromptRejected

__all__ = ["Engine", "Event", "EventBus", "PromptRejected", "ResultCache", "Submission"]
