"""Where training starts: the first weights of every network, from its own seed alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import Net, Weights
from actscope.errors import InputError
from actscope.inits._base import Init


def generator(seed: int) -> np.random.Generator:
    """The random numbers that a network's first weights are made of.

    Philox is keyed with the seed itself: every key is a stream of its own, and two seeds share
    nothing however close they are.

    Source: Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3
    """
    return np.random.Generator(np.random.Philox(key=seed))


def draw(net: Net, init: Init, seeds: NDArray[np.uint64], x: NDArray[np.float64]) -> Weights:
    """The first weights of one network for each seed; gamma starts at 1, beta at 0.

    Args:
        net: the shape.
        init: the rule.
        seeds: one a network.
        x: the training points, for rules that look at data.

    Returns:
        float64, leading axis len(seeds). Network i depends on seeds[i] alone.

    Raises:
        InputError: the rule does not apply to an activation, or draws other shapes.
    """
    n = len(seeds)
    pairs = zip(net.sizes, net.sizes[1:], strict=False)
    W = tuple(np.empty((n, i, o)) for i, o in pairs)
    b = tuple(np.empty((n, o)) for o in net.sizes[1:])
    for i, seed in enumerate(seeds.tolist()):
        drawn = init.draw(net.sizes, net.activations, generator(seed), x)
        for rooms, arrays in zip((W, b), drawn, strict=True):
            for room, array in zip(rooms, arrays, strict=True):
                if array.shape != room.shape[1:]:
                    raise InputError(
                        f"init {init.name!r} drew an array of shape {array.shape}: "
                        f"expected {room.shape[1:]} for {net}"
                    )
                room[i] = array
    hidden = net.hidden if net.norm else ()
    gamma = tuple(np.ones((n, h)) for h in hidden)
    return Weights(W, b, gamma, tuple(np.zeros((n, h)) for h in hidden))
