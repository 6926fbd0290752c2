"""Random expressions against an interpreter of its own: mpmath walks the tree as it was drawn.

The interpreter knows nothing of the parser, of SymPy or of the rewriting rules. At each point it
also finds how far rounding may move the value (every step nudged by a few float spacings), and
tells points at which the tree has no value, or sits at a switch or next to a pole.
"""

import dataclasses
import random

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actscope.activations._expression import parse

DIGITS = 40
NUDGE = mpmath.mpf(2) ** -51
MARGIN = 1e-3  # to switches and poles
LARGEST = 1e3  # of a step
POINTS = (-7.3, -2.9, -1.1, -0.37, -0.02, 0.013, 0.41, 0.97, 2.3, 5.1)

UNARY = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "sech": mpmath.sech,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "sqrt": mpmath.sqrt,
    "erf": mpmath.erf,
    "ndtr": mpmath.ncdf,
    "npdf": mpmath.npdf,
    "abs": abs,
    "sign": mpmath.sign,
    "square": lambda u: u * u,
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "softplus": lambda u: mpmath.log(1 + mpmath.exp(u)),
    "relu": lambda u: max(u, 0),
    "silu": lambda u: u / (1 + mpmath.exp(-u)),
    "mish": lambda u: u * mpmath.tanh(mpmath.log(1 + mpmath.exp(u))),
    "relu6": lambda u: min(max(u, 0), 6),
}
# where each of them switches, or leaves the real numbers
EDGES = {"abs": (0,), "sign": (0,), "relu": (0,), "relu6": (0, 6), "log": (0,), "sqrt": (0,)}
BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
COMPARE = {"<": lambda a, b: a < b, ">=": lambda a, b: a >= b}


class NoValueError(Exception):
    """The tree has no value here, or one that a test can say nothing about."""


@dataclasses.dataclass(frozen=True)
class Tree:
    """One node: an operator and its arguments; prints as a text of the language."""

    op: str
    args: tuple = ()

    def __str__(self) -> str:
        a = [str(arg) for arg in self.args]
        if not a:
            return self.op
        if self.op in BINARY or self.op == "**":
            return f"({a[0]} {self.op} {a[1]})"
        if self.op == "-1":
            return f"(-{a[0]})"
        if self.op in COMPARE:
            return f"where({a[0]} {self.op} {a[1]}, {a[2]}, {a[3]})"
        return f"{self.op}({', '.join(a)})"

    def value(self, x, nudge=lambda v: v):
        if not self.args:
            fixed = {"x": x, "pi": +mpmath.pi, "e": +mpmath.e}
            return fixed[self.op] if self.op in fixed else mpmath.mpf(self.op)
        if self.op in COMPARE:
            a, b = (arg.value(x, nudge) for arg in self.args[:2])
            self.keep_off(a - b)
            # the other side is computed too: it must not hide a value that is none
            return self.args[2 if COMPARE[self.op](a, b) else 3].value(x, nudge)
        v = nudge(self.step(*(arg.value(x, nudge) for arg in self.args)))
        if isinstance(v, mpmath.mpc) or not mpmath.isfinite(v) or abs(v) > LARGEST:
            raise NoValueError
        return v

    def keep_off(self, distance) -> None:
        if abs(distance) < MARGIN:
            raise NoValueError

    def step(self, *a):
        if self.op == "-1":
            return -a[0]
        if self.op == "**":
            power = mpmath.mpf(str(self.args[1]))
            if power < 0 or power != int(power):
                self.keep_off(a[0])
            return a[0] ** (int(power) if power == int(power) else power)
        if self.op in ("max", "min"):
            self.keep_off(a[0] - a[1])
            return {"max": max, "min": min}[self.op](*a)
        if self.op in BINARY:
            if self.op == "/":
                self.keep_off(a[1])
            return BINARY[self.op](*a)
        for edge in EDGES.get(self.op, ()):
            self.keep_off(a[0] - edge)
        if self.op == "log1p":
            self.keep_off(a[0] + 1)
        return UNARY[self.op](*a)


NUMBERS = st.sampled_from(["0", "0.1", "0.5", "1", "1.7", "2", "3", "10", "pi", "e"]).map(Tree)
LEAVES = st.just(Tree("x")) | st.just(Tree("x")) | NUMBERS


def _larger(trees):
    unary = st.builds(lambda f, a: Tree(f, (a,)), st.sampled_from([*UNARY, "-1"]), trees)
    binary = st.builds(
        lambda op, a, b: Tree(op, (a, b)),
        st.sampled_from([*BINARY, *BINARY, "max", "min"]),
        trees,
        trees,
    )
    power = st.builds(
        lambda a, n: Tree("**", (a, Tree(n))),
        trees,
        st.sampled_from(["2", "3", "-1", "-2", "0.5", "1.3"]),
    )
    where = st.builds(
        lambda op, *a: Tree(op, a), st.sampled_from(list(COMPARE)), trees, trees, trees, trees
    )
    return unary | binary | power | where


TREES = st.recursive(LEAVES, _larger, max_leaves=7)


def known(tree, x):
    """(value, slope, how far rounding moves the value), or None."""
    draw = random.Random(0)
    with mpmath.workdps(DIGITS):
        at = mpmath.mpf(x)
        try:
            value, slope = tree.value(at), mpmath.diff(tree.value, at, h=mpmath.mpf(10) ** -12)
            moved = [
                abs(tree.value(at, lambda v: v * (1 + NUDGE * draw.choice((-1, 1)))) - value)
                for _ in range(6)
            ]
        except (NoValueError, ZeroDivisionError, ValueError, TypeError, OverflowError):
            return None
        return float(value), float(slope), float(max(moved))


def parsed(tree):
    """What the language makes of it, or None for a constant part that is not a real number."""
    from actscope.errors import BadExpression

    try:
        return parse(str(tree))
    except BadExpression as error:
        assert any(
            reason in str(error) for reason in ("finite real number", "zero", "0 to a power")
        )
        assert not all(known(tree, x) for x in POINTS)
        return None


def check(tree):
    a = parsed(tree)
    if a is None:
        return 0
    seen = 0
    for x in POINTS:
        found = known(tree, x)
        if found is None:
            continue
        value, slope, moved = found
        seen += 1
        allowed = 1e-13 + 4e-15 * abs(value) + 30 * moved
        assert abs(float(a(x)) - value) <= allowed, (str(tree), a.formula, x, a(x), value)
        if moved < 1e-12:
            close = 1e-8 * (1 + abs(slope))
            assert abs(float(a.slope_at(x)) - slope) <= close, (str(tree), a.derivative, x)
    return seen


@settings(max_examples=250, deadline=None, derandomize=True)
@given(TREES)
def test_value_and_slope_are_those_of_the_tree(tree):
    check(tree)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TREES)
def test_the_formula_is_a_text_of_the_same_function(tree):
    a = parsed(tree)
    if a is None:
        return
    again = parse(a.formula)
    x = np.array(POINTS)
    for one, other in ((again(x), a(x)), (parse(a.derivative)(x), a.slope_at(x))):
        both = np.isfinite(one) & np.isfinite(other) & (np.abs(other) < LARGEST)
        np.testing.assert_allclose(one[both], other[both], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))


def test_the_check_sees_most_points():
    assert check(Tree("silu", (Tree("x"),))) == len(POINTS)
    assert check(Tree("log", (Tree("x"),))) == sum(x > MARGIN for x in POINTS)


def test_the_check_can_fail():
    """A wrong rule is seen: tanh taken for erf."""
    tree = Tree("erf", (Tree("x"),))
    wrong = dataclasses.replace(parse("erf(x)"), f=np.tanh)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "parse", lambda text: wrong)
        with pytest.raises(AssertionError):
            check(tree)
