"""LSUV: orthogonal weights, each layer scaled so that its output on the data has variance 1."""

from __future__ import annotations

import itertools

import numpy as np

from actscope.errors import InputError
from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes
from actscope.inits.orthogonal import rotation


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """Layer by layer: a rotation, divided by the standard deviation of its output on the data.

    The output is the pre-activation; its variance is over points and units together. It is
    linear in W, so that one division is exact. Norm and residual connections are not followed.

    Raises:
        InputError: a layer gives every point the same output, so that nothing can be scaled.
    """
    assert data is not None
    h: Floats = data
    weights = []
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        w = rotation(fan_in, fan_out, rng)
        z = h @ w
        spread = float(z.std())
        varies = float(z.std(axis=0).max())
        if not np.isfinite(spread) or varies <= 1e-300:
            below = f"the activation {activations[layer - 1].name!r} below" if layer else "the data"
            raise InputError(
                f"init 'lsuv': layer {layer + 1} of {len(sizes) - 1} gives every point the same "
                f"output ({below} does not vary): give varied data, or choose 'critical'"
            )
        weights.append(w / spread)
        if layer < len(activations):
            h = np.asarray(activations[layer](z / spread), dtype=np.float64)
    return weights, [np.zeros(n) for n in sizes[1:]]


RECORD = Init(
    name="lsuv",
    label="LSUV",
    summary="orthogonal, each layer scaled to output variance 1 on the data, zero biases",
    rule=draw,
    source="Mishkin & Matas 2016, All you need is a good init",
    needs_data=True,
)
