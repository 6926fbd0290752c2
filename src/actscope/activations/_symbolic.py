"""Typed expressions as SymPy trees: the functions of the language, and their slopes.

SymPy adds, multiplies, takes whole powers and differentiates. The functions are our own
subclasses and x is a plain symbol, so SymPy applies no rule that holds only for complex numbers
or positive ones, and every slope is written so that it neither cancels nor overflows:
tanh' is sech(u)**2, sigmoid' is sigmoid(u)*sigmoid(-u).

This file imports SymPy and is imported only by functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import mpmath  # type: ignore[import-untyped]
import sympy
from sympy import Rational, S

Expr = Any  # SymPy is not typed

X = sympy.Symbol("x")
E = sympy.Symbol("e")
PI = sympy.Symbol("pi")
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
        if isinstance(rest, Sinh) and scale > 0:
            w = rest.args[0]
            return Log(-Expm1(-2 * w)) + w + Log(scale / 2)
        if u.is_Mul:
            exps = [part for part in u.args if isinstance(part, Exp)]
            if exps:
                return sum(part.args[0] for part in exps) + Log(u / sympy.Mul(*exps))
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


def size(e: Expr) -> int:
    """How many nodes the tree of `e` has, counting what it shares as often as it occurs."""
    known: dict[Expr, int] = {}

    def count(part: Expr) -> int:
        if part not in known:
            known[part] = 1 + sum(map(count, part.args))
        return known[part]

    return count(e)
