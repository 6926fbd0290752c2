# mypy: ignore-errors
"""Sums over a site's outputs and gradients in one pass: the fast twins of what is asked of torch.

Outputs are read once, a strip of columns at a time, and every column has its own sums side by
side, so that the compiler does many in one instruction. Sums run in the outputs' own type over
BLOCK rows, about the shift, and go to float64 then.
"""

import numba
import numpy as np

BLOCK = 32
STRIP = 256


@numba.njit(cache=True, nogil=True, error_model="numpy")
def shift_of(y, shift):
    """The first row's values at every unit, 0 where they are not finite.

    y (rows, units, inner), shift (units,).
    """
    for u in range(y.shape[1]):
        value = y[0, u, 0]
        shift[u] = value if np.isfinite(value) else y.dtype.type(0.0)


FAST = {"contract", "reassoc", "nsz"}  # the order of a sum is free; NaN and infinities are kept


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _gather(part, left, wide, inner, totals):
    """Add the sums of a strip's columns to their units'."""
    if inner == 1:
        for k in range(5):
            for j in range(wide):
                totals[k, left + j] += part[k, j]
        return
    j = 0
    while j < wide:
        unit = (left + j) // inner
        end = min(wide, (unit + 1) * inner - left)
        for k in range(5):
            total = 0.0
            for i in range(j, end):
                total += np.float64(part[k, i])
            totals[k, unit] += total
        j = end


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread(values, left, wide, inner, into):
    """A number a unit, to the unit's columns of a strip."""
    j = 0
    while j < wide:
        unit = (left + j) // inner
        end = min(wide, (unit + 1) * inner - left)
        into[j:end] = values[unit]
        j = end


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _range(low, high, left, wide, inner, least, most):
    """The range of a strip's columns, to that of their units."""
    j = 0
    while j < wide:
        unit = (left + j) // inner
        end = min(wide, (unit + 1) * inner - left)
        bottom, top = least[unit], most[unit]
        for i in range(j, end):
            bottom = low[i] if low[i] < bottom else bottom
            top = high[i] if high[i] > top else top
        least[unit], most[unit] = bottom, top
        j = end


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def add(y, inner, shift, totals, least, most, bounds, counts):
    """Add rows to the sums.

    y (rows, columns), of which `inner` after one another are one unit's; shift (units,);
    totals (5, units) float64: sum and sum of squares about the shift, outputs in the low and in
    the high tail, zeros; least and most (units,). bounds (4,) of y's type: the low tail from and
    to, the high tail from and to. counts (3,): which of low, high and zeros are wanted.
    """
    rows, columns = y.shape
    part = np.empty((5, STRIP), y.dtype)
    about, low, high = np.empty(STRIP, y.dtype), np.empty(STRIP, y.dtype), np.empty(STRIP, y.dtype)
    none, full = y.dtype.type(0.0), y.dtype.type(1.0)
    low_from, low_to, high_from, high_to = bounds[0], bounds[1], bounds[2], bounds[3]
    for left in range(0, columns, STRIP):
        wide = min(STRIP, columns - left)
        _spread(shift, left, wide, inner, about)
        low[:], high[:] = y.dtype.type(np.inf), y.dtype.type(-np.inf)
        for start in range(0, rows, BLOCK):
            part[:] = none
            for i in range(start, min(start + BLOCK, rows)):
                line = y[i, left : left + wide]
                for j in range(wide):
                    v = line[j]
                    d = v - about[j]
                    part[0, j] += d
                    part[1, j] += d * d
                    low[j] = v if v < low[j] else low[j]
                    high[j] = v if v > high[j] else high[j]
                if counts[0]:
                    for j in range(wide):
                        v = line[j]
                        part[2, j] += full if (v >= low_from) & (v <= low_to) else none
                if counts[1]:
                    for j in range(wide):
                        v = line[j]
                        part[3, j] += full if (v >= high_from) & (v <= high_to) else none
                if counts[2]:
                    for j in range(wide):
                        part[4, j] += full if line[j] == none else none
            _gather(part, left, wide, inner, totals)
        _range(low, high, left, wide, inner, least, most)


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def squares(values):
    """(sum of squares, numbers that are not 0) of (n,) values, in float64."""
    size, filled = np.zeros(STRIP), np.zeros(STRIP)
    n = len(values)
    for start in range(0, n, STRIP):
        line = values[start : min(start + STRIP, n)]
        for j in range(len(line)):
            wide = np.float64(line[j])
            size[j] += wide * wide
            filled[j] += 1.0 if wide != 0.0 else 0.0
    return size.sum(), filled.sum()
