"""Where training starts: the first weights of every network, from its own seed alone."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.engine.spec import Net, Weights
from actscope.errors import UnknownName


class Rule(Protocol):
    """What draws weights: a record of `actscope.inits`, or anything with its two names."""

    @property
    def name(self) -> str:
        """What the rule is called in tables."""

    def draw(
        self,
        sizes: tuple[int, ...],
        activations: tuple[Activation, ...],
        rng: np.random.Generator,
        data: NDArray[np.float64] | None = None,
    ) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """Every W (fan_in, fan_out) and every b (fan_out,), float64."""


class _Article:
    """The article's rule: N(0, 2/fan_in) for ReLU and its kin, else N(0, 1/fan_in), b = 0."""

    name = "article"

    def draw(self, sizes: Any, activations: Any, rng: Any, data: Any = None) -> Any:
        gains = [2.0 if "relu" in a.name else 1.0 for a in activations]
        gains.append(gains[-1])
        pairs = zip(gains, sizes, sizes[1:], strict=False)
        W = [rng.standard_normal((i, o)) * np.sqrt(g / i) for g, i, o in pairs]
        return W, [np.zeros(o) for o in sizes[1:]]


def rule(init: str | Rule) -> Rule:
    """The rule of this name.

    Raises:
        UnknownName: `actscope.inits` has no such record.
    """
    if not isinstance(init, str):
        return init
    if init == "article":
        return _Article()
    raise UnknownName("init", init, ["article"])


def draw(net: Net, init: Rule, seeds: NDArray[np.uint64], x: NDArray[np.float64]) -> Weights:
    """The first weights of one network for each seed; gamma starts at 1, beta at 0.

    Args:
        net: the shape.
        init: the rule.
        seeds: one a network.
        x: the training points, for rules that look at data.

    Returns:
        float64, leading axis len(seeds). Network i depends on seeds[i] alone.
    """
    n = len(seeds)
    pairs = zip(net.sizes, net.sizes[1:], strict=False)
    W = tuple(np.empty((n, i, o)) for i, o in pairs)
    b = tuple(np.empty((n, o)) for o in net.sizes[1:])
    for i, seed in enumerate(seeds.tolist()):
        rng = np.random.Generator(np.random.Philox(seed))
        drawn_W, drawn_b = init.draw(net.sizes, net.activations, rng, x)
        for all_W, one_W, all_b, one_b in zip(W, drawn_W, b, drawn_b, strict=True):
            all_W[i], all_b[i] = one_W, one_b
    hidden = net.hidden if net.norm else ()
    gamma = tuple(np.ones((n, h)) for h in hidden)
    return Weights(W, b, gamma, tuple(np.zeros((n, h)) for h in hidden))
