"""The order of the data: a permutation for every (seed, epoch), the same wherever it is drawn.

The engine draws orders inside its kernels, epoch by epoch, so that 100,000 networks need no
memory for them. `order` here is the same in NumPy, for `reference.py`, peers and tests. A draw is
a function of seed, epoch and position alone, so it depends neither on threads nor on lanes.

A Fisher-Yates shuffle from the last place down: place i takes j = ⌊u·(i + 1)/2³²⌋ with u the upper
32 bits of mix(key + (i + 1)·GOLDEN), key = mix(seed + (epoch + 1)·GOLDEN); mix is the finaliser of
SplitMix64. (⌊…⌋ favours some j by less than (i + 1)/2³².)

Source: Steele, Lea & Flood 2014, Fast splittable pseudorandom number generators
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GOLDEN = 0x9E3779B97F4A7C15
MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))


def mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser, a bijection of 64-bit words.

    Example:
        >>> mix(np.array([GOLDEN], dtype=np.uint64))
        array([16294208416658607535], dtype=uint64)
    """
    for shift, factor in MIX:
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return z


def order(seed: int, epoch: int, points: int) -> NDArray[np.int64]:
    """The order of the data in one epoch.

    Args:
        seed: of the network, 0 to 2⁶⁴ − 1.
        epoch: from 0.
        points: how many.

    Returns:
        (points,), a permutation of their indices.

    Example:
        >>> order(42, 0, 8).tolist() == sorted(order(42, 0, 8).tolist())
        False
        >>> sorted(order(42, 0, 8).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7]
    """
    key = mix(np.array([(seed + (epoch + 1) * GOLDEN) % 2**64], dtype=np.uint64))
    places = np.arange(points, dtype=np.uint64)
    words = mix(key + (places + np.uint64(1)) * np.uint64(GOLDEN)) >> np.uint64(32)
    picks = ((words * (places + np.uint64(1))) >> np.uint64(32)).tolist()
    result = list(range(points))
    for i in range(points - 1, 0, -1):
        j = picks[i]
        result[i], result[j] = result[j], result[i]
    return np.array(result, dtype=np.int64)


def orders(seed: int, epochs: int, points: int) -> NDArray[np.int64]:
    """`order` of every epoch, (epochs, points)."""
    return np.array([order(seed, epoch, points) for epoch in range(epochs)])
