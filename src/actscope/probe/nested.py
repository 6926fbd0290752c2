"""Tensors in nested containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

DEEP = 8


def leaves(value: Any, depth: int = 0) -> list[Any]:
    """The tensors in nested lists, tuples, mappings, dataclasses and plain objects, in order.

    Args:
        value: anything.
        depth: containers around it; past 8 they are left closed, and an object counts as 4.
    """
    if isinstance(value, torch.Tensor):
        return [value]
    if depth > DEEP or isinstance(value, (str, bytes, type, torch.nn.Module)):
        return []
    parts, deeper = _parts(value)
    return [t for part in parts for t in leaves(part, depth + deeper)]


def _parts(value: Any) -> tuple[list[Any], int]:
    """What a container holds, and how much deeper that is."""
    if isinstance(value, (list, tuple)):
        return list(value), 1
    if isinstance(value, Mapping):
        return list(value.values()), 1
    if hasattr(value, "__dataclass_fields__"):
        return [getattr(value, name, None) for name in value.__dataclass_fields__], 1
    if callable(getattr(value, "keys", None)) and callable(getattr(value, "values", None)):
        return list(value.values()), 1  # a TensorDict is no Mapping
    if hasattr(value, "__dict__") and not callable(value):
        return list(vars(value).values()), 4
    return [], 1


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of nested lists, tuples and plain dicts with every other thing changed.

    Containers in which nothing changes come back themselves.
    """
    if type(value) is dict:
        new: Any = {key: mapped(part, change) for key, part in value.items()}
        return new if any(new[key] is not part for key, part in value.items()) else value
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        parts = [mapped(part, change) for part in value]
        if all(a is b for a, b in zip(parts, value, strict=True)):
            return value
        named = hasattr(value, "_fields")
        return type(value)(*parts) if named else type(value)(parts)
    return change(value)
