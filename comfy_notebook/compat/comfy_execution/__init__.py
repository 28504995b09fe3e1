"""The names of ``comfy_execution`` that packs import."""
