"""Typed expressions: what they compute, how they print, and the facts found about them."""

import inspect
import math
import pickle

import mpmath
import numpy as np
import pytest

from actscope.activations import SHELF, Interval
from actscope.activations._expression import Expression, parse
from actscope.errors import InputError

WIDE = np.concatenate(
    [np.linspace(-30, 30, 241) + 0.013, [-1e4, -1000.0, -88.0, 88.0, 1000.0, 1e4]]
)

# typed -> (formula, derivative)
TEXTS = {
    "x*sigmoid(1.7*x)": ("x*sigmoid(1.7*x)", "sigmoid(1.7*x)*(1 + 1.7*x*sigmoid(-1.7*x))"),
    "x*tanh(log(1+exp(x)))": (
        "x*tanh(softplus(x))",
        "tanh(softplus(x)) + x*sigmoid(x)*sech(softplus(x))**2",
    ),
    "1/(1 + exp(-x))": ("sigmoid(x)", "sigmoid(x)*sigmoid(-x)"),
    "exp(x)/(1 + exp(x))": ("sigmoid(x)", "sigmoid(x)*sigmoid(-x)"),
    "1/(1 + 1/exp(x))": ("sigmoid(x)", "sigmoid(x)*sigmoid(-x)"),
    "1 - sigmoid(-x)": ("sigmoid(x)", "sigmoid(x)*sigmoid(-x)"),
    "exp(x)/(2 + 3*exp(x))": (
        "sigmoid(x + log(1.5))/3",
        "sigmoid(x + log(1.5))*sigmoid(-x - log(1.5))/3",
    ),
    "log(1 + exp(2*x))": ("softplus(2*x)", "2*sigmoid(2*x)"),
    "log(sigmoid(x))": ("-softplus(-x)", "sigmoid(-x)"),
    "(exp(2*x) - 1)/(exp(2*x) + 1)": ("tanh(x)", "sech(x)**2"),
    "(exp(x) - exp(-x))/(exp(x) + exp(-x))": ("tanh(x)", "sech(x)**2"),
    "2*sigmoid(2*x) - 1": ("tanh(x)", "sech(x)**2"),
    "log(cosh(x))": ("softplus(2*x) - x - log(2)", "tanh(x)"),
    "0.5*x*(1 + erf(x/sqrt(2)))": ("x*ndtr(x)", "ndtr(x) + x*npdf(x)"),
    "exp(x) - 1": ("expm1(x)", "exp(x)"),
    "sin(x)**2 + cos(x)**2": ("1", "0"),
    "x + x*x/x": ("2*x", "2"),
    "(x + 1)**2 - x**2": ("1 + 2*x", "2"),
    "max(x, 0)": ("max(0, x)", "where(x > 0, 1, 0)"),
    "abs(x)**3": ("abs(x)**3", "3*x*abs(x)"),
    "x/(1 + abs(x))": ("x/(1 + abs(x))", "1/(1 + abs(x))**2"),
    "sqrt(x**2)": ("abs(x)", "sign(x)"),
    "x**1.5": ("x**1.5", "1.5*sqrt(x)"),
    "2**x": ("2**x", "2**x*log(2)"),
    "e**x": ("exp(x)", "exp(x)"),
    "-(x - 2)/3": ("2/3 - x/3", "-1/3"),
    "x**-2": ("1/x**2", "-2/x**3"),
}


@pytest.mark.parametrize(("typed", "texts"), TEXTS.items(), ids=list(TEXTS))
def test_formula_and_derivative_are_simplified(typed, texts):
    a = parse(typed)
    assert (a.formula, a.derivative) == texts


@pytest.mark.parametrize("typed", TEXTS)
def test_texts_can_be_parsed_again_and_stay(typed):
    a = parse(typed)
    again, slope = parse(a.formula), parse(a.derivative)
    assert (again.formula, again.derivative) == (a.formula, a.derivative)
    np.testing.assert_array_equal(again(WIDE), a(WIDE))
    np.testing.assert_allclose(slope(WIDE), a.slope_at(WIDE), rtol=1e-13, atol=1e-300)


def test_mish_written_out_is_mish():
    mish = SHELF.get("mish")
    typed = parse("x*tanh(log(1+exp(x)))")
    np.testing.assert_allclose(typed(WIDE), mish(WIDE), rtol=1e-12)
    np.testing.assert_allclose(typed.slope_at(WIDE), mish.slope_at(WIDE), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(typed([-1000.0, 1.0, 1000.0]), [0.0, 0.8650983882673103, 1000.0])


@pytest.mark.parametrize(
    "text",
    [
        "x*((1 + exp(x))**2 - 1)/((1 + exp(x))**2 + 1)",
        "(exp(x) + 3)/(exp(x) + 2)",
        "x*exp(2*x)/(exp(2*x) + exp(x) + 5)",
        "sinh(x)/(1 + cosh(x))",
        "(x + exp(x))/(1 + exp(x))",
        "x*exp(x)*sech(x)",
        "exp(x - x**2/2)*exp(x)",
        "max(0, x)*exp(-x)",
        "log(exp(3*x) + exp(-3*x))",
        "log(sinh(abs(x)))",
        "log((1 + x**2)*exp(3*x))",
        "x*sigmoid(1.7*x)",
        "gelu_tanh(x)",
        "softplus(sinh(x/1000))",
    ],
)
def test_what_overflows_when_computed_as_written_is_right(text):
    """Against 60 digits of the text as written, whose exponents know no bounds."""
    exact = _as_written(text)
    with mpmath.workdps(60):
        at = [mpmath.mpf(float(x)) for x in WIDE[::12]] + [mpmath.mpf(v) for v in (-1e4, -1e3, 1e4)]
        value = np.array([float(exact(x)) for x in at])
        slope = np.array([float(mpmath.diff(exact, x)) for x in at])
    x = np.array([float(v) for v in at])
    a = parse(text)
    np.testing.assert_allclose(a(x), value, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(a.slope_at(x), slope, rtol=1e-11, atol=1e-13)


def _as_written(text):
    names = {n: getattr(mpmath, n) for n in ("exp", "log", "fabs", "tanh", "sinh", "cosh", "sech")}
    names |= {"sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "max": max}
    names |= {"softplus": lambda x: mpmath.log1p(mpmath.exp(x))}
    names["gelu_tanh"] = lambda x: (
        x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)))
    )
    code = compile(text.replace("1.7", "mpf('1.7')").replace("abs", "fabs"), text, "eval")
    return lambda x: eval(code, {**names, "mpf": mpmath.mpf}, {"x": x})


@pytest.mark.parametrize("name", SHELF.names())
def test_the_catalogue_can_be_typed(name):
    """A record's name as a function is the record, and so are its texts."""
    record = SHELF.get(name)
    for text, settings in ((f"{name}(x)", {}), (record.formula, record.settings)):
        a = parse(text, settings)
        np.testing.assert_allclose(a(WIDE), record(WIDE), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(a.slope_at(WIDE), record.slope_at(WIDE), rtol=1e-11, atol=1e-13)
        assert a.kinks == pytest.approx(record.kinks)
        assert str(a.range) == str(record.range)
        assert a.zero_centred == record.zero_centred
        assert a.monotonic == record.monotonic


def test_parameters_follow_the_argument_or_come_by_name():
    expected = SHELF.get("leaky_relu").with_params(slope=0.2)(WIDE)
    np.testing.assert_array_equal(parse("leaky_relu(x, 0.2)")(WIDE), expected)
    np.testing.assert_array_equal(parse("leaky_relu(x, 1/5)")(WIDE), expected)
    np.testing.assert_array_equal(parse("where(x > 0, x, slope*x)", {"slope": 0.2})(WIDE), expected)
    inner = parse("silu(2*x + 1)")
    np.testing.assert_allclose(inner(WIDE), SHELF.get("silu")(2 * WIDE + 1), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "kinks"),
    [
        ("abs(x - 1)", (1.0,)),
        ("abs(x)**3", ()),
        ("abs(x)**1.5", ()),
        ("abs(x)**0.5", (0.0,)),
        ("sign(3*x - 1)", (1 / 3,)),
        ("max(x, x)", ()),
        ("max(x, 2*x) + max(0, 5 - x)", (0.0, 5.0)),
        ("min(max(x, -2), 700)", (-2.0, 700.0)),
        ("max(0, x**2 - 2)", (-math.sqrt(2), math.sqrt(2))),
        ("max(0, x)**2", ()),
        ("abs(exp(x) - 3)", (math.log(3),)),
        ("abs(1 - cos(x))", ()),
        ("where(x > 2, x**2, 4*x - 4)", ()),
        ("where(x > 2, x**2, 4*x)", (2.0,)),
        ("where(x > 2, x**2, x + 2)", (2.0,)),
        ("where(x == 1, 7, x)", (1.0,)),
        ("where(x == 0, 1, sin(x)/x)", ()),
        ("sqrt((x - 3)**2)", (3.0,)),
        ("abs(x)*(1 + x**2) - abs(x)", ()),
        ("x*sigmoid(x)", ()),
        ("abs((x - 1)*(x - 1.5)*(x**3 - 2))", (1.0, 2 ** (1 / 3), 1.5)),
        ("sign(1/x)", (0.0,)),
        ("min(x, 1/x)", (-1.0, 0.0, 1.0)),
        ("abs(1/(x**2 - 1))", (-1.0, 1.0)),
        ("sign(x)*sqrt(abs(x))", (0.0,)),
        ("sqrt(x)", ()),
    ],
)
def test_kinks(text, kinks):
    assert parse(text).kinks == pytest.approx(kinks, rel=1e-14, abs=1e-300)


def test_kinks_without_end_are_those_within_fifty():
    kinks = np.array(parse("abs(sin(x))").kinks)
    np.testing.assert_allclose(kinks, np.pi * np.arange(-15, 16), rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("tanh(x)", Interval(-1.0, 1.0)),
        ("sin(x)", Interval(-1.0, 1.0, True, True)),
        ("exp(-x**2)", Interval(0.0, 1.0, False, True)),
        ("exp(x)", Interval(0.0, math.inf)),
        ("log(x)", Interval(-math.inf, math.inf)),
        ("1/x", Interval(-math.inf, math.inf)),
        ("x**2 - 2*x", Interval(-1.0, math.inf, True)),
        ("min(6, max(0, x))", Interval(0.0, 6.0, True, True)),
        ("max(x, 0) - 1/3", Interval(-1 / 3, math.inf, True)),
        ("where(x > 0, x, 1)", Interval(0.0, math.inf)),
        ("x/sqrt(1 + x**2)", Interval(-1.0, 1.0)),
        ("x*exp(-x)", Interval(-math.inf, math.exp(-1), False, True)),
        ("3", Interval(3.0, 3.0, True, True)),
        ("where(x < 0, -1/7, x)", Interval(-1 / 7, math.inf, True)),
        ("1/(1 + x**2)", Interval(0.0, 1.0, False, True)),
        ("abs(1/(x**2 - 1))", Interval(0.0, math.inf)),
        ("sign(1/x)", Interval(-1.0, 1.0, True, True)),
        ("-(x - 123456.7)**2", Interval(-math.inf, 0.0, False, True)),
    ],
)
def test_range(text, interval):
    got = parse(text).range
    assert (got.low_attained, got.high_attained) == (interval.low_attained, interval.high_attained)
    assert (got.low, got.high) == pytest.approx((interval.low, interval.high), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "centred", "monotonic"),
    [
        ("x**3", True, True),
        ("sin(x)", True, False),
        ("x**2 - 1", True, False),
        ("x**2", False, False),
        ("max(0, x) - 1/sqrt(2*pi)", True, True),
        ("-x", True, False),
        ("-1/x", True, False),
        ("where(x > 1, x - 3, x)", False, False),
        ("sign(x)", True, True),
        ("x + 1e-7*sin(1e6*x)", True, True),
        ("log(x)", False, True),
    ],
)
def test_centring_and_monotonicity(text, centred, monotonic):
    a = parse(text)
    assert (a.zero_centred, a.monotonic) == (centred, monotonic)


@pytest.mark.parametrize("text", [*TEXTS, "x*0", "where(x > 0, 1, 0)", "x**x", "where(x!=x,1,2)"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_type_and_shape_are_kept_and_nan_passes(text, dtype):
    a = parse(text)
    x = np.array([[-1e4, -2.0, 0.0], [2.0, 1e4, np.nan]], dtype=dtype)
    for y in (a(x), a.slope_at(x)):
        assert y.dtype == dtype
        assert y.shape == x.shape
        assert np.isnan(y[1, 2])
    assert a(dtype(0.5)).dtype == dtype
    assert a(3).dtype == np.float64


@pytest.mark.parametrize("text", ["log(x)", "x*log(x)", "log(1 + x)**2", "sqrt(x)", "x**1.5"])
def test_no_slope_where_there_is_no_value(text):
    a, x = parse(text), np.array([-3.0, -1.5, 0.5, 2.0])
    for points in (x, x.astype(np.float32)):
        value, slope = a(points), a.slope_at(points)
        np.testing.assert_array_equal(np.isnan(value), points < 0)
        np.testing.assert_array_equal(np.isnan(slope), points < 0)
        assert slope.dtype == points.dtype


def test_nan_is_data_and_gives_no_warning():
    a = parse("log(x) + 1/x + sqrt(x)")
    with np.errstate(all="raise"):
        assert np.isnan(a(-1.0))
        assert np.isposinf(parse("exp(x)")(1e4))


def test_functions_of_the_raw_language_stay_real():
    assert np.isnan(parse("x**0.5")(-4.0))
    assert np.isnan(parse("x**(1/3)")(-8.0))
    assert np.isnan(parse("sqrt(x)*sqrt(x)")(-1.0))
    assert np.isnan(parse("exp(log(x))")(-1.0))
    np.testing.assert_allclose(parse("x**x")([0.0, 2.5]), [1.0, 2.5**2.5], rtol=1e-14)
    np.testing.assert_allclose(parse("x**2.3")([0.0, 7.0]), [0.0, 7.0**2.3], rtol=1e-13)


def test_at_a_tie_the_constant_wins():
    """max(0, x)' at 0 is 0 and min(6, x)' at 6 is 0, as PyTorch has them for ReLU and ReLU6."""
    assert parse("max(x, 0)").slope_at(0.0) == 0.0
    assert parse("min(6, x)").slope_at(6.0) == 0.0
    assert parse("abs(x)").slope_at(0.0) == 0.0
    assert parse("max(x, 0.1*x)").slope_at(-1.0) == pytest.approx(0.1)


def test_the_record_says_where_it_comes_from():
    a = parse("  x * sigmoid( 1.7*x )")
    assert isinstance(a, Expression)
    assert a.name == a.label == a.formula == "x*sigmoid(1.7*x)"
    assert a.source == "x * sigmoid( 1.7*x )"
    assert a.use_case == "typed expression"
    assert a.params == ()
    assert parse("x*sigmoid(1.7*x)") is parse("x*sigmoid(1.7*x)")


def test_the_functions_are_plain_ufuncs_with_readable_source():
    a = parse("x*sigmoid(1.7*x)")
    assert a.f.__source__.startswith("def f(x):\n    t1 = 1.7 * x\n")
    assert list(inspect.signature(a.df).parameters) == ["x"]
    assert set(a.f.__code__.co_names) <= {"np", "exp", "abs", "where"}


@pytest.mark.parametrize(
    "text",
    [
        "x*sigmoid(1.7*x)",
        "x*tanh(log(1+exp(x)))",
        "max(0, x)*exp(-x)",
        "where(x > 0, 1, 0)",
        "min(6, abs(x))*sign(x)",
        "x**7 + sinh(x)/x**0.75",
        "log(2 + sin(x))",
        "(exp(x) + 3)/(exp(x) + 2)",
        "3",
    ],
)
def test_numba_runs_the_same_functions_on_scalars(text):
    numba = pytest.importorskip("numba")
    a = parse(text)
    x = [-1000.0, -1.3, 0.0, 0.7, 30.0, math.nan]
    for function, expected in ((a.f, a(x)), (a.df, a.slope_at(x))):
        compiled = numba.njit(function, error_model="numpy")
        got = np.array([float(compiled(v)) for v in x])
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-300)


def test_an_expression_can_be_pickled():
    a = parse("where(x > 0, x, slope*silu(x))", {"slope": 0.2})
    again = pickle.loads(pickle.dumps(a))
    assert again.formula == a.formula
    np.testing.assert_array_equal(again(WIDE), a(WIDE))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"slop": 0.2}, "unknown name 'slope'"),
        ({"slope": 0.2, "beta": 1.0}, "no parameter 'beta'"),
        ({"slope": math.inf}, "slope = inf"),
        ({"slope": "0.2"}, "expected a number"),
        ({"slope": 1.0, "exp": 1.0}, "a name of its own"),
        ({"slope": 1.0, "a b": 1.0}, "a name of its own"),
    ],
)
def test_parameters_have_to_be_numbers_that_stand_in_the_text(params, says):
    with pytest.raises(InputError, match=says):
        parse("slope*x", params)
