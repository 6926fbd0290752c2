"""Tensors in nested containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def leaves(value: Any, depth: int = 0) -> list[Any]:
    """The tensors in nested lists, tuples, mappings and dataclasses, in order.

    Args:
        value: anything.
        depth: containers around it; past 8 they are left closed.
    """
    if isinstance(value, torch.Tensor):
        return [value]
    if depth > 8:
        return []
    if isinstance(value, Mapping):
        value = list(value.values())
    elif hasattr(value, "__dataclass_fields__"):
        value = [getattr(value, name, None) for name in value.__dataclass_fields__]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in leaves(v, depth + 1)]
    return []
