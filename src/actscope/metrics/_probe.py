"""A linear reader of a layer: ridge regression in whitened coordinates, cross-validated.

An affine map of the layer's output changes nothing: the points are brought to orthonormal
coordinates U (their left singular vectors, labels unseen) and the ridge acts there, so it takes
every direction alike. Its strength is 1e-6 of a coordinate's variance: it stabilises, and
shrinks nothing that could be seen. Directions below the rounding of float64 are left out.

As U'U = I over all points, the matrix of a training fold is I − (the test fold's), a small
problem for each fold, and many networks go through at once.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FOLDS, STRENGTH = 5, 1e-6


@functools.lru_cache(maxsize=32)
def folds(n: int) -> tuple[NDArray[np.int64], ...]:
    """Five disjoint sets of places, always the same for the same n."""
    order = np.random.default_rng(0).permutation(n)
    return tuple(np.sort(order[i::FOLDS]) for i in range(FOLDS))


def held_out(u: Floats, targets: Floats) -> Floats:
    """What a probe trained on the other four folds says of each point.

    Args:
        u: (..., n, r), coordinates of the layer as `decomposed` gives them.
        targets: (n, t).

    Returns:
        (..., n, t).
    """
    n = u.shape[-2]
    ones = np.full((*u.shape[:-1], 1), n**-0.5)
    q = np.concatenate([ones, u], axis=-1)  # orthonormal columns, and columns of zeros
    size = q.shape[-1]
    ridge = np.eye(size) * np.where(np.arange(size) > 0, STRENGTH, 0.0)
    whole = q.swapaxes(-1, -2) @ targets
    result = np.empty((*u.shape[:-1], targets.shape[1]))
    for test in folds(n):
        part = q[..., test, :]
        turned = part.swapaxes(-1, -2)
        matrix = np.eye(size) + ridge - turned @ part
        result[..., test, :] = part @ np.linalg.solve(matrix, whole - turned @ targets[test])
    return result


def fidelity(u: Floats, distances: Floats) -> Any:
    """R² of the held-out predictions of the distances, (...); NaN where it has no meaning.

    It has none with constant distances, and where a training fold has no more points than
    directions, so that it can be met exactly whatever the distances are.

    The reader knows what distances there are: a prediction that leaves their range by more than
    half of it is taken back to there. Without that, one held-out point in a direction that no
    other point takes is worth any negative number.
    """
    d = np.asarray(distances, dtype=np.float64)
    total = ((d - d.mean()) ** 2).sum()
    if total == 0.0 or not enough(u):
        return np.full(u.shape[:-2], np.nan)
    room = 0.5 * (d.max() - d.min())
    rest = d - np.clip(held_out(u, d[:, None])[..., 0], d.min() - room, d.max() + room)
    return 1.0 - (rest**2).sum(axis=-1) / total


def enough(u: Floats) -> bool:
    """Whether the smallest training fold has more points than directions, and one to spare."""
    n, r = u.shape[-2:]
    return bool(n - len(folds(n)[0]) > r + 1)
