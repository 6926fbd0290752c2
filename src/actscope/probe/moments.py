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


# the types that compiled code reads, and whether it is the wide one
WIDE = {torch.float32: False, torch.float64: True}
NAMES = ("mean", "var", "least", "most", "low", "high")
FOLD = 16  # batches whose sums wait on a device to be added up together


class Moments:
    """Sums over rows, per unit: what mean, variance, range and counts are made from.

    The sums are taken about the first row, so that the variance is right where the mean is large
    beside the spread. Those of a few rows are in the outputs' own type, all others in float64.

    Args:
        low, high: the activation's flat tails, whose outputs are counted.
        on_cpu: a batch on the CPU goes through compiled code; False takes calls of torch there
            too, as on any other device.
    """

    rows = units = 0
    _sums: Floats | None = None  # (HEIGHT, units), as `_sums` says

    def __init__(
        self, low: Tail | None = None, high: Tail | None = None, on_cpu: bool = True
    ) -> None:
        self.low, self.high, self.on_cpu = low, high, on_cpu
        # per device and type: the shift, the sums of the last few batches, and their rows
        self._waiting: dict[Any, tuple[Any, list[Any], list[int]]] = {}

    def add(self, y: Any, dim: int) -> None:
        """Add a batch.

        A site whose number of units changes begins again.

        Args:
            y: floats of any shape; an empty batch adds nothing.
            dim: the dimension of the units; every other is rows.
        """
        count, units = y.numel(), y.shape[dim]
        if count == 0:
            return
        if units != self.units:
            self.units, self.rows, self._sums, self._waiting = units, 0, None, {}
        if y.dtype not in WIDE:
            y = y.detach().float()
        if self.on_cpu and y.is_cpu:
            self._compiled(y, dim, count)
        else:
            self._on_device(y.detach(), dim)
        self.rows += count // units

    def _compiled(self, y: Any, dim: int, count: int) -> None:
        """Add a batch by one pass of compiled code.

        It is not copied where it lies in memory as torch makes it, channels last included.
        """
        if not y.is_contiguous():
            y = y.detach().resolve_neg()
            moved = y.movedim(dim, -1)
            y, dim = (moved, y.ndim - 1) if moved.is_contiguous() else (y.contiguous(), dim)
        code, sums, wide = compiled(), self._sums, WIDE[y.dtype]
        begin = sums is None
        if begin:
            self._sums = sums = np.empty((code.HEIGHT, self.units))
        inner = 1 if dim == y.ndim - 1 else math.prod(y.shape[dim + 1 :])
        columns = self.units * inner
        tails = _bounds(self.low, self.high)
        code.add_at(y.data_ptr(), wide, count // columns, columns, inner, sums, tails, begin)

    def _on_device(self, y: Any, dim: int) -> None:
        """Add a batch by calls of torch; nothing is read off the device for a while."""
        over = tuple(i for i in range(y.ndim) if i != dim)
        view = [1] * y.ndim
        view[dim] = y.shape[dim]
        if not over:
            y, over, view = y.reshape(1, -1), (0,), [1, y.shape[dim]]
        key = (y.device, y.dtype)
        if key not in self._waiting:
            first = y[tuple(slice(None) if i not in over else 0 for i in range(y.ndim))]
            shift = torch.nan_to_num(first, nan=0.0, posinf=0.0, neginf=0.0)
            self._waiting[key] = (shift, [], [])
        shift, parts, rows = self._waiting[key]
        work = torch.sub(y, shift.view(view))  # the only copy: all else is written over it
        sums = [work.sum(over), work.mul_(work).sum(over)]
        for low, high in _bounds(self.low, self.high):
            wanted = low <= high
            sums.append(_between(y, low, high, work).sum(over) if wanted else None)
        none = torch.zeros_like(sums[0])
        sums = [none if part is None else part for part in sums]
        parts.append(torch.stack([*sums, y.amin(over), y.amax(over)]))
        rows.append(y.numel() // self.units)
        if len(parts) >= FOLD:
            self._fold()

    def _fold(self) -> None:
        """Add up what waits on devices, in float64 on the CPU."""
        for shift, parts, rows in self._waiting.values():
            if parts:
                about = shift.cpu().double().numpy()
                batches = torch.stack(parts).cpu().double().numpy()
                least, most = np.fmin.reduce(batches[:, 5]), np.fmax.reduce(batches[:, 6])
                self._join(np.stack([about, *batches[:, :5].sum(0), least, most]), sum(rows))
                parts.clear()
                rows.clear()

    def _join(self, theirs: Floats, rows: int) -> None:
        """Add sums over other rows, which are moved to this one's shift."""
        if self._sums is None:
            self._sums = theirs.copy()
            return
        sums, names = self._sums, compiled()
        shift, total, square, low, high, zeros, least, most = theirs
        apart = shift - sums[names.SHIFT]
        square = square + 2 * apart * total + rows * apart**2
        sums[names.SUM : names.LEAST] += [total + rows * apart, square, low, high, zeros]
        np.fmin(sums[names.LEAST], least, out=sums[names.LEAST])
        np.fmax(sums[names.MOST], most, out=sums[names.MOST])

    @property
    def zero_fraction(self) -> float:
        """The part of all outputs that is exactly 0."""
        if self.rows == 0:
            return float("nan")
        zeros = self.sums[compiled().LOW if _is_zero(self.low) else compiled().ZEROS].sum()
        return float(zeros) / (self.rows * self.units)

    @property
    def sums(self) -> Floats:
        """(HEIGHT, units): over all batches, as `_sums` says."""
        self._fold()
        assert self._sums is not None
        return self._sums

    def numbers(self) -> dict[str, Floats]:
        """Per unit, each (units,): mean, var, least, most, and the fractions low and high."""
        each = self._numbers()[0] if self.rows else np.empty((len(NAMES), 0))
        return dict(zip(NAMES, each, strict=True))

    def whole(self) -> dict[str, float]:
        """The means of these over all units, of the range its ends; and of the mean's square."""
        return dict(zip((*NAMES, "mean_squared"), self._numbers()[1].tolist(), strict=True))

    def _numbers(self) -> tuple[Floats, Floats]:
        each, whole = compiled().numbers(self.sums, self.rows)
        return each, whole

    def state(self) -> dict[str, Any]:
        """Everything measured, as NumPy, to be sent to another process."""
        return {"rows": self.rows, "sums": self.sums.copy() if self.rows else None}

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another process measured.

        Sums over another number of units cannot be added, and are left out.
        """
        theirs, rows = state["sums"], state["rows"]
        if not rows or (self.rows and theirs.shape[1] != self.units):
            return
        self._fold()
        self.units = theirs.shape[1]
        self._join(theirs, rows)
        self.rows += rows


def _is_zero(low: Tail | None) -> bool:
    return low is not None and low.limit == 0.0 and low.within == 0.0


@functools.lru_cache(maxsize=256)
def _bounds(low: Tail | None, high: Tail | None) -> Floats:
    """(3, 2): from where to where an output counts as low, high and zero."""
    zero = _ends(None) if _is_zero(low) else (0.0, 0.0)  # else the low tail is zero itself
    return np.array([_ends(low), _ends(high), zero])


def _ends(tail: Tail | None) -> tuple[float, float]:
    """From where to where an output lies in a tail; nowhere for None."""
    if tail is None:
        return np.inf, -np.inf
    low, high = tail.limit - tail.within, tail.limit + tail.within
    return (-np.inf if tail.side == "below" else low), (np.inf if tail.side == "above" else high)


@functools.cache
def compiled() -> Any:
    """The compiled passes; Numba is imported when the first batch is added."""
    from actscope.probe import _sums

    return _sums


def _between(y: Any, low: float, high: float, work: Any) -> Any:
    """1 where an output lies between two ends, else 0, as floats, written to `work`."""
    if low == -np.inf:
        return torch.le(y, high, out=work)
    if high == np.inf:
        return torch.ge(y, low, out=work)
    if low == high:
        return torch.eq(y, low, out=work)
    return torch.ge(y, low, out=work).logical_and_(y <= high)
