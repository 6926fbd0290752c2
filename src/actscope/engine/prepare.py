"""From what a caller gives to what the engine takes: data, weights, orders, seeds, schedule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from actscope.engine.checks import whole
from actscope.engine.spec import Data, Net, Schedule, Training, Weights
from actscope.errors import BadSpec

T = TypeVar("T")

DATA_FORMS = "(x, y), (x, y, x_test, y_test), or an object with those names"


def as_data(given: Any) -> Data:
    """The four arrays of a tuple, or of an object that has them by name.

    Raises:
        BadSpec: it is neither.

    Example:
        >>> as_data(([[0.0, 1.0]], [1])).x
        array([[0., 1.]])
    """
    parts: tuple[Any, ...]
    if isinstance(given, (tuple, list)):
        parts = tuple(given)
        if len(parts) not in (2, 4):
            raise BadSpec("data", f"{len(parts)} parts", DATA_FORMS)
    elif hasattr(given, "x_train") and hasattr(given, "y_train"):
        parts = tuple(getattr(given, n, None) for n in ("x_train", "y_train", "x_test", "y_test"))
    elif hasattr(given, "x") and hasattr(given, "y"):
        parts = tuple(getattr(given, n, None) for n in ("x", "y", "x_test", "y_test"))
    else:
        raise BadSpec("data", type(given).__name__, DATA_FORMS)
    x, y, x_test, y_test = parts if len(parts) == 4 else (*parts, None, None)
    if x is None or y is None:
        raise BadSpec("data", None, DATA_FORMS)
    if (x_test is None) != (y_test is None):
        raise BadSpec("data.x_test", x_test, "x_test and y_test together, or neither")
    test = () if x_test is None else (_array("data.x_test", x_test), _array("data.y_test", y_test))
    return Data(_array("data.x", x), _array("data.y", y), *test)


def _array(name: str, given: Any) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except (TypeError, ValueError):  # rows of different lengths
        raise BadSpec(name, type(given).__name__, "an array of numbers") from None


def check_data(net: Net, training: Training, data: Data) -> Data:
    """The data in the one form that kernels read, all float64 but the labels.

    Args:
        net: says how many inputs and outputs.
        training: its loss says what y holds; its dtype has to hold every number.
        data: as it was given.

    Returns:
        x (points, inputs) float64; y (points, outputs) float64, or (points,) int64 labels for
        cross_entropy; the same for the test set.

    Raises:
        BadSpec: shapes that do not fit, no points, NaN or infinity, a label out of range.
    """
    if training.loss == "cross_entropy" and net.outputs < 2:
        raise BadSpec("Net.outputs", net.outputs, "2 or more, one for each class of cross_entropy")
    x, y = _points(net, training, "", data.x, data.y)
    if data.x_test is None:
        return Data(x, y)
    return Data(x, y, *_points(net, training, "_test", data.x_test, data.y_test))


def _points(
    net: Net, training: Training, suffix: str, x: Any, y: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """One of the two sets, checked."""
    y_name = f"data.y{suffix}"
    x = check_points(net, training.dtype, x, f"data.x{suffix}")
    y = _finite(y_name, y, training.dtype)
    flat = (len(x),)
    shapes: list[tuple[int, ...]]
    shapes = [flat] if training.loss == "cross_entropy" else [(len(x), net.outputs)]
    if net.outputs == 1:
        shapes.append(flat)
    if y.shape not in shapes:
        raise BadSpec(y_name, f"shape {y.shape}", " or ".join(str(s) for s in shapes))
    if training.loss == "cross_entropy":
        _labels(y_name, y, net.outputs)
        return x, y.astype(np.int64)
    if training.loss == "bce":
        _labels(y_name, y, 2)
    return x, np.ascontiguousarray(y.reshape(len(x), net.outputs))


def check_points(net: Net, dtype: str, x: Any, name: str = "x") -> NDArray[np.float64]:
    """Points that a net takes, (points, inputs).

    Raises:
        BadSpec: another shape, no points, or a number that is not finite.
    """
    points = _finite(name, x, dtype)
    if points.ndim != 2 or points.shape[1] != net.inputs or not len(points):
        raise BadSpec(name, f"shape {points.shape}", f"(points, {net.inputs}), at least one point")
    return points


def _labels(name: str, y: NDArray[Any], classes: int) -> None:
    """Raise unless every label is one of 0, 1, …, classes − 1."""
    wrong = (y != np.rint(y)) | (y < 0) | (y >= classes)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        spot = ", ".join(map(str, place))
        raise BadSpec(
            f"{name}[{spot}]", float(y[place]), f"a class from 0 to {classes - 1}, a whole number"
        )


def _finite(name: str, given: Any, dtype: str) -> NDArray[Any]:
    """`given` as contiguous float64, every number finite in `dtype` too."""
    try:
        if np.asarray(given).dtype.kind not in "biufO":  # no text, dates or complex numbers
            raise TypeError
        array = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadSpec(name, type(given).__name__, "an array of numbers") from None
    with np.errstate(over="ignore"):
        wrong = ~np.isfinite(array.astype(dtype, copy=False))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        spot = ", ".join(map(str, place))
        raise BadSpec(f"{name}[{spot}]", float(array[place]), f"a finite number in {dtype}")
    return array


def check_weights(net: Net, weights: Weights, networks: int, dtype: str) -> Weights:
    """Weights for `networks` networks of one shape, with a leading axis, checked.

    Raises:
        BadSpec: an array is missing, has a wrong shape, or holds a NaN or an infinity.
    """
    widths = list(zip(net.sizes, net.sizes[1:], strict=False))
    hidden = [(h,) for h in net.hidden] if net.norm else []
    biases = [(o,) for o in net.sizes[1:]]
    expected: dict[str, Sequence[tuple[int, ...]]]
    expected = {"W": widths, "b": biases, "gamma": hidden, "beta": hidden}
    parts = []
    for part, shapes in expected.items():
        arrays: tuple[Any, ...] = getattr(weights, part)
        if len(arrays) != len(shapes):
            raise BadSpec(f"weights.{part}", f"{len(arrays)} arrays", f"{len(shapes)} for {net}")
        checked = []
        for l, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
            a = _finite(f"weights.{part}[{l}]", array, dtype)
            if a.shape not in (shape, (1, *shape), (networks, *shape)):
                both = f"{shape} or {(networks, *shape)}"
                raise BadSpec(f"weights.{part}[{l}]", f"shape {a.shape}", both)
            checked.append(np.broadcast_to(a, (networks, *shape)))
        parts.append(tuple(checked))
    return Weights(*parts)


def check_orders(orders: Any, training: Training, networks: int, points: int) -> NDArray[np.int64]:
    """Explicit orders as (1 | networks, epochs, points) indices.

    Raises:
        BadSpec: a wrong shape, or an index that is no point.
    """
    array = np.asarray(orders)
    shape = (training.epochs, points)
    if array.shape == shape:
        array = array[None]
    if array.dtype.kind not in "iu" or array.shape[1:] != shape or len(array) not in (1, networks):
        given = f"{array.dtype} of shape {array.shape}"
        raise BadSpec("orders", given, f"whole numbers of shape {shape} or {(networks, *shape)}")
    if array.min() < 0 or array.max() >= points:
        raise BadSpec(
            "orders", f"{array.min()} to {array.max()}", f"indices from 0 to {points - 1}"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def check_seeds(seeds: Any) -> NDArray[np.uint64]:
    """Seeds as an array: an integer is that one seed; a range or a sequence gives several.

    Raises:
        BadSpec: a seed that is no whole number from 0 to 2⁶³ − 1, or none at all.

    Example:
        >>> check_seeds(range(3))
        array([0, 1, 2], dtype=uint64)
    """
    given = np.atleast_1d(np.asarray(seeds))
    if given.ndim != 1 or not len(given):
        raise BadSpec("seeds", seeds, "a whole number, or a sequence of at least one")
    if given.dtype.kind not in "iu":
        raise BadSpec("seeds", seeds, "whole numbers from 0 to 2⁶³ − 1")
    wrong = (given < 0) | (given > np.iinfo(np.int64).max)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise BadSpec(f"seeds[{i}]", int(given[i]), "a whole number from 0 to 2⁶³ − 1")
    return given.astype(np.uint64)


def schedule(
    epochs: int, loss_every: int = 0, trace_every: int = 0, snapshots: Iterable[int] = ()
) -> Schedule:
    """What is recorded when, from "every k epochs" (0: losses at the end only, traces never).

    Traces start before training; losses always include the last epoch.

    Raises:
        BadSpec: a step or a snapshot that cannot be.

    Example:
        >>> schedule(10, loss_every=4, trace_every=5, snapshots=[0])
        Schedule(losses_at=(4, 8, 10), traces_at=(0, 5, 10), snapshots_at=(0,))
    """
    loss_every = whole("loss_every", loss_every, 0)
    trace_every = whole("trace_every", trace_every, 0)
    kept = {whole(f"snapshots[{i}]", e, 0, epochs) for i, e in enumerate(snapshots)}
    losses = {*range(loss_every, epochs + 1, loss_every)} if loss_every else set[int]()
    traces = range(0, epochs + 1, trace_every) if trace_every else ()
    return Schedule(tuple(sorted(losses | {epochs})), tuple(traces), tuple(sorted(kept)))


def broadcast(field: str, items: Sequence[T], count: int) -> tuple[T, ...]:
    """`items` for `count` networks: one is repeated, `count` are taken as they are.

    Raises:
        BadSpec: there are neither one nor `count`.

    Example:
        >>> broadcast("nets", ["a"], 3)
        ('a', 'a', 'a')
    """
    if len(items) not in (1, count):
        raise BadSpec(
            field,
            f"{len(items)} given",
            f"1 or {count} (nets, training and seeds go side by side; for every combination "
            "repeat them, as itertools.product does)",
        )
    return tuple(items) * (count if len(items) == 1 else 1)
