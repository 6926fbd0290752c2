"""How long signals are: the variance map, its fixed points, and the gain that holds a length.

Convention: weights of variance σw²/fan_in, biases of variance σb²; Q(q) = σw²·E[φ(x)²] + σb²
for x ~ N(0, q).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import BadParameter, InputError
from actscope.maths import gaussian
from actscope.maths.gaussian import Scalar

Floats = NDArray[np.floating[Any]]

SMALLEST, LARGEST = 1e-16, 1e12  # variances that stand for the limits 0 and ∞


def _second(f: Scalar, kinks: Iterable[float], q: float) -> float:
    """E[φ²] at variance q; infinite where φ² overflows."""
    scale = math.sqrt(q)
    try:
        with np.errstate(over="ignore"):
            return gaussian.mean(
                lambda z: f(scale * z) ** 2, (k / scale for k in kinks), scale=scale
            ).value
    except InputError:
        return math.inf


def variance_map(
    f: Scalar,
    kinks: Iterable[float],
    q: ArrayLike,
    *,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
) -> Floats:
    """Q(q) = σw²·E[φ(√q·z)²] + σb².

    Args:
        f: φ(x), elementwise.
        kinks: points of x where φ or φ' jumps.
        q: variances in (0, ∞), any shape.
        sigma_w: standard deviation of the weights times √fan_in.
        sigma_b: standard deviation of the biases.

    Returns:
        Variances of the shape of q; infinite where φ² overflows.

    Example:
        >>> variance_map(lambda x: np.maximum(x, 0.0), (0.0,), [1.0, 4.0], sigma_b=1.0).round(12)
        array([1.5, 3. ])
    """
    at, kinks = np.asarray(q, dtype=np.float64), tuple(kinks)
    second = np.array([_second(f, kinks, float(one)) for one in at.ravel()])
    return sigma_w**2 * second.reshape(at.shape) + sigma_b**2


def gain(f: Scalar, kinks: Iterable[float] = (), *, q: float = 1.0, sigma_b: float = 0.0) -> float:
    """The σw for which q is a fixed point: √((q − σb²)/E[φ(√q·z)²]).

    At q = 1 and σb = 0 it is E[φ²]^(−1/2). PyTorch's `calculate_gain` is something else for
    tanh, SELU and the sigmoid: see `TORCH_GAINS`.

    Raises:
        BadParameter: σb² is not below q.
        InputError: φ is 0 wherever the inputs are.

    Example:
        >>> round(gain(np.tanh), 6), round(TORCH_GAINS["tanh"], 6)
        (1.592537, 1.666667)
    """
    if not sigma_b**2 < q:
        raise BadParameter(
            f"sigma_b = {sigma_b!r} leaves no variance for the weights at q = {q!r}: "
            "take a smaller sigma_b or a larger q"
        )
    second = _second(f, kinks, q)
    if second == 0.0:
        raise InputError(f"φ is 0 on inputs of variance {q!r}: no gain keeps a length")
    return math.sqrt((q - sigma_b**2) / second)


# torch.nn.init.calculate_gain, which has no GELU, SiLU, Mish, softplus or ELU
TORCH_GAINS = {
    "identity": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "leaky_relu": math.sqrt(2.0 / (1.0 + 0.01**2)),
    "selu": 0.75,
}


def fixed_point(
    f: Scalar,
    kinks: Iterable[float] = (),
    *,
    sigma_w: float,
    sigma_b: float = 0.0,
    q_start: float = 1.0,
) -> float:
    """q* = Q(q*), the first one in the direction in which the variance moves from q_start.

    Returns:
        q*; `q_start` itself where it is a fixed point to rounding, even an unstable one; 0 where
        lengths die out; infinite where they explode.

    Example:
        >>> round(fixed_point(np.tanh, sigma_w=1.5, sigma_b=0.5), 9)
        1.218208335
        >>> fixed_point(np.tanh, sigma_w=0.9), fixed_point(lambda x: 2.0 * x, sigma_w=1.0)
        (0.0, inf)
    """
    from scipy.optimize import brentq

    kinks = tuple(kinks)

    def growth(log_q: float) -> float:
        q = math.exp(log_q)
        return (sigma_w**2 * _second(f, kinks, q) + sigma_b**2) / q - 1.0

    here = math.log(q_start)
    start = growth(here)
    if abs(start) <= 1e-14:
        return q_start
    step = math.copysign(math.log(2.0), start)
    while math.log(SMALLEST) < here < math.log(LARGEST):
        there = growth(here + step)
        if there * start < 0.0 and abs(there) > 1e-13:
            return math.exp(brentq(growth, here, here + step, xtol=1e-15, rtol=1e-15))
        here += step
    return 0.0 if step < 0.0 else math.inf
