"""Errors of those who write nodes."""

from __future__ import annotations


class NodeDefinitionError(TypeError):
    """A class or function cannot be read as a node; the message says what to write instead."""
