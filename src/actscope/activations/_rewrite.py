"""Equal expressions that compute better: the rules by which typed expressions are simplified.

Each rule is an identity on the real line. Together they turn the usual spellings into functions
that neither overflow nor cancel: 1/(1 + exp(-x)) into sigmoid(x), log(1 + exp(x)) into
softplus(x), (exp(2*x) - 1)/(exp(2*x) + 1) into tanh(x). They are few, cheap and always end, which
`sympy.simplify` does not promise.

This file imports SymPy and is imported only by functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Add, Mul, Pow, S

from actscope.activations._symbolic import (
    Abs,
    Cos,
    Cosh,
    Erf,
    Exp,
    Expm1,
    Expr,
    Ndtr,
    Sech,
    Sigmoid,
    Sign,
    Sin,
    Sinh,
    Sqrt,
    Tanh,
    X,
    constant_and_exp,
    never_negative,
    size,
)

PASSES = 6
EXPANDABLE = 60  # nodes; beyond, sums and products are left as they are
POWER = 4  # likewise, the largest power

Terms = dict[Expr, Expr]


def simplify(e: Expr) -> Expr:
    """An equal expression, shorter or better to compute."""
    best = tidy(e)
    if size(best) > EXPANDABLE or any(abs(p.exp) > POWER for p in best.atoms(Pow)):
        return best
    for form in (sympy.expand_mul, sympy.expand, sympy.factor_terms, sympy.together):
        other = tidy(form(best))
        if size(other) < size(best):
            best = other
    return best


def tidy(e: Expr) -> Expr:
    """Apply the rules from the leaves up until nothing changes."""
    for _ in range(PASSES):
        known: dict[Expr, Expr] = {}
        after = _once(e, known)
        if after == e:
            break
        e = after
    return e


def _once(e: Expr, known: dict[Expr, Expr]) -> Expr:
    if not e.args:
        return e
    if e not in known:
        args = [_once(a, known) for a in e.args]
        new = e.func(*args)
        rule = _RULES.get(new.func)
        known[e] = new if rule is None else rule(new)
    return known[e]


def _sum(e: Expr) -> Expr:
    """Rules for sums; a term is a function and its numeric coefficient."""
    terms: Terms = dict(e.as_coefficients_dict())
    constant = terms.get(S.One, S.Zero)
    for part, c in list(terms.items()):
        if part == 1 or part not in terms:
            continue
        new = _with_constant(part, c, constant) if constant else None
        if new is not None:
            terms.pop(part)
            terms.pop(S.One)
            return Add(new, *(c * part for part, c in terms.items()))
        pair = _pair(part, c, terms)
        if pair is not None:
            other, new = pair
            terms.pop(part)
            terms.pop(other)
            return Add(new, *(c * part for part, c in terms.items()))
    return e


def _with_constant(part: Expr, c: Expr, constant: Expr) -> Expr | None:
    """c·part + constant as one term, or None."""
    same, opposite = c == constant, c == -constant
    u: Expr = part.args[0] if part.args else None
    match part:
        case Exp() if opposite:
            return c * Expm1(u)
        case Expm1() if same:
            return c * Exp(u)
        case Sigmoid() if opposite:
            return constant * Sigmoid(-u)
        case Sigmoid() if c == -2 * constant:
            return -constant * Tanh(u / 2)
        case Tanh() if same or opposite:
            return 2 * constant * Sigmoid(2 * u if same else -2 * u)
        case Erf() if same or opposite:
            return 2 * constant * Ndtr(Sqrt(S(2)) * u if same else -Sqrt(S(2)) * u)
        case Ndtr() if opposite:
            return constant * Ndtr(-u)
    if part.is_Pow and part.exp == 2 and opposite:
        match part.base:
            case Tanh(args=(w,)):
                return constant * Sech(w) ** 2
            case Sech(args=(w,)):
                return constant * Tanh(w) ** 2
            case Sin(args=(w,)):
                return constant * Cos(w) ** 2
            case Cos(args=(w,)):
                return constant * Sin(w) ** 2
    return None


def _pair(part: Expr, c: Expr, terms: Terms) -> tuple[Expr, Expr] | None:
    """(the other term, both as one term), or None."""
    if isinstance(part, Exp):
        u = part.args[0]
        other = Exp(-u)
        if other != part and abs(terms.get(other, S.Zero)) == abs(c):
            return other, 2 * c * (Cosh(u) if terms[other] == c else Sinh(u))
    if part.is_Pow and part.exp == 2 and isinstance(part.base, Sin):
        other = Cos(part.base.args[0]) ** 2
        if terms.get(other) == c:
            return other, c
    if isinstance(part, Sigmoid):
        other = Sigmoid(-part.args[0])
        if terms.get(other) == c:
            return other, c
    return None


def _product(e: Expr) -> Expr:
    """Rules for products; a factor is a base and its power, a whole number."""
    scale, rest = e.as_coeff_Mul()
    powers: Terms = dict(rest.as_powers_dict())
    for base in list(powers):
        if base not in powers or powers[base] < 0:
            continue
        match base:
            case Sigmoid():
                scale *= _sigmoid_in(base, powers)
            case Sech():
                scale *= _sech_in(base, powers)
            case Sign() if Abs(base.args[0]) in powers:
                _swap(powers, S.One, {base: S.One, Abs(base.args[0]): S.One}, {base.args[0]: S.One})
            case Sign() if powers.get(base.args[0], S.Zero) > 0:
                _swap(powers, S.One, {base: S.One, base.args[0]: S.One}, {Abs(base.args[0]): S.One})
    exponents = [n * base.args[0] for base, n in powers.items() if isinstance(base, Exp)]
    if len(exponents) > 1 or any(isinstance(b, Exp) and n != 1 for b, n in powers.items()):
        powers = {base: n for base, n in powers.items() if not isinstance(base, Exp)}
        exp = Exp(sympy.expand_mul(Add(*exponents)))
        return scale * exp * Mul(*(base**n for base, n in powers.items()))
    return scale * Mul(*(base**n for base, n in powers.items()))


def _swap(powers: Terms, times: Expr, old: Terms, new: Terms) -> None:
    """Take `times` of each old factor out of the product and put the new ones in."""
    for base, n in old.items():
        powers[base] -= n * times
        if powers[base] == 0:
            del powers[base]
    for base, n in new.items():
        powers[base] = powers.get(base, S.Zero) + n * times


def _sigmoid_in(base: Expr, powers: Terms) -> Expr:
    """exp(k·u)·sigmoid(-u)^n with k ≤ n, and expm1(u)·sigmoid(-u); returns the factor left over."""
    v = base.args[0]
    for other, k in list(powers.items()):
        n = powers.get(base, S.Zero)
        if n <= 0:
            break
        if isinstance(other, Expm1) and other.args[0] == -v and k > 0:
            _swap(powers, min(k, n), {base: 1, other: 1}, {Tanh(-v / 2): 1})
        elif isinstance(other, Exp) and k.is_Integer:
            # exp(k·w) with k·w = -m·v - shift is exp(-v)^m times a constant
            for m in range(1, int(n) + 1):
                shift = sympy.expand_mul(-m * v - k * other.args[0])
                if not shift.has(X):
                    del powers[other]
                    _swap(powers, S(m), {base: 1}, {Sigmoid(-v): 1})
                    return Exp(-shift)
    return S.One


def _sech_in(base: Expr, powers: Terms) -> Expr:
    """sinh·sech, cosh·sech and exp·sech; returns the factor left over."""
    u = base.args[0]
    scale = S.One
    news = {Sinh(u): {Tanh(u): 1}, Cosh(u): {}, Exp(u): {}, Exp(-u): {}}
    for other, new in news.items():
        times = min(powers.get(other, S.Zero), powers.get(base, S.Zero))
        if times > 0:
            _swap(powers, times, {base: 1, other: 1}, new)
            if isinstance(other, Exp):
                scale *= (2 * Sigmoid(2 * other.args[0])) ** times
    return scale


def _power(e: Expr) -> Expr:
    """Rules for whole powers."""
    base, n = e.args
    if isinstance(base, Exp):
        return Exp(n * base.args[0])
    if isinstance(base, Abs) and n % 2 == 0:
        return base.args[0] ** n
    if isinstance(base, Sqrt) and n % 2 == 0 and never_negative(base.args[0]):
        return base.args[0] ** (n / 2)
    if isinstance(base, Cosh) and n < 0:
        return Sech(base.args[0]) ** -n
    if isinstance(base, Sech) and n < 0:
        return Cosh(base.args[0]) ** -n
    if base.is_Add and n < 0:
        found = constant_and_exp(base)
        if found is not None:
            c, w = found
            return c**n * Sigmoid(-w) ** -n
    return e


_RULES: dict[Any, Callable[[Expr], Expr]] = {Add: _sum, Mul: _product, Pow: _power}
