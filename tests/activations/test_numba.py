"""The same formulas on scalars inside Numba, against NumPy."""

import math
import types
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

njit = numba.njit(error_model="numpy", cache=False)

# What NumPy has for arrays, for one number. Numba has no heaviside, and its where makes arrays.
SCALARS = types.ModuleType("scalars")
SCALARS.where = njit(lambda condition, yes, no: yes if condition else no)
SCALARS.minimum = njit(lambda a, b: a if a != a or a < b else b)
SCALARS.maximum = njit(lambda a, b: a if a != a or a > b else b)
SCALARS.heaviside = njit(
    lambda x, at_zero: x if x != x else (at_zero if x == 0.0 else (1.0 if x > 0.0 else 0.0))
)
SCALARS.abs = njit(lambda x: math.fabs(x))
SCALARS.square = njit(lambda x: x * x)
for _name in ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "sqrt", "sign", "rint"):
    setattr(SCALARS, _name, getattr(np, _name))
SCALARS.copysign, SCALARS.float64 = np.copysign, np.float64

_compiled: dict[Callable[..., Any], Any] = {}


def compiled(function: Callable[..., Any]) -> Any:
    """The function compiled by Numba, with `np` and every function it calls made scalar."""
    if function not in _compiled:
        names = {
            k: compiled(v) if isinstance(v, types.FunctionType) else v
            for k, v in function.__globals__.items()
            if k in function.__code__.co_names
        }
        table = {**names, "np": SCALARS, "__builtins__": __builtins__}
        _compiled[function] = njit(types.FunctionType(function.__code__, table, function.__name__))
    return _compiled[function]


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("which", ["f", "df"])
def test_scalar_numba(record, which, kind):
    function = getattr(record, which)
    rare = [0.0, -0.0, 700.0, -700.0, 1e15, -1e15, np.inf, -np.inf, np.nan, 5e-324]
    x = np.concatenate([np.linspace(-30, 30, 121), record.kinks, rare]).astype(kind)
    one = compiled(function)
    got = np.array([one(v, *record.values) for v in x]).astype(kind)
    with np.errstate(over="ignore", under="ignore"):
        want = function(x, *record.values)
    least = float(np.finfo(kind).smallest_subnormal)
    # beside the rounding of both, Numba keeps float64 where a literal meets a float32
    np.testing.assert_allclose(got, want, rtol=16 * np.finfo(kind).eps, atol=16 * least)
