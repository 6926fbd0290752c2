"""The nodes of an ONNX graph, written by calculating with `Value`s.

A Value stands for one tensor of the graph. Like the engine's lanes it takes NumPy's ufuncs
through NumPy's own dispatch, so a function of maths/special.py, called with a Value, writes its
nodes.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from actscope.activations._base import Activation
from actscope.activations._steps import NUMPY, trees
from actscope.activations.vectors._base import VectorActivation
from actscope.maths import special

OPSET = 20
# operators for which ONNX Runtime's CPU kernels take float64, and whose attributes, which ONNX
# keeps in float32, cannot be off
DOUBLE = frozenset(["Abs", "Clip", "Identity", "LogSoftmax", "Relu", "Sigmoid", "Sin", "Softmax",
                    "Tanh"])  # fmt: skip
UFUNCS: dict[Any, str] = {
    np.abs: "Abs", np.exp: "Exp", np.log: "Log", np.tanh: "Tanh", np.sin: "Sin", np.cos: "Cos",
    np.sqrt: "Sqrt", np.sign: "Sign", np.rint: "Round", np.maximum: "Max", np.minimum: "Min",
    np.where: "Where",
}  # fmt: skip


class Graph:
    """Nodes and constants in the making.

    Args:
        dtype: of every number, "float32" or "float64".
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self._numbers: dict[str, str] = {}

    def add(self, operator: str, *inputs: Any, output: str = "", **attributes: Any) -> Value:
        """One more node; numbers among the inputs become constants."""
        from onnx import helper

        names = [self.value(v).name for v in inputs]
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [name], **attributes))
        return Value(self, name)

    def value(self, given: Any) -> Value:
        """A Value as it is; a number as a constant, once for each number."""
        if isinstance(given, Value):
            return given
        with np.errstate(over="ignore"):
            number = self.dtype.type(given)
        key = number.tobytes().hex()
        if key not in self._numbers:
            self._numbers[key] = self.constant(f"c{len(self._numbers)}", number).name
        return Value(self, self._numbers[key])

    def constant(self, name: str, array: Any) -> Value:
        """An array of the file under a name of its own."""
        from onnx import numpy_helper

        self.constants[name] = numpy_helper.from_array(np.array(array, dtype=self.dtype), name)
        return Value(self, name)


class Value:
    """One tensor of a graph."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        return self._apply(ufunc, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return NotImplemented if kwargs else self._apply(function, args)

    def _apply(self, function: Any, inputs: Any) -> Any:
        if function in COMPOSED:
            return COMPOSED[function](*inputs)
        if function not in UFUNCS:
            return NotImplemented
        return self.graph.add(UFUNCS[function], *inputs)

    def __add__(self, other):
        return self.graph.add("Add", self, other)

    def __radd__(self, other):
        return self.graph.add("Add", other, self)

    def __sub__(self, other):
        return self.graph.add("Sub", self, other)

    def __rsub__(self, other):
        return self.graph.add("Sub", other, self)

    def __mul__(self, other):
        return self.graph.add("Mul", self, other)

    def __rmul__(self, other):
        return self.graph.add("Mul", other, self)

    def __truediv__(self, other):
        return self.graph.add("Div", self, other)

    def __rtruediv__(self, other):
        return self.graph.add("Div", other, self)

    def __neg__(self):
        return self.graph.add("Neg", self)

    def __lt__(self, other):
        return self.graph.add("Less", self, other)

    def __le__(self, other):
        return self.graph.add("LessOrEqual", self, other)

    def __gt__(self, other):
        return self.graph.add("Greater", self, other)

    def __ge__(self, other):
        return self.graph.add("GreaterOrEqual", self, other)

    def __eq__(self, other):
        return self.graph.add("Equal", self, other)

    def __ne__(self, other):
        return self.graph.add("Not", self == other)

    __hash__ = None  # type: ignore[assignment]


def _expm1(x: Any) -> Any:
    """tanh(x/2)·(eˣ + 1): relatively accurate near 0, infinite where eˣ is."""
    return np.tanh(x * 0.5) * (np.exp(x) + 1.0)


def _log1p(x: Any) -> Any:
    """Log w·x/(w − 1) with w = 1 + x as rounded; beyond 1 plainly log w."""
    w = x + 1.0
    rest = w - 1.0
    tiny = rest == 0.0
    near = np.where(tiny, x, np.log(w) * (x / np.where(tiny, 1.0, rest)))
    return np.where(x > 1.0, np.log(w), near)


def _copysign(size: Any, sign: Any) -> Any:
    # −0 counts as 0, which no function of maths/special.py minds
    return np.where(sign < 0.0, -np.abs(size), np.abs(size))


# what ONNX has no operator for
COMPOSED: dict[Any, Callable[..., Value]] = {
    np.expm1: _expm1,
    np.log1p: _log1p,
    np.copysign: _copysign,
    np.square: lambda x: x * x,
}


def _ndtr(x: Any) -> Any:
    """Φ by the error function; below −1, where that cancels, by the tail's own series."""
    if x.graph.dtype == np.float64:
        return special.ndtr(x)
    a = np.minimum(np.abs(x), 64.0)
    tail = special.npdf(x) * special.mills(a)
    middle = x.graph.add("Erf", x * math.sqrt(0.5)) * 0.5 + 0.5
    return np.where(x < -1.0, tail, middle)


def _unless_double(operator: str, otherwise: Callable[[Any], Any]) -> Callable[[Value], Value]:
    def apply(x: Any) -> Any:
        double = x.graph.dtype == np.float64
        return otherwise(x) if double else x.graph.add(operator, x)

    return apply


TABLE: dict[str, Callable[..., Any]] = {
    **NUMPY,
    "sigmoid": lambda x: x.graph.add("Sigmoid", x),
    "softplus": _unless_double("Softplus", NUMPY["softplus"]),
    "erf": _unless_double("Erf", special.erf),
    "ndtr": _ndtr,
}


def apply(phi: Activation | VectorActivation, x: Value) -> Value:
    """Write the nodes of an activation: its own operator, or the steps of its formula."""
    values = () if isinstance(phi, VectorActivation) else phi.values
    own = phi.onnx
    if own is None or (x.graph.dtype == np.float64 and own.operator not in DOUBLE):
        assert isinstance(phi, Activation), f"{phi.name} has no operator"
        return trees(phi).f(x, TABLE)
    attributes: dict[str, Any] = {**own.attributes(*values)}
    return x.graph.add(own.operator, x, *own.inputs(*values), **attributes)


def normalise(x: Any, gamma: Value, beta: Value, epsilon: float) -> Any:
    """Layer normalisation over the last axis, with the biased variance."""
    graph = x.graph
    if graph.dtype == np.float32:
        return graph.add("LayerNormalization", x, gamma, beta, axis=-1, epsilon=epsilon)
    # the operator keeps epsilon, and may keep its sums, in float32
    axis = Value(graph, "last_axis")
    if "last_axis" not in graph.constants:
        from onnx import numpy_helper

        graph.constants["last_axis"] = numpy_helper.from_array(np.array([-1]), "last_axis")
    centred = x - graph.add("ReduceMean", x, axis, keepdims=1)
    variance = graph.add("ReduceMean", centred * centred, axis, keepdims=1)
    return centred / np.sqrt(variance + epsilon) * gamma + beta
