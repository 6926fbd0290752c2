"""What an init is: a rule that draws a network's weights and biases for its activations."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from actscope.errors import InputError

Floats = NDArray[np.float64]
Drawn = tuple[list[Floats], list[Floats]]  # W (fan_in, fan_out) and b (fan_out,), layer by layer


class Phi(Protocol):
    """What an init asks of an activation; `actscope.activations.Activation` is one."""

    @property
    def name(self) -> str:
        """Its name, for messages."""

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where it or its slope jumps, ascending."""

    def __call__(self, x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """φ(x), elementwise."""

    def slope_at(self, x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """φ'(x), elementwise."""

    def __hash__(self) -> int:
        """Equal activations hash alike, so that what is known of one can be kept."""


Sizes = tuple[int, ...]
Rule = Callable[[Sizes, tuple[Phi, ...], np.random.Generator, Floats | None], Drawn]


@dataclass(frozen=True, kw_only=True)
class Init:
    """A named rule that draws weights.

    Every rule draws one weight for each pair of units at `x @ W + b`; all numbers are float64.

    Attributes:
        name: the record's name, equal to its file's.
        label: the name in figures and tables ("He").
        summary: what it does, one line.
        rule: `rule(sizes, activations, rng, data) -> (W, b)`, arguments checked before.
        source: the paper that introduced it.
        needs_data: whether it looks at points; `draw` then refuses data=None.

    Example:
        >>> from actscope.activations import activation
        >>> from actscope.inits import init
        >>> W, b = init("he").draw((2, 8, 1), [activation("relu")], np.random.default_rng(0))
        >>> [w.shape for w in W], [v.shape for v in b]
        ([(2, 8), (8, 1)], [(8,), (1,)])
    """

    name: str
    label: str
    summary: str
    rule: Rule
    source: str
    needs_data: bool = False

    def draw(
        self,
        sizes: Sequence[int],
        activations: Sequence[Phi],
        rng: np.random.Generator,
        data: Any = None,
    ) -> Drawn:
        """Weights and biases of one network.

        Args:
            sizes: (inputs, *hidden, outputs), each at least 1.
            activations: one for each hidden layer.
            rng: where the randomness comes from.
            data: (n, inputs), points the network will see; only data-dependent rules look at it.

        Returns:
            W, a list of (fan_in, fan_out), and b, a list of (fan_out,), one for each layer.

        Raises:
            InputError: the sizes, the activations or the data do not fit, or the rule does not
                apply to an activation; the message names the way out.
        """
        widths: tuple[Any, ...] = tuple(sizes)
        whole = all(isinstance(n, int | np.integer) and n >= 1 for n in widths)
        if len(widths) < 2 or not whole:
            raise InputError(
                f"init {self.name!r}: sizes = {sizes!r}: expected whole numbers of at least 1, "
                "(inputs, *hidden, outputs)"
            )
        if len(activations) != len(widths) - 2:
            raise InputError(
                f"init {self.name!r}: {len(activations)} activations for {len(widths) - 2} hidden "
                "layers: expected one for each"
            )
        points = _points(self.name, data, widths[0]) if self.needs_data else None
        return self.rule(tuple(int(n) for n in widths), tuple(activations), rng, points)


def _points(name: str, data: Any, inputs: int) -> Floats:
    """The data as (n, inputs) float64, or an InputError that says what is missing."""
    if data is None:
        raise InputError(
            f"init {name!r} looks at data: pass data=x, an array (n, {inputs}), or choose an init "
            "that needs none, such as 'orthogonal'"
        )
    points = np.asarray(data, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != inputs or len(points) < 2:
        raise InputError(
            f"init {name!r}: data of shape {points.shape}: expected (n, {inputs}) with n ≥ 2"
        )
    if not np.isfinite(points).all():
        raise InputError(f"init {name!r}: the data hold a NaN or an infinity")
    return points


def normal(sizes: Sizes, stds: Sequence[float], rng: np.random.Generator) -> Drawn:
    """Normal weights, one standard deviation a layer, and zero biases."""
    pairs = zip(itertools.pairwise(sizes), stds, strict=True)
    weights = [std * rng.standard_normal(shape) for shape, std in pairs]
    return weights, [np.zeros(n) for n in sizes[1:]]


@functools.lru_cache(maxsize=256)  # every network of a study asks
def fixed_point_gain(phi: Phi) -> float:
    """G = E[φ(z)²]^(−1/2), z ~ N(0, 1): the weight scale that keeps unit variance.

    Raises:
        InputError: E[φ²] is 0 or not finite.
    """
    from actscope.maths import gaussian

    second = gaussian.mean(lambda z: phi(z) ** 2, phi.kinks).value
    if not 0.0 < second < np.inf:
        raise InputError(
            f"activation {phi.name!r} has E[φ²] = {second:g} under N(0, 1), so no gain keeps its "
            "variance: choose the init 'lecun' or 'lsuv'"
        )
    return float(1.0 / np.sqrt(second))
