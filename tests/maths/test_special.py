"""The special functions against many digits, in both types, tails and infinities included."""

import inspect

import mpmath
import numpy as np
import pytest
from scipy import special as scipy_special

from actscope.maths import special

TYPES = (np.float64, np.float32)


def worst_ulp(function, exact, x: np.ndarray) -> tuple[float, float]:
    """The greatest error in units of the last place, and where."""
    with np.errstate(all="raise", under="ignore"):
        got = function(x)
    assert got.dtype == x.dtype and got.shape == x.shape
    errors = []
    for point, y in zip(x, got, strict=True):
        with mpmath.workprec(200):
            want = exact(mpmath.mpf(float(point)))
            with np.errstate(under="ignore"):
                unit = np.spacing(abs(x.dtype.type(float(want))))
            errors.append(float(abs(mpmath.mpf(float(y)) - want) / float(unit)))
    i = int(np.argmax(errors))
    return errors[i], float(x[i])


def exact_mills(a):
    return mpmath.sqrt(mpmath.pi / 2) * mpmath.erfc(a / mpmath.sqrt(2)) * mpmath.exp(a * a / 2)


CASES = {
    "erf": (special.erf, mpmath.erf, 1.1),
    "ndtr": (special.ndtr, mpmath.ncdf, 1.0),
    "npdf": (special.npdf, mpmath.npdf, 1.0),
    "gauss": (lambda x: special.gauss(x, 0.25), lambda v: mpmath.exp(-v * v / 4), 1.45),
    "mills": (lambda x: special.mills(np.abs(x)), lambda v: exact_mills(abs(v)), 1.0),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", CASES)
def test_within_five_ulp(name, kind):
    function, exact, stretch = CASES[name]
    rng = np.random.default_rng(5)
    edge = stretch * (38.7 if kind is np.float64 else 14.3)  # where the tail leaves the type
    x = np.concatenate([rng.uniform(-edge, edge, 400), rng.normal(size=200), [0.0, 1.0, -1.0]])
    error, where = worst_ulp(function, exact, x.astype(kind))
    assert error <= 5.0, f"{error:.1f} ulp at {where!r}"


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("rate", [1.0, 0.1, 1.7, -5.0, 1000.0])
def test_exponentials_of_products_and_quotients(rate, kind):
    edge = 750.0 if kind is np.float64 else 105.0
    x = (-np.sign(rate) * np.random.default_rng(6).uniform(0, edge, 300) / abs(rate)).astype(kind)
    exact_rate = mpmath.mpf(rate)
    for function, exact in (
        (lambda v: special.exp_product(v, rate), lambda v: mpmath.exp(exact_rate * v)),
        (lambda v: special.exp_quotient(v, 1.0 / rate), lambda v: mpmath.exp(v / (1.0 / rate))),
    ):
        error, where = worst_ulp(function, exact, x)
        assert error <= 5.0, f"{error:.1f} ulp at {where!r}"


@pytest.mark.parametrize("kind", TYPES)
def test_limits(kind):
    x = np.array([-np.inf, -0.0, 0.0, np.inf, np.nan], dtype=kind)
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(special.erf(x), [-1, 0, 0, 1, np.nan])
        np.testing.assert_array_equal(special.ndtr(x), [0, 0.5, 0.5, 1, np.nan])
        peak = kind(1 / np.sqrt(2 * np.pi))
        np.testing.assert_array_equal(special.npdf(x), [0, peak, peak, 0, np.nan])
        np.testing.assert_array_equal(special.gauss(x, 1.0), [0, 1, 1, 0, np.nan])
    assert np.signbit(special.erf(x)[1])


def test_against_scipy():
    """A second opinion where SciPy is accurate (its Φ loses digits below −5)."""
    x = np.linspace(-5, 5, 1001)
    np.testing.assert_allclose(special.erf(x), scipy_special.erf(x), rtol=1e-14)
    np.testing.assert_allclose(special.ndtr(x), scipy_special.ndtr(x), rtol=1e-14)
    a = np.linspace(0, 100, 1001)
    scaled = np.sqrt(np.pi / 2) * scipy_special.erfcx(a / np.sqrt(2))
    np.testing.assert_allclose(special.mills(a), scaled, rtol=1e-14)


def test_every_function_is_named_for_those_who_overload_it():
    own = {
        n
        for n, f in inspect.getmembers(special, inspect.isfunction)
        if f.__module__ == special.__name__ and not n.startswith("_")
    }
    assert own == set(special.__all__)
