"""The Python API: :class:`Workflow` and its nodes by name, :class:`Run` and its :class:`Results`, ``@node``.

``workflow`` is what a person holds; ``document_nodes`` and ``widget_node`` its nodes and their widget values,
``overrides`` values for one run; ``run`` what is in the queue, ``results`` what it brought, ``errors`` what went wrong;
``decorator`` makes functions nodes. ``lookup``, ``pictures`` and ``script`` serve these.
"""

from .decorator import node
from .errors import RunError, RunInterrupted
from .results import Results
from .run import Run
from .workflow import Workflow

__all__ = ["Results", "Run", "RunError", "RunInterrupted", "Workflow", "node"]
