"""Elementary functions on lanes: exp, expm1, log, log1p, tanh, sin, cos.

Each reduces its argument, evaluates a polynomial with fma, and puts the range together again,
with the special values of NumPy: NaN gives NaN, overflow infinity, underflow goes through the
subnormals to 0. Errors against mpmath are at most 2 ulp in float32 and float64 over the whole
range (tests/engine/test_vectormath.py states the measured ones); sin and cos hold that for
|x| ≤ 2^20. erf, ndtr and the other functions of maths/special.py need nothing here: they are
written with these ones.

Sources: Tang 1989, Table-driven implementation of the exponential function (the reduction);
Ng 1993, FDLIBM (log, log1p and their coefficients, expm1's identity).
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from actscope.engine.compile import has_vectors_of
from actscope.engine.emit import I32, Code
from actscope.engine.lanes import Lane, LaneType, Mask, overloads

LOG2E = 1.0 / math.log(2.0)
SCALING = (128, 256, 512, 1024, 2048)  # bits of vectors that AVX-512 scales by powers of two


@dataclass(frozen=True)
class Format:
    """What depends on the float type.

    Attributes:
        mantissa: stored bits of the mantissa; bias: of the exponent.
        magic: adding it rounds to an integer, which the low bits then hold.
        ln2: ln 2 as a sum, the first part with trailing zero bits.
        exp_low, exp_high: beyond these exp is 0 or infinity.
        exp_terms: (e^r − 1 − r)/r² for |r| ≤ ln(2)/2, highest power first.
        log_terms: FDLIBM's L1, L2, ….
        root_half: the bits of √½, which centre the mantissa around 1.
    """

    mantissa: int
    bias: int
    magic: float
    ln2: tuple[float, float]
    exp_low: float
    exp_high: float
    exp_terms: tuple[float, ...]
    log_terms: tuple[float, ...]
    root_half: int


SINGLE = Format(
    mantissa=23,
    bias=127,
    magic=1.5 * 2.0**23,
    ln2=(0.693145751953125, 1.42860682030941723212e-6),
    exp_low=-104.0,
    exp_high=89.0,
    exp_terms=(
        0.000198527617612853646278381,
        0.00139304355252534151077271,
        0.00833336077630519866943359,
        0.0416664853692054748535156,
        0.166666671633720397949219,
        0.5,
    ),
    log_terms=(0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
    root_half=0x3F3504F3,
)
DOUBLE = Format(
    mantissa=52,
    bias=1023,
    magic=1.5 * 2.0**52,
    ln2=(6.93147180369123816490e-01, 1.90821492927058770002e-10),
    exp_low=-746.0,
    exp_high=710.0,
    exp_terms=tuple(1.0 / math.factorial(n) for n in range(14, 1, -1)),
    log_terms=(
        6.666666666666735130e-01,
        3.999999999940941908e-01,
        2.857142874366239149e-01,
        2.222219843214978396e-01,
        1.818357216161805012e-01,
        1.531383769920937332e-01,
        1.479819860511658591e-01,
    ),
    root_half=0x3FE6A09E667F3BCD,
)


def format_of(lanes: LaneType) -> Format:
    """What depends on the float type of these lanes."""
    return DOUBLE if lanes.double else SINGLE


def polynomial(x: Lane, terms: tuple[float, ...]) -> Lane:
    """Horner's rule with fma, highest power first."""
    y = x.same(terms[0])
    for c in terms[1:]:
        y = y.times_plus(x, c)
    return y


def _bits(x: Lane, value: int) -> Any:
    """An integer in every lane, as a constant of the float's width."""
    return ir.Constant(x.lanes.bits, [value] * x.lanes.count)


def _power_of_two(x: Lane, n: Any) -> Lane:
    """2ⁿ from integers n within the range of normal floats (only their low bits count)."""
    b, f = x.code.builder, format_of(x.lanes)
    return x.from_bits(b.shl(b.add(n, _bits(x, f.bias)), _bits(x, f.mantissa)))


def _reduce(x: Lane) -> tuple[Any, Lane, Lane]:
    """Split x = n·ln 2 + r with |r| ≤ ln(2)/2: n as integers and as floats, and r."""
    f = format_of(x.lanes)
    shifted = x.times_plus(LOG2E, f.magic)
    n = shifted - f.magic
    r = n.times_plus(-f.ln2[0], x)
    r = n.times_plus(-f.ln2[1], r)
    magic = int(np.array(f.magic, np.float64 if x.lanes.double else np.float32).view(
        np.int64 if x.lanes.double else np.int32
    ))  # fmt: skip
    return x.code.builder.sub(shifted.as_bits(), _bits(x, magic)), n, r


def _halves(x: Lane, n: Any) -> tuple[Lane, Lane]:
    """2ⁿ as a product of two factors, so that neither overflows nor is subnormal."""
    b = x.code.builder
    half = b.ashr(n, _bits(x, 1))
    return _power_of_two(x, half), _power_of_two(x, b.sub(n, half))


def _scale(y: Lane, n: Any, whole: Lane) -> Lane:
    """The product y·2ⁿ, rounded once, with n as integers and as floats.

    It is one instruction where the CPU has it.
    """
    size = y.lanes.bytes * 8
    if size in SCALING and has_vectors_of(min(size, 512)):
        return _scale_at_once(y, whole)
    first, second = _halves(y, n)
    return y * first * second


def _scale_at_once(y: Lane, n: Lane) -> Lane:
    """AVX-512's vscalef, on vectors of up to 512 bits; larger ones are halved."""
    code, kind, size = y.code, y.lanes.kind, y.lanes.bytes * 8
    if size > 512:
        low, high = (_scale_at_once(*(_half(v, i) for v in (y, n))) for i in range(2))
        return _joined(y.lanes, low, high)
    name = f"llvm.x86.avx512.mask.scalef.{'pd' if y.lanes.double else 'ps'}.{size}"
    mask = ir.IntType(max(8, y.lanes.count))
    extra = [I32(4)] if size == 512 else []  # 4: round as always
    args = [y.ir, n.ir, y.ir, mask((1 << mask.width) - 1), *extra]
    fn = code.module.globals.get(name) or ir.Function(
        code.module, ir.FunctionType(kind, [a.type for a in args]), name
    )
    return y.like(code.builder.call(fn, args))


def _half(x: Lane, i: int) -> Lane:
    """The lower (0) or upper (1) half of the lanes."""
    kind = LaneType(x.lanes.dtype, x.lanes.count // 2)
    places = range(i * kind.count, (i + 1) * kind.count)
    return Lane(x.code, kind, _pick(x.code, x.ir, x.ir, places))


def _joined(lanes: LaneType, low: Lane, high: Lane) -> Lane:
    """Two halves side by side."""
    return Lane(low.code, lanes, _pick(low.code, low.ir, high.ir, range(lanes.count)))


def _pick(code: Code, a: Any, b: Any, places: Sequence[int]) -> Any:
    """The floats at these places of the two vectors put together."""
    kind = ir.VectorType(I32, len(places))
    return code.builder.shuffle_vector(a, b, ir.Constant(kind, list(places)))


@overloads(np.exp)
def exp(x: Lane) -> Lane:
    """e^x = 2ⁿ·(1 + q) with q = e^r − 1."""
    f = format_of(x.lanes)
    n, whole, r = _reduce(x.least(f.exp_high).most(f.exp_low))
    q = polynomial(r, f.exp_terms).times_plus(r * r, r)
    return _scale(q + 1.0, n, whole)


def _expm1(x: Lane) -> tuple[Lane, Lane, Lane]:
    """Q = e^r − 1, 2ⁿ/2, and e^x − 1 = 2ⁿq + (2ⁿ − 1), halved so that 2ⁿ cannot overflow."""
    f = format_of(x.lanes)
    n, _, r = _reduce(x.least(f.exp_high).most(-2.0 * (f.mantissa + 2)))
    q = polynomial(r, f.exp_terms).times_plus(r * r, r)
    half = _power_of_two(x, x.code.builder.sub(n, _bits(x, 1)))
    return q, half, q.times_plus(half, half - 0.5) * 2.0


@overloads(np.expm1)
def expm1(x: Lane) -> Lane:
    """e^x − 1."""
    q, _, far = _expm1(x)
    near = abs(x) < 0.5 * math.log(2.0)  # here n is 0
    return near.choose((x == 0.0).choose(x, q), far)


def _split(x: Lane) -> tuple[Lane, Lane]:
    """Split x = m·2ᵏ with √½ ≤ m < √2, for positive normal x: m − 1, and k as floats."""
    b, f = x.code.builder, format_of(x.lanes)
    one = f.bias << f.mantissa
    moved = b.add(x.as_bits(), _bits(x, one - f.root_half))
    k = b.sub(b.ashr(moved, _bits(x, f.mantissa)), _bits(x, f.bias))
    low = b.and_(moved, _bits(x, (1 << f.mantissa) - 1))
    m = x.from_bits(b.add(low, _bits(x, f.root_half)))
    return m - 1.0, x.like(b.sitofp(k, x.lanes.kind))


def _log(f: Lane, k: Lane, correction: Any) -> Lane:
    """log(1 + f) + k·ln 2 + correction."""
    form = format_of(f.lanes)
    s = f / (f + 2.0)
    z = s * s
    series = z * polynomial(z, form.log_terms[::-1])
    half_square = 0.5 * f * f
    small = s.times_plus(half_square + series, k.times_plus(form.ln2[1], correction))
    return k.times_plus(form.ln2[0], f - (half_square - small))


@overloads(np.log)
def log(x: Lane) -> Lane:
    """The natural logarithm."""
    f = format_of(x.lanes)
    lift = f.mantissa + 2
    tiny = x < 2.0 ** (1 - f.bias)  # subnormal: multiply it up first
    mantissa, k = _split(tiny.choose(x * 2.0**lift, x))
    y = _log(mantissa, k - tiny.choose(float(lift), 0.0), 0.0)
    return _log_ends(x, y, zero=0.0)


@overloads(np.log1p)
def log1p(x: Lane) -> Lane:
    """log(1 + x), without what rounding 1 + x would lose."""
    u = x + 1.0
    mantissa, k = _split(u)
    # what rounding 1 + x has lost, relative to u
    lost = (x < 1.0).choose(x - (u - 1.0), 1.0 - (u - x)) / u
    y = _log_ends(x, _log(mantissa, k, lost), zero=-1.0)
    return (x == 0.0).choose(x, y)


def _log_ends(x: Lane, y: Lane, zero: float) -> Lane:
    """The special values of a logarithm whose pole is at `zero`."""
    y = (x == math.inf).choose(math.inf, y)
    y = (x == zero).choose(-math.inf, y)
    return ((x < zero) | (x != x)).choose(math.nan, y)


# tanh x = x + x³·P(x²)/Q(x²) for |x| < 0.625, highest power first (Moshier, Cephes)
_TANH = {
    False: (
        (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
         -3.33332819422e-1),
        (1.0,),
    ),
    True: (
        (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3),
        (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3),
    ),
}  # fmt: skip


@overloads(np.tanh)
def tanh(x: Lane) -> Lane:
    """A polynomial near 0; elsewhere 1 − 2e/(1 + e) with e = e^(−2|x|)."""
    a = abs(x)
    e = exp(-2.0 * a.least(400.0))  # written as in tanh's slope, so that the two share it
    far = 1.0 - 2.0 * e / (1.0 + e)
    square = x * x
    above, below = _TANH[x.lanes.double]
    ratio = square * polynomial(square, above)
    if len(below) > 1:
        ratio = ratio / polynomial(square, below)
    return (a < 0.625).choose(ratio.times_plus(x, x), far).copysign(x)


_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
_SIN = tuple((-1.0) ** n / math.factorial(2 * n + 1) for n in range(9, 0, -1))
_COS = tuple((-1.0) ** n / math.factorial(2 * n) for n in range(9, 1, -1))


def _sincos(x: Lane, quarter: int) -> Lane:
    """sin(x + quarter·π/2), in float64: float32 arguments are reduced exactly enough there."""
    b = x.code.builder
    wide = LaneType("float64", x.lanes.count)
    z = x if x.lanes.double else Lane(x.code, wide, b.fpext(x.ir, wide.kind))
    shifted = z.times_plus(2.0 / math.pi, DOUBLE.magic)
    n = shifted - DOUBLE.magic
    r = z
    for part in _HALF_PI:
        r = n.times_plus(-part, r)
    square = r * r
    sine = (polynomial(square, _SIN) * square).times_plus(r, r)
    cosine = polynomial(square, _COS).times_plus(square * square, 1.0 - 0.5 * square)
    turns = b.add(shifted.as_bits(), _bits(z, quarter))
    odd = _test(z, turns, 1).choose(cosine, sine)
    y = _test(z, turns, 2).choose(-odd, odd)
    y = (n == n).choose((abs(z) == math.inf).choose(math.nan, y), z)
    return y if x.lanes.double else x.like(b.fptrunc(y.ir, x.lanes.kind))


def _test(x: Lane, bits: Any, mask: int) -> Mask:
    """Whether a bit is set."""
    b = x.code.builder
    masked = b.and_(bits, _bits(x, mask))
    return Mask(x.code, x.lanes, b.icmp_unsigned("!=", masked, _bits(x, 0)))


@overloads(np.sin)
def sin(x: Lane) -> Lane:
    """The sine."""
    return (x == 0.0).choose(x, _sincos(x, 0))


@overloads(np.cos)
def cos(x: Lane) -> Lane:
    """The cosine."""
    return _sincos(x, 1)
