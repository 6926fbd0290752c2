"""What function a site applies: its values on a grid, its name, its flat tails."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actscope.activations import SHELF, Activation, activation
from actscope.errors import ActscopeError
from actscope.probe.expressions import Expression, learns, replay, text
from actscope.probe.keep import random_kept

Floats = NDArray[np.float64]

FLAT = (
    0.01 - 1e-9
)  # of the largest slope: below it a function is flat (1 %, leaky ReLU's 0.01 is not)
STEP = 1.0 / 64.0
GRID: Floats = np.arange(-16.0, 16.0 + STEP / 2, STEP)
FAR = 1e3  # where a tail has reached its limit


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """One end of a function where it is flat.

    Attributes:
        limit: the value it tends to.
        within: an output at most this far from the limit counts as saturated.
        edge: the input beyond which the slope stays below 1 % of its largest.
        side: "below" or "above" where every other output lies on one side of the limit, and
            one comparison is enough; "around" where outputs lie on both sides.
    """

    limit: float
    within: float
    edge: float
    side: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a site computes.

    Attributes:
        name: the catalogue's name, or how it is written ("x * sigmoid(p * x)").
        formula: how it is written in the model.
        record: the catalogue's record, or None.
        table: values on GRID, or None for what has none (softmax, GLU).
        low, high: its flat tails, or None.
        rectifies: whether a unit in the low tail is silent: dead if it always is.
        learnt: a parameter of the model is in its formula, so that it changes in training.
    """

    name: str
    formula: str
    record: Activation | None
    table: Floats | None
    low: Tail | None
    high: Tail | None
    rectifies: bool
    learnt: bool = False

    @property
    def named(self) -> bool:
        """Whether the function has a name of its own; others are called by how they are written."""
        return not self.learnt and (self.record is not None or self.name in _NAMED)

    def values(self, z: Floats) -> Floats:
        """The function at other points, from the record or between the grid's points."""
        if self.record is not None:
            return np.asarray(self.record(z), dtype=np.float64)
        assert self.table is not None
        inside = np.interp(z, GRID, self.table)
        left = self.table[0] + (z - GRID[0]) * (self.table[1] - self.table[0]) / STEP
        right = self.table[-1] + (z - GRID[-1]) * (self.table[-1] - self.table[-2]) / STEP
        result: Floats = np.where(z < GRID[0], left, np.where(z > GRID[-1], right, inside))
        return result

    def flat(self, z: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where the slope at inputs is below 1 % of its largest: before the steepest place, after.

        Of functions that turn (GELU) the outputs do not tell.
        """
        assert self.table is not None
        between, slope = GRID[:-1] + STEP / 2, np.diff(self.table) / STEP
        steepest = int(np.argmax(np.abs(slope)))
        flat = np.abs(np.interp(z, between, slope)) < FLAT * abs(slope[steepest])
        return flat & (z < between[steepest]), flat & (z > between[steepest])


def plain(label: str) -> Identity:
    """The identity of what is no elementwise function: softmax, GLU."""
    return Identity(label, label, None, None, None, None, False)


def identify(expression: Expression, shape: tuple[int, ...], device: Any) -> Identity | None:
    """What an expression computes; None where it is a straight line over the grid.

    Args:
        expression: as a pass built it.
        shape: of its source, for modules that accept one shape only.
        device: where its parameters are.
    """
    key = getattr(expression.func, "key", None)
    if key is None:
        return _identified(expression, shape, device)
    if key not in _by_behaviour:
        _by_behaviour[key] = _identified(expression, shape, device)
    return _by_behaviour[key]


# leaky ReLUs with a slope that is learnt, or drawn
_OWN_NAMES = ("prelu", "rrelu")
_by_behaviour: dict[Hashable, Identity | None] = {}


def _identified(expression: Expression, shape: tuple[int, ...], device: Any) -> Identity | None:
    formula = text(expression)
    points = np.concatenate([GRID, [-FAR, FAR]])
    with random_kept():  # a module may draw numbers
        values = _evaluate(expression, points, shape, device)
    if values is None:
        name = expression.name
        return Identity(name, formula, None, None, None, None, False)
    named = expression.module_path is not None
    found = _of_values(values.tobytes(), formula, expression.name if named else formula)
    own, learnt = expression.name.lower(), learns(expression)
    if found is None and learnt:  # a straight line today, and bent tomorrow
        found = Identity(formula, formula, None, values[:-2], None, None, False)
    if found is None:
        return None
    if own in _OWN_NAMES:
        return dataclasses.replace(found, name=own)
    return dataclasses.replace(found, name=formula, learnt=True) if learnt else found


@functools.lru_cache(maxsize=512)
def _of_values(values: bytes, formula: str, written: str) -> Identity | None:
    """The identity of a function by its values on GRID and at ±FAR.

    Args:
        values: in float64, as bytes.
        formula: how it is written in the model.
        written: its name if the catalogue has none.
    """
    table = np.frombuffer(values)
    table, far = table[:-2], table[-2:]
    if _straight(table):
        return None
    record = _record(table)
    name = record.key if record is not None else _known(table) or written
    low, high = _tail(table, far[0], False), _tail(table, far[1], True)
    silent = low is not None and abs(low.limit) < 1e-6
    at_zero = abs(table[len(GRID) // 2])
    rectifies = silent and (high is None or at_zero < 1e-6)
    return Identity(name, formula, record, table, low, high, rectifies)


def _evaluate(
    expression: Expression, points: Floats, shape: tuple[int, ...], device: Any
) -> Floats | None:
    """The expression at points, or None where it cannot be evaluated."""
    x = torch.as_tensor(points, dtype=_wide(device), device=device)
    tail = (1,) * max(0, len(shape) - 1)
    for rest in dict.fromkeys([tail, shape[1:2] + (1,) * max(0, len(shape) - 2), shape[1:]]):
        if math.prod(rest) * len(points) > 1 << 23:
            continue
        try:
            grid = x.reshape(-1, *(1,) * len(rest)).expand(-1, *rest).contiguous()
            with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
                y = replay(expression, grid).cpu().to(torch.float64)  # MPS has no such type
        except Exception:  # a user's module may take one shape only: the next is tried
            continue
        if y.shape[0] == len(points) and y.numel() == grid.numel():
            return np.asarray(y.reshape(len(points), -1).mean(1))
    return None


def _wide(device: Any) -> Any:
    return torch.float32 if torch.device(device).type == "mps" else torch.float64


def _straight(table: Floats) -> bool:
    near = table[np.abs(GRID) <= 12.0]
    line = np.linspace(near[0], near[-1], near.size)
    return bool(np.allclose(near, line, rtol=0, atol=1e-6 * (1e-12 + np.ptp(near))))


@functools.cache
def _catalogue() -> list[tuple[Activation, Floats]]:
    found = []
    for record in SHELF:
        if record.name not in {"identity", "prelu", "rrelu"}:
            with np.errstate(all="ignore"):
                found.append((record, np.asarray(record(GRID), dtype=np.float64)))
    # the plain ones first, so that leaky ReLU with slope 0 is ReLU
    order = lambda pair: (len(pair[0].params), pair[0].name == "celu", pair[0].name)
    return sorted(found, key=order)


def _same(table: Floats, other: Floats) -> bool:
    return bool(np.allclose(table, other, rtol=2e-6, atol=2e-6, equal_nan=True))


def _record(table: Floats) -> Activation | None:
    for record, values in _catalogue():
        if _same(table, values):
            return record
    return next((r for r in _fitted(table) if _same(table, np.asarray(r(GRID)))), None)


def _fitted(table: Floats) -> Iterator[Activation]:
    """Leaky ReLU and ELU with the parameter that the table shows."""
    one = round((-1.0 - GRID[0]) / STEP)
    guesses = {"leaky_relu": -table[one], "elu": table[one] / math.expm1(-1.0)}
    for name, value in guesses.items():
        try:
            record = SHELF.get(name)
            yield activation(name, **{record.params[0].name: float(value)})
        except (ActscopeError, IndexError):
            continue


def _sigmoid(z: Floats) -> Floats:
    result: Floats = 0.5 * (1.0 + np.tanh(0.5 * z))
    return result


# functions with a name of their own that the catalogue has no record of
_NAMED: dict[str, Callable[[Floats], Floats]] = {
    "quick_gelu": lambda z: z * _sigmoid(1.702 * z),
    "relu_squared": lambda z: np.maximum(z, 0.0) ** 2,
    "exp": np.exp,
    "square": np.square,
}


def _known(table: Floats) -> str | None:
    return next((name for name, f in _NAMED.items() if _same(table, f(GRID))), None)


def _at_edge(y: Floats, slope: Floats, edge: int, top: float) -> float:
    """The value where the slope reaches 1 %, between two points of the grid.

    Args:
        y: a table from its flat end on.
        slope: between each point and the next.
        edge: the first of these that is not flat.
        top: the largest.
    """
    below, above = slope[edge - 1], slope[edge]
    place = edge - 0.5 + (FLAT * top - below) / (above - below)
    return float(np.interp(place, np.arange(y.size), y))


def _tail(table: Floats, far: float, high: bool) -> Tail | None:
    """The flat end of a table on one side."""
    y = table[::-1] if high else table
    slope = np.abs(np.diff(y)) / STEP
    top = np.nanmax(slope)
    if not np.isfinite(far) or not np.isfinite(table).all() or abs(far - y[0]) > 0.05 * top:
        return None
    bent = np.flatnonzero(slope >= FLAT * top)
    if bent.size == 0 or bent[0] < 2.0 / STEP:  # flat for a stretch, not for a point
        return None
    edge = int(bent[0])
    within = float(np.max(np.abs(y[:edge] - far), initial=abs(_at_edge(y, slope, edge, top) - far)))
    within = within if within > 1e-9 else 0.0
    rest = y[edge:]
    side = "around"
    if (rest >= far - 1e-12).all() and (y >= far - 1e-12).all():
        side = "below"
    elif (rest <= far + 1e-12).all() and (y <= far + 1e-12).all():
        side = "above"
    at = float(GRID[::-1][edge] if high else GRID[edge])
    return Tail(float(far), within, at, side)
