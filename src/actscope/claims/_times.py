"""Times compared: sessions with arrays of their own, each function in turn within a session.

Rounds of one session share their arrays' places in memory and the machine's mood, so an interval
over them would be too narrow. A session is the unit: its number is the median ratio of its rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from actscope.claims._rules import Floats
from actscope.maths.blas import ONE_BLAS_THREAD
from actscope.maths.timing import interleaved

SESSIONS, ROUNDS = 15, 7

# what an inference library computes, in NumPy and float32
FORMS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda z: np.maximum(z, np.float32(0)),
    "sigmoid": lambda z: np.float32(1) / (np.float32(1) + np.exp(-z)),
}


def ratios(
    calls: Callable[[np.random.Generator], Mapping[str, Callable[[], Any]]], base: str
) -> dict[str, Floats]:
    """Each function's time over that of `base`, (sessions,); one BLAS thread.

    Args:
        calls: makes the functions of a session, with new arrays.
        base: the name of the one to compare with.

    Example:
        >>> found = ratios(lambda rng: {"a": lambda: sum(range(9)), "b": lambda: 1}, "a")
        >>> found["b"].shape, bool((found["a"] == 1.0).all())
        ((15,), True)
    """
    found: dict[str, list[float]] = {}
    with ONE_BLAS_THREAD:
        for session in range(SESSIONS):
            taken = interleaved(calls(np.random.default_rng(session)), rounds=ROUNDS)
            for name, seconds in taken.items():
                found.setdefault(name, []).append(float(np.median(seconds / taken[base])))
    return {name: np.array(values) for name, values in found.items()}
