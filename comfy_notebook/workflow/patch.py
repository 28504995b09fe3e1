"""Differences between two documents as small JSON patches; the same rules stand in ``js/src/editor/patch.ts``.

``{nodes?: {set?, remove?, order?}, links?: {set?, remove?, order?}, set?: {key: value}, remove?: [key]}``: nodes and
links are keyed by the text of their id, every other top-level key is replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import WorkflowError
from .jsontext import same

Document = dict[str, Any]
Patch = dict[str, Any]

_KEYED = ("nodes", "links")
_PARTS = {"nodes", "links", "set", "remove"}
_KEYED_PARTS = {"set", "remove", "order"}


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> Patch:
    """The patch that makes ``after`` of ``before``; empty when they are the same."""
    patch: Patch = {}
    whole: dict[str, Any] = {}
    for part in _KEYED:
        if part not in after:
            continue
        old, new = _by_key(before.get(part, []), part), _by_key(after[part], part)
        if old is None or new is None or (part not in before and not new):
            if part not in before or not same(before[part], after[part]):
                whole[part] = after[part]
        elif keyed := _diff_keyed(old, new):
            patch[part] = keyed
    for key, value in after.items():
        if key not in _KEYED and (key not in before or not same(before[key], value)):
            whole[key] = value
    if whole:
        patch["set"] = whole
    if gone := [key for key in before if key not in after]:
        patch["remove"] = gone
    return patch


def apply(document: Mapping[str, Any], patch: Any) -> Document:
    """A new document: ``document`` with ``patch`` applied. ``document`` itself is left as it is, parts are shared.

    Raises :class:`WorkflowError` when the patch is malformed or does not fit; then nothing was done.
    """
    _check(patch)
    result = dict(document)
    for part in _KEYED:
        if part in patch:
            result[part] = _apply_keyed(document.get(part, []), patch[part], part)
    for key in patch.get("remove", ()):
        result.pop(key, None)
    result.update(patch.get("set", {}))
    return result


def _key(item: Any, part: str) -> str | None:
    """The key of a node (object with ``id``) or a link (also a list that starts with its id); None if it has none."""
    if isinstance(item, dict):
        name = item.get("id")
    else:
        name = item[0] if part == "links" and isinstance(item, list) and item else None
    if isinstance(name, bool) or not isinstance(name, (int, str)):
        return None
    return str(name)


def _by_key(items: Any, part: str) -> dict[str, Any] | None:
    """Items by key in their order, or None when their keys cannot tell them apart."""
    if not isinstance(items, list):
        return None
    found: dict[str, Any] = {}
    for item in items:
        key = _key(item, part)
        if key is None or key in found:
            return None
        found[key] = item
    return found


def _id(item: Any) -> Any:
    return item["id"] if isinstance(item, dict) else item[0]


def _diff_keyed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    keyed: dict[str, Any] = {}
    if changed := [item for key, item in new.items() if key not in old or not same(old[key], item)]:
        keyed["set"] = changed
    if gone := [_id(item) for key, item in old.items() if key not in new]:
        keyed["remove"] = gone
    kept = [key for key in old if key in new]
    if kept + [key for key in new if key not in old] != list(new):
        keyed["order"] = [_id(item) for item in new.values()]
    return keyed


def _apply_keyed(items: Any, keyed: Mapping[str, Any], part: str) -> list[Any]:
    found = _by_key(items, part)
    if found is None:
        raise WorkflowError(f"The patch changes single {part}, but the ids of the document's {part} are not unique.")
    for name in keyed.get("remove", ()):
        found.pop(str(name), None)
    for item in keyed.get("set", ()):
        key = _key(item, part)
        assert key is not None  # _check saw it
        found[key] = item
    named = [str(name) for name in keyed.get("order", ())]
    ordered = {key: found[key] for key in named if key in found}
    return list((ordered | {key: item for key, item in found.items() if key not in ordered}).values())


def _check(patch: Any) -> None:
    _expect(isinstance(patch, dict), "a patch is an object")
    _expect(not patch.keys() - _PARTS, f"unknown parts {sorted(patch.keys() - _PARTS)}")
    whole = patch.get("set", {})
    _expect(isinstance(whole, dict), "'set' is an object of top-level keys")
    gone = patch.get("remove", [])
    _expect(isinstance(gone, list) and all(isinstance(key, str) for key in gone), "'remove' is a list of keys")
    for part in _KEYED:
        if part in patch:
            _expect(part not in whole and part not in gone, f"{part} stand in the patch both keyed and whole")
            _check_keyed(patch[part], part)


def _check_keyed(keyed: Any, part: str) -> None:
    _expect(isinstance(keyed, dict), f"'{part}' is an object with set, remove, order")
    _expect(not keyed.keys() - _KEYED_PARTS, f"unknown parts of '{part}': {sorted(keyed.keys() - _KEYED_PARTS)}")
    items = keyed.get("set", [])
    _expect(isinstance(items, list), f"'{part}.set' is a list")
    _expect(all(_key(item, part) is not None for item in items), f"'{part}.set' holds one that is none or has no id")
    for name in ("remove", "order"):
        ids = keyed.get(name, [])
        good = isinstance(ids, list) and all(isinstance(i, (int, str)) and not isinstance(i, bool) for i in ids)
        _expect(good, f"'{part}.{name}' is a list of ids")


def _expect(condition: bool, rule: str) -> None:
    if not condition:
        raise WorkflowError(f"Malformed patch: {rule}.")
