"""The type names that travel on links, and when two of them match.

Types are compared the way the node protocol prescribes: ``!=`` first, because packs ship ``str`` subclasses that
override ``__ne__`` to match everything. Such objects may be unhashable, so no type is ever hashed or put in a set
before that comparison.
"""

from __future__ import annotations

from typing import Any

#: Matches every type, alone or as a member of a union.
ANY = "*"
#: The type of sockets that take the type of what is linked to them; which one that is, is the editor's affair.
MATCH_TYPE = "COMFY_MATCHTYPE_V3"

#: Types that are edited in a widget on the node (every one of them is an input socket too).
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR")


def type_name(declared: Any) -> Any:
    """The name of a declared type: a list of options (the legacy combo form) is ``"COMBO"``, the rest is itself."""
    return "COMBO" if isinstance(declared, (list, tuple)) else declared


def types_match(received: Any, expected: Any) -> bool:
    """Whether an output of type ``received`` may feed an input of type ``expected``.

    Unions are comma-separated and match when they share a member; ``*`` matches all. An overriding ``__ne__`` on
    either side is honoured before anything else.
    """
    if not (received != expected):  # noqa: SIM202 - the protocol asks __ne__, not __eq__
        return True
    received, expected = type_name(received), type_name(expected)
    if not isinstance(received, str) or not isinstance(expected, str):
        return False
    offered = {part.strip() for part in received.split(",")}
    wanted = {part.strip() for part in expected.split(",")}
    return bool(offered & wanted) or any(name in part for name in (ANY, MATCH_TYPE) for part in (offered, wanted))
