# mypy: ignore-errors
"""Compiled passes over a site's outputs and gradients: the fast twins of what is asked of torch.

Outputs are read once, a strip of columns at a time, and every column has its own sums side by
side, so that the compiler does many in one instruction. Sums run in the outputs' own type over
BLOCK rows, about the shift, and go to float64 then.
"""

import numba
import numpy as np
from numba.extending import intrinsic

BLOCK = 128
STRIP = 256
FAST = {"contract", "reassoc", "nsz"}  # the order of a sum is free; NaN and infinities are kept

# rows of a site's sums; `Moments` reads them
SHIFT, SUM, SQUARE, LOW, HIGH, ZEROS, LEAST, MOST, HEIGHT = range(9)


@intrinsic
def _pointer(context, address):
    """A whole number as a pointer: a tensor's memory, without a NumPy array around it."""

    def generate(target, builder, signature, args):
        return builder.inttoptr(args[0], target.get_value_type(numba.types.voidptr))

    return numba.types.voidptr(address), generate


@numba.njit(cache=True, nogil=True, error_model="numpy")
def begin(y, inner, sums):
    """Sums of nothing, about the first row's values, or 0 where they are not finite."""
    sums[SUM:LEAST] = 0.0
    sums[LEAST], sums[MOST] = np.inf, -np.inf
    for u in range(sums.shape[1]):
        value = y[0, u * inner]
        sums[SHIFT, u] = value if np.isfinite(value) else 0.0


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _gather(part, left, wide, inner, total):
    """Add the sums of a strip's columns to their units'."""
    if inner == 1:
        for j in range(wide):
            total[left + j] += part[j]
        return
    j = 0
    while j < wide:
        unit = (left + j) // inner
        end = min(wide, (unit + 1) * inner - left)
        sum_ = 0.0
        for i in range(j, end):
            sum_ += np.float64(part[i])
        total[unit] += sum_
        j = end


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread(values, left, wide, inner, into):
    """A number a unit, to the unit's columns of a strip."""
    if inner == 1:
        into[:wide] = values[left : left + wide]
        return
    j = 0
    while j < wide:
        unit = (left + j) // inner
        end = min(wide, (unit + 1) * inner - left)
        into[j:end] = values[unit]
        j = end


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _range(low, high, left, wide, inner, least, most):
    """The range of a strip's columns, to that of their units."""
    if inner == 1:
        for j in range(wide):
            u = left + j
            least[u] = low[j] if low[j] < least[u] else least[u]
            most[u] = high[j] if high[j] > most[u] else most[u]
        return
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


# Four rows at a time, so that the sums are read and written a fourth as often; a loop of its own
# for each measure, since one loop over all of them has too many arrays for the registers.


@numba.njit(inline="always")
def _lines(y, i, left, right):
    """Four rows of a strip."""
    return y[i, left:right], y[i + 1, left:right], y[i + 2, left:right], y[i + 3, left:right]


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _sum_rows(y, left, right, about, total, square):
    """Sums of a strip about the shift."""
    n = len(y) & ~3
    for i in range(0, n, 4):
        a, b, c, d = _lines(y, i, left, right)
        for j in range(right - left):
            m = about[j]
            e, f, g, h = a[j] - m, b[j] - m, c[j] - m, d[j] - m
            total[j] += (e + f) + (g + h)
            square[j] += (e * e + f * f) + (g * g + h * h)
    for i in range(n, len(y)):
        for j in range(right - left):
            e = y[i, left + j] - about[j]
            total[j] += e
            square[j] += e * e


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _range_rows(y, left, right, low, high):
    """The smallest and the largest number of every column of a strip; NaN changes neither."""
    n = len(y) & ~3
    for i in range(0, n, 4):
        a, b, c, d = _lines(y, i, left, right)
        for j in range(right - left):
            least, most = low[j], high[j]
            for v in (a[j], b[j], c[j], d[j]):
                least = v if v < least else least
                most = v if v > most else most
            low[j], high[j] = least, most
    for i in range(n, len(y)):
        for j in range(right - left):
            v = y[i, left + j]
            low[j] = v if v < low[j] else low[j]
            high[j] = v if v > high[j] else high[j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _is_extreme(low, high, about, wide):
    """Whether squares of the distances from the shift leave float32's range."""
    top = 0.0
    for j in range(wide):
        top = max(top, high[j] - about[j], about[j] - low[j])
    return 1e17 < top < np.inf or 0.0 < top < 1e-17


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sum_exactly(y, left, right, inner, about, sums):
    """Sums of a strip about the shift, all in float64."""
    for i in range(len(y)):
        for j in range(right - left):
            e = np.float64(y[i, left + j]) - np.float64(about[j])
            sums[SUM, (left + j) // inner] += e
            sums[SQUARE, (left + j) // inner] += e * e


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _count_rows(y, left, right, least, most, count):
    """How many numbers of every column of a strip lie between two ends."""
    none, full = y.dtype.type(0.0), y.dtype.type(1.0)
    n = len(y) & ~3
    for i in range(0, n, 4):
        a, b, c, d = _lines(y, i, left, right)
        for j in range(right - left):
            total = count[j]
            for v in (a[j], b[j], c[j], d[j]):
                total += full if (v >= least) & (v <= most) else none
            count[j] = total
    for i in range(n, len(y)):
        for j in range(right - left):
            v = y[i, left + j]
            count[j] += full if (v >= least) & (v <= most) else none


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _count_equal(y, left, right, value, count):
    """How many numbers of every column of a strip are this one: zeros, mostly."""
    none, full = y.dtype.type(0.0), y.dtype.type(1.0)
    n = len(y) & ~3
    for i in range(0, n, 4):
        a, b, c, d = _lines(y, i, left, right)
        for j in range(right - left):
            total = count[j]
            for v in (a[j], b[j], c[j], d[j]):
                total += full if v == value else none
            count[j] = total
    for i in range(n, len(y)):
        for j in range(right - left):
            count[j] += full if y[i, left + j] == value else none


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def add(y, inner, sums, tails, fresh):
    """Add rows to the sums.

    y (rows, columns), of which `inner` after one another are one unit's; sums (HEIGHT, units)
    float64: the shift, sum and sum of squares about it, outputs in the low and in the high tail,
    zeros, smallest and largest output; tails (3, 2) float64: from where to where an output counts
    as low, high and zero, or an empty range for what is not wanted. fresh: forget all sums first.
    """
    if fresh:
        begin(y, inner, sums)
    rows, columns = y.shape
    kind = y.dtype.type
    part = np.empty((5, STRIP), y.dtype)
    about, low, high, one, two = part[0], part[1], part[2], part[3], part[4]
    for left in range(0, columns, STRIP):
        right = min(left + STRIP, columns)
        wide = right - left
        _spread(sums[SHIFT], left, wide, inner, about)
        low[:], high[:] = kind(np.inf), kind(-np.inf)
        for start in range(0, rows, BLOCK):
            block = y[start : min(start + BLOCK, rows)]
            _range_rows(block, left, right, low, high)
            if _is_extreme(low, high, about, wide):
                _sum_exactly(block, left, right, inner, about, sums)
            else:
                one[:], two[:] = kind(0.0), kind(0.0)
                _sum_rows(block, left, right, about, one, two)
                _gather(one, left, wide, inner, sums[SUM])
                _gather(two, left, wide, inner, sums[SQUARE])
            for k in range(3):
                if tails[k, 0] <= tails[k, 1]:
                    least, most = kind(tails[k, 0]), kind(tails[k, 1])
                    one[:] = kind(0.0)
                    if least == most:
                        _count_equal(block, left, right, least, one)
                    else:
                        _count_rows(block, left, right, least, most, one)
                    _gather(one, left, wide, inner, sums[LOW + k])
        _range(low, high, left, wide, inner, sums[LEAST], sums[MOST])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_at(address, wide, rows, columns, inner, sums, tails, fresh):
    """Add the rows (rows, columns) that lie at an address, float64 if wide, else float32."""
    if wide:
        add(numba.carray(_pointer(address), (rows, columns), np.float64), inner, sums, tails, fresh)
    else:
        add(numba.carray(_pointer(address), (rows, columns), np.float32), inner, sums, tails, fresh)


# rows of `numbers`' first answer, and places of its second: means over units, but for the range
MEAN, VAR, LOWEST, HIGHEST, IN_LOW, IN_HIGH, MEAN_SQUARED = range(7)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def numbers(sums, rows):
    """What sums over rows say, per unit and over all units.

    Returns (6, units): mean, variance, smallest, largest, fractions in the low and in the high
    tail; and (7,): the means of these over units (of the range its ends), and of the mean's square.
    """
    units = sums.shape[1]
    each, whole = np.empty((6, units)), np.zeros(7)
    whole[LOWEST], whole[HIGHEST] = np.inf, -np.inf
    for u in range(units):
        apart, square = sums[SUM, u] / rows, sums[SQUARE, u] / rows - (sums[SUM, u] / rows) ** 2
        each[MEAN, u] = sums[SHIFT, u] + apart
        each[VAR, u] = 0.0 if square < 0.0 else square  # NaN stays NaN
        each[LOWEST, u], each[HIGHEST, u] = sums[LEAST, u], sums[MOST, u]
        each[IN_LOW, u], each[IN_HIGH, u] = sums[LOW, u] / rows, sums[HIGH, u] / rows
        for k in (MEAN, VAR, IN_LOW, IN_HIGH):
            whole[k] += each[k, u] / units
        whole[MEAN_SQUARED] += each[MEAN, u] ** 2 / units
        whole[LOWEST] = min(whole[LOWEST], sums[LEAST, u])
        whole[HIGHEST] = max(whole[HIGHEST], sums[MOST, u])
    return each, whole


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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def squares_at(address, wide, count):
    """`squares` of the numbers that lie at an address, float64 if wide, else float32."""
    if wide:
        return squares(numba.carray(_pointer(address), (count,), np.float64))
    return squares(numba.carray(_pointer(address), (count,), np.float32))


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def about_mean(rows):
    """Rows (n, d) less their mean, and the mean as one row more: (n + 1, d) in float64."""
    n, d = rows.shape
    out = np.empty((n + 1, d))
    mean = out[n]
    mean[:] = 0.0
    for i in range(n):
        line = rows[i]
        for j in range(d):
            mean[j] += line[j]
    for j in range(d):
        mean[j] /= n
    for i in range(n):
        line, apart = rows[i], out[i]
        for j in range(d):
            apart[j] = line[j] - mean[j]
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _root(square):
    """The square root, 0 for a square that rounding made negative; NaN stays NaN."""
    return 0.0 if square < 0.0 else np.sqrt(square)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def pairs(products):
    """Distances and cosines (2, n(n − 1)/2) from inner products about a mean (n + 1, n + 1)."""
    n = len(products) - 1
    out = np.empty((2, n * (n - 1) // 2))
    square, size = np.empty(n), np.empty(n)
    whole = products[n, n]
    for i in range(n):
        square[i] = products[i, i]
        size[i] = _root(square[i] + 2.0 * products[i, n] + whole)
    k = 0
    for i in range(n):
        for j in range(i + 1, n):
            out[0, k] = _root(square[i] + square[j] - 2.0 * products[i, j])
            full = products[i, j] + products[i, n] + products[j, n] + whole
            cosine = full / (size[i] * size[j])
            out[1, k] = -1.0 if cosine < -1.0 else 1.0 if cosine > 1.0 else cosine
            k += 1
    return out


@numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def agreement(a, b):
    """Pearson correlation of two lists of numbers; NaN where there are too few or one is constant.

    Pairs in which one number is not finite are left out.
    """
    count, first = 0, 0
    mean_a = mean_b = 0.0
    for i in range(len(a)):
        if np.isfinite(a[i]) and np.isfinite(b[i]):
            first = i if count == 0 else first
            count += 1
            mean_a += a[i] - a[first]  # so that the mean of equal numbers is exact
            mean_b += b[i] - b[first]
    if count < 3:
        return np.nan
    mean_a, mean_b = a[first] + mean_a / count, b[first] + mean_b / count
    aa = bb = ab = 0.0
    for i in range(len(a)):
        if np.isfinite(a[i]) and np.isfinite(b[i]):
            x, y = a[i] - mean_a, b[i] - mean_b
            aa += x * x
            bb += y * y
            ab += x * y
    size = np.sqrt(aa * bb)
    return ab / size if size > 0.0 else np.nan
