"""Rounding to the number formats that networks run in.

Round to nearest, ties to even, once: straight from float64, without the detour over float32 that
rounds twice. Values come back as floats of the input's type, so that what was lost can be
measured with the tools that measure everything else.

NaN stays NaN and −0 stays −0. Beyond the largest number of a format stands infinity, or NaN in
fp8 e4m3, which has no infinity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import BadParameter, UnknownName

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Format:
    """A binary floating-point format.

    Attributes:
        name: what it is called here.
        bits: of storage.
        mantissa: stored bits of the mantissa.
        smallest: exponent of the smallest normal number; subnormals lie below it.
        largest: the largest finite number.
        overflow: what stands beyond: infinity, or NaN.
    """

    name: str
    bits: int
    mantissa: int
    smallest: int
    largest: float
    overflow: float = math.inf


FORMATS = {
    f.name: f
    for f in (
        Format("float64", 64, 52, -1022, float(np.finfo(np.float64).max)),
        Format("float32", 32, 23, -126, float(np.finfo(np.float32).max)),
        Format("bfloat16", 16, 7, -126, 2.0**127 * (2.0 - 2.0**-7)),
        Format("float16", 16, 10, -14, 65504.0),
        Format("fp8_e4m3", 8, 3, -6, 448.0, math.nan),  # OCP; float8_e4m3fn elsewhere
        Format("fp8_e5m2", 8, 2, -14, 57344.0),
    )
}
NAMES = (*FORMATS, "int8")


def round_to(x: ArrayLike, name: str) -> Floats:
    """The nearest numbers of a format.

    Args:
        x: any shape; float32 stays float32, everything else becomes float64.
        name: float64, float32, bfloat16, float16, fp8_e4m3 (the OCP format, also called
            float8_e4m3fn), fp8_e5m2 or int8 (see `round_int8`, over the whole array).

    Returns:
        An array of x's shape whose values all belong to the format.

    Raises:
        UnknownName: no such format.

    Example:
        >>> round_to([1.0 + 2.0**-9, 0.1, 3.0], "bfloat16")
        array([1.        , 0.10009766, 3.        ])
        >>> round_to([0.1, 464.0, 465.0, 1e-4], "fp8_e4m3")
        array([1.015625e-01, 4.480000e+02,          nan, 0.000000e+00])

    Source: IEEE 754-2019; Micikevicius et al. 2022, FP8 formats for deep learning.
    """
    if name == "int8":
        return round_int8(x)
    if name not in FORMATS:
        raise UnknownName("number format", name, NAMES)
    given, wide = _as_floats(x)
    f = FORMATS[name]
    result = _cut(wide, f.mantissa)
    small = np.abs(wide) < 2.0**f.smallest
    if small.any():
        result = np.where(small, _snap(wide, f.smallest - f.mantissa), result)
    beyond = np.abs(result) > f.largest
    result = np.where(beyond, np.copysign(f.overflow, wide), result)
    return result.astype(given.dtype)


def round_mantissa(x: ArrayLike, bits: int) -> Floats:
    """The nearest numbers with this many stored bits of mantissa and the exponents of float64.

    Args:
        x: any shape; float32 stays float32, everything else becomes float64.
        bits: 0 … 52; 23 is float32's mantissa, 7 bfloat16's.

    Raises:
        BadParameter: bits lie outside 0 … 52.

    Example:
        >>> round_mantissa([1.0, 1.2, 1.3, 1e-30], 2)
        array([1.00000000e+00, 1.25000000e+00, 1.25000000e+00, 9.86076132e-31])
    """
    if not 0 <= bits <= 52:
        raise BadParameter(f"bits = {bits!r}: expected a whole number from 0 to 52")
    given, wide = _as_floats(x)
    with np.errstate(over="ignore"):
        return _cut(wide, bits).astype(given.dtype)


def spacing(x: ArrayLike, name: str) -> Floats:
    """How far apart a format's numbers lie at x: 2^(e − mantissa) for 2^e ≤ |x| < 2^(e+1).

    Args:
        x: any shape.
        name: one of FORMATS.

    Returns:
        An array of x's shape, above 0; at 0 and for subnormals the smallest number of the format.

    Raises:
        UnknownName: no such format.

    Example:
        >>> spacing([1.0, 100.0, 0.0], "bfloat16")
        array([7.81250000e-03, 5.00000000e-01, 9.18354962e-41])
    """
    if name not in FORMATS:
        raise UnknownName("number format", name, list(FORMATS))
    f, wide = FORMATS[name], _as_floats(x)[1]
    exponents = np.frexp(wide)[1] - 1
    exponents = np.where(wide == 0.0, f.smallest, np.maximum(exponents, f.smallest))
    apart: Floats = np.ldexp(1.0, exponents - f.mantissa)
    return apart


def round_int8(x: ArrayLike, axes: tuple[int, ...] | None = None) -> Floats:
    """8-bit integers with one scale and zero point for the array, and back.

    scale = (high − low)/255 over a range that holds 0, zero = rint(−128 − low/scale),
    q = clip(rint(x/scale) + zero, −128, 127), value (q − zero)·scale. The range ends at the
    smallest and the largest finite value of x; an infinity goes to the end on its side.

    Args:
        x: any shape; float32 stays float32, everything else becomes float64.
        axes: the axes that share one scale; None is all of them ("per tensor").

    Returns:
        An array of x's shape with at most 256 values for each scale. NaN, for which there is no
        integer, stays NaN.

    Example:
        >>> round_int8([0.0, 0.1, 0.25, 255.0])
        array([  0.,   0.,   0., 255.])

    Source: Jacob et al. 2018, Quantization and training of neural networks for efficient
    integer-arithmetic-only inference; as ONNX DynamicQuantizeLinear.
    """
    given, wide = _as_floats(x)
    finite = np.where(np.isfinite(wide), wide, 0.0)
    low = np.minimum(finite.min(axis=axes, keepdims=True, initial=0.0), 0.0)
    high = np.maximum(finite.max(axis=axes, keepdims=True, initial=0.0), 0.0)
    scale = (high / 255.0) - (low / 255.0)
    flat = scale == 0.0
    scale = np.where(flat, 1.0, scale)
    zero = np.rint(-128.0 - low / scale)
    q = np.clip(np.rint(wide / scale) + zero, -128.0, 127.0)
    result: Floats = np.where(flat & ~np.isnan(wide), 0.0, (q - zero) * scale)
    return result.astype(given.dtype)


def _as_floats(x: ArrayLike) -> tuple[Floats, Floats]:
    """As float32 or float64, and a copy in float64."""
    array = np.asarray(x)
    with np.errstate(invalid="ignore"):  # a signalling NaN
        wide = array.astype(np.float64)
    return (array if array.dtype == np.float32 else wide), wide


def _cut(x: Floats, mantissa: int) -> Floats:
    """Round the mantissa of normal float64 numbers, ties to even, by integer arithmetic.

    Adding just under half of the last kept place, and its lowest bit, carries exactly where
    rounding up is due; a carry out of the mantissa raises the exponent, as it should.
    """
    drop = 52 - mantissa
    if drop == 0:
        return x
    bits = x.view(np.uint64)
    one, places = np.uint64(1), np.uint64(drop)
    half = (one << np.uint64(drop - 1)) - one
    carried = bits + half + ((bits >> places) & one)
    cut = ((carried >> places) << places).view(np.float64)
    return np.where(np.isfinite(x), cut, x)


def _snap(x: Floats, exponent: int) -> Floats:
    """Round to multiples of 2^exponent: adding 1.5·2^(52 + exponent) leaves no lower place."""
    if exponent <= -1074:
        return x
    anchor = 1.5 * 2.0 ** (52 + exponent)
    snapped = (np.where(np.abs(x) < anchor, x, 0.0) + anchor) - anchor
    return np.copysign(snapped, x)
