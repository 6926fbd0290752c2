"""An activation as a short list of steps that any library can run.

The steps come from the record's formula, through the parser of typed expressions and its rules
against overflow and cancellation. They name functions that libraries have as one operation each
(sigmoid, softplus, erf, …), where the compiled formulas of the engine spell them out.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from actscope.activations._base import Activation
from actscope.maths import special

_BUILDING = threading.Lock()  # SymPy knows no threads


def _sigmoid(x: Any) -> Any:
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, decay) / (1.0 + decay)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


# Steps that every library writes alike
SIGNS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "negative": operator.neg,
}
# What a step does, with NumPy's ufuncs alone; other libraries replace what they have themselves
NUMPY: dict[str, Callable[..., Any]] = {
    **SIGNS,
    **{word: getattr(np, word) for word in ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos")},
    **{word: getattr(np, word) for word in ("sqrt", "sign", "abs", "maximum", "minimum", "where")},
    "erf": special.erf,
    "ndtr": special.ndtr,
    "npdf": special.npdf,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
}


@dataclass(frozen=True)
class Tree:
    """Steps in order, each an operator and the numbers of earlier steps; the last is the value.

    Attributes:
        steps: ("x",), ("number", value) or (operator, i, j, …).

    Example:
        >>> from actscope.activations import activation
        >>> trees(activation("silu")).f.steps
        (('x',), ('sigmoid', 0), ('*', 0, 1))
    """

    steps: tuple[tuple[Any, ...], ...]

    def __call__(self, x: Any, table: Mapping[str, Callable[..., Any]] = NUMPY) -> Any:
        """The value at x, of whatever kind the operators of the table take."""
        values: list[Any] = []
        for op, *rest in self.steps:
            if op == "x":
                values.append(x)
            elif op == "number":
                values.append(rest[0])
            else:
                values.append(table[op](*[values[i] for i in rest]))
        return values[-1]


class Trees(NamedTuple):
    """A function and its slope."""

    f: Tree
    df: Tree


@functools.lru_cache(maxsize=256)
def trees(record: Activation) -> Trees:
    """The steps of an activation, with its parameters' values, and of its slope.

    Raises:
        BadExpression: the record's formula is not in the language of typed expressions.
    """
    from actscope.activations._build import build
    from actscope.activations._lookup import SHELF
    from actscope.activations._parser import names_in, read
    from actscope.activations._rewrite import simplify
    from actscope.activations._symbolic import X

    with _BUILDING:
        tree = read(record.formula, record.settings, SHELF.names())
        used = names_in(tree)
        e = simplify(build(tree, {k: v for k, v in record.settings.items() if k in used}))
        return Trees(_lowered(e), _lowered(simplify(e.diff(X))))


def _lowered(e: Any) -> Tree:
    """The steps of a SymPy tree; the value has x's type, and NaN for NaN."""
    program = _program()
    result = program.lower(e)
    tree = _needed(program.steps, result)
    with np.errstate(all="ignore"):
        value = tree(np.array([np.nan], dtype=np.float32))
    if np.shape(value) != (1,) or value.dtype != np.float32 or not np.isnan(value[0]):
        tree = _needed(program.steps, program.typed(result))
    return tree


def _program() -> Any:
    """The lowering of the compiled formulas, but for the functions that libraries have."""
    from actscope.activations._codegen import Program

    class Native(Program):
        def _sigmoid(self, u: int, flipped: bool) -> int:
            return self.add("sigmoid", self.add("negative", u) if flipped else u)

        def _softplus(self, u: int, flipped: bool) -> int:
            return self.add("softplus", self.add("negative", u) if flipped else u)

    return Native()


def _needed(steps: list[tuple[Any, ...]], result: int) -> Tree:
    """The steps that `result` needs, numbered anew."""
    wanted = {result}
    for i in range(result, -1, -1):  # steps point backwards only
        if i in wanted and steps[i][0] != "number":
            wanted.update(steps[i][1:])
    place = {old: new for new, old in enumerate(sorted(wanted))}

    def moved(op: str, *rest: Any) -> tuple[Any, ...]:
        return (op, *rest) if op == "number" else (op, *(place[i] for i in rest))

    return Tree(tuple(moved(*steps[i]) for i in sorted(wanted)))
