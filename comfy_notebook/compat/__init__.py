"""The module names that custom nodes import, pointing at our own objects."""

from .install import install

__all__ = ["install"]
