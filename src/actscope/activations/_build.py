"""From the parser's tree to SymPy, with the catalogue's activations written out.

This file imports SymPy and is imported only by functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import mpmath  # type: ignore[import-untyped]
import sympy
from sympy import Rational, S

from actscope.activations._base import Activation
from actscope.activations._branching import NAMED, Power, Where, evaluate
from actscope.activations._lookup import SHELF
from actscope.activations._parser import ARITY, MAX_POWER, Node, read, refuse
from actscope.activations._symbolic import CONSTANTS, Expr, X, size
from actscope.errors import BadExpression, BadParameter

LARGEST = 10**308
MAX_SIZE = 1500  # nodes, with the catalogue's formulas written out


class Builder:
    """Builds one tree, with numbers for the parameters' names.

    Args:
        names: what a name stands for, besides x and the constants.
        x: what x stands for: itself, or an argument when a record's formula is written out.
        power: the largest exponent that is still allowed.
        inside: the records that are being written out, outermost first.
    """

    def __init__(
        self,
        names: Mapping[str, Expr],
        x: Expr = X,
        power: int = MAX_POWER,
        inside: tuple[str, ...] = (),
    ) -> None:
        self.names = {**CONSTANTS, **names, "x": x}
        self.power, self.inside = power, inside

    def build(self, node: Node) -> Expr:
        """The SymPy tree of `node`; division by 0 and what grows too large are refused."""
        e = self._fresh(node)
        if e.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
            refuse(node.column, "a division by zero", "a divisor that is not 0 for every x")
        if abs(e.as_coeff_Mul()[0]) > LARGEST:
            refuse(node.column, "a number that is too large", "numbers up to 1e308")
        if size(e) > MAX_SIZE:
            refuse(
                node.column,
                "an expression that grows too long when it is written out",
                f"at most {MAX_SIZE} parts: nest fewer functions",
            )
        return e

    def _fresh(self, node: Node) -> Expr:
        match node:
            case Node("number", value=Fraction() as value):
                return Rational(value.numerator, value.denominator)
            case Node("name", value=str(name)):
                return self.names[name]
            case Node("**"):
                return self._power(node)
            case Node("call", value=str(name)) if name not in ARITY:
                return self._record(node, name)
        args = [self.build(a) for a in node.args]
        match node.kind:
            case "negative":
                return -args[0]
            case "+":
                return args[0] + args[1]
            case "-":
                return args[0] - args[1]
            case "*":
                return args[0] * args[1]
            case "/":
                if args[1] == 0:
                    refuse(node.args[1].column, "a division by zero", "a divisor that is not 0")
                return args[0] / args[1]
            case "where":
                return Where(sympy.Symbol(node.value), *args)
        return self._call(node, args)

    def _call(self, node: Node, args: list[Expr]) -> Expr:
        if node.value == "square":
            return args[0] ** 2
        kind = NAMED[str(node.value)]
        if node.value in ("max", "min"):
            e, *others = sorted(args, key=sympy.default_sort_key)
            for other in others:
                e = kind(e, other)
        else:
            e = kind(*args)
        if not e.has(X):
            _real(e, node)
        return e

    def _power(self, node: Node) -> Expr:
        v = self.build(node.args[1])
        outer = self.power
        if v.is_Rational:
            if abs(v) > outer:
                refuse(
                    node.args[1].column,
                    "an exponent that is too large",
                    f"exponents up to {MAX_POWER}, nested ones multiplied",
                )
            self.power = outer // max(1, int(abs(v)))
        u = self.build(node.args[0])
        self.power = outer
        if u == 0 and v.is_Rational and v <= 0:
            refuse(node.column, "0 to a power that is not positive", "a base that is not 0")
        e = Power(u, v)
        if not e.has(X):
            _real(e, node)
        elif not u.has(X) and evaluate(u) <= 0:
            refuse(node.args[0].column, "a base that is not positive", "a base such as 2 in 2**x")
        return e

    def _record(self, node: Node, name: str) -> Expr:
        """The formula of a record of the catalogue, its x replaced by the first argument."""
        record = SHELF.get(name)
        if name in self.inside or not isinstance(record, Activation):
            refuse(node.column, f"{name} is not elementwise", "an elementwise activation")
        if len(node.args) > 1 + len(record.params):
            takes = ", ".join(["x", *(p.name for p in record.params)])
            refuse(node.column, f"{name} with {len(node.args)} arguments", f"{name}({takes})")
        u, *given = (self.build(a) for a in node.args)
        settings = dict(record.settings)
        for param, value, arg in zip(record.params, given, node.args[1:], strict=False):
            if value.has(X):
                refuse(arg.column, f"{param.name} depends on x", "a number")
            settings[param.name] = float(evaluate(value))
        try:
            record.with_params(**settings)
        except BadParameter as error:
            raise BadExpression(f"typed expression, column {node.column}: {error}") from None
        numbers = {key: number(value) for key, value in settings.items()}
        tree = read(record.formula, settings, SHELF.names())
        return Builder(numbers, u, self.power, (*self.inside, name)).build(tree)


def number(value: float) -> Expr:
    """A float as the exact rational of its shortest text: 0.1 is 1/10."""
    exact = Fraction(repr(float(value)))
    return Rational(exact.numerator, exact.denominator)


def _real(e: Expr, node: Node) -> None:
    """Refuse a part without x that is no finite real number."""
    try:
        value = evaluate(e)
        fine = bool(mpmath.isfinite(value)) and abs(value) < 1e308
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        fine = False
    if not fine:
        refuse(node.column, "a constant that is not a finite real number", "one that is")


def build(tree: Node, settings: Mapping[str, float]) -> Expr:
    """The SymPy tree of a typed expression; parameters become the numbers of `settings`.

    Raises:
        BadExpression: it stands for no real function, or for one that is too long.
    """
    try:
        return Builder({name: number(value) for name, value in settings.items()}).build(tree)
    except RecursionError:
        raise BadExpression(
            "typed expression: it is nested too deep; expected fewer levels of brackets"
        ) from None
