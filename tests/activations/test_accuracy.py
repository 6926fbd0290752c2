"""Every f and df against many digits: in both types, at all settings, tails included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.activations import SHELF, Activation, activation
from actscope.errors import InputError

LIMIT = 8.0  # ulp
TYPES = (np.float64, np.float32)


def points(one: Activation, kind: type) -> np.ndarray:
    """Where tails, cancellation and kinks are, and everywhere else, in [−1e4, 1e4]."""
    rng = np.random.default_rng(20)
    edge = 760.0 if kind is np.float64 else 106.0  # e^−edge is below the least subnormal
    spread = [rng.normal(size=40), rng.uniform(-8, 8, 40), rng.uniform(-1e4, 1e4, 30)]
    tails = [
        rng.uniform(-edge, edge, 60),
        rng.uniform(-40, 40, 60),
        -np.linspace(0.9, 1, 20) * edge,
    ]
    for p, value in one.settings.items():  # where a scaled tail ends
        del p
        tails += [rng.uniform(-edge, edge, 30) / value, rng.uniform(-edge, edge, 30) * value]
    small = 10.0 ** rng.uniform(-12 if kind is np.float64 else -6, 0, 30)
    around = [k + np.array([-1, -1e-3, -1e-7, 0, 1e-7, 1e-3, 1]) for k in one.kinks]
    x = np.concatenate([*spread, *tails, small, -small, [0.0, 1e4, -1e4], *around])
    return np.unique(x[np.abs(x) <= 1e4].astype(kind))


def near_zero(value, x: float) -> bool:
    """Whether the exact function changes sign, or is 0, within 1/4 of x."""
    left, right = value(x - 0.25), value(x + 0.25)
    return left * right <= 0


def worst(one: Activation, which: str, x: np.ndarray, exact, ulps) -> tuple[float, float]:
    """The greatest error in ulp, and where."""
    function = one.f if which == "f" else one.df
    value = exact(one, which)
    with np.errstate(all="raise", under="ignore"):
        got = function(x, *one.values)
    assert got.dtype == x.dtype
    errors = []
    for point, y in zip(x, got, strict=True):
        want = value(float(point))
        error = ulps(y, want)
        if error > LIMIT and near_zero(value, float(point)):
            error = ulps(y, want, at=max(abs(float(point)), 1.0))
        errors.append(error)
    i = int(np.argmax(errors))
    return errors[i], float(x[i])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("which", ["f", "df"])
def test_within_eight_ulp(one, which, kind, exact, ulps, record_property):
    error, where = worst(one, which, points(one, kind), exact, ulps)
    record_property("worst_ulp", error)
    assert error <= LIMIT, f"{which} of {one.key} is off by {error:.1f} ulp at x = {where!r}"


@pytest.mark.parametrize("which", ["f", "df"])
@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("silu", {"beta": 1.7}),
        ("silu", {"beta": 0.1}),
        ("softplus", {"beta": 3.3}),
        ("celu", {"alpha": 0.3}),
        ("elu", {"alpha": 0.7}),
    ],
)
def test_a_parameter_that_float32_cannot_hold_counts_in_full(name, setting, which, exact, ulps):
    """Rounded to float32 first, it would be off by hundreds of ulp in the tail of exp."""
    one = activation(name, **setting)
    error, where = worst(one, which, points(one, np.float32), exact, ulps)
    assert error <= LIMIT, f"{error:.1f} ulp at x = {where!r}"


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("which", ["f", "df"])
def test_relative_near_zero(record, which, kind, exact, ulps):
    """Beside 0, where many formulas cancel, no allowance is made for the crossing."""
    least = -322.0 if kind is np.float64 else -45.0
    size = 10.0 ** np.linspace(least, -0.6, 60)
    x = np.unique(np.concatenate([size, -size, [0.0, -0.0]]).astype(kind))
    value = exact(record, which)
    with np.errstate(all="raise", under="ignore"):
        got = (record.f if which == "f" else record.df)(x, *record.values)
    errors = [ulps(y, value(float(p))) for p, y in zip(x, got, strict=True)]
    i = int(np.argmax(errors))
    assert errors[i] <= LIMIT, f"{which} is off by {errors[i]:.1f} ulp at x = {x[i]!r}"


@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_within_eight_ulp_wherever_hypothesis_looks(kind, data, exact, ulps):
    one = data.draw(st.sampled_from(list(SHELF)))
    width = 32 if kind is np.float32 else 64
    numbers = st.floats(-1e4, 1e4, width=width, allow_subnormal=True)
    x = np.array(data.draw(st.lists(numbers, min_size=1, max_size=20)), dtype=kind)
    for which in ("f", "df"):
        error, where = worst(one, which, x, exact, ulps)
        assert error <= LIMIT, f"{which} of {one.name}: {error:.1f} ulp at x = {where!r}"


@pytest.mark.parametrize("kind", TYPES)
def test_limits(one, kind, exact):
    """At ±∞ f and df are their limits (NaN where there is none), and NaN gives NaN."""
    x = np.array([-np.inf, np.inf, np.nan], dtype=kind)
    with np.errstate(all="raise", under="ignore"):
        got = np.array([one.f(x, *one.values), one.df(x, *one.values)])
    assert got.dtype == kind
    assert np.isnan(got[:, 2]).all()
    for values, which in zip(got, ("f", "df"), strict=True):
        value = exact(one, which)
        for y, sign in zip(values, (-1.0, 1.0), strict=False):
            near, far = float(value(sign * 1e6)), float(value(sign * 1e12))
            if abs(far) <= 1e-5 * abs(near):  # goes to 0
                assert y == 0
            elif abs(far / near - 1.0) < 1e-5:  # goes to a constant
                np.testing.assert_allclose(y, far, rtol=3e-6)
            elif far / near > 1e3:  # goes to ±∞
                assert y == np.copysign(np.inf, far)
            else:
                assert np.isnan(y), (which, sign, y)


def test_signed_zero(record):
    """f(−0) is −0 where f is odd or f(x) ~ x at 0, so that no sign is lost."""
    x = np.array([-0.0, 0.0])
    for kind in TYPES:
        got = record.f(x.astype(kind), *record.values)
        assert got[0] == got[1]
        odd = record.f(np.array([-1.5, 1.5], dtype=kind), *record.values).sum() == 0
        if odd and got[0] == 0 and record.name not in ("softshrink", "hardshrink"):
            assert np.signbit(got[0]) and not np.signbit(got[1])


def test_calls_never_warn(one):
    """Not even at the largest and the least numbers, whatever NumPy's error state is."""
    for kind in TYPES:
        info = np.finfo(kind)
        extremes = [info.max, info.max / 2, 1e38, 1.0, info.tiny, info.smallest_subnormal, 0.0]
        x = np.array([*extremes, np.inf, np.nan], dtype=kind)
        with np.errstate(all="raise"):
            for value in (one(np.concatenate([-x, x])), one.slope_at(np.concatenate([-x, x]))):
                assert value.dtype == kind
                assert (np.isnan(value) == np.isnan(np.concatenate([x, x]))).all() or (
                    one.name == "sin"  # which has no limit
                )


def test_shapes_and_types(record):
    """Lists, integers and scalars become float64 arrays or scalars; shapes are kept."""
    assert record([[1, 2, 3]]).shape == (1, 3)
    assert record([[1, 2, 3]]).dtype == np.float64
    assert np.shape(record(0.5)) == () and np.shape(record.slope_at(0.5)) == ()
    assert record(np.zeros((2, 0), np.float32)).shape == (2, 0)
    x = np.arange(4.0)
    assert not np.shares_memory(record(x), x)
    with pytest.raises(InputError, match="expected real numbers"):
        record(["a"])
    with pytest.raises(InputError, match="expected real numbers"):
        record.slope_at([1j])
