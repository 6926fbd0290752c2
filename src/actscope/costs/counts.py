"""What a network does for one point, counted: parameters, multiply-adds, calls, bytes."""

from __future__ import annotations

from dataclasses import dataclass

from actscope.engine.spec import Net


@dataclass(frozen=True)
class Counts:
    """The work of one network.

    Attributes:
        parameters: numbers learnt.
        multiply_adds: of the matrix products, for one point: fan_in · fan_out a layer.
        calls: of the activation, for one point: one a hidden unit.
        numbers_moved: read and written besides the parameters, for one point.
    """

    parameters: int
    multiply_adds: int
    calls: int
    numbers_moved: int

    def bytes_moved(self, batch: int, size: int = 4) -> int:
        """Bytes read and written for a batch, each operation by itself.

        Every parameter is read once. For each point, a matrix product reads its inputs and
        writes its outputs, an activation reads and writes each unit, so do a layer norm and, with
        two numbers read, the sum of a residual connection. Runtimes that fuse operations move
        less.

        Args:
            batch: points.
            size: bytes of a number: 4 for float32, 2 for bfloat16, 1 for int8.
        """
        return size * (self.parameters + batch * self.numbers_moved)


def counts(net: Net) -> Counts:
    """Count the work of a network.

    Example:
        >>> counts(Net(2, hidden=(8, 8)))
        Counts(parameters=105, multiply_adds=88, calls=16, numbers_moved=67)
        >>> counts(Net(2, hidden=(8, 8))).bytes_moved(batch=1)
        688
    """
    pairs = list(zip(net.sizes, net.sizes[1:], strict=False))
    hidden = sum(net.hidden)
    norms = 2 * hidden if net.norm else 0
    sums = sum(3 * width for width, skip in zip(net.hidden, net.skips, strict=True) if skip)
    return Counts(
        parameters=net.parameters,
        multiply_adds=sum(i * o for i, o in pairs),
        calls=hidden,
        numbers_moved=sum(i + o for i, o in pairs) + 2 * hidden + norms + sums,
    )
