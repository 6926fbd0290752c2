"""Time functions against one another, so that a noisy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

K = TypeVar("K")


def interleaved(
    calls: Mapping[K, Callable[[], Any]],
    rounds: int = 15,
    least: float = 2e-4,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[K, NDArray[np.float64]]:
    """Seconds per call of each function, measured in turn (A B C A B C).

    Args:
        calls: functions of no argument, by name; each is called once first and not counted.
        rounds: how many measurements of each.
        least: seconds one measurement lasts at least; a shorter function is repeated.
        clock: gives seconds; `own_time` for what runs in this thread alone.

    Returns:
        For each name the seconds of one call in every round, shape (rounds,). Quote medians, and
        for a comparison the median of the ratios round by round.

    Example:
        >>> taken = interleaved({"sum": lambda: sum(range(100))}, rounds=3)
        >>> taken["sum"].shape
        (3,)
    """
    repeats = {name: _repeats(call, least, clock) for name, call in calls.items()}
    seconds = {name: np.empty(rounds) for name in calls}
    for i in range(rounds):
        for name, call in calls.items():
            start = clock()
            for _ in range(repeats[name]):
                call()
            seconds[name][i] = (clock() - start) / repeats[name]
    return seconds


def own_time() -> float:
    """Seconds of processor time that this thread has had, in Python and in the system.

    For a function of one thread it is the time that the function takes on a core of its own:
    what other processes take of a busy machine does not count. The clock of the wall where the
    system's own counts in steps above a microsecond.
    """
    return time.thread_time() if _FINE else time.perf_counter()


_FINE = time.get_clock_info("thread_time").resolution <= 1e-6


def _repeats(call: Callable[[], Any], least: float, clock: Callable[[], float]) -> int:
    """How often a call is repeated so that one measurement lasts at least `least` seconds."""
    call()
    start = clock()
    call()
    return max(1, int(np.ceil(least / max(clock() - start, 1e-9))))
