"""A SymPy tree of the language as text of the language.

This file is imported only by functions, as `_symbolic.py` is.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from actscope.activations._branching import Extremum, Power, Where
from actscope.activations._symbolic import Expr

# How tightly a text binds: a sum, a product, a sign, a power, an atom
SUM, PRODUCT, POWER, ATOM = range(4)


def text_of(e: Expr) -> str:
    """`e` in the language, its terms and factors in one order: constants, short ones, long ones."""
    return _text(e, {})[0]


def _text(e: Expr, known: dict[Expr, tuple[str, int]]) -> tuple[str, int]:
    """The text and how tightly it binds."""
    if e not in known:
        known[e] = _fresh(e, known)
    return known[e]


def _within(e: Expr, level: int, known: dict[Expr, tuple[str, int]]) -> str:
    text, binds = _text(e, known)
    return text if binds >= level else f"({text})"


def _fresh(e: Expr, known: dict[Expr, tuple[str, int]]) -> tuple[str, int]:
    if e.is_Rational:
        return number_text(Fraction(int(e.p), int(e.q)))
    if e.is_Symbol:
        return e.name, ATOM
    if e.is_Add:
        return _sum(e, known), SUM
    if e.is_Mul or (e.is_Pow and e.exp < 0):
        return _product(e, known), PRODUCT
    if e.is_Pow or isinstance(e, Power):
        base, exponent = e.args
        above = _text(exponent, known)[0]
        bare = above.isalnum() or _plain_decimal(above)
        return f"{_within(base, ATOM, known)}**{above if bare else f'({above})'}", POWER
    if isinstance(e, Extremum):
        texts = sorted({_text(a, known)[0] for a in _flat(e, e.func)}, key=_short_first)
        return f"{e.word}({', '.join(texts)})", ATOM
    args = [_text(a, known)[0] for a in e.args]
    if isinstance(e, Where):
        op, left, right, then, otherwise = args
        return f"where({left} {op} {right}, {then}, {otherwise})", ATOM
    return f"{e.word}({', '.join(args)})", ATOM


def _plain_decimal(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def number_text(value: Fraction) -> tuple[str, int]:
    """A decimal where it is exact, p/q where both are small, else the nearest float."""
    sign = "-" if value < 0 else ""
    size = abs(value)
    if size.denominator == 1 and size < 10**16:
        text, binds = str(size.numerator), ATOM
    elif Fraction(repr(float(size))) == size or max(size.numerator, size.denominator) >= 10**6:
        text, binds = repr(float(size)), ATOM
    else:
        text, binds = f"{size.numerator}/{size.denominator}", PRODUCT
    return sign + text, SUM if sign else binds


def _sum(e: Expr, known: dict[Expr, tuple[str, int]]) -> str:
    terms = []
    for term in e.args:
        negative = bool(term.as_coeff_Mul()[0] < 0)
        text = _within(-term if negative else term, PRODUCT, known)
        terms.append((negative, not bool(term.is_Rational), len(text), text))
    (negative, _, _, first), *rest = sorted(terms)
    return (
        ("-" if negative else "")
        + first
        + "".join((" - " if negative else " + ") + text for negative, _, _, text in rest)
    )


def _product(e: Expr, known: dict[Expr, tuple[str, int]]) -> str:
    scale, rest = e.as_coeff_Mul()
    above, below = [], []
    for factor in rest.args if rest.is_Mul else (rest,):
        if factor.is_Pow and factor.exp < 0:
            below.append(_within(1 / factor, POWER, known))
        elif factor != 1:
            above.append(_within(factor, POWER, known))
    above.sort(key=_short_first)
    below.sort(key=_short_first)
    sign = "-" if scale < 0 else ""
    number, binds = number_text(Fraction(int(abs(scale.p)), int(scale.q)))
    if binds == PRODUCT:  # p/q
        top, bottom = number.split("/")
        below.insert(0, bottom)
        number = top
    if number != "1" or not above:
        above.insert(0, number)
    text = sign + "*".join(above)
    if not below:
        return text
    return f"{text}/{below[0]}" if len(below) == 1 else f"{text}/({'*'.join(below)})"


def _flat(e: Expr, kind: Any) -> Iterator[Expr]:
    """max(a, max(b, c)) as a, b, c."""
    for arg in e.args:
        yield from _flat(arg, kind) if isinstance(arg, kind) else (arg,)


def _short_first(text: str) -> tuple[int, str]:
    return len(text), text
