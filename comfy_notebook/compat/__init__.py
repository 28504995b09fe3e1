"""The module names that custom nodes import, pointing at our own objects."""

from .errors import NotSupportedError
from .install import bind, install, taken

__all__ = ["NotSupportedError", "bind", "install", "taken"]
