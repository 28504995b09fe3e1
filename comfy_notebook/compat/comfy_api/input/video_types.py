"""The older place of ``VideoInput``."""

from ..latest._input import VideoInput

__all__ = ["VideoInput"]
