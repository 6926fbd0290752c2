"""Special functions that NumPy lacks, accurate in the tails, in float64 and in float32.

SciPy's erf and ndtr do not serve: ndtr(−37) is off by 1,900 ulp, and neither runs in Numba.

Every function here is plain Python over NumPy ufuncs and gives the type of `x` back, so that one
body serves arrays, Numba scalars and the engine's SIMD lanes (which overload the functions by
name; `__all__` lists them). NaN gives NaN; nothing overflows, whatever `x` is.

An error of half an ulp in the argument of exp is 350 ulp in e⁻⁷⁰⁰. So where an argument has to be
computed first (x², a·x, x/a), it is computed as a sum of two floats, and the small one corrects the
result: e^(s+r) = e^s (1 + r).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["erf", "exp_product", "exp_quotient", "gauss", "mills", "ndtr", "npdf", "poly"]

Floats = NDArray[np.floating[Any]]

# (1 + a)·mills(a) as a polynomial in t = (a − 4)/(a + 4), which takes [0, ∞) to [−1, 1): the
# Chebyshev series to degree 24 (the rest is below 4e-17) as powers of t, highest first.
_MILLS = (
    4.480233388056677e-10,
    -1.6952996815743521e-09,
    -6.562440240356452e-09,
    1.3723059450741815e-08,
    5.077844123184343e-08,
    -4.494916381630471e-08,
    -2.8692999653300604e-07,
    -3.1010836152723044e-09,
    1.3907627079959985e-06,
    1.0194890871034027e-06,
    -6.553354455264862e-06,
    -8.606187876099506e-06,
    3.415881433184083e-05,
    5.3266970938316293e-05,
    -0.00022021557569575228,
    -0.0002367017588271228,
    0.0017418487737325852,
    -0.000715950905283812,
    -0.01253910362039814,
    0.04495912907706981,
    -0.0807080096790523,
    0.07169048120143744,
    0.035091880234748005,
    -0.2423996705218081,
    1.1832619145678032,
)
# erf(x)/x on [0, 1] as a polynomial in x²: the Chebyshev series to degree 12 (the rest is below
# 2e-19), highest power first.
_ERF = (
    5.958930743134941e-11,
    -1.1373902296430911e-09,
    1.4660051998394848e-08,
    -1.6350354461959655e-07,
    1.6461004480962034e-06,
    -1.4925595519506043e-05,
    0.00012055331122299266,
    -0.0008548326981129666,
    0.005223977624823223,
    -0.026866170645077334,
    0.11283791670954882,
    -0.3761263890318375,
    1.1283791670955126,
)

ROOT_2PI = math.sqrt(2.0 * math.pi)
TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
_ROOT_2 = math.sqrt(2.0)


def poly(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    """A polynomial by Horner's rule, the coefficient of the highest power first.

    Example:
        >>> poly(np.array([2.0]), (1.0, 0.0, -1.0))
        array([3.])
    """
    y = x * coefficients[0] + coefficients[1]
    for c in coefficients[2:]:
        y = y * x + c
    return y


def gauss(x: Floats, rate: float) -> Floats:
    """The bell e^(−rate·x²), to within 3 ulp of the value even where it is tiny.

    Args:
        x: any floats, of any shape.
        rate: 1, 1/2 or 1/4 (a power of two, so that it multiplies without rounding).

    Example:
        >>> gauss(np.array([0.0, 30.0]), 0.5)
        array([1.00000000e+000, 3.69388307e-196])
    """
    a = np.minimum(np.abs(x), 64.0)  # e^(−64²/4) is 0 in both types
    h = np.rint(a * 16.0) * 0.0625  # few bits, so h² is exact
    big = rate * (h * h)
    small = rate * ((a - h) * (a + h))
    total = big + small
    return np.exp(-total) * (1.0 - (small - (total - big)))


def mills(a: Floats) -> Floats:
    """The upper tail of the normal distribution over its density, (1 − Φ(a))/φ(a), for a ≥ 0.

    Falls from √(π/2) at 0 like 1/a. `a` must be finite.

    Example:
        >>> mills(np.array([0.0, 100.0]))
        array([1.25331414, 0.009999  ])

    Source: Shepherd & Laframboise 1981, Chebyshev approximation of (1 + 2x)exp(x²)erfc x
    """
    return poly((a - 4.0) / (a + 4.0), _MILLS) / (1.0 + a)


def npdf(x: Floats) -> Floats:
    """The standard normal density φ(x) = e^(−x²/2)/√(2π).

    Example:
        >>> npdf(np.array([0.0, -38.0]))
        array([3.98942280e-001, 1.09722105e-314])
    """
    return gauss(x, 0.5) * (1.0 / ROOT_2PI)


def ndtr(x: Floats) -> Floats:
    """The standard normal distribution function Φ(x), its lower tail relatively accurate.

    Example:
        >>> ndtr(np.array([-37.0, 0.0, 9.0]))
        array([5.72557122e-300, 5.00000000e-001, 1.00000000e+000])
    """
    a = np.minimum(np.abs(x), 64.0)
    tail = gauss(a, 0.5) * (mills(a) * (1.0 / ROOT_2PI))
    return np.where(x < 0.0, tail, 1.0 - tail)


def erf(x: Floats) -> Floats:
    """The error function 2/√π ∫₀ˣ e^(−t²) dt, relatively accurate near 0.

    Example:
        >>> erf(np.array([1e-300, 0.5, -7.0]))
        array([ 1.12837917e-300,  5.20499878e-001, -1.00000000e+000])
    """
    a = np.minimum(np.abs(x), 16.0)
    core = np.minimum(a, 1.0)
    near = x * poly(core * core, _ERF)
    # erfc(a) = 2(1 − Φ(√2·a)); beside 1 it needs no more than a plain exponential
    tail = np.exp(-(a * a)) * mills(a * _ROOT_2) * (2.0 / ROOT_2PI)
    return np.where(a < 1.0, near, np.copysign(1.0 - tail, x))


def exp_product(x: Floats, rate: float) -> Floats:
    """e^(rate·x), as accurate in the tail as if the product had not been rounded.

    Args:
        x: floats with |rate·x| ≤ 1e30 and |x| ≤ 1e30.
        rate: one number. If x is float32, the rate still counts with all its digits.

    Example:
        >>> exp_product(np.array([-400.0]), 1.7)
        array([4.7835719e-296])
    """
    scaled = rate * 4398046511105.0  # 2⁴² + 1: the first 11 bits of the rate
    head = scaled - (scaled - rate)
    spread = x * 4097.0  # 2¹² + 1: all but the last 12 bits of x, so head·high is exact
    high = spread - (spread - x)
    big = head * high
    small = head * (x - high) + (rate - head) * x
    total = big + small
    return np.exp(total) * (1.0 + (small - (total - big)))


def exp_quotient(x: Floats, scale: float) -> Floats:
    """e^(x/scale), as accurate in the tail as if the quotient had not been rounded.

    Args:
        x: floats with |x| ≤ 1e30 and |x/scale| ≤ 1e30.
        scale: one number, not 0.

    Example:
        >>> exp_quotient(np.array([-2000.0]), 3.0)
        array([2.95355728e-290])
    """
    quotient = x / scale
    scaled = scale * 4398046511105.0
    head = scaled - (scaled - scale)
    spread = quotient * 4097.0
    high = spread - (spread - quotient)
    rest = ((x - high * head) - (quotient - high) * head) - quotient * (scale - head)
    correction = 1.0 + rest / scale
    result: Floats = np.exp(quotient) * correction
    return result
