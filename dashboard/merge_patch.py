"""JSON merge patch (RFC 7396): the difference between two JSON objects as a JSON object.

A merge patch cannot set a member to null (null removes it), so objects which are compared and
patched here hold no nulls: what is absent has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any
Object = dict[str, Any]


def pruned(value: Json) -> Json:
    """``value`` without members that are None, at any depth of its objects and lists."""
    if isinstance(value, Mapping):
        return {key: pruned(member) for key, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [pruned(item) for item in value]
    return value


def diff(old: Json, new: Json) -> Json:
    """The patch that makes ``new`` out of ``old``; ``new`` None means: remove it."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    patch: Object = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif old[key] != value:
            patch[key] = diff(old[key], value)
    return patch


def apply(target: Json, patch: Json) -> Json:
    """``target`` after ``patch``, by the pseudo-code of RFC 7396; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result: Object = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply(result.get(key), value)
    return result


def put(patch: Object, path: tuple[str, ...], value: Json) -> None:
    """Place ``value`` at ``path`` in ``patch``, making the objects on the way."""
    for key in path[:-1]:
        patch = patch.setdefault(key, {})
    patch[path[-1]] = value
