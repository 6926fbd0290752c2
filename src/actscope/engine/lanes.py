"""SIMD lanes: one value of each of several networks, side by side in one machine register.

A `Lane` stands for a vector of `count` floats of the emitted code. It overloads the operators
and, through NumPy's own dispatch protocol, the ufuncs, so that an activation written with NumPy
(`np.maximum(x, 0.0)`) runs on lanes unchanged: calling it with a Lane emits its code. What a
ufunc means on lanes is registered with `overloads`, here and in vectormath.py.

Every lane goes through the same sequence of correctly rounded operations, fma where it is
written and nowhere else, so a lane's result does not depend on how many lanes there are.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from actscope.engine.emit import I1, Code, Element, Int

UFUNCS: dict[Any, Callable[..., Any]] = {}


def overloads(*ufuncs: Any) -> Callable[[Any], Any]:
    """Say what these NumPy (or SciPy) functions do to lanes."""

    def register(function: Any) -> Any:
        UFUNCS.update(dict.fromkeys(ufuncs, function))
        return function

    return register


@dataclass(frozen=True)
class LaneType(Element):
    """A vector of `count` floats; as a pointer's element, aligned to its size.

    Example:
        >>> LaneType("float32", 16).bytes
        64
    """

    dtype: str
    count: int
    boundary: int = 0  # what addresses are multiples of; 0: the vector's size

    def times(self, n: int) -> LaneType:
        """N vectors as one: LLVM takes each operation apart again, n independent ones in a row."""
        return LaneType(self.dtype, n * self.count, self.align)

    @property
    def double(self) -> bool:
        """Whether the floats are float64."""
        return self.dtype == "float64"

    @property
    def scalar(self) -> Any:
        """The LLVM type of one float."""
        return ir.DoubleType() if self.double else ir.FloatType()

    @property
    def kind(self) -> Any:
        """The LLVM vector type."""
        return ir.VectorType(self.scalar, self.count)

    @property
    def bits(self) -> Any:
        """The vector of integers of the same size."""
        return ir.VectorType(ir.IntType(64 if self.double else 32), self.count)

    @property
    def bytes(self) -> int:
        """The size of a vector."""
        return self.count * (8 if self.double else 4)

    @property
    def align(self) -> int:  # type: ignore[override]
        """Vectors lie at multiples of their size, if nothing else is said."""
        return self.boundary or self.bytes

    @property
    def broadcast(self) -> Broadcast:
        """The element of an array of scalars that every lane sees alike."""
        return Broadcast(self)

    @property
    def alone(self) -> Element:
        """The element of an array of scalars that are only moved."""
        return Element(self.scalar, 8 if self.double else 4)

    def load(self, code: Code, address: Any) -> Lane:
        """Emit the reading of a vector."""
        return Lane(code, self, code.builder.load(address, typ=self.kind, align=self.align))

    def store(self, code: Code, address: Any, value: Any) -> None:
        """Emit the writing of a vector."""
        code.builder.store(self.lane(code, value).ir, address, align=self.align)

    def lane(self, code: Code, value: Any) -> Lane:
        """`value` as a Lane: a number becomes a constant in every lane, an Int is converted."""
        if isinstance(value, Lane):
            return value
        if isinstance(value, Mask):
            return value.choose(1.0, 0.0)
        if isinstance(value, Int):
            return self.splat(code, code.builder.sitofp(value.ir, self.scalar))
        number = float(value)
        if not self.double:
            with np.errstate(over="ignore"):
                number = float(np.float32(number))
        return Lane(
            code, self, ir.Constant(self.kind, [ir.Constant(self.scalar, number)] * self.count)
        )

    def splat(self, code: Code, scalar: Any) -> Lane:
        """The scalar in every lane."""
        b = code.builder
        one = b.insert_element(ir.Constant(self.kind, ir.Undefined), scalar, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
        return Lane(code, self, b.shuffle_vector(one, ir.Constant(self.kind, ir.Undefined), zeros))


class Broadcast(Element):
    """Scalars in memory that are loaded into every lane."""

    def __init__(self, lanes: LaneType) -> None:
        super().__init__(lanes.scalar, 8 if lanes.double else 4)
        self.lanes = lanes

    def load(self, code: Code, address: Any) -> Lane:
        """Emit the reading of a scalar into every lane."""
        return self.lanes.splat(code, code.builder.load(address, typ=self.kind, align=self.align))


class _Dispatch:
    """Sends NumPy's functions to what is registered for lanes."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or ufunc not in UFUNCS:
            return NotImplemented
        return _call(ufunc, inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if kwargs or func not in UFUNCS:
            return NotImplemented
        return _call(func, args)


def _call(function: Any, inputs: Any) -> Any:
    """Apply what is registered; numbers become lanes beside the first lane among the inputs."""
    first = next(v for v in inputs if isinstance(v, (Lane, Mask)))
    keep = (Lane, Mask)
    return UFUNCS[function](
        *(v if isinstance(v, keep) else first.lanes.lane(first.code, v) for v in inputs)
    )


class Mask(_Dispatch):
    """True or false in every lane. In arithmetic it counts as 1 or 0."""

    def __init__(self, code: Code, lanes: LaneType, value: Any) -> None:
        self.code, self.lanes, self.ir = code, lanes, value

    def __bool__(self) -> bool:
        raise TypeError("an `if` sees one number, lanes are many: use np.where")

    def choose(self, yes: Any, no: Any) -> Lane:
        """`yes` where true, else `no`."""
        yes, no = self.lanes.lane(self.code, yes), self.lanes.lane(self.code, no)
        return yes.like(self.code.builder.select(self.ir, yes.ir, no.ir))

    def __and__(self, other):
        return Mask(self.code, self.lanes, self.code.builder.and_(self.ir, other.ir))

    def __or__(self, other):
        return Mask(self.code, self.lanes, self.code.builder.or_(self.ir, other.ir))

    def __invert__(self):
        true = ir.Constant(ir.VectorType(I1, self.lanes.count), [1] * self.lanes.count)
        return Mask(self.code, self.lanes, self.code.builder.xor(self.ir, true))

    def __mul__(self, other):
        return self.lanes.lane(self.code, self) * other

    __rmul__ = __mul__

    def __add__(self, other):
        return self.lanes.lane(self.code, self) + other

    __radd__ = __add__

    def __sub__(self, other):
        return self.lanes.lane(self.code, self) - other

    def __rsub__(self, other):
        return other - self.lanes.lane(self.code, self)


class Lane(_Dispatch):
    """A float in every lane."""

    def __init__(self, code: Code, lanes: LaneType, value: Any) -> None:
        self.code, self.lanes, self.ir = code, lanes, value

    def like(self, value: Any) -> Lane:
        """An LLVM value of the same type as a Lane."""
        return Lane(self.code, self.lanes, value)

    def same(self, number: Any) -> Lane:
        """A number as a Lane of this type."""
        return self.lanes.lane(self.code, number)

    def _binary(self, op: str, other: Any, flip: bool = False) -> Any:
        if not isinstance(other, (Lane, Mask, Int, int, float, np.number)):
            return NotImplemented
        a, b = self.ir, self.same(other).ir
        return self.like(getattr(self.code.builder, op)(*((b, a) if flip else (a, b))))

    def __add__(self, other):
        return self._binary("fadd", other)

    def __radd__(self, other):
        return self._binary("fadd", other, flip=True)

    def __sub__(self, other):
        return self._binary("fsub", other)

    def __rsub__(self, other):
        return self._binary("fsub", other, flip=True)

    def __mul__(self, other):
        return self._binary("fmul", other)

    def __rmul__(self, other):
        return self._binary("fmul", other, flip=True)

    def __truediv__(self, other):
        return self._binary("fdiv", other)

    def __rtruediv__(self, other):
        return self._binary("fdiv", other, flip=True)

    def __neg__(self):
        return self.like(self.code.builder.fneg(self.ir))

    def __pos__(self):
        return self

    def __abs__(self):
        return self.unary("llvm.fabs")

    def _compare(self, op: str, other: Any, ordered: bool = True) -> Mask:
        compare = self.code.builder.fcmp_ordered if ordered else self.code.builder.fcmp_unordered
        return Mask(self.code, self.lanes, compare(op, self.ir, self.same(other).ir))

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def __eq__(self, other):
        return self._compare("==", other)

    def __ne__(self, other):
        return self._compare("!=", other, ordered=False)

    __hash__ = None  # type: ignore[assignment]

    def unary(self, name: str) -> Lane:
        """The LLVM intrinsic of one argument."""
        return self.like(self.code.intrinsic(name, self.lanes.kind, self.ir))

    def sqrt(self) -> Lane:
        """The square root, correctly rounded."""
        return self.unary("llvm.sqrt")

    def times_plus(self, factor: Any, term: Any) -> Lane:
        """self·factor + term, rounded once."""
        a, b = self.same(factor).ir, self.same(term).ir
        return self.like(self.code.intrinsic("llvm.fma", self.lanes.kind, self.ir, a, b))

    def copysign(self, sign: Any) -> Lane:
        """This magnitude with the sign of `sign`."""
        kind = self.lanes.kind
        return self.like(self.code.intrinsic("llvm.copysign", kind, self.ir, self.same(sign).ir))

    def least(self, other: Any) -> Lane:
        """The smaller of self and a number; NaN stays NaN."""
        other = self.same(other)
        return (other < self).choose(other, self)

    def most(self, other: Any) -> Lane:
        """The larger of self and a number; NaN stays NaN (one instruction, unlike `maximum`)."""
        other = self.same(other)
        return (other > self).choose(other, self)

    def as_bits(self) -> Any:
        """The bits as an LLVM integer vector."""
        return self.code.builder.bitcast(self.ir, self.lanes.bits)

    def from_bits(self, bits: Any) -> Lane:
        """The Lane whose bits are these integers."""
        return self.like(self.code.builder.bitcast(bits, self.lanes.kind))

    def spread(self, lanes: LaneType) -> Lane:
        """The first lane's value in every lane of another type."""
        b = self.code.builder
        scalar = b.extract_element(self.ir, ir.IntType(32)(0))
        if self.lanes.double and not lanes.double:
            scalar = b.fptrunc(scalar, lanes.scalar)
        return lanes.splat(self.code, scalar)


for _ufunc, _method in {
    np.add: "__add__", np.subtract: "__sub__", np.multiply: "__mul__",
    np.true_divide: "__truediv__", np.negative: "__neg__", np.positive: "__pos__",
    np.less: "__lt__", np.less_equal: "__le__", np.greater: "__gt__",
    np.greater_equal: "__ge__", np.equal: "__eq__", np.not_equal: "__ne__",
    np.logical_and: "__and__", np.logical_or: "__or__", np.logical_not: "__invert__",
}.items():  # fmt: skip
    UFUNCS[_ufunc] = lambda a, *rest, _method=_method: getattr(a, _method)(*rest)


@overloads(np.where)
def where(mask: Mask, yes: Lane, no: Lane) -> Lane:
    """`yes` where the mask is true, else `no`."""
    return mask.choose(yes, no)


@overloads(np.maximum)
def maximum(a: Lane, b: Lane) -> Lane:
    """The larger of two; NaN if either is."""
    return _extreme(a, b, a > b)


@overloads(np.minimum)
def minimum(a: Lane, b: Lane) -> Lane:
    """The smaller of two; NaN if either is."""
    return _extreme(a, b, a < b)


def _extreme(a: Lane, b: Lane, first: Mask) -> Lane:
    """`a` where `first`, else `b`; NaN if either is. A constant is known not to be NaN."""
    if isinstance(b.ir, ir.Constant):
        a, b, first = b, a, (b > a if first.ir.op == "ogt" else b < a)
    chosen = first.choose(a, b)
    return chosen if isinstance(a.ir, ir.Constant) else (a != a).choose(a, chosen)


@overloads(np.heaviside)
def heaviside(x: Lane, at_zero: Lane) -> Lane:
    """0 below zero, 1 above, `at_zero` at zero, NaN for NaN.

    For at_zero 0 or 1 this is one comparison and, since x·0 would break infinities, one choice.
    """
    step = (x > 0.0).choose(1.0, (x == 0.0).choose(at_zero, 0.0))
    return (x != x).choose(x, step)


@overloads(np.sign)
def sign(x: Lane) -> Lane:
    """−1, 0, 1; zero and NaN stay what they are."""
    return ((x == 0.0) | (x != x)).choose(x, x.same(1.0).copysign(x))


UFUNCS |= {
    np.abs: Lane.__abs__,
    np.fabs: Lane.__abs__,
    np.sqrt: Lane.sqrt,
    np.copysign: Lane.copysign,
    np.square: lambda x: x * x,
    np.reciprocal: lambda x: 1.0 / x,
    np.rint: lambda x: x.unary("llvm.rint"),
    np.floor: lambda x: x.unary("llvm.floor"),
    np.ceil: lambda x: x.unary("llvm.ceil"),
    np.trunc: lambda x: x.unary("llvm.trunc"),
    np.isnan: lambda x: x != x,
    np.isfinite: lambda x: x - x == 0.0,
}
