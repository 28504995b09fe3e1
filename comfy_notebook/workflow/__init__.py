"""Workflow documents: UI JSON, API prompts, the conversion between them, metadata in files."""
