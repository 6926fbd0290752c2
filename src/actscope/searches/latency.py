"""What a network costs at inference, estimated from its parts measured on this machine.

Latency of one point = multiply-adds × ns of one in a (256, width) @ (width, width) product
+ units × ns of their activation, both in NumPy, float32, one BLAS thread. An estimate from parts
is the same for every run of a search, however busy the machine is meanwhile; `costs` measures whole
networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from actscope.activations._lookup import elementwise
from actscope.maths.timing import interleaved
from actscope.searches.space import Choice

BATCH, ELEMENTS, ROUNDS = 256, 16_384, 9
NORM = "layer normalisation"
ADD = "addition"


@dataclass
class Prices:
    """Nanoseconds of a multiply-add and of one element of each activation.

    Attributes:
        width: of the layers.
        multiply_add: ns.
        elements: ns by activation, and of NORM and ADD; what is not there is measured when it is
            first asked for.
    """

    width: int
    multiply_add: float = 0.0
    elements: dict[str, float] = field(default_factory=dict)

    def measure(self, names: Iterable[str]) -> None:
        """Measure what is not known yet, all in turn."""
        wanted = [n for n in dict.fromkeys([NORM, ADD, *names]) if n not in self.elements]
        if wanted:
            self.elements |= _elements(wanted, self.width)
        if not self.multiply_add:
            self.multiply_add = _multiply_add(self.width)

    def nanoseconds(self, choice: Choice, inputs: int, outputs: int) -> float:
        """The estimate for one point.

        Args:
            choice: a network of constant width.
            inputs: numbers that go in.
            outputs: numbers that come out.
        """
        self.measure(choice.activations)
        depth, width = len(choice.activations), self.width
        adds = multiply_adds(depth, width, inputs, outputs) * self.multiply_add
        units = width * sum(self.elements[name] for name in choice.activations)
        norm = choice.norm * depth * width * self.elements[NORM]
        skips = depth - (inputs != width)
        return adds + units + norm + choice.residual * skips * width * self.elements[ADD]


def multiply_adds(depth: int, width: int, inputs: int, outputs: int) -> int:
    """Of one point through a network of constant width.

    Example:
        >>> multiply_adds(2, 8, 2, 1)
        88
    """
    return inputs * width + (depth - 1) * width * width + width * outputs


def _elements(names: Iterable[str], width: int) -> dict[str, float]:
    """Nanoseconds an element, medians of interleaved rounds."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ELEMENTS // width + 1, width)).astype(np.float32)

    def call(name: str):  # type: ignore[no-untyped-def]
        if name == ADD:
            return lambda: x + x
        if name == NORM:
            return lambda: (x - x.mean(1, keepdims=True)) / (x.std(1, keepdims=True) + 1e-5)
        phi = elementwise(name)
        return lambda: phi(x)

    taken = interleaved({name: call(name) for name in names}, rounds=ROUNDS)
    return {name: float(np.median(t)) / x.size * 1e9 for name, t in taken.items()}


def _multiply_add(width: int) -> float:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rng = np.random.default_rng(0)
    h = rng.standard_normal((BATCH, width)).astype(np.float32)
    w = rng.standard_normal((width, width)).astype(np.float32)
    with threadpool_limits(1, "blas"):
        taken = interleaved({"product": lambda: h @ w}, rounds=ROUNDS)["product"]
    return float(np.median(taken)) / (BATCH * width * width) * 1e9


def prices(width: int, known: Mapping[str, float] | None = None) -> Prices:
    """Prices for layers of this width; `known` is taken as it is, and "multiply_add" too."""
    given = dict(known or {})
    return Prices(width, given.pop("multiply_add", 0.0), given)
