"""Typed expressions: from "x*sigmoid(1.7*x)" to an Activation.

The language: x, numbers, pi, e; + - * / and ** (exponents up to 100); where(a < b, then, else)
with one comparison; max and min of two or more; abs, cos, cosh, erf, exp, expm1, log, log1p, ndtr
(the normal distribution function), npdf (its density), sech, sigmoid, sign, sin, sinh, softplus,
sqrt, square, tanh; and every activation of the catalogue, parameters behind the argument:
leaky_relu(x, 0.1).
A power whose exponent is not a whole number is exp(v*log(u)), so NaN where u < 0. At ±inf itself
floats decide, so x*sigmoid(x), which is inf*0 there, gives NaN at -inf.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from actscope.activations._base import Activation, Elementwise, Floats
from actscope.errors import BadExpression, BadParameter

MAX_DERIVATIVE = 5_000  # nodes, before simplification

NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Expression(Activation):
    """An activation that was typed. NaN is data (log(x) at -1), so it is given without a warning.

    Attributes:
        given: the names in the text that stood for numbers, and their values.

    Example:
        >>> parse("log(x)")([-1.0, 1.0])
        array([nan,  0.])
    """

    given: tuple[tuple[str, float], ...] = ()

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self.made is not None:  # shaped
            return super().__reduce__()
        return parse, (self.source, dict(self.given))

    def __call__(self, x: ArrayLike) -> Floats:
        """f(x), elementwise; integers become float64, float32 stays float32. NaN gives NaN."""
        with np.errstate(all="ignore"):
            return super().__call__(x)

    def slope_at(self, x: ArrayLike) -> Floats:
        """df(x), elementwise, of x's shape and type."""
        with np.errstate(all="ignore"):
            return super().slope_at(x)


def parse(text: str, params: Mapping[str, float] = NOTHING) -> Expression:
    """The activation that a typed expression of x stands for.

    Its `formula` and `derivative` are simplified texts of the same language; `name` is the
    formula. `f` and `df` are plain functions of NumPy ufuncs whose source is their attribute
    `__source__`. Rules that are identities on the real line keep them from overflowing and
    cancelling: log(1 + exp(x)) becomes softplus(x).

    Args:
        text: the expression, at most 1,000 characters.
        params: numbers for names in it besides x, pi and e.

    Returns:
        The activation, with its facts found by `_facts.py`: all kinks of conditions made of
        polynomials, and those within ±50 of any others. Its slope is NaN where it is.

    Raises:
        BadExpression: the text is outside the language; the message names the column, what was
            found and what is expected.
        BadParameter: a parameter that is not in the text, or no finite number.

    Example:
        >>> a = parse("x/(1 + exp(-1.7*x))")
        >>> a.formula
        'x*sigmoid(1.7*x)'
        >>> a.derivative
        'sigmoid(1.7*x)*(1 + 1.7*x*sigmoid(-1.7*x))'
        >>> a([-1000.0, 0.0, 1.0])
        array([-0.        ,  0.        ,  0.84553473])
        >>> parse("where(x > 0, x, slope*x)", {"slope": 0.1}).kinks
        (0.0,)
        >>> parse("x.__class__")
        Traceback (most recent call last):
            ...
        actscope.errors.BadExpression: typed expression, column 2: a dot behind a name; ...
    """
    from actscope.activations._parser import scan

    scan(text)  # before it becomes a key of the cache
    for name, value in params.items():
        _check_parameter(name, value)
    return _parse(text, tuple(sorted((k, float(v)) for k, v in params.items())))


def _check_parameter(name: str, value: float) -> None:
    from actscope.activations._parser import ARITY, CONSTANTS

    if not name.isidentifier() or not name.isascii() or name in ("x", *CONSTANTS, *ARITY):
        raise BadParameter(
            f"parameter {name!r} of an expression: expected a name of its own, such as slope"
        )
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or isinstance(value, bool) or not np.isfinite(value):
        raise BadParameter(f"parameter {name} = {value!r} of an expression: expected a number")


@functools.lru_cache(maxsize=256)
def _parse(text: str, params: tuple[tuple[str, float], ...]) -> Expression:
    from actscope.activations._lookup import SHELF
    from actscope.activations._parser import names_in, read

    settings = dict(params)
    # refuse bad text before SymPy is imported
    tree = read(text, settings, SHELF.names())
    unused = settings.keys() - names_in(tree)
    if unused:
        raise BadParameter(
            f"the expression has no parameter {min(unused)!r}: expected names that stand in it"
        )

    from actscope.activations._build import build
    from actscope.activations._codegen import function_of
    from actscope.activations._facts import facts_of
    from actscope.activations._rewrite import simplify
    from actscope.activations._text import text_of

    e = _finite(simplify(build(tree, settings)))
    slope = _slope(e)
    f, df = function_of(e, "f"), function_of(slope, "df")
    if _outlives(df, f):  # the slope 1/x of log(x) is no slope where x < 0
        df = function_of(slope, "df", within=e)
    formula = text_of(e)
    _check_formula(formula)
    facts = facts_of(e, f, df)
    return Expression(
        name=formula,
        label=formula,
        formula=formula,
        derivative=text_of(slope),
        f=f,
        df=df,
        range=facts.range,
        kinks=facts.kinks,
        zero_centred=facts.zero_centred,
        monotonic=facts.monotonic,
        use_case="typed expression",
        source=text.strip(),
        given=params,
    )


def _slope(e: Any) -> Any:
    """The simplified derivative of a SymPy tree."""
    from actscope.activations._rewrite import simplify
    from actscope.activations._symbolic import X, size

    slope = e.diff(X)
    if size(slope) > MAX_DERIVATIVE:
        raise BadExpression(
            f"typed expression: its derivative has {size(slope):,} parts; expected at most "
            f"{MAX_DERIVATIVE:,}: nest fewer functions"
        )
    return _finite(simplify(slope))


def _outlives(df: Elementwise, f: Elementwise) -> bool:
    """Whether df is a number somewhere in [-50, 50] where f is none."""
    x = np.linspace(-50.0, 50.0, 4001)
    with np.errstate(all="ignore"):
        return bool(np.any(np.isnan(f(x)) & ~np.isnan(df(x))))


def _finite(e: Any) -> Any:
    """`e`; refused where a divisor that looked like a number has turned out to be 0."""
    from sympy import S

    if e.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
        raise BadExpression(
            "typed expression: simplified, it divides by 0; expected divisors that are not 0 for "
            "every x"
        )
    return e


def _check_formula(formula: str) -> None:
    """What we print can be typed again."""
    from actscope.activations._parser import read

    try:
        read(formula)
    except BadExpression as error:
        raise BadExpression(
            f"typed expression: too much when it is written out ({error}); expected fewer "
            "functions inside each other"
        ) from None
