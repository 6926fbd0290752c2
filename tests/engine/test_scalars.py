"""The scalar machine: the catalogue's formulas, called from Python and from Numba."""

import numba
import numpy as np
import pytest

from actscope.activations import SHELF, activation
from actscope.engine.scalars import compile_scalar

POINTS = np.concatenate([np.linspace(-30, 30, 121), [0.0, 700.0, -700.0, np.nan]])


@pytest.mark.parametrize("name", SHELF.names())
def test_the_catalogue_compiled_is_the_catalogue(name):
    a = activation(name)
    f, df = compile_scalar(a)
    found = [[f(x), df(x)] for x in POINTS]
    expected = np.transpose([a(POINTS), a.slope_at(POINTS)])
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-19)


def test_numba_calls_them():
    f, df = compile_scalar(activation("x*sigmoid(1.7*x)"))

    @numba.njit
    def total(points):
        s = 0.0
        for x in points:
            s += f(x) - 2.0 * df(x)
        return s

    a = activation("x*sigmoid(1.7*x)")
    x = POINTS[np.isfinite(POINTS)]
    np.testing.assert_allclose(total(x), (a(x) - 2.0 * a.slope_at(x)).sum(), rtol=1e-12)
