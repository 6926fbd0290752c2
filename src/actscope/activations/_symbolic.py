"""Typed expressions as SymPy trees: the functions of the language, and their slopes.

SymPy adds, multiplies, takes whole powers and differentiates. The functions are our own
subclasses and x is a plain symbol, so SymPy applies no rule that holds only for complex numbers
or positive ones, and every slope is written so that it neither cancels nor overflows:
tanh' is sech(u)**2, sigmoid' is sigmoid(u)*sigmoid(-u).

This file imports SymPy and is imported only by functions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import mpmath  # type: ignore[import-untyped]
import sympy
from sympy import Rational, S

Expr = Any  # SymPy is not typed

X = sympy.Symbol("x")
E = sympy.Symbol("e")
PI = sympy.Symbol("pi")
LARGEST_BITS = 4096  # of a number of which the slow twin takes a function
CONSTANTS = {"e": E, "pi": PI}


class Elementary(sympy.Function):  # type: ignore[misc]
    """A function of one argument; subclasses say their word, slope and value at 0.

    Attributes:
        word: how it is spelled.
        at_zero: its exact value at 0, or None.
        parity: 1 even, -1 odd, 0 neither.
        exact: mpmath's function, at any precision.
    """

    nargs = 1
    word: ClassVar[str]
    at_zero: ClassVar[Expr] = None
    parity: ClassVar[int] = 0
    exact: ClassVar[Callable[..., Any]]

    @classmethod
    def eval(cls, u: Expr) -> Expr:
        if u == 0 and cls.at_zero is not None:
            return cls.at_zero
        if cls.parity and u.could_extract_minus_sign():
            return cls.parity * cls(-u)
        return cls.shorter(u)

    @classmethod
    def shorter(cls, u: Expr) -> Expr:
        """An equal expression that computes better, or None."""
        return None

    def fdiff(self, argindex: int = 1) -> Expr:
        return self.slope(*self.args)

    def slope(self, u: Expr) -> Expr:
        raise NotImplementedError


class Exp(Elementary):
    word, at_zero, exact = "exp", S.One, staticmethod(mpmath.exp)

    @classmethod
    def shorter(cls, u: Expr) -> Expr:
        times, log = u.as_coeff_Mul()
        number = isinstance(log, Log) and log.args[0].is_Rational and times.is_Integer
        return log.args[0] ** times if number else None

    def slope(self, u: Expr) -> Expr:
        return Exp(u)


class Expm1(Elementary):
    word, at_zero, exact = "expm1", S.Zero, staticmethod(mpmath.expm1)

    def slope(self, u: Expr) -> Expr:
        return Exp(u)


class Log(Elementary):
    word, exact = "log", staticmethod(mpmath.log)

    @classmethod
    def shorter(cls, u: Expr) -> Expr:
        if u == 1:
            return S.Zero
        if u == E:
            return S.One
        if u.is_Rational and 0 < u < 1:
            return -Log(1 / u)
        if isinstance(u, Exp):
            return u.args[0]
        if isinstance(u, Sigmoid):
            return -Softplus(-u.args[0])
        scale, rest = u.as_coeff_Mul()
        if isinstance(rest, Cosh) and scale > 0:
            # 2·cosh(w) = e^-w·(1 + e^2w)
            w = rest.args[0]
            return Softplus(2 * w) - w + Log(scale / 2)
        if u.is_Add:
            found = constant_and_exp(u)
            if found is not None:
                c, w = found
                return Log(c) + Softplus(w)
            one, rest = u.as_coeff_Add()
            if one == 1:
                return Log1p(rest)
        return None

    def slope(self, u: Expr) -> Expr:
        return 1 / u


class Log1p(Elementary):
    word, at_zero, exact = "log1p", S.Zero, staticmethod(mpmath.log1p)

    @classmethod
    def shorter(cls, u: Expr) -> Expr:
        if isinstance(u, Expm1):
            return u.args[0]
        scale, rest = u.as_coeff_Mul()
        if isinstance(rest, Exp) and scale > 0:
            return Softplus(rest.args[0] + Log(scale))
        return None

    def slope(self, u: Expr) -> Expr:
        return 1 / (1 + u)


class Tanh(Elementary):
    word, at_zero, parity, exact = "tanh", S.Zero, -1, staticmethod(mpmath.tanh)

    def slope(self, u: Expr) -> Expr:
        return Sech(u) ** 2


class Sech(Elementary):
    word, at_zero, parity, exact = "sech", S.One, 1, staticmethod(mpmath.sech)

    def slope(self, u: Expr) -> Expr:
        return -Sech(u) * Tanh(u)


class Sinh(Elementary):
    word, at_zero, parity, exact = "sinh", S.Zero, -1, staticmethod(mpmath.sinh)

    def slope(self, u: Expr) -> Expr:
        return Cosh(u)


class Cosh(Elementary):
    word, at_zero, parity, exact = "cosh", S.One, 1, staticmethod(mpmath.cosh)

    def slope(self, u: Expr) -> Expr:
        return Sinh(u)


class Sin(Elementary):
    word, at_zero, parity, exact = "sin", S.Zero, -1, staticmethod(mpmath.sin)

    def slope(self, u: Expr) -> Expr:
        return Cos(u)


class Cos(Elementary):
    word, at_zero, parity, exact = "cos", S.One, 1, staticmethod(mpmath.cos)

    def slope(self, u: Expr) -> Expr:
        return -Sin(u)


class Sqrt(Elementary):
    word, at_zero, exact = "sqrt", S.Zero, staticmethod(mpmath.sqrt)

    @classmethod
    def shorter(cls, u: Expr) -> Expr:
        if u.is_Pow and u.exp == 2:
            return Abs(u.base)
        if u.is_Rational and u.is_positive:
            p, q = sympy.integer_nthroot(u.p, 2), sympy.integer_nthroot(u.q, 2)
            return Rational(p[0], q[0]) if p[1] and q[1] else None
        return None

    def slope(self, u: Expr) -> Expr:
        return 1 / (2 * Sqrt(u))


class Sigmoid(Elementary):
    word, at_zero = "sigmoid", S.Half
    exact = staticmethod(lambda u: 1 / (1 + mpmath.exp(-u)))

    def slope(self, u: Expr) -> Expr:
        return Sigmoid(u) * Sigmoid(-u)


class Softplus(Elementary):
    word = "softplus"
    exact = staticmethod(lambda u: mpmath.log1p(mpmath.exp(-abs(u))) + max(u, 0))

    def slope(self, u: Expr) -> Expr:
        return Sigmoid(u)


class Erf(Elementary):
    word, at_zero, parity, exact = "erf", S.Zero, -1, staticmethod(mpmath.erf)

    def slope(self, u: Expr) -> Expr:
        return 2 / Sqrt(PI) * Exp(-(u**2))


class Ndtr(Elementary):
    word, at_zero, exact = "ndtr", S.Half, staticmethod(mpmath.ncdf)

    def slope(self, u: Expr) -> Expr:
        return Npdf(u)


class Npdf(Elementary):
    word, parity, exact = "npdf", 1, staticmethod(mpmath.npdf)

    def slope(self, u: Expr) -> Expr:
        return -u * Npdf(u)


class Abs(Elementary):
    word, at_zero, parity, exact = "abs", S.Zero, 1, abs

    @classmethod
    def shorter(cls, u: Expr) -> Expr:
        if u.is_Number:
            return abs(u)
        return u if never_negative(u) else None

    def slope(self, u: Expr) -> Expr:
        return Sign(u)


class Sign(Elementary):
    word, at_zero, parity, exact = "sign", S.Zero, -1, staticmethod(mpmath.sign)

    @classmethod
    def shorter(cls, u: Expr) -> Expr:
        return sympy.sign(u) if u.is_Number else None

    def slope(self, u: Expr) -> Expr:
        return S.Zero


class Power(sympy.Function):  # type: ignore[misc]
    """u**v where v is not a whole number: exp(v*log(u)), so u ≥ 0."""

    nargs = 2

    @classmethod
    def eval(cls, u: Expr, v: Expr) -> Expr:
        if v.is_Integer:
            return u**v
        if v == S.Half:
            return Sqrt(u)
        if v == -S.Half:
            return 1 / Sqrt(u)
        if u == 1:
            return S.One
        if u == E:
            return Exp(v)
        return None

    def _eval_derivative(self, s: Expr) -> Expr:
        u, v = self.args
        by_base = v * Power(u, v - 1) * u.diff(s)
        return by_base + Power(u, v) * Log(u) * v.diff(s) if v.has(X) else by_base


class Where(sympy.Function):  # type: ignore[misc]
    """where(left < right, then, otherwise); the comparison is a symbol, `COMPARE` says which."""

    nargs = 5

    @classmethod
    def eval(cls, op: Expr, left: Expr, right: Expr, then: Expr, otherwise: Expr) -> Expr:
        if then == otherwise:
            return then
        if not left.has(X) and not right.has(X):
            holds = COMPARE[op.name](evaluate(left), evaluate(right))
            return then if holds else otherwise
        return None

    def _eval_derivative(self, s: Expr) -> Expr:
        *condition, then, otherwise = self.args
        return Where(*condition, then.diff(s), otherwise.diff(s))


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Extremum(sympy.Function):  # type: ignore[misc]
    """The larger or smaller of two; a constant comes first, else the order is SymPy's.

    Where both are equal, the slope is that of a constant argument (0, as PyTorch has it for ReLU,
    ReLU6 and hardtanh), and otherwise the second one's.
    """

    nargs = 2
    word: ClassVar[str]
    beats: ClassVar[str]
    exact: ClassVar[Callable[..., Any]]

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr:
        if a == b:
            return a
        if not a.has(X) and not b.has(X):
            first, second = evaluate(a), evaluate(b)
            return a if first == cls.exact(first, second) else b
        if (b.has(X), b.sort_key()) < (a.has(X), a.sort_key()):
            return cls(b, a)
        return None

    def _eval_derivative(self, s: Expr) -> Expr:
        a, b = self.args
        if not a.has(X):
            a, b = b, a
        return Where(sympy.Symbol(self.beats), a, b, a.diff(s), b.diff(s))


class Max(Extremum):
    word, beats, exact = "max", ">", max


class Min(Extremum):
    word, beats, exact = "min", "<", min


def _named() -> dict[str, Any]:
    kinds = [*Elementary.__subclasses__(), *Extremum.__subclasses__()]
    return {kind.word: kind for kind in kinds}


NAMED = _named()


def size(e: Expr) -> int:
    """How many nodes the tree of `e` has, counting what it shares as often as it occurs."""
    known: dict[Expr, int] = {}

    def count(part: Expr) -> int:
        if part not in known:
            known[part] = 1 + sum(map(count, part.args))
        return known[part]

    return count(e)


def evaluate(e: Expr, x: Any = None) -> Any:
    """`e` at x, by mpmath at its present precision: the slow twin of the compiled function.

    Raises:
        ValueError, ZeroDivisionError, OverflowError, TypeError: it has no real value there.
    """
    known: dict[Expr, Any] = {X: x, E: +mpmath.e, PI: +mpmath.pi}

    def value(part: Expr) -> Any:
        if part not in known:
            known[part] = fresh(part)
            if isinstance(known[part], mpmath.mpc):
                raise ValueError(f"{part.func.__name__} leaves the real numbers")
        return known[part]

    def fresh(part: Expr) -> Any:
        if part.is_Rational:
            return mpmath.mpf(part.p) / part.q
        if isinstance(part, Where):
            op, left, right, then, otherwise = part.args
            holds = COMPARE[op.name](value(left), value(right))
            return value(then if holds else otherwise)
        args = [value(a) for a in part.args]
        if part.is_Add:
            return mpmath.fsum(args)
        if part.is_Mul:
            return mpmath.fprod(args)
        if part.is_Pow:
            return args[0] ** args[1]
        if any(mpmath.isfinite(a) and mpmath.mag(a) > LARGEST_BITS for a in args):
            raise OverflowError(f"{part.func.__name__} of a number with too many digits")
        if isinstance(part, Power):
            return args[0] ** args[1]
        return part.exact(*args)

    return value(e)


def never_negative(e: Expr) -> bool:
    """Whether `e` is plainly ≥ 0 for every x (False: not seen to be)."""
    if e.is_Rational:
        return bool(e >= 0)
    if e.is_Add or e.is_Mul:
        return all(map(never_negative, e.args))
    if e.is_Pow:
        return bool(e.exp % 2 == 0) or never_negative(e.base)
    return e in (E, PI) or isinstance(
        e, (Abs, Exp, Sigmoid, Softplus, Sech, Cosh, Npdf, Ndtr, Sqrt)
    )


def constant_and_exp(e: Expr) -> tuple[Expr, Expr] | None:
    """(c, w) with e = c·(1 + exp(w)) and c > 0 a number, or None if `e` is no such sum."""
    c, rest = e.as_coeff_Add()
    scale, exp = rest.as_coeff_Mul()
    if isinstance(exp, Exp) and c > 0 and scale > 0:
        return c, exp.args[0] + Log(scale / c)
    return None
