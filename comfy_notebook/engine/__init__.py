"""Validation, plan, cache, run, queue, history, events."""
