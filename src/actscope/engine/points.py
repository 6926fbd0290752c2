"""What a trace looks at: points, their classes, their distances to the true boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.datasets import Dataset, dataset
from actscope.engine.spec import Net
from actscope.errors import InputError
from actscope.metrics.far_near_resolution import FAR, NEAR

Floats = NDArray[np.float64]
LADDER_POINTS = 32


@dataclass(frozen=True, eq=False)
class Points:
    """What a trace looks at.

    Attributes:
        x: (n, inputs).
        y: (n,) labels or targets, or None.
        distances: (n,) signed distances to the true boundary, or None.
        classes: how many classes; 0 for a regression or without y.
        ladder: (3m, inputs), m points of the boundary, then moved by 5 and by 50; or None.
    """

    x: Floats
    y: NDArray[Any] | None = None
    distances: Floats | None = None
    classes: int = 0
    ladder: Floats | None = None


def look(data: Any, net: Net, points: int, seed: int) -> Points:
    """What to look at, from a data set or from arrays.

    Args:
        data: a data set or its name, Points, x, (x,), (x, y) or (x, y, distances).
        net: the shape that the points must fit.
        points: how many are drawn from a data set.
        seed: of that draw.

    Raises:
        InputError: the shapes do not fit the network or one another.
    """
    if isinstance(data, str | Dataset):
        result = _drawn(dataset(data), points, seed)
    else:
        result = data if isinstance(data, Points) else _arrays(data)
    if result.x.ndim != 2 or result.x.shape[1] != net.inputs or not len(result.x):
        raise InputError(
            f"trace: points of shape {result.x.shape}: expected (n, {net.inputs}) for {net!r}"
        )
    for name, value in (("y", result.y), ("distances", result.distances)):
        if value is not None and value.shape != (len(result.x),):
            raise InputError(
                f"trace: {name} of shape {value.shape}: expected ({len(result.x)},), one a point"
            )
    return result


def _drawn(law: Dataset, points: int, seed: int) -> Points:
    """Points of a law, standardised, with its truth in that space."""
    x, y = law.draw(points, np.random.default_rng(seed))
    x, law = law.standardised(x)
    near = None if law.boundary is None else np.asarray(law.boundary(x))
    return Points(x, y, near, max(law.classes, 0), None if near is None else ladder_of(law, x))


def _arrays(data: Any) -> Points:
    """(x,), (x, y) or (x, y, distances), or x alone."""
    parts = data if isinstance(data, tuple) else (data,)
    if not 1 <= len(parts) <= 3:
        raise InputError("trace: data: expected x, (x, y) or (x, y, distances)")
    x = np.asarray(parts[0], dtype=np.float64)
    y = np.asarray(parts[1]) if len(parts) > 1 and parts[1] is not None else None
    near = np.asarray(parts[2], dtype=np.float64) if len(parts) > 2 else None
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y is not None and y.dtype.kind in "fb" and np.isin(y, (0.0, 1.0)).all():
        y = y.astype(np.int64)  # 0.0 and 1.0 are two classes too
    whole = y is not None and y.ndim == 1 and y.dtype.kind in "iu" and len(y) > 0
    classes = int(y.max()) + 1 if whole and y is not None and y.min() >= 0 else 0
    return Points(x, y, near, classes)


def ladder_of(law: Dataset, x: Floats) -> Floats | None:
    """Points of the boundary near the data, then moved by 5 and 50 along the normal.

    To the side of class 1 for every other point, to the side of class 0 for the rest.
    """
    assert law.boundary is not None
    start = x[:LADDER_POINTS].copy()
    step = 1e-5 * np.eye(x.shape[1])
    for _ in range(8):  # |∇distance| = 1, so each step lands on the boundary but at ridges
        slopes = [law.boundary(start + s) - law.boundary(start - s) for s in step]
        normal = np.stack(slopes, axis=1) / 2e-5
        size = np.linalg.norm(normal, axis=1)
        on = np.abs(law.boundary(start)) < 1e-9
        if on.all():
            break
        start = start - law.boundary(start)[:, None] * normal
    good = (np.abs(law.boundary(start)) < 1e-2) & (np.abs(size - 1.0) < 0.1)
    if not good.any():
        return None
    side = np.where(np.arange(len(start)) % 2 == 0, 1.0, -1.0)[:, None]
    away = (side * normal / size[:, None])[good]
    return np.concatenate([start[good], start[good] + NEAR * away, start[good] + FAR * away])


def loss_of(net: Net, given: Points) -> str:
    """The loss that fits the data."""
    if given.classes < 2:
        return "mse"
    return "bce" if given.classes == 2 and net.outputs == 1 else "cross_entropy"
