"""``ComfyAPI`` (methods to await) and ``ComfyAPISync`` (the same without await): what nodes ask of the program."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ....protocol.context import context
from . import _caching
from ._node import NodeReplace

if TYPE_CHECKING:
    from ....session import Session


def _session() -> Session:
    from .... import session

    return session.current()


def _preview(image: Any, ignore_size_limit: bool) -> Any:
    """A PIL image (or the first picture of an IMAGE tensor) in the form of the progress protocol."""
    if image is None:
        return None
    if hasattr(image, "detach"):
        from ....nodes.ops.pictures import to_picture

        image = to_picture(image if image.ndim == 3 else image[0])
    return ("JPEG", image, None) if ignore_size_limit else image


class ExecutionSync:
    """The node that runs now."""

    def set_progress(
        self,
        value: float,
        max_value: float,
        node_id: str | None = None,
        preview_image: Any = None,
        ignore_size_limit: bool = False,
    ) -> None:
        """Show ``value`` of ``max_value`` steps on the node, with a preview (PIL image or ``[B,H,W,C]`` tensor); also
        a cancel point. ``ignore_size_limit`` sends the preview as large as it is."""
        running = context()
        if node_id is not None:
            running = replace(running, node_id=node_id)
        running.progress(value, max_value, _preview(preview_image, ignore_size_limit))


class NodeReplacementSync:
    """What becomes of nodes that no longer exist."""

    def register(self, node_replace: NodeReplace) -> None:
        _session().registry.replacements.register(node_replace.as_dict())


class CachingSync:
    """Results kept outside this process."""

    def register_provider(self, provider: _caching.CacheProvider) -> None:
        _session().engine.cache_providers.register(provider)

    def unregister_provider(self, provider: _caching.CacheProvider) -> None:
        _session().engine.cache_providers.unregister(provider)


class Execution:
    """:class:`ExecutionSync` to await."""

    async def set_progress(
        self,
        value: float,
        max_value: float,
        node_id: str | None = None,
        preview_image: Any = None,
        ignore_size_limit: bool = False,
    ) -> None:
        ExecutionSync().set_progress(value, max_value, node_id, preview_image, ignore_size_limit)


class NodeReplacement:
    """:class:`NodeReplacementSync` to await."""

    async def register(self, node_replace: NodeReplace) -> None:
        NodeReplacementSync().register(node_replace)


class Caching:
    """:class:`CachingSync` to await, and the classes of providers under the name by which packs import them."""

    CacheContext: TypeAlias = _caching.CacheContext
    CacheProvider: TypeAlias = _caching.CacheProvider
    CacheValue: TypeAlias = _caching.CacheValue

    async def register_provider(self, provider: _caching.CacheProvider) -> None:
        CachingSync().register_provider(provider)

    async def unregister_provider(self, provider: _caching.CacheProvider) -> None:
        CachingSync().unregister_provider(provider)


class ComfyAPI:
    """Everywhere the same object; its parts hold no state."""

    _only: ComfyAPI | None = None

    def __new__(cls) -> ComfyAPI:
        if cls._only is None:
            cls._only = super().__new__(cls)
            cls._only.execution = Execution()
            cls._only.node_replacement = NodeReplacement()
            cls._only.caching = Caching()
        return cls._only

    execution: Execution
    node_replacement: NodeReplacement
    caching: Caching
    VERSION = "latest"
    STABLE = False


class ComfyAPISync:
    """:class:`ComfyAPI` for nodes that are not async."""

    _only: ComfyAPISync | None = None

    def __new__(cls) -> ComfyAPISync:
        if cls._only is None:
            cls._only = super().__new__(cls)
            cls._only.execution = ExecutionSync()
            cls._only.node_replacement = NodeReplacementSync()
            cls._only.caching = CachingSync()
        return cls._only

    execution: ExecutionSync
    node_replacement: NodeReplacementSync
    caching: CachingSync
