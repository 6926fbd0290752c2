"""What a field may hold: a whole number, a number, a flag, a choice; errors name the field."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from actscope.errors import BadSpec, UnknownName


def whole(field: str, value: Any, low: int, high: int | None = None) -> int:
    """`value` as an int of [low, high]."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        upper = f"to {high}" if high is not None else "or more"
        raise BadSpec(field, value, f"a whole number, {low} {upper}")
    return int(value)


def number(field: str, value: Any, below: float = math.inf) -> float:
    """`value` as a finite float of [0, below)."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not 0 <= value < below:
        limit = "a finite number ≥ 0" if below == math.inf else f"a number in [0, {below:g})"
        raise BadSpec(field, value, limit)
    return float(value)


def flag(field: str, value: Any) -> bool:
    """`value` as a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise BadSpec(field, value, "True or False")
    return bool(value)


def choice(field: str, value: Any, known: tuple[str, ...]) -> str:
    """`value`, one of `known`; a NumPy type stands for its name."""
    if isinstance(value, (type, np.dtype)):
        value = getattr(np.dtype(value), "name", value)
    if value not in known:
        near = UnknownName(field, str(value), known).nearest
        hint = f"; did you mean {near!r}?" if near else ""
        raise BadSpec(field, value, f"one of {', '.join(known)}{hint}")
    return str(value)
