"""From a SymPy tree to one plain Python function of NumPy ufuncs.

The function is put together as Python's own syntax tree, never as text, and its code object is
taken out of the compiled module without running it. What it may call is fixed here.

This file is imported only by functions, as `_symbolic.py` is.
"""

from __future__ import annotations

import ast
import math
import types
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np

from actscope.activations._balance import balanced
from actscope.activations._base import Elementwise
from actscope.activations._branching import Extremum, Power, Where, evaluate
from actscope.activations._symbolic import Cosh, Exp, Expm1, Expr, Sinh, X
from actscope.errors import BadExpression
from actscope.maths import special

# Functions that are one NumPy ufunc or one function of maths/special.py
UFUNCS = {
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "tanh": "tanh",
    "sin": "sin",
    "cos": "cos",
    "sqrt": "sqrt",
    "sign": "sign",
    "abs": "abs",
    "max": "maximum",
    "min": "minimum",
}
SPECIAL = ("erf", "ndtr", "npdf")
BINARY: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
}
COMPARE: dict[str, type[ast.cmpop]] = {
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "==": ast.Eq,
    "!=": ast.NotEq,
}
GROWING = (Exp, Expm1, Sinh, Cosh, Power)
INLINE = 4  # levels of one line; deeper parts get a name
DIGITS = 30

Step = tuple[Any, ...]


class Program:
    """Steps in order, each an operator and the numbers of earlier steps; equal steps are one.

    A step is ("x",), ("number", value), (operator, a, b), ("negative", a) or (function, *args).
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.index: dict[Step, int] = {}
        self.known: dict[Expr, int] = {}

    def add(self, *step: Any) -> int:
        """The number of this step, which is new or was there."""
        if step not in self.index:
            self.index[step] = len(self.steps)
            self.steps.append(step)
        return self.index[step]

    def number(self, value: float) -> int:
        return self.add("number", value)

    def lower(self, e: Expr) -> int:
        """The number of the step that computes `e`."""
        if e not in self.known:
            self.known[e] = self._fresh(e)
        return self.known[e]

    def _fresh(self, e: Expr) -> int:
        if e == X:
            return self.add("x")
        if not e.has(X):
            return self.number(constant(e))
        if e.is_Add:
            return self._sum(e)
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._whole_power(self.lower(e.base), int(e.exp))
        if isinstance(e, Power):
            return self._power(*e.args)
        if isinstance(e, Where):
            return self._where(e)
        if isinstance(e, Extremum):
            return self.add(UFUNCS[e.word], *map(self.lower, e.args))
        return self._call(e.word, *e.args)

    def _sum(self, e: Expr) -> int:
        """Positive terms first, then the others are subtracted."""
        plus = [t for t in e.args if t.as_coeff_Mul()[0] > 0]
        minus = [-t for t in e.args if t.as_coeff_Mul()[0] < 0]
        if not plus:
            return self.add("negative", self._sum_of(minus, []))
        return self._sum_of(plus, minus)

    def _sum_of(self, plus: list[Expr], minus: list[Expr]) -> int:
        plus.sort(key=lambda t: not t.has(X))  # numbers last, as people write them
        total = self.lower(plus[0])
        for term in plus[1:]:
            total = self.add("+", total, self.lower(term))
        for term in minus:
            total = self.add("-", total, self.lower(term))
        return total

    def _product(self, e: Expr) -> int:
        scale, rest = e.as_coeff_Mul()
        if scale < 0:
            return self.add("negative", self.lower(-e))
        quotient = balanced(e)
        if quotient is not None:
            return self.lower(quotient)
        above, below, constants = [], [], [scale]
        for factor in rest.args if rest.is_Mul else (rest,):
            if not factor.has(X):
                constants.append(factor)
            elif factor.is_Pow and factor.exp < 0:
                below.append(factor)
            else:
                above.append(factor)
        size = 1.0
        if constants != [1]:
            size = math.prod(constant(c) for c in constants)
        steps = [self.lower(factor) for factor in above]
        if size != 1.0 or not steps:
            steps.insert(0, self.number(size))
        total = steps[0]
        for step in steps[1:]:
            total = self.add("*", total, step)
        for factor in self._exact_zeros(above):
            zero = self.add("==", self.lower(factor), self.number(0.0))
            total = self.add("where", zero, self.lower(factor), total)
        for factor in below:  # one after the other: their product could overflow
            total = self.add("/", total, self.lower(1 / factor))
        return total

    def _exact_zeros(self, factors: list[Expr]) -> list[Expr]:
        """Factors that switch a product off, as max(0, x) does, where another may be infinite."""
        if not any(factor.has(*GROWING) for factor in factors):
            return []
        return [factor for factor in factors if _switches_off(factor)]

    def _whole_power(self, base: int, n: int) -> int:
        """By repeated squaring."""
        if n < 0:
            return self.add("/", self.number(1.0), self._whole_power(base, -n))
        total, square = None, base
        while n:
            if n & 1:
                total = square if total is None else self.add("*", total, square)
            n >>= 1
            if n:
                square = self.add("*", square, square)
        assert total is not None
        return total

    def _power(self, base: Expr, v: Expr) -> int:
        """u**v = exp(v·log(u)); multiples of 1/2 and 1/4 by square roots."""
        if v.is_Rational and v.q in (2, 4) and abs(v) <= 16:
            u, total = self.lower(base), self._roots(self.lower(base), abs(v))
            return total if v > 0 else self.add("/", self.number(1.0), total)
        u, exponent = self.lower(base), self.lower(v)
        if not base.has(X):
            return self.add("exp", self.add("*", exponent, self.number(math.log(constant(base)))))
        total = self.add("*", exponent, self.add("log", u))
        if v.has(X):  # u**0 is 1, also for u = 0
            zero = self.add("==", exponent, self.number(0.0))
            total = self.add("where", zero, exponent, total)
        return self.add("exp", total)

    def _roots(self, u: int, v: Expr) -> int:
        whole, part = divmod(int(4 * v), 4)
        root = self.add("sqrt", u)
        factors = {1: [self.add("sqrt", root)], 2: [root], 3: [root, self.add("sqrt", root)]}[part]
        total = factors[0]
        for factor in factors[1:]:
            total = self.add("*", total, factor)
        return self.add("*", self._whole_power(u, whole), total) if whole else total

    def _where(self, e: Expr) -> int:
        op, left, right, then, otherwise = e.args
        condition = self.add(op.name, self.lower(left), self.lower(right))
        return self.add("where", condition, *self._branches(then, otherwise))

    def _branches(self, then: Expr, otherwise: Expr) -> tuple[int, int]:
        """Two numbers would lose x's type, so the first takes it on."""
        first, second = self.lower(then), self.lower(otherwise)
        if self.steps[first][0] == self.steps[second][0] == "number":
            first = self.typed(first)
        return first, second

    def typed(self, step: int) -> int:
        """This step, with x's type and shape, and NaN where x is NaN."""
        x = self.add("x")
        return self.add("where", self.add("==", x, x), step, x)

    def _call(self, word: str, u: Expr) -> int:
        if word == "decay":
            return self._decay(self.lower(u))
        if word in ("sigmoid", "softplus", "sech", "sinh", "cosh"):
            low = -u if u.could_extract_minus_sign() else u  # so that u and -u share their steps
            step: int = getattr(self, f"_{word}")(self.lower(low), low != u)
            return step
        return self.add(UFUNCS.get(word, word), self.lower(u))

    def _decay(self, u: int) -> int:
        """exp(-|u|), at most 1."""
        return self.add("exp", self.add("negative", self.add("abs", u)))

    def _sigmoid(self, u: int, flipped: bool) -> int:
        decay, one = self._decay(u), self.number(1.0)
        right = self.add(">=", u, self.number(0.0))
        branches = (decay, one) if flipped else (one, decay)
        return self.add("/", self.add("where", right, *branches), self.add("+", one, decay))

    def _softplus(self, u: int, flipped: bool) -> int:
        ramp = self.add("maximum", self.add("negative", u) if flipped else u, self.number(0.0))
        return self.add("+", ramp, self.add("log1p", self._decay(u)))

    def _sech(self, u: int, flipped: bool) -> int:
        decay = self._decay(u)
        below = self.add("+", self.number(1.0), self.add("*", decay, decay))
        return self.add("/", self.add("*", self.number(2.0), decay), below)

    def _sinh(self, u: int, flipped: bool) -> int:
        """(expm1(u) - expm1(-u))/2: no cancellation near 0."""
        ends = self.add("expm1", u), self.add("expm1", self.add("negative", u))
        low, high = ends if flipped else ends[::-1]
        return self.add("*", self.number(0.5), self.add("-", high, low))

    def _cosh(self, u: int, flipped: bool) -> int:
        ends = self.add("exp", u), self.add("exp", self.add("negative", u))
        return self.add("*", self.number(0.5), self.add("+", *ends))


def _switches_off(e: Expr) -> bool:
    """Whether `e` can be exactly 0 over a whole interval."""
    if e.is_Add:
        return all(map(_switches_off, e.args))
    if e.is_Mul or e.is_Pow:
        return any(map(_switches_off, e.args))
    return isinstance(e, (Extremum, Where))


def constant(e: Expr) -> float:
    """The float nearest to an expression without x."""
    try:
        with mpmath.workdps(DIGITS):
            value = int(e.p) / int(e.q) if e.is_Rational else float(evaluate(e))
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        value = math.nan
    if not math.isfinite(value):
        raise BadExpression(
            "typed expression: it contains a constant that is not a finite real number; "
            "expected numbers up to 1e308, logarithms and roots of positive ones"
        )
    return value


def function_of(e: Expr, name: str, within: Expr = X) -> Elementwise:
    """`e` as a function of x, of NumPy ufuncs only; its text is its attribute `__source__`.

    It keeps x's type, gives NaN for NaN, and also where `within` is NaN.
    """
    program = Program()
    result = program.lower(e)
    if within != X:
        inside = program.lower(within)
        result = program.add("where", program.add("==", inside, inside), result, inside)
    function = _compile(program, result, name)
    with np.errstate(all="ignore"):
        value = function(np.array([np.nan], dtype=np.float32))
    if np.shape(value) != (1,) or value.dtype != np.float32 or not np.isnan(value[0]):
        function = _compile(program, program.typed(result), name)
    return function


def _compile(program: Program, result: int, name: str) -> Elementwise:
    body = _Writer(program.steps, result).body()
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg("x")], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    definition = ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[])
    module = ast.fix_missing_locations(ast.Module(body=[definition], type_ignores=[]))
    code = compile(module, f"<actscope {name}>", "exec")
    inner = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    scope = {"np": np, "__name__": __name__, **{w: getattr(special, w) for w in SPECIAL}}
    function = types.FunctionType(inner, scope, name)
    function.__source__ = ast.unparse(module)  # type: ignore[attr-defined]
    return function


class _Writer:
    """Statements for the steps that `result` needs: shared or deep ones get a name."""

    def __init__(self, steps: list[Step], result: int) -> None:
        self.steps, self.result = steps, result
        self.needed = self._uses()

    def _uses(self) -> dict[int, int]:
        uses = {self.result: 1}
        for i in range(self.result, -1, -1):  # steps point backwards only
            if i in uses and self.steps[i][0] != "number":
                for arg in self.steps[i][1:]:
                    uses[arg] = uses.get(arg, 0) + 1
        return uses

    def body(self) -> list[ast.stmt]:
        statements: list[ast.stmt] = []
        written: dict[int, tuple[ast.expr, int]] = {}
        for i in sorted(self.needed):
            text, depth = self._expression(i, written)
            leaf = self.steps[i][0] in ("x", "number")
            if i != self.result and not leaf and (self.needed[i] > 1 or depth >= INLINE):
                name = f"t{len(statements) + 1}"
                target = ast.Name(id=name, ctx=ast.Store())
                statements.append(ast.Assign(targets=[target], value=text))
                text, depth = ast.Name(id=name, ctx=ast.Load()), 0
            written[i] = text, depth
        return [*statements, ast.Return(value=written[self.result][0])]

    def _expression(self, i: int, written: dict[int, tuple[ast.expr, int]]) -> tuple[ast.expr, int]:
        op, *rest = self.steps[i]
        if op == "x":
            return ast.Name(id="x", ctx=ast.Load()), 0
        if op == "number":
            size: ast.expr = ast.Constant(abs(rest[0]))
            negative = math.copysign(1.0, rest[0]) < 0
            return (ast.UnaryOp(op=ast.USub(), operand=size) if negative else size), 0
        args = [written[a][0] for a in rest]
        depth = 1 + max(written[a][1] for a in rest)
        return _apply(op, args), depth


def _apply(op: str, args: list[ast.expr]) -> ast.expr:
    if op == "negative":
        return ast.UnaryOp(op=ast.USub(), operand=args[0])
    if op in BINARY:
        return ast.BinOp(left=args[0], op=BINARY[op](), right=args[1])
    if op in COMPARE:
        return ast.Compare(left=args[0], ops=[COMPARE[op]()], comparators=[args[1]])
    function: ast.expr = ast.Name(id=op, ctx=ast.Load())
    if op not in SPECIAL:
        function = ast.Attribute(value=ast.Name(id="np", ctx=ast.Load()), attr=op, ctx=ast.Load())
    return ast.Call(func=function, args=args, keywords=[])
