"""Finding, loading and isolating packs of custom nodes."""

from .loader import LoadedPack, load_packs

__all__ = ["LoadedPack", "load_packs"]
