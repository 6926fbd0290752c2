# mypy: ignore-errors
"""All sums of a site in one pass over its outputs: the fast twin of what `moments` asks of torch.

The outputs are read once, row by row, and every unit has its own sums side by side, so that the
compiler can do many units in one instruction. Sums run in the outputs' own type over BLOCK rows,
about the shift, and go to float64 then.
"""

import numba
import numpy as np

BLOCK = 32


@numba.njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def add(y, shift, totals, least, most, bounds, counts):
    """Add rows to the sums.

    y (rows, units), shift (units,); totals (5, units) float64: sum and sum of squares about the
    shift, outputs in the low and in the high tail, zeros; least and most (units,). bounds (4,) of
    y's type: the low tail from and to, the high tail from and to. counts (3,): which of low,
    high and zeros are wanted.
    """
    rows, units = y.shape
    low_from, low_to, high_from, high_to = bounds[0], bounds[1], bounds[2], bounds[3]
    part = np.zeros((5, units), y.dtype)
    none, full = y.dtype.type(0.0), y.dtype.type(1.0)
    for start in range(0, rows, BLOCK):
        part[:] = none
        for i in range(start, min(start + BLOCK, rows)):
            for j in range(units):
                v = y[i, j]
                d = v - shift[j]
                part[0, j] += d
                part[1, j] += d * d
                least[j] = v if v < least[j] else least[j]
                most[j] = v if v > most[j] else most[j]
            if counts[0]:
                for j in range(units):
                    v = y[i, j]
                    part[2, j] += full if (v >= low_from) & (v <= low_to) else none
            if counts[1]:
                for j in range(units):
                    v = y[i, j]
                    part[3, j] += full if (v >= high_from) & (v <= high_to) else none
            if counts[2]:
                for j in range(units):
                    part[4, j] += full if y[i, j] == none else none
        for k in range(5):
            for j in range(units):
                totals[k, j] += part[k, j]
