"""Distances and Gram matrices of clouds of points.

A cloud is an array (n, d): n points with d numbers each. Leading axes are further clouds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def centred(cloud: ArrayLike) -> Floats:
    """The cloud with the mean of every coordinate over its points moved to 0.

    Example:
        >>> centred([[1.0, 5.0], [3.0, 5.0]])
        array([[-1.,  0.],
               [ 1.,  0.]])
    """
    x: Floats = np.asarray(cloud, dtype=np.float64)
    result: Floats = x - x.mean(axis=-2, keepdims=True)
    return result


def distances(cloud: ArrayLike) -> Floats:
    """Euclidean distances of all pairs of points, (n·(n − 1)/2,) in SciPy's order.

    Differences are taken coordinate by coordinate, so that two points that differ by 1e-6
    about a mean of 1 keep their distance.

    Args:
        cloud: (n, d), one cloud.

    Example:
        >>> distances([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
        array([5.        , 1.        , 4.24264069])
    """
    from scipy.spatial.distance import pdist

    return np.asarray(pdist(np.asarray(cloud, dtype=np.float64)))


def squared_distances(cloud: ArrayLike) -> Floats:
    """Squared Euclidean distances of all pairs, (..., n, n), 0 on the diagonal.

    |x|² + |y|² − 2x·y about the cloud's mean: fast for many clouds at once, and off by about
    1e-16 of the squared diameter. `distances` is its slow and exact twin.

    Args:
        cloud: (..., n, d).

    Example:
        >>> squared_distances([[0.0, 0.0], [3.0, 4.0]])
        array([[ 0., 25.],
               [25.,  0.]])
    """
    x = centred(cloud)
    square: Floats = np.einsum("...ij,...ij->...i", x, x)
    result: Floats = square[..., :, None] + square[..., None, :] - 2.0 * (x @ x.swapaxes(-1, -2))
    np.maximum(result, 0.0, out=result)
    n = x.shape[-2]
    result[..., range(n), range(n)] = 0.0
    return result


def gram(cloud: ArrayLike) -> Floats:
    """Inner products of all pairs about the cloud's mean, (..., n, n).

    Example:
        >>> gram([[1.0], [3.0]])
        array([[ 1., -1.],
               [-1.,  1.]])
    """
    x = centred(cloud)
    result: Floats = x @ x.swapaxes(-1, -2)
    return result


def cosines(cloud: ArrayLike, centre: bool = False) -> Floats:
    """Cosines of the angles between all pairs of points, seen from the origin, (..., n, n).

    Args:
        cloud: (..., n, d).
        centre: see them from the cloud's mean instead.

    Returns:
        Numbers in [−1, 1], 1 on the diagonal; NaN for a point that lies where it is seen from.

    Example:
        >>> cosines([[1.0, 0.0], [0.0, 3.0], [2.0, 2.0]]).round(4)
        array([[1.    , 0.    , 0.7071],
               [0.    , 1.    , 0.7071],
               [0.7071, 0.7071, 1.    ]])
    """
    unit = _directions(cloud, centre)
    result: Floats = np.clip(unit @ unit.swapaxes(-1, -2), -1.0, 1.0)
    n = unit.shape[-2]
    known = np.isfinite(result[..., range(n), range(n)])
    result[..., range(n), range(n)] = np.where(known, 1.0, np.nan)
    return result


def angles(cloud: ArrayLike, centre: bool = False) -> Floats:
    """Angles between all pairs of points in radians, (..., n, n), 0 on the diagonal.

    2·atan2(|u − v|, |u + v|) of the directions u, v: an arc cosine would lose angles below 1e-8.

    Args:
        cloud: (..., n, d).
        centre: see them from the cloud's mean and not from the origin.

    Returns:
        Numbers in [0, π]; NaN for a point that lies where it is seen from.

    Example:
        >>> angles([[1.0, 0.0], [1.0, 1e-12], [-1.0, 0.0]])[0]
        array([0.00000000e+00, 1.00000000e-12, 3.14159265e+00])

    Source: Kahan 2006, How futile are mindless assessments of roundoff, section 12.
    """
    unit = _directions(cloud, centre)
    u, v = unit[..., :, None, :], unit[..., None, :, :]
    apart, together = (np.sqrt(np.square(w).sum(axis=-1)) for w in (u - v, u + v))
    result: Floats = 2.0 * np.arctan2(apart, together)
    return result


def _directions(cloud: ArrayLike, centre: bool) -> Floats:
    x: Floats = centred(cloud) if centre else np.asarray(cloud, dtype=np.float64)
    top = np.abs(x).max(axis=-1, keepdims=True, initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = x / top  # scaled first: squares of 1e-160 would underflow
        result: Floats = x / np.sqrt(np.square(x).sum(axis=-1, keepdims=True))
    return result
