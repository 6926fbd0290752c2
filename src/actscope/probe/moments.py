"""Moments of a site's outputs per unit, added up batch by batch in constant memory."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actscope.probe.identity import Tail

Floats = NDArray[np.float64]


def unit_dim(shape: tuple[int, ...], told: int | None) -> int:
    """The dimension that a site's units lie on.

    Args:
        shape: of the output.
        told: what the layer before says, if any: after the batch for a convolution or a batch
            norm, the last for a matrix product, an embedding or a layer norm.

    Returns:
        `told`, or else 1 for images (four or five dimensions) and the last for anything else.
    """
    if told is not None and -len(shape) <= told < len(shape):
        return told % len(shape)
    return 1 if len(shape) in (4, 5) else len(shape) - 1


FOLD = 16  # batches whose sums wait to be added up together


class Moments:
    """Sums over rows, per unit: what mean, variance, range and counts are made from.

    The sums are taken about the first row, so that the variance is right where the mean
    is large beside the spread, and are kept in float64 (float32 where a device has no float64).

    Args:
        low, high: the activation's flat tails, whose outputs are counted.
    """

    FIELDS = ("sum", "square", "low", "high", "zeros")

    def __init__(self, low: Tail | None = None, high: Tail | None = None) -> None:
        self.low, self.high = low, high
        self.units = self._rows = 0
        self.shift: Any = None
        self._parts: list[list[Any]] = []  # of the last few batches, not added up yet
        self._totals: Any = None
        self._least: Any = None
        self._most: Any = None
        self._held: tuple[Any, ...] | None = None  # shift, sums, range: as compiled code has them

    def add(self, y: Any, dim: int) -> None:
        """Add a batch.

        Args:
            y: floats of any shape; an empty batch adds nothing.
            dim: the dimension of the units; every other is rows.
        """
        if y.numel() == 0:
            return
        if y.dtype in (torch.float16, torch.bfloat16):
            y = y.float()
        if y.device.type == "cpu":
            self._compiled(y, dim)
        else:
            self._on_device(y, dim)

    def _compiled(self, y: Any, dim: int) -> None:
        """Add a batch by one pass of compiled code."""
        units = y.shape[dim]
        flat, inner = _columns(y, dim)
        rows = flat.numpy()
        known = self._held
        if known is None or known[0].size != units or known[0].dtype != rows.dtype:
            known = self._begin(rows, units, inner)
        kernels().add(rows, inner, *known, *_bounds(self.low, self.high, rows.dtype.char))
        self._rows += rows.size // units

    def _begin(self, rows: Any, units: int, inner: int) -> tuple[Any, ...]:
        """Fresh sums for the compiled code."""
        self._fresh(units)
        shift, ends = np.empty(units, rows.dtype), np.empty((2, units), rows.dtype)
        ends[0], ends[1] = np.inf, -np.inf
        kernels().shift_of(rows.reshape(len(rows), units, inner), shift)
        self._held = known = (shift, np.zeros((5, units)), ends[0], ends[1])
        return known

    def _on_device(self, y: Any, dim: int) -> None:
        """Add a batch by calls of torch."""
        units = y.shape[dim]
        over = tuple(i for i in range(y.ndim) if i != dim)
        view = [1] * y.ndim
        view[dim] = units
        if not over:
            y, over, view = y.reshape(1, -1), (0,), [1, units]
        if self.shift is None or units != self.units:
            self._fresh(units)
            first = y[tuple(slice(None) if i not in over else 0 for i in range(y.ndim))]
            self.shift = torch.nan_to_num(first, nan=0.0, posinf=0.0, neginf=0.0)
        work = torch.sub(y, self.shift.view(view))  # the only copy: all else is written over it
        sums = [work.sum(over), work.mul_(work).sum(over), y.amin(over), y.amax(over)]
        for tail in (self.low, self.high):
            if tail is not None:
                sums.append(_inside(y, tail, work).sum(over))
        if not self._exact:  # else the low tail is zero itself
            sums.append(torch.eq(y, 0.0, out=work).sum(over))
        self._parts.append(sums)
        self._rows += y.numel() // units
        if len(self._parts) >= FOLD:
            self._fold()

    def _fresh(self, units: int) -> None:
        """A site whose number of units changes begins again."""
        self._parts, self._held = [], None
        self.units, self._rows = units, 0
        self._totals = self._least = self._most = None

    @property
    def _exact(self) -> bool:
        """Whether the low tail is exactly zero, so that its count is the count of zeros."""
        return _is_zero(self.low)

    def _fold(self) -> None:
        """Add up the batches since the last time: one pass over small tensors, in float64."""
        if self._held is not None and self._totals is None:  # the same memory, as tensors
            held = map(torch.from_numpy, self._held)
            self.shift, self._totals, self._least, self._most = held
        if not self._parts:
            return
        wide = torch.float32 if self.shift.device.type == "mps" else torch.float64
        columns = [torch.stack(part) for part in zip(*self._parts, strict=True)]
        self._parts = []
        least, most = columns[2].amin(0), columns[3].amax(0)
        counts = iter(column.sum(0, dtype=wide) for column in columns[4:])
        none = torch.zeros(self.units, dtype=wide, device=self.shift.device)
        totals = torch.stack(
            [
                columns[0].sum(0, dtype=wide),
                columns[1].sum(0, dtype=wide),
                next(counts) if self.low is not None else none,
                next(counts) if self.high is not None else none,
                next(counts) if not self._exact else none,
            ]
        )
        if self._totals is None:
            self._totals, self._least, self._most = totals, least, most
            return
        self._totals += totals
        self._least = torch.minimum(self._least, least)
        self._most = torch.maximum(self._most, most)

    @property
    def rows(self) -> int:
        """Rows added so far."""
        return self._rows

    @property
    def totals(self) -> Any:
        """(5, units): FIELDS, over all batches; None before the first."""
        self._fold()
        return self._totals

    @property
    def least(self) -> Any:
        """(units,): the smallest output."""
        self._fold()
        return self._least

    @property
    def most(self) -> Any:
        """(units,): the largest output."""
        self._fold()
        return self._most

    @property
    def zero_fraction(self) -> float:
        """The part of all outputs that is exactly 0."""
        if self.rows == 0:
            return float("nan")
        zeros = self.totals[2 if self._exact else 4].sum()
        return float(zeros) / (self.rows * self.units)

    def numbers(self) -> dict[str, Floats]:
        """Per unit, each (units,): mean, var, least, most, and the fractions low and high."""
        names = ("mean", "var", "least", "most", "low", "high")
        if self.rows == 0:
            return {name: np.empty(0) for name in names}
        total = self.totals.double().cpu().numpy()
        n = self.rows
        with np.errstate(invalid="ignore"):  # of a unit with an infinity
            mean = total[0] / n
            var = np.maximum(total[1] / n - mean**2, 0.0)
        values = (
            self.shift.double().cpu().numpy() + mean,
            np.where(np.isnan(total[1]), np.nan, var),
            self.least.double().cpu().numpy(),
            self.most.double().cpu().numpy(),
            total[2] / n,
            total[3] / n,
        )
        return dict(zip(names, values, strict=True))

    def state(self) -> dict[str, Any]:
        """Everything measured, as NumPy, to be sent to another process."""
        if self.totals is None:
            return {"rows": 0}
        return {
            "rows": self.rows,
            "shift": self.shift.double().cpu().numpy(),
            "totals": self.totals.double().cpu().numpy(),
            "least": self.least.cpu().numpy(),
            "most": self.most.cpu().numpy(),
        }

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another process measured: its sums are moved to this one's shift."""
        if not state["rows"]:
            return
        if self.totals is not None and len(state["shift"]) != self.units:
            return  # another number of units: the sums do not add up
        if self.totals is None:
            self.units, self._rows = len(state["shift"]), state["rows"]
            self.shift = torch.as_tensor(state["shift"])
            self._totals = torch.as_tensor(state["totals"].copy())
            self._least = torch.as_tensor(state["least"].copy())
            self._most = torch.as_tensor(state["most"].copy())
            return
        n, device = state["rows"], self.shift.device
        apart = torch.as_tensor(state["shift"], device=device) - self.shift
        theirs = torch.as_tensor(state["totals"], device=device)
        self._totals[1] += theirs[1] + 2 * apart * theirs[0] + n * apart**2
        self._totals[0] += theirs[0] + n * apart
        self._totals[2:] += theirs[2:]
        self._least = torch.minimum(self._least, torch.as_tensor(state["least"], device=device))
        self._most = torch.maximum(self._most, torch.as_tensor(state["most"], device=device))
        self._rows += n


def _is_zero(low: Tail | None) -> bool:
    return low is not None and low.limit == 0.0 and low.within == 0.0


def _columns(y: Any, dim: int) -> tuple[Any, int]:
    """A batch as (rows, columns), and how many columns after one another are one unit's.

    It is not copied where it lies in memory as torch makes it, channels last included.
    """
    if dim != y.ndim - 1 and not y.is_contiguous():
        moved = y.movedim(dim, -1)
        if moved.is_contiguous():
            y, dim = moved, y.ndim - 1
    y, shape = y.contiguous(), y.shape
    inner = math.prod(shape[dim + 1 :])
    return y.view(-1, shape[dim] * inner), inner


@functools.lru_cache(maxsize=256)
def _bounds(low: Tail | None, high: Tail | None, kind: str) -> tuple[Any, Any]:
    """What the compiled code takes of the tails: their ends, and which counts are wanted."""
    ends = np.array([*_ends(low), *_ends(high)], kind)
    return ends, np.array([low is not None, high is not None, not _is_zero(low)])


def _ends(tail: Tail | None) -> tuple[float, float]:
    """From where to where an output lies in a tail; nowhere for None."""
    if tail is None:
        return np.inf, -np.inf
    low, high = tail.limit - tail.within, tail.limit + tail.within
    return (-np.inf if tail.side == "below" else low), (np.inf if tail.side == "above" else high)


@functools.cache
def kernels() -> Any:
    """The compiled passes; Numba is imported when the first batch is added."""
    from actscope.probe import _sums

    return _sums


def _inside(y: Any, tail: Tail, work: Any) -> Any:
    """1 where an output lies in the tail, else 0, as floats, written to `work`."""
    if tail.side == "below":
        return torch.le(y, tail.limit + tail.within, out=work)
    if tail.side == "above":
        return torch.ge(y, tail.limit - tail.within, out=work)
    torch.sub(y, tail.limit, out=work)
    return torch.le(work.abs_(), tail.within, out=work)
