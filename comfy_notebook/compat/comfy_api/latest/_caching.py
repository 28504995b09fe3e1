"""Results kept outside this process: what a pack implements to share them."""

from ....engine.cache_providers import CacheContext, CacheProvider, CacheValue

__all__ = ["CacheContext", "CacheProvider", "CacheValue"]
