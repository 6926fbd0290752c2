"""The lane type: NumPy's functions and the catalogue's formulas mean on lanes what they mean."""

import numpy as np
import pytest

from actscope.activations import SHELF, activation
from actscope.engine import specials
from actscope.engine.emit import Code
from actscope.engine.lanes import UFUNCS, LaneType
from actscope.maths import special

EDGES = [0.0, 0.5, 1.0, 1.5, 2.5, 3.7, 1e-3, 1e-40, 1e-320, 12.0, 1e30, np.inf]
RANDOM = np.random.default_rng(3).normal(size=200) * 3
POINTS = np.array([*EDGES, *(-e for e in EDGES), np.nan, *RANDOM])

ONE_ARGUMENT = {
    "negative": lambda x: -x,
    "positive": lambda x: +x,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "square": np.square,
    "sign": np.sign,
    "rint": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "reciprocal": np.reciprocal,
    "isnan": lambda x: np.where(np.isnan(x), x * 0.0 + 1.0, 0.0 * x),
    "isfinite": lambda x: np.where(np.isfinite(x), x * 0.0 + 1.0, 2.0),
    "maximum with a number": lambda x: np.maximum(x, 0.25),
    "maximum of a number": lambda x: np.maximum(0.25, x),
    "minimum with a number": lambda x: np.minimum(x, -0.25),
    "minimum of a number": lambda x: np.minimum(-0.25, x),
    "heaviside 0": lambda x: np.heaviside(x, 0.0),
    "heaviside half": lambda x: np.heaviside(x, 0.5),
    "heaviside 1": lambda x: np.heaviside(x, 1.0),
    "where": lambda x: np.where(x > 0.5, x, -2.0 * x),
    "masks": lambda x: np.where((x > 0.5) & ~(x >= 2.0) | (x < -3.0), x, 1.0),
    "masks count": lambda x: (x > 0.5) * x + (x <= 0.5) * 2.0,
    "one minus mask": lambda x: x * (1.0 - (x != 1.0)),
    "numbers on the left": lambda x: 1.0 / (2.0 - x) + 3.0 * x + (1.0 + x),
    "numpy scalars": lambda x: np.float64(0.5) * x - np.float32(2.0),
    "equal": lambda x: np.where(x == 1.0, 5.0 * x, x),
    "ufuncs": lambda x: np.add(np.multiply(x, 2.0), np.subtract(1.0, np.divide(x, 3.0))),
    "copysign": lambda x: np.copysign(2.0, x),
    "two lanes": lambda x: np.maximum(x, -x) + np.minimum(x, np.square(x)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_operators_and_ufuncs_are_numpys_bit_for_bit(name, dtype, on_lanes):
    with np.errstate(all="ignore"):
        x = POINTS.astype(dtype)
        expected = ONE_ARGUMENT[name](x).astype(dtype)
    for count in (1, 4, 8, 16):
        np.testing.assert_array_equal(on_lanes(ONE_ARGUMENT[name], x, count), expected)


def test_times_plus_rounds_once(on_lanes):
    x = np.array([1.0 + 2.0**-12], dtype=np.float32)
    exact = float(x[0]) ** 2 - 1.0
    assert on_lanes(lambda v: v.times_plus(v, -1.0), x)[0] == np.float32(exact)
    assert on_lanes(lambda v: v * v - 1.0, x)[0] != np.float32(exact)


def test_what_lanes_do_not_know_is_refused(on_lanes):
    x = np.ones(4, dtype=np.float32)
    with pytest.raises(TypeError, match="arctan"):
        on_lanes(np.arctan, x)
    with pytest.raises(TypeError):
        on_lanes(lambda v: v + "1", x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SHELF.names())
@pytest.mark.parametrize("which", ["f", "df"])
def test_every_formula_of_the_catalogue_runs_on_lanes(name, which, dtype, on_lanes):
    a = activation(name)
    limit = 80.0 if dtype == np.float32 else 700.0
    x = np.concatenate([np.linspace(-limit, limit, 301), RANDOM, [0.0, np.nan]]).astype(dtype)
    for kink in a.kinks:  # beside a kink rounding decides on which side a point lies
        x = x[~(np.abs(x - kink) < 1e-3)] if kink else x
    formula = specials.on_lanes(getattr(a, which))
    expected = (a if which == "f" else a.slope_at)(x)
    found = on_lanes(lambda v: v.same(formula(v, *a.values)), x)
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    np.testing.assert_allclose(found, expected, rtol=128 * eps, atol=max(16 * tiny, eps * 1e-3))


@pytest.mark.parametrize("text", ["x*sigmoid(1.7*x)", "where(x > 1, x, tanh(x)**2)", "max(x, -1)"])
def test_typed_expressions_run_on_lanes(text, on_lanes):
    a = activation(text)
    x = RANDOM.astype(np.float32)
    for formula, expected in ((a.f, a(x)), (a.df, a.slope_at(x))):
        found = on_lanes(lambda v, f=formula: v.same(specials.on_lanes(f)(v, *a.values)), x)
        np.testing.assert_allclose(found, expected, rtol=3e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name", ["erf", "ndtr", "npdf", "gauss", "mills", "exp_product", "exp_quotient"]
)
def test_special_functions_on_lanes_are_those_of_maths(name, dtype, on_lanes):
    more = {"gauss": (0.5,), "exp_product": (1.7,), "exp_quotient": (3.1,)}.get(name, ())
    function = getattr(special, name)
    x = np.concatenate([np.linspace(-9, 9, 400), RANDOM]).astype(dtype)
    x = np.abs(x) if name == "mills" else x
    expected = function(x.astype(np.float64), *more)
    found = on_lanes(lambda v: specials.on_lanes(function)(v, *more), x)
    np.testing.assert_allclose(found, expected, rtol=6 * np.finfo(dtype).eps, atol=0)


def test_a_formula_keeps_its_own_globals():
    """Only calls of special functions are rerouted; the record's function stays what it was."""
    gelu = activation("gelu").f
    before = dict(gelu.__globals__)
    assert specials.on_lanes(gelu) is not gelu
    assert gelu.__globals__ == before
    assert specials.on_lanes(activation("relu").f) is activation("relu").f


def test_every_ufunc_that_formulas_may_use_is_known():
    allowed = (
        "exp expm1 log log1p tanh sin cos sqrt abs maximum minimum sign where heaviside square"
    )
    for name in [*allowed.split(), "rint", "floor", "copysign"]:
        assert getattr(np, name) in UFUNCS, name


def test_constants_are_rounded_to_the_type():
    code = Code("constants")
    lane = LaneType("float32", 4).lane(code, 0.1)
    assert float(lane.ir.constant[0].constant) == float(np.float32(0.1))
