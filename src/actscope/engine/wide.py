"""Nets that are too wide for lanes: one network at a time, its products done by BLAS.

The code is that of reference.py in the dtype of the training; networks run in threads, each
with single-threaded BLAS, so that the number of threads changes no result.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine import orders as draws
from actscope.engine import reference
from actscope.engine.gather import joined
from actscope.engine.spec import Data, Floats, Net, Raw, Schedule, Training, Weights
from actscope.maths.blas import ONE_BLAS_THREAD

# Measured on two Zen 4 cores, three hidden layers, ms an epoch of one network, lanes (16 networks
# side by side) against this file. ReLU: width 256 4.1, 5.8; 384 10, 13; 512 23, 21. GELU: 11, 21
# and 22, 39 at the last two. Lanes need 16 networks for that; here one is as good as many, and
# 16 networks of more than a million weights would not fit in memory side by side.
WIDEST_LANES = 384
MOST_PARAMETERS = 1 << 20


def is_wide(net: Net) -> bool:
    """Whether a net goes this way. It depends on its shape alone, never on how many there are.

    Example:
        >>> is_wide(Net(2, hidden=(384, 384))), is_wide(Net(2, hidden=(512, 8)))
        (False, True)
    """
    return max(net.hidden) > WIDEST_LANES or net.parameters > MOST_PARAMETERS


def run_wide(
    net: Net,
    training: Training,
    data: Data,
    weights: Weights,
    orders: NDArray[Any] | None,
    lr: Floats,
    schedule: Schedule,
    threads: int,
) -> Raw:
    """What train.run_blocks does, network by network; it says what the arguments are."""
    dtype = training.dtype
    x_test, y_test = data.x_test, data.y_test
    typed = Data(
        _typed(data.x, dtype),
        _typed(data.y, dtype),
        None if x_test is None else _typed(x_test, dtype),
        None if y_test is None else _typed(y_test, dtype),
    )

    def one(i: int) -> Raw:
        own = dataclasses.replace(training, lr=float(lr[i]))
        order = _order(training, orders, i, len(data.x))
        return reference.run(net, own, typed, weights.network(i), order, schedule, dtype)

    with ONE_BLAS_THREAD, ThreadPoolExecutor(threads) as pool:
        return _stacked(list(pool.map(one, range(len(lr)))), dtype)


def _order(
    training: Training, orders: NDArray[Any] | None, i: int, points: int
) -> NDArray[np.int64]:
    """The order that network i sees, (epochs, points)."""
    if orders is not None and orders.ndim == 3:
        given: NDArray[np.int64] = orders[i if len(orders) > 1 else 0]
        return given
    if orders is None or not training.shuffle:
        return np.tile(np.arange(points), (training.epochs, 1))
    return draws.orders(int(orders[i]), training.epochs, points)


def _typed(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """The array in the dtype of the training; labels stay whole numbers."""
    return array if array.dtype.kind in "iu" else array.astype(dtype)


def _stacked(raws: list[Raw], dtype: str) -> Raw:
    """One Raw of all networks."""
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(Raw):
        parts = [getattr(raw, field.name) for raw in raws]
        if field.name == "weights":
            fields[field.name] = joined(parts)
        elif field.name == "snapshots":
            fields[field.name] = tuple(joined(shots) for shots in zip(*parts, strict=True))
        else:
            kind = np.int64 if field.name == "diverged_at" else np.dtype(dtype)
            fields[field.name] = np.concatenate(parts).astype(kind)
    return Raw(**fields)
