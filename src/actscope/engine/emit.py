"""A small staged language: Python that, when run, writes LLVM code.

The engine's kernels are plain Python functions over the values of this file (`Int`, `Pointer`)
and of lanes.py (`Lane`, `Mask`). Running one once emits the code that then runs millions of
times. A Python `for` or `if` is settled while emitting (an unrolled register block, an option
that is off); `code.loop` and `code.when` are loops and branches of the emitted code. Numbers
that are known while emitting stay Python ints, so that sizes fold into the addresses.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
PTR = ir.PointerType()


class Code:
    """One LLVM module while it is written; `builder` points at the current place.

    Example:
        >>> code = Code("example")
        >>> with code.function("double_it", "ip") as (n, p):
        ...     p[0] = n + n
        >>> "add i64" in str(code)
        True
    """

    def __init__(self, name: str) -> None:
        self.module = ir.Module(name=name)
        self.builder: Any = None
        self._entry: Any = None

    def __str__(self) -> str:
        return str(self.module)

    @contextmanager
    def function(self, name: str, params: str, exported: bool = True) -> Iterator[list[Any]]:
        """Write a function without a result; `params` has an i (Int) or p (Pointer) for each.

        The pointers point at int64; `Pointer.to` gives them another element. The emitted
        function is reached by other code of the module through `call`.
        """
        kinds = [I64 if p == "i" else PTR for p in params]
        fn = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name=name)
        if not exported:
            fn.linkage = "internal"
            fn.attributes.add("noinline")
        fn.attributes.add("nounwind")
        outer = self.builder, self._entry
        self._entry = fn.append_basic_block("entry")
        body = fn.append_basic_block("body")
        self.builder = ir.IRBuilder(body)
        pairs = zip(params, fn.args, strict=True)
        yield [Int(self, a) if p == "i" else Pointer(self, a, INT64) for p, a in pairs]
        self.builder.ret_void()
        ir.IRBuilder(self._entry).branch(body)  # variables were put into the entry block
        self.builder, self._entry = outer

    def call(self, name: str, *args: Any) -> None:
        """Call a function of this module."""
        self.builder.call(self.module.get_global(name), [ir_of(self, a) for a in args])

    def intrinsic(self, name: str, kind: Any, *args: Any) -> Any:
        """Call the LLVM intrinsic `name` for vectors of type `kind`."""
        suffix = f"v{kind.count}{'f64' if kind.element == ir.DoubleType() else 'f32'}"
        full = f"{name}.{suffix}"
        fn = self.module.globals.get(full)
        if fn is None:
            fn = ir.Function(self.module, ir.FunctionType(kind, [a.type for a in args]), full)
        return self.builder.call(fn, args)

    def variable(self, start: Any) -> Variable:
        """A value that changes inside loops; LLVM keeps it in a register."""
        return Variable(self, start)

    def few(self, count: Any, most: int = 8) -> Iterator[Any]:
        """range(count): a few known steps one after the other, more in an emitted loop."""
        if isinstance(count, int) and count <= most:
            yield from range(count)
        else:
            with self.loop(count) as i:
                yield i

    @contextmanager
    def loop(self, stop: Any, start: Any = 0) -> Iterator[Any]:
        """Emit `for i in range(start, stop)`; a loop of one known step leaves no loop behind."""
        if isinstance(stop, int) and isinstance(start, int) and stop - start == 1:
            yield start
            return
        b = self.builder
        first, last = ir_of(self, start), ir_of(self, stop)
        body, after = b.append_basic_block("loop"), b.append_basic_block("after")
        before = b.block
        b.cbranch(b.icmp_signed("<", first, last), body, after)
        b.position_at_end(body)
        i = b.phi(I64)
        i.add_incoming(first, before)
        yield Int(self, i)
        following = b.add(i, I64(1), flags=("nsw", "nuw"))
        i.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, last), body, after)
        b.position_at_end(after)

    @contextmanager
    def when(self, condition: Any) -> Iterator[None]:
        """Emit `if condition:`; the condition is a comparison of Ints."""
        with self.builder.if_then(condition):
            yield

    @contextmanager
    def either(self, condition: Any) -> Iterator[tuple[Any, Any]]:
        """Emit `if condition: … else: …`: two contexts."""
        with self.builder.if_else(condition) as branches:
            yield branches

    def _alloca(self, kind: Any) -> Any:
        return ir.IRBuilder(self._entry).alloca(kind)


def ir_of(code: Code, value: Any) -> Any:
    """The LLVM value of one of ours, or of a Python int."""
    return I64(value) if isinstance(value, int) else value.ir


class Int:
    """A 64-bit integer of the emitted code; comparisons are signed, `>>` is logical."""

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value

    def like(self, value: Any) -> Int:
        """A number of the same kind."""
        return Int(self.code, value)

    def _binary(self, op: str, other: Any, flip: bool = False) -> Int:
        a, b = self.ir, ir_of(self.code, other)
        return Int(self.code, getattr(self.code.builder, op)(*((b, a) if flip else (a, b))))

    def __add__(self, other):
        return self if isinstance(other, int) and other == 0 else self._binary("add", other)

    __radd__ = __add__

    def __sub__(self, other):
        return self._binary("sub", other)

    def __rsub__(self, other):
        return self._binary("sub", other, flip=True)

    def __mul__(self, other):
        return self if isinstance(other, int) and other == 1 else self._binary("mul", other)

    __rmul__ = __mul__

    def __floordiv__(self, other):
        return self._binary("udiv", other)

    def __xor__(self, other):
        return self._binary("xor", other)

    def __rshift__(self, other):
        return self._binary("lshr", other)

    def __and__(self, other):
        return self._binary("and_", other)

    def _compare(self, op: str, other: Any) -> Any:
        return self.code.builder.icmp_signed(op, self.ir, ir_of(self.code, other))

    def __lt__(self, other):
        return self._compare("<", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def is_equal(self, other: Any) -> Any:
        """Whether the two are equal."""
        return self._compare("==", other)

    def least(self, other: Any) -> Int:
        """The smaller of the two."""
        b, o = self.code.builder, ir_of(self.code, other)
        return Int(self.code, b.select(b.icmp_signed("<", self.ir, o), self.ir, o))


class Element:
    """What a pointer points at: an LLVM type, and how it is loaded and stored."""

    def __init__(self, kind: Any, align: int) -> None:
        self.kind, self.align = kind, align

    def load(self, code: Code, address: Any) -> Any:
        """Emit the reading of one element."""
        return Raw(code, code.builder.load(address, typ=self.kind, align=self.align))

    def store(self, code: Code, address: Any, value: Any) -> None:
        """Emit the writing of one element."""
        code.builder.store(ir_of(code, value), address, align=self.align)


class Raw:
    """A value that is only moved from place to place."""

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value


class IntElement(Element):
    """Integers of 32 or 64 bits, seen as 64-bit Ints."""

    def load(self, code: Code, address: Any) -> Int:
        """Emit the reading of a number, widened to 64 bits."""
        value = code.builder.load(address, typ=self.kind, align=self.align)
        return Int(code, value if self.kind is I64 else code.builder.sext(value, I64))

    def store(self, code: Code, address: Any, value: Any) -> None:
        """Emit the writing of a number, cut to its size."""
        value = ir_of(code, value)
        value = value if self.kind is I64 else code.builder.trunc(value, self.kind)
        code.builder.store(value, address, align=self.align)


class PointerElement(Element):
    """Addresses."""

    def load(self, code: Code, address: Any) -> Pointer:
        """Emit the reading of an address."""
        return Pointer(code, code.builder.load(address, typ=PTR, align=8), INT64)


class Ints(Int):
    """64-bit integers side by side, one a lane."""

    def like(self, value: Any) -> Ints:
        """Numbers of the same kind."""
        return Ints(self.code, value)

    def _binary(self, op: str, other: Any, flip: bool = False) -> Ints:
        b = (
            ir.Constant(self.ir.type, [other] * self.ir.type.count)
            if isinstance(other, int)
            else other.ir
        )
        return Ints(
            self.code, getattr(self.code.builder, op)(*((b, self.ir) if flip else (self.ir, b)))
        )


class Words(Element):
    """A vector of `count` 64-bit words."""

    def __init__(self, count: int) -> None:
        super().__init__(ir.VectorType(I64, count), 8)

    def load(self, code: Code, address: Any) -> Ints:
        """Emit the reading of a vector of words."""
        return Ints(code, code.builder.load(address, typ=self.kind, align=self.align))

    def splat(self, code: Code, value: Int) -> Ints:
        """The number in every lane."""
        b, empty = code.builder, ir.Constant(self.kind, ir.Undefined)
        zeros = ir.Constant(ir.VectorType(I32, self.kind.count), [0] * self.kind.count)
        return Ints(code, b.shuffle_vector(b.insert_element(empty, value.ir, I32(0)), empty, zeros))


INT32, INT64 = IntElement(I32, 4), IntElement(I64, 8)
POINTER = PointerElement(PTR, 8)


class Pointer:
    """An address whose elements are loaded by `p[i]` and stored by `p[i] = value`."""

    def __init__(self, code: Code, value: Any, element: Element) -> None:
        self.code, self.ir, self.element = code, value, element

    def to(self, element: Element) -> Pointer:
        """The same address, seen as pointing at other elements."""
        return Pointer(self.code, self.ir, element)

    def __add__(self, offset: Any) -> Pointer:
        """The address `offset` elements further on."""
        if isinstance(offset, int) and offset == 0:
            return self
        place = self.code.builder.gep(
            self.ir, [ir_of(self.code, offset)], inbounds=True, source_etype=self.element.kind
        )
        return Pointer(self.code, place, self.element)

    def __getitem__(self, i: Any) -> Any:
        return self.element.load(self.code, (self + i).ir)

    def __setitem__(self, i: Any, value: Any) -> None:
        self.element.store(self.code, (self + i).ir, value)


class Variable:
    """A place for one value of any kind; see Code.variable."""

    def __init__(self, code: Code, start: Any) -> None:
        self.code, self.like = code, start.like
        self.place = code._alloca(start.ir.type)
        self.set(start)

    def get(self) -> Any:
        """The value now."""
        return self.like(self.code.builder.load(self.place, typ=self.place.allocated_type))

    def set(self, value: Any) -> None:
        """Change the value."""
        self.code.builder.store(ir_of(self.code, value), self.place)


class Fields:
    """A row of int64 in memory whose places have names: numbers by attribute, addresses by `to`."""

    def __init__(self, at: Pointer, names: tuple[str, ...]) -> None:
        self._at, self._names = at, names

    def __getattr__(self, name: str) -> Int:
        return self._at[self._names.index(name)]

    def to(self, name: str, element: Element) -> Pointer:
        """The address that is kept under this name."""
        place = self._at.to(POINTER)
        return place[self._names.index(name)].to(element)
