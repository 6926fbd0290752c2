"""Quotients of exponentials that do not overflow: inf/inf is no answer to x·e²ˣ/(e²ˣ + 2).

With t = exp(u), a quotient P(t)/Q(t) is written as polynomials in exp(-|u|), which is at most 1:
for u > 0 both are divided by their highest powers of t. Used for the compiled function only; the
formula that people read stays as it is.

This file imports SymPy and is imported only by functions.
"""

from __future__ import annotations

import math
from typing import Any

import sympy
from sympy import Add, Mul, Pow, S

from actscope.activations._branching import Where
from actscope.activations._symbolic import (
    Cosh,
    Elementary,
    Exp,
    Expm1,
    Expr,
    Sigmoid,
    Sinh,
    X,
    size,
)

LARGEST = 150  # nodes of a quotient that is looked at
DEGREE = 24

_T = sympy.Dummy("t")


class Decay(Elementary):
    """exp(-|u|)."""

    word, parity = "decay", 1


def balanced(product: Expr) -> Expr | None:
    """An equal expression of decaying exponentials, or None if `product` is not such a quotient."""
    if size(product) > LARGEST:
        return None
    product = _spelled_out(product)
    factors = [factor for factor in Mul.make_args(product) if _exponents(factor)]
    below = [factor for factor in factors if factor.is_Pow and factor.exp < 0]
    grows = [factor for factor in factors if factor in below or _is_polynomial(factor)]
    if not below or len(below) == len(grows):
        return None  # nothing over something that grows is a quiet 0
    u = _unit(grows)
    if u is None:
        return None
    try:
        over = _terms(Mul(*(factor for factor in grows if factor not in below)), u)
        under = _terms(Mul(*(1 / factor for factor in below)), u)
    except sympy.PolynomialError:
        return None
    if not under or not over or max(map(abs, [*over, *under])) > DEGREE:
        return None
    right = _branch({-k: c for k, c in over.items()}, {-k: c for k, c in under.items()}, u)
    left = _branch(over, under, -u)
    rest = Mul(*(factor for factor in Mul.make_args(product) if factor not in grows))
    return rest * Where(sympy.Symbol(">"), u, S.Zero, right, left)


def _spelled_out(product: Expr) -> Expr:
    """Factors sigmoid(w)^n as 1/(1 + exp(-w))^n, and constants taken out of exponents."""
    factors = []
    for factor in Mul.make_args(product):
        base, n = factor.as_base_exp()
        opened = Pow(1 + Exp(-base.args[0]), -n) if isinstance(base, Sigmoid) else factor
        factors.append(opened.replace(Exp, _shifted))
    return Mul(*factors)


def _shifted(w: Expr) -> Expr:
    constant, moving = w.as_independent(X, as_Add=True)
    return Exp(constant) * Exp(moving)


def _exponents(e: Expr) -> set[Expr]:
    """The arguments of its exponentials, outside other functions."""
    if isinstance(e, (Exp, Expm1, Sinh, Cosh)):
        return {e.args[0]} if e.has(X) else set()
    if e.is_Add or e.is_Mul or e.is_Pow:
        return set().union(*map(_exponents, e.args))
    return set()


def _is_polynomial(factor: Expr) -> bool:
    base = factor.base if factor.is_Pow else factor
    if any(power.exp < 0 and _exponents(power.base) for power in base.atoms(Pow)):
        return False  # it holds a quotient of its own
    if base.is_Add and base.has(Sigmoid):
        return False
    return base.is_Add or isinstance(base, (Exp, Expm1, Sinh, Cosh))


def _unit(factors: list[Expr]) -> Expr | None:
    """U such that every exponent is a whole multiple of it, or None."""
    exponents = sorted(set().union(*map(_exponents, factors)), key=sympy.default_sort_key)
    ratios = [w / exponents[0] for w in exponents]
    if not all(r.is_Rational for r in ratios):
        return None
    # whole multiples of the first over the common denominator
    whole = math.lcm(*(int(r.q) for r in ratios))
    common = math.gcd(*(int(r * whole) for r in ratios))
    return exponents[0] * sympy.Rational(common, whole)


def _terms(e: Expr, u: Expr) -> dict[int, Expr]:
    """`e` as a sum of powers of t = exp(u): the power and its coefficient."""
    e = e.replace(Expm1, lambda w: Exp(w) - 1)
    e = e.replace(Sinh, lambda w: (Exp(w) - Exp(-w)) / 2)
    e = e.replace(Cosh, lambda w: (Exp(w) + Exp(-w)) / 2)
    whole = {exp: _T ** (exp.args[0] / u) for exp in e.atoms(Exp) if (exp.args[0] / u).is_Integer}
    found: dict[int, Any] = {}
    for term in Add.make_args(sympy.expand(e.xreplace(whole))):
        coefficient, power = term.as_independent(_T, as_Add=False)
        base, exponent = power.as_base_exp()
        if power != 1 and base != _T:
            raise sympy.PolynomialError("t inside another function")
        k = 0 if power == 1 else int(exponent)
        found[k] = found.get(k, S.Zero) + coefficient
    return {k: c for k, c in found.items() if c != 0}


def _branch(over: dict[int, Expr], under: dict[int, Expr], falling: Expr) -> Expr:
    """The quotient where exp(-falling) is at most 1; the lowest powers are taken out of both."""
    low, base = min(over), min(under)
    decay = Decay(falling)
    quotient = Add(*(c * Pow(decay, k - low) for k, c in over.items())) / Add(
        *(c * Pow(decay, k - base) for k, c in under.items())
    )
    shift = low - base
    return quotient * (decay**shift if shift >= 0 else Exp(shift * -falling))
