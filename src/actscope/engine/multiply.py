"""Matrix products on lanes, with a block of the result held in registers.

All three products of training (forward, gradient in the inputs, gradient in W) have the form
c[r, j] = start + Σₖ a[r, k]·b[k, j] and differ in strides alone. Each element is one chain of
fma in the order of k, whatever the block, so the result does not depend on the blocking.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from actscope.engine.emit import Code, Pointer


@dataclass(frozen=True)
class Blocking:
    """How products are written. It changes speed and size of the code, and no result.

    Attributes:
        accumulators: how many registers hold sums.
        unrolled: up to how many steps are written out, so that the CPU need not guess the end.
        fused: up to how many instructions of an activation are applied to the accumulators
            before they are stored; a longer one would push them out of the registers.
        flight: how many vectors a longer activation works on at once.
    """

    accumulators: int
    unrolled: int = 8
    fused: int = 16
    flight: int = 4


@dataclass(frozen=True)
class Strided:
    """A matrix in memory: where it starts, and how far apart rows and columns are."""

    at: Pointer
    row: Any
    column: Any

    def part(self, row: Any, column: Any) -> Pointer:
        """The address of an element."""
        return self.at + (row * self.row + column * self.column)


def spans(code: Code, total: Any, size: int) -> Iterator[tuple[Any, int]]:
    """Cover range(total) by spans: (start, length), full ones in an emitted loop.

    What is left is one span if the total is known, else spans of halved lengths.
    """
    if isinstance(total, int):
        full, rest = divmod(total, size)
        if full:
            with code.loop(full) as i:
                yield i * size, size
        if rest:
            yield full * size, rest
        return
    with code.loop(total // size) as i:
        yield i * size, size
    while size > 1:
        left = total & (size - 1)
        size //= 2
        with code.when((left & size) > 0):
            yield total - (left & (2 * size - 1)), size


def block_shape(rows: Any, columns: int, accumulators: int) -> tuple[int, int]:
    """How many rows and columns of the result are held in registers.

    4 columns where there are as many; a power of two for a number of rows that is not known.
    """
    wide = min(columns, 4)
    if isinstance(rows, int):
        high = min(rows, accumulators // wide)
        return high, min(columns, accumulators // high)
    high = 1
    while 2 * high * wide <= accumulators:
        high *= 2
    return high, wide


def multiply(
    code: Code,
    a: Strided,
    b: Strided,
    shape: tuple[Any, int, Any],
    start: Callable[[Any, Any], Any],
    store: Callable[[Any, Any, Any], None],
    blocking: Blocking,
) -> None:
    """Emit c[r, j] = start(r, j) + Σₖ a[r, k]·b[k, j], handed to store(r, j, value).

    Args:
        code: where to.
        a: (rows, steps).
        b: (steps, columns).
        shape: rows, columns (known), steps.
        start: start(row, column) emits the first value.
        store: store(row, column, value) emits what is done with the last.
        blocking: how it is written.
    """
    rows, columns, steps = shape
    high, wide = block_shape(rows, columns, blocking.accumulators)
    for column, width in spans(code, columns, wide):
        for row, height in spans(code, rows, high):
            places = [(i, j) for i in range(height) for j in range(width)]
            left, right = a.part(row, 0), b.part(0, column)

            def add(k: Any, sums: list[Any], height=height, width=width, left=left, right=right):
                factors = [right[k * b.row + j * b.column] for j in range(width)]
                for i in range(height):
                    x = left[i * a.row + k * a.column]
                    for j in range(width):
                        sums[i * width + j] = x.times_plus(factors[j], sums[i * width + j])
                return sums

            sums = [start(row + i, column + j) for i, j in places]
            sums = _repeat(code, steps, blocking.unrolled, add, sums)
            for (i, j), total in zip(places, sums, strict=True):
                store(row + i, column + j, total)


def _repeat(code: Code, steps: Any, unrolled: int, add: Any, sums: list[Any]) -> list[Any]:
    """`sums` after `steps` times sums = add(k, sums)."""
    if isinstance(steps, int) and steps <= unrolled:
        for k in range(steps):
            sums = add(k, sums)
        return sums
    kept = [code.variable(s) for s in sums]
    with code.loop(steps) as k:
        for place, value in zip(kept, add(k, [p.get() for p in kept]), strict=True):
            place.set(value)
    return [p.get() for p in kept]


def column_sums(code: Code, a: Pointer, rows: Any, columns: int, into: Pointer) -> None:
    """Emit into[j] += Σᵣ a[r, j] for contiguous rows of known length."""
    for column, width in spans(code, columns, 8):
        sums = [code.variable(into[column + j]) for j in range(width)]
        with code.loop(rows) as r:
            for j in range(width):
                sums[j].set(sums[j].get() + a[r * columns + column + j])
        for j in range(width):
            into[column + j] = sums[j].get()
