"""Workflow documents: UI JSON, API prompts, the conversion between them, metadata in files."""

from . import metadata, patch
from .build import from_api
from .convert import Conversion, to_api
from .document import Document, read_document, read_templates
from .errors import WorkflowError
from .specs import InfoSource

__all__ = [
    "Conversion",
    "Document",
    "InfoSource",
    "WorkflowError",
    "from_api",
    "metadata",
    "patch",
    "read_document",
    "read_templates",
    "to_api",
]
