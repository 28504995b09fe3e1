"""``comfy_api.feature_flags``: what a connected client said it can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def get_connection_feature(
    sockets_metadata: Mapping[str, Mapping[str, Any]], sid: str, feature_name: str, default: Any = False
) -> Any:
    """What the client ``sid`` said of a feature; ``default`` for one that said nothing."""
    return sockets_metadata.get(sid, {}).get("feature_flags", {}).get(feature_name, default)


def supports_feature(sockets_metadata: Mapping[str, Mapping[str, Any]], sid: str, feature_name: str) -> bool:
    """Whether the client ``sid`` said that it can do this."""
    return get_connection_feature(sockets_metadata, sid, feature_name) is True
