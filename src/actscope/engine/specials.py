"""The functions of maths/special.py on lanes, shorter where float32 and fma allow it.

`on_lanes(f)` is a formula whose calls of special functions go to the ones here. It is the same
code with another table of globals, so a record has to know nothing of lanes. A special function
without an entry here runs on lanes as it is written.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from actscope.engine.lanes import Lane
from actscope.engine.vectormath import polynomial
from actscope.maths import special

# Chebyshev fits in mpmath, highest power first; relative errors 2e-8, 5e-9, 2e-9.
# (4 + a)·mills(a) in t = (a − 4)/(a + 4) for a from 0 to 66
_MILLS = (
    -0.00041074930943117406,
    0.00031523486840344075,
    0.003950924730254301,
    -0.008699299218014165,
    -0.018850124067320936,
    0.15138164063957252,
    -0.467548450725236,
    0.9704110202363486,
    -1.5237706151086319,
    1.8932190305162677,
)
# log(1 + t)/t for t from 0 to 1
_LOG1P = (
    -0.00317605701843196,
    0.0195425272610141,
    -0.05637361283010733,
    0.10543623795419527,
    -0.15269667074363288,
    0.19663274257204805,
    -0.24951616262872073,
    0.3332971049891775,
    -0.49999892648063277,
    0.999999994656292,
)
# erf(√s)/√s − 1 for s from 0 to 1
_ERF = (
    7.875875062685488e-05,
    -0.000801686428716587,
    0.005189087423433974,
    -0.026854212010626412,
    0.11283594715160218,
    -0.37612626666720334,
    0.1283791658483509,
)


def log1p_of_share(t: Lane) -> Lane:
    """log(1 + t) for 0 ≤ t ≤ 1 (NaN gives NaN)."""
    return np.log1p(t) if t.lanes.double else t * polynomial(t, _LOG1P)


def mills(a: Lane) -> Lane:
    """special.mills; in float32 a shorter polynomial will do."""
    if a.lanes.double:
        return special.mills(a)  # type: ignore[return-value, arg-type]
    share = 1.0 / (a + 4.0)  # the one division: t = 1 − 8·share
    return polynomial(share.times_plus(-8.0, 1.0), _MILLS) * share


def erf(x: Lane) -> Lane:
    """special.erf; in float32 a shorter polynomial will do near 0."""
    a = abs(x).least(16.0)
    core = a.least(1.0)
    terms = (*special._ERF[:-1], special._ERF[-1] - 1.0) if x.lanes.double else _ERF
    near = polynomial(core * core, terms).times_plus(x, x)
    tail = np.exp(-(a * a)) * mills(a * math.sqrt(2.0)) * (2.0 / special.ROOT_2PI)
    return (a < 1.0).choose(near, (1.0 - tail).copysign(x))


def gauss(x: Lane, rate: float) -> Lane:
    """special.gauss; fma gives what rounding x² has lost."""
    a = abs(x).least(64.0)
    square = a * a
    lost = a.times_plus(a, -square)
    return np.exp(square * -rate) * lost.times_plus(-rate, 1.0)


def exp_product(x: Lane, rate: float) -> Lane:
    """special.exp_product; fma gives what rounding the product has lost."""
    head = rate if x.lanes.double else float(np.float32(rate))
    product = x * head
    if abs(math.frexp(rate)[0]) == 0.5:  # a power of two loses nothing
        return np.exp(product)
    lost = x.times_plus(head, -product)
    if head != rate:
        lost = x.times_plus(rate - head, lost)
    return np.exp(product) * (lost + 1.0)


OVERLOADS: dict[Any, Callable[..., Lane]] = {
    special.erf: erf,
    special.exp_product: exp_product,
    special.gauss: gauss,
    special.mills: mills,
}


@functools.cache
def on_lanes(function: Any) -> Any:
    """`function`, and the functions of ours that it calls, with special functions overloaded."""
    if function in OVERLOADS:
        return OVERLOADS[function]
    if not isinstance(function, types.FunctionType) or not function.__globals__:
        return function
    names = set(function.__code__.co_names) & set(function.__globals__)
    changed = {}
    for name in names:
        value = function.__globals__[name]
        if isinstance(value, types.FunctionType) and value.__module__.startswith("actscope."):
            changed[name] = on_lanes(value)
    if not changed:
        return function
    return types.FunctionType(
        function.__code__,
        {**function.__globals__, **changed},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
