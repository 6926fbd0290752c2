"""What one call costs beside ReLU: NumPy, this machine, value and slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actscope.activations._base import Activation
from actscope.maths.timing import interleaved

ELEMENTS = 65_536  # float32: 256 kB, inside the second cache of most machines
ROUNDS = 9


@dataclass(frozen=True)
class Cost:
    """The time of one activation as a multiple of ReLU's, measured in turn.

    Attributes:
        key: the activation.
        ns: median nanoseconds an element, value.
        ratio: median over the rounds of value time over ReLU's value time.
        ratio_low, ratio_high: the smallest and largest ratio of a round.
        slope_ratio: median of slope time over ReLU's slope time.
    """

    key: str
    ns: float
    ratio: float
    ratio_low: float
    ratio_high: float
    slope_ratio: float


def elementwise_cost(activations: Sequence[Activation], relu: Activation) -> tuple[Cost, ...]:
    """Time each activation and its slope beside ReLU on 65,536 standard normal float32 numbers.

    Args:
        activations: what to time; ReLU may be among them.
        relu: what it is compared with.

    Returns:
        One Cost an activation, in order. ReLU's own ratio is 1.
    """
    x = np.random.default_rng(0).standard_normal(ELEMENTS).astype(np.float32)
    calls = {}
    for one in dict.fromkeys([relu, *activations]):
        calls[one.key, "value"] = lambda one=one: one(x)
        calls[one.key, "slope"] = lambda one=one: one.slope_at(x)
    taken = interleaved(calls, rounds=ROUNDS)
    base, base_slope = taken[relu.key, "value"], taken[relu.key, "slope"]
    costs = []
    for one in activations:
        ratio = taken[one.key, "value"] / base
        costs.append(
            Cost(
                key=one.key,
                ns=float(np.median(taken[one.key, "value"])) / ELEMENTS * 1e9,
                ratio=float(np.median(ratio)),
                ratio_low=float(ratio.min()),
                ratio_high=float(ratio.max()),
                slope_ratio=float(np.median(taken[one.key, "slope"] / base_slope)),
            )
        )
    return tuple(costs)
