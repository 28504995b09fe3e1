"""The editor as a notebook widget."""

from .editor import Editor

__all__ = ["Editor"]
