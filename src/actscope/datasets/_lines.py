"""Signed distance from points to a line of straight pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NEAREST = 6  # vertices looked at: the nearest piece ends in one of them


def signed_distance(line: Floats, x: Floats) -> Floats:
    """Euclidean distance of points to a polygonal line, positive on its left.

    Args:
        line: (m, 2) vertices in order; the pieces are short beside the line's radius of
            curvature, and the distance is off by about piece²/(8·radius).
        x: (n, 2) points; a row that is not finite gives NaN.

    Returns:
        (n,).

    Example:
        >>> signed_distance(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.5, 2.0], [2.0, -1.0]]))
        array([ 2.        , -1.41421356])
    """
    from scipy.spatial import KDTree

    good = np.isfinite(x).all(axis=1)
    result = np.full(len(x), np.nan)
    if not good.any():
        return result
    points = x[good]
    _, near = KDTree(line).query(points, k=min(NEAREST, len(line)))
    start = np.concatenate([near - 1, near], axis=1).clip(0, len(line) - 2)  # both pieces at each
    a, along = line[start], line[start + 1] - line[start]  # (n, pieces, 2)
    gap = points[:, None] - a
    length = np.einsum("npi,npi->np", along, along)
    share = np.einsum("npi,npi->np", gap, along) / np.where(length > 0.0, length, 1.0)
    share = share.clip(0.0, 1.0)
    gap -= share[..., None] * along
    reach = np.linalg.norm(gap, axis=2)
    best = np.argmin(reach, axis=1)
    rows = np.arange(len(points))
    normal = _normals(line, start[rows, best], share[rows, best])
    side = np.einsum("ni,ni->n", gap[rows, best], normal)
    result[good] = np.copysign(reach[rows, best], side)
    return result


def _normals(line: Floats, piece: NDArray[np.int64], share: Floats) -> Floats:
    """The left normal at a foot point: at a vertex, the sum of its two pieces' normals."""
    along = np.diff(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    normals = np.stack([-along[:, 1], along[:, 0]], axis=1)
    other = (piece + np.where(share >= 1.0, 1, np.where(share <= 0.0, -1, 0))).clip(
        0, len(along) - 1
    )
    total: Floats = normals[piece] + normals[other]
    return total
