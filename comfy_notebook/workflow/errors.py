"""The one error of this package."""

from __future__ import annotations


class WorkflowError(ValueError):
    """A workflow, a patch or a file cannot be used; the message says what is wrong with it, for a person to read."""
