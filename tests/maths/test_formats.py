import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from actscope.errors import BadParameter, UnknownName
from actscope.maths.formats import FORMATS, NAMES, round_int8, round_mantissa, round_to, spacing

TWINS = {
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "fp8_e4m3": ml_dtypes.float8_e4m3fn,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
}
SMALL = ["float16", "bfloat16", "fp8_e4m3", "fp8_e5m2"]
SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    448.0,
    464.0,
    465.0,
    480.0,
    57344.0,
    61440.0,
    65520.0,
]


def bits_equal(a, b):
    """The same floats bit by bit, −0 and 0 told apart, any NaN equal to any other."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    nan = np.isnan(a) & np.isnan(b)
    assert_array_equal(np.where(nan, 0, a.view(np.uint64)), np.where(nan, 0, b.view(np.uint64)))


def cast(x, dtype):
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(dtype)


@pytest.mark.parametrize("name", SMALL)
def test_every_number_of_the_format_stays_itself(name):
    size = FORMATS[name].bits
    codes = np.arange(2**size, dtype=np.uint8 if size == 8 else np.uint16)
    numbers = cast(codes.view(TWINS[name]), np.float64)
    bits_equal(round_to(numbers, name), numbers)
    assert np.nanmax(np.where(np.isinf(numbers), np.nan, numbers)) == FORMATS[name].largest


@pytest.mark.parametrize("name", SMALL)
def test_half_way_points_and_their_neighbours_go_where_ml_dtypes_sends_them(name):
    """Every tie of the format, and the two float32 numbers beside it; subnormals included."""
    size = FORMATS[name].bits
    codes = np.arange(2**size, dtype=np.uint8 if size == 8 else np.uint16)
    numbers = np.unique(cast(codes.view(TWINS[name]), np.float64))
    numbers = numbers[np.isfinite(numbers)]
    ties = (0.5 * (numbers[1:] + numbers[:-1])).astype(np.float32)
    for x in (
        ties,
        np.nextafter(ties, np.float32(-np.inf)),
        np.nextafter(ties, np.float32(np.inf)),
    ):
        bits_equal(round_to(x, name), cast(x, TWINS[name]).astype(np.float64))


@pytest.mark.parametrize("name", SMALL)
def test_random_float32_bits_are_rounded_as_ml_dtypes_does(name):
    rng = np.random.default_rng(8)
    x = rng.integers(0, 2**32, 300_000, dtype=np.uint32).view(np.float32)
    x = np.concatenate([x, np.float32(rng.standard_normal(300_000)), np.float32(SPECIAL)])
    got = round_to(x, name)
    assert got.dtype == np.float32
    bits_equal(got, cast(x, TWINS[name]).astype(np.float64))


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_float64_is_rounded_as_numpy_does(name):
    rng = np.random.default_rng(9)
    x = rng.integers(0, 2**64, 300_000, dtype=np.uint64).view(np.float64)
    x = np.concatenate([x, rng.standard_normal(100_000), 1e-39 * rng.standard_normal(9_000)])
    x = np.concatenate([x, 1e-6 * rng.standard_normal(9_000), SPECIAL])
    bits_equal(round_to(x, name), cast(x, TWINS[name]).astype(np.float64))


def exact(x, name):
    """The nearest number of the format by rational arithmetic; None beyond the largest."""
    f = FORMATS[name]
    exponent = max(math.frexp(x)[1] - 1, f.smallest) - f.mantissa
    unit = Fraction(2) ** exponent
    rounded = round(Fraction(x) / unit) * unit  # Python rounds ties to even
    return float(rounded) if abs(rounded) <= Fraction(f.largest) else None


@settings(max_examples=400, deadline=None)
@given(
    x=st.floats(allow_nan=False, allow_infinity=False),
    shrink=st.integers(-60, 0),
    name=st.sampled_from([*SMALL, "float32"]),
)
def test_float64_is_rounded_once(x, shrink, name):
    x = math.ldexp(x, shrink) if abs(x) < 1e30 else math.ldexp(x, -1000)
    expected = exact(x, name)
    got = float(round_to(x, name))
    if expected is None:
        assert math.isinf(got) or (name == "fp8_e4m3" and math.isnan(got))
    else:
        assert got == expected
        assert math.copysign(1, got) == math.copysign(1, x)


def test_the_detour_over_float32_would_round_twice():
    """Just above a tie of bfloat16: float32 puts it on the tie, and the tie then goes down."""
    x = 1.0 + 2.0**-8 + 2.0**-40
    assert round_to(x, "bfloat16") == 1.0 + 2.0**-7
    assert float(np.float64(x).astype(ml_dtypes.bfloat16)) == 1.0
    assert round_to(np.float32(x), "bfloat16") == 1.0


def test_beyond_the_largest():
    big = [1e9, -1e9, np.inf, 449.0, 465.0]
    assert_array_equal(round_to(big, "fp8_e4m3"), [np.nan, np.nan, np.nan, 448.0, np.nan])
    assert_array_equal(round_to(big, "fp8_e5m2"), [np.inf, -np.inf, np.inf, 448.0, 448.0])
    assert round_to(65519.99, "float16") == 65504.0
    assert round_to(65520.0, "float16") == np.inf
    assert np.signbit(round_to(-0.0, "fp8_e4m3"))
    assert np.signbit(round_to(-1e-9, "fp8_e4m3"))


@settings(max_examples=200, deadline=None)
@given(
    x=st.lists(st.floats(-1e30, 1e30, allow_subnormal=False), min_size=1, max_size=8),
    name=st.sampled_from(NAMES),
)
def test_rounding_is_idempotent_and_monotonic(x, name):
    once = round_to(np.sort(x), name)
    if name != "int8":  # where the range, and so the step, depends on the array
        bits_equal(round_to(once, name), once)
    known = once[~np.isnan(once)]
    assert np.all(np.diff(known[np.isfinite(known)]) >= 0)


@settings(max_examples=200, deadline=None)
@given(x=st.floats(-1e30, 1e30, allow_subnormal=False), bits=st.integers(0, 52))
def test_mantissas_of_any_length(x, bits):
    """Against frexp: the nearest multiple of the last kept place."""
    mantissa, exponent = math.frexp(x)
    scaled = math.ldexp(mantissa, bits + 1)
    assert float(round_mantissa(x, bits)) == math.ldexp(round(scaled), exponent - bits - 1)


@pytest.mark.parametrize("name", SMALL)
@given(x=st.floats(-400.0, 400.0))
@settings(deadline=None, max_examples=60)
def test_spacing_is_the_way_to_the_next_number(x, name):
    x = cast(x, TWINS[name])  # downwards in size, a step to the next binade is half as long
    beyond = np.nextafter(x, np.copysign(x.dtype.type(np.inf), x))
    step = abs(float(beyond) - float(x))
    assert spacing(float(x), name) == step or np.isnan(step)


def test_mantissas_meet_the_formats_within_their_range():
    x = np.random.default_rng(1).standard_normal(10_000)
    x = x[np.abs(x) > 0.1]
    for name in SMALL:
        bits_equal(round_mantissa(x, FORMATS[name].mantissa), round_to(x, name))


def test_int8_meets_onnx_dynamic_quantisation():
    """The formulas of DynamicQuantizeLinear, with signed codes, written out number by number."""
    rng = np.random.default_rng(2)
    for x in (
        rng.standard_normal(400),
        rng.random(400) + 3.0,
        -rng.random(7),
        1e-4 * rng.random(9),
    ):
        low, high = min(0.0, x.min()), max(0.0, x.max())
        scale = (high - low) / 255.0
        zero = round(-128.0 - low / scale)
        codes = [min(127, max(-128, round(float(v) / scale) + zero)) for v in x]
        assert_allclose(round_int8(x), [(q - zero) * scale for q in codes], rtol=1e-12, atol=1e-18)
        assert np.max(np.abs(round_int8(x) - x)) <= 0.51 * scale + 0.5 * scale
        assert len(np.unique(round_int8(x))) <= 256


def test_int8_of_what_has_no_range():
    assert_array_equal(round_int8(np.zeros(3)), np.zeros(3))
    assert round_int8(np.zeros((0, 4))).shape == (0, 4)
    assert_array_equal(round_int8([np.nan, 0.0, 255.0, np.inf]), [np.nan, 0.0, 255.0, 255.0])
    assert_array_equal(round_int8([np.inf, 0.0]), [0.0, 0.0])


def test_int8_with_a_scale_for_each_network():
    x = np.random.default_rng(3).standard_normal((5, 20, 4)) * np.arange(1, 6)[:, None, None]
    together = round_int8(x, axes=(1, 2))
    for one, expected in zip(together, x, strict=True):
        assert_array_equal(one, round_int8(expected))


@pytest.mark.parametrize("name", NAMES)
def test_types_and_shapes_are_kept(name):
    assert round_to(np.float32([[1.0, 2.0]]), name).dtype == np.float32
    assert round_to([[1, 2]], name).dtype == np.float64
    assert round_to(3.0, name).shape == ()
    assert round_to(np.zeros((2, 0)), name).shape == (2, 0)
    before = np.array([1.1, np.pi])
    after = before.copy()
    round_to(after, name)
    assert_array_equal(before, after)


def test_float64_is_left_alone():
    x = np.array([np.pi, 5e-324, -1e308, np.nan])
    assert_array_equal(round_to(x, "float64"), x)


def test_what_cannot_be_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'float16'"):
        round_to([1.0], "flaot16")
    with pytest.raises(UnknownName, match="'int8'"):
        spacing([1.0], "int8")
    with pytest.raises(BadParameter, match="bits"):
        round_mantissa([1.0], 53)
