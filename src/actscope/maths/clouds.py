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
    x = np.asarray(cloud, dtype=np.float64)
    return x - x.mean(axis=-2, keepdims=True)


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
    square = np.einsum("...ij,...ij->...i", x, x)
    result = square[..., :, None] + square[..., None, :] - 2.0 * (x @ x.swapaxes(-1, -2))
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
    return x @ x.swapaxes(-1, -2)
