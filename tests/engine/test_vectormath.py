"""Every elementary function on lanes against mpmath, over all floats, in ulp."""

import mpmath
import numpy as np
import pytest

from actscope.engine import specials
from actscope.maths import special

# The largest error allowed, in ulp. What was measured over 2·10⁶ floats of each type, for
# float32 and float64: exp .96 .96, expm1 1.37 1.79, log .78 .76, log1p .77 .80, tanh 1.39 1.38,
# sin .50 1.52, cos .50 1.50, erf 1.7 1.5.
BOUND = 2.0
FUNCTIONS = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "erf": specials.on_lanes(special.erf),
}


def floats(dtype, limit):
    """Every kind of float: any bit pattern, subnormals, near 0, near 1, the ends of exp's range."""
    rng = np.random.default_rng(5)
    bits = np.int32 if dtype == np.float32 else np.int64
    info = np.iinfo(bits)
    any_bits = rng.integers(info.min, info.max, 600, dtype=bits).view(dtype)
    end = 104 if dtype == np.float32 else 746
    parts = [
        any_bits,
        rng.integers(1, 1 << (23 if dtype == np.float32 else 52), 40, dtype=bits).view(dtype),
        rng.uniform(-end, end, 300),
        rng.normal(size=400),
        1.0 + rng.normal(size=100) * 1e-3,
        rng.uniform(-1, 1, 100) * 10.0 ** rng.uniform(-6, 0, 100),
    ]
    x = np.concatenate([p.astype(dtype) for p in parts])
    return x[np.isfinite(x) & (np.abs(x) <= limit)]


def exact(name, x):
    """The function's value by mpmath, rounded to long double."""
    first = {"log": 0.0, "log1p": -1.0}.get(name, -np.inf)  # below it there is no real value
    values = np.full(len(x), np.nan, dtype=np.longdouble)
    with mpmath.workdps(40):
        for i, v in enumerate(x.tolist()):
            if v > first:
                v = max(-1e4, min(v, 1e4)) if "exp" in name else v
                value = getattr(mpmath, name)(mpmath.mpf(v))
                values[i] = np.longdouble(mpmath.nstr(value, 30))
    return values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_within_two_ulp_of_mpmath(name, dtype, on_lanes):
    x = floats(dtype, 2.0**20 if name in ("sin", "cos") else np.inf)
    found = on_lanes(FUNCTIONS[name], x)
    true = exact(name, x)
    with np.errstate(all="ignore"):
        nearest = true.astype(dtype)
        ulp = np.abs(found - true) / np.spacing(np.abs(nearest)).astype(np.longdouble)
    finite = np.isfinite(nearest)
    assert np.nanmax(ulp[finite]) <= BOUND, x[finite][np.nanargmax(ulp[finite])]
    np.testing.assert_array_equal(found[~finite], nearest[~finite])
    assert finite.sum() > 500


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "erf"])
def test_special_values_are_numpys(name, dtype, on_lanes):
    info = np.finfo(dtype)
    ends = [0.0, 1.0, 88.8, 89.5, 104.5, 150.0, 709.9, 710.5, 746.5, 1e30, info.max, info.tiny]
    x = np.array([*ends, *(-v for v in ends), np.inf, -np.inf, np.nan], dtype=dtype)
    if name in ("sin", "cos"):
        x = x[~(np.isfinite(x) & (np.abs(x) > 2.0**20))]
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[name](x)
    found = on_lanes(FUNCTIONS[name], x)
    np.testing.assert_allclose(found, expected, rtol=4 * info.eps, atol=0)
    signed = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[signed], np.signbit(expected)[signed])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_result_does_not_depend_on_the_number_of_lanes(name, dtype, on_lanes):
    x = floats(dtype, 2.0**20)
    results = [on_lanes(FUNCTIONS[name], x, count).tobytes() for count in (1, 2, 4, 8, 16)]
    assert len(set(results)) == 1
