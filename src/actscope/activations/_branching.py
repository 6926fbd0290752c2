"""Powers, max, min and where as SymPy functions, and what any tree of the language is at a point.

This file imports SymPy and is imported only by functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import mpmath  # type: ignore[import-untyped]
import sympy
from sympy import S

from actscope.activations._steps import SIGNS
from actscope.activations._symbolic import PI, E, Elementary, Exp, Expr, Log, Sqrt, X

LARGEST_BITS = 4096  # of a number of which the slow twin takes a function


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
    """where(left < right, then, otherwise); the comparison is a symbol, `SIGNS` says which."""

    nargs = 5

    @classmethod
    def eval(cls, op: Expr, left: Expr, right: Expr, then: Expr, otherwise: Expr) -> Expr:
        if then == otherwise:
            return then
        if not left.has(X) and not right.has(X):
            holds = SIGNS[op.name](evaluate(left), evaluate(right))
            return then if holds else otherwise
        return None

    def _eval_derivative(self, s: Expr) -> Expr:
        *condition, then, otherwise = self.args
        return Where(*condition, then.diff(s), otherwise.diff(s))


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
            holds = SIGNS[op.name](value(left), value(right))
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
