"""The gradient of untrained networks of any depth, layer by layer, without underflow.

The same forward and backward pass as `engine/walk.py` (a test holds the two together), but what
goes down is rescaled at every layer and its size kept as a logarithm: a sigmoid network of 600
layers has a first gradient near 1e-400, which no float64 holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.datasets import dataset
from actscope.engine.checks import whole
from actscope.engine.starts import generator
from actscope.engine.walk import loss_slope
from actscope.errors import BadSpec
from actscope.inits._lookup import init as find_init
from actscope.maths.blas import ONE_BLAS_THREAD

Floats = NDArray[np.float64]

MOST_UNITS = 40_000  # depth times width: the layers are kept for the way back
POINTS = 64


def deep_gradients(
    activation: Activation,
    init: str = "article",
    *,
    depth: int,
    width: int = 16,
    seeds: Sequence[int] = (0, 1, 2),
    points: int = POINTS,
) -> Floats:
    """How large the gradient of the loss is in every layer's weights, before any training.

    Plain networks 2-[width]×depth-1 on the standardised two moons, binary cross-entropy; the norm
    is Euclidean over all weights of the layer.

    Args:
        activation: of every hidden layer.
        init: the rule that draws the weights, a name of the inits shelf.
        depth: hidden layers, at least 1; depth·width at most 40,000.
        width: units of each.
        seeds: one network each; as in `train`, a network's weights follow from its seed alone.
        points: of the moons, drawn with seed 0.

    Returns:
        (networks, depth + 1), log10 of the norm: column l is the layer that makes output l + 1,
        the last one the output layer. −∞ is an exact 0, NaN a network whose numbers overflow.

    Raises:
        BadSpec: depth or width cannot be.
        InputError: no such init, or it does not apply to the activation.

    Example:
        >>> from actscope.activations import activation
        >>> norms = deep_gradients(activation("sigmoid"), "critical", depth=600, seeds=[0])
        >>> norms.shape, bool(norms[0, 0] < 0)
        ((1, 601), True)
        >>> article = deep_gradients(activation("sigmoid"), depth=600, seeds=[0])
        >>> bool(article[0, 0] - article[0, -1] < -350)
        True
    """
    whole("depth", depth, 1)
    whole("width", width, 1)
    if depth * width > MOST_UNITS:
        raise BadSpec("depth·width", depth * width, f"at most {MOST_UNITS:,}: take fewer units")
    x, y = dataset("moons").draw(points, np.random.default_rng(0))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    sizes = (2, *[width] * depth, 1)
    rule = find_init(init)
    drawn = [rule.draw(sizes, [activation] * depth, generator(seed), x) for seed in seeds]
    W = [np.stack(layer) for layer in zip(*(w for w, _ in drawn), strict=True)]
    b = [np.stack(layer)[:, None, :] for layer in zip(*(b for _, b in drawn), strict=True)]
    with np.errstate(all="ignore"), ONE_BLAS_THREAD:
        hs, slopes = _forward(activation, W, b, x)
        out = hs[-1] @ W[-1] + b[-1]
        return _norms(W, hs, slopes, loss_slope("bce", out, y))


def _forward(
    phi: Activation, W: list[Floats], b: list[Floats], x: Floats
) -> tuple[list[Floats], list[Floats]]:
    """What every layer is given, the input first, and φ' in every hidden one."""
    hs: list[Floats] = [np.broadcast_to(x, (len(W[0]), *x.shape))]
    slopes: list[Floats] = []
    for weight, bias in zip(W[:-1], b[:-1], strict=True):
        z = hs[-1] @ weight + bias
        hs.append(np.asarray(phi(z), np.float64))
        slopes.append(np.asarray(phi.slope_at(z), np.float64))
    return hs, slopes


def _norms(W: list[Floats], hs: list[Floats], slopes: list[Floats], d: Floats) -> Floats:
    """log10 of the norms, (networks, depth + 1); what goes down is kept near 1."""
    size = np.zeros(len(d))  # log10 of what has been taken out of d
    norms = []
    for layer in reversed(range(len(W))):
        if layer < len(slopes):
            d = d * slopes[layer]
        d, size = _rescaled(d, size)
        norms.append(size + _log10_norm(hs[layer].swapaxes(-1, -2) @ d))
        d = d @ W[layer].swapaxes(-1, -2)
    return np.stack(norms[::-1], axis=1)


def _rescaled(d: Floats, size: Floats) -> tuple[Floats, Floats]:
    """The same gradient with its largest entry at 1, and where the rest of its size has gone."""
    largest = np.abs(d).max(axis=(-2, -1))
    scale = np.where(largest > 0.0, largest, 1.0)  # NaN is not > 0, and stays in d
    return d / scale[:, None, None], size + np.log10(scale)


def _log10_norm(g: Floats) -> Floats:
    """log10 of the Euclidean norm of each network's matrix; squares do not underflow."""
    largest = np.abs(g).max(axis=(-2, -1))
    scale = np.where(largest > 0.0, largest, 1.0)[:, None, None]
    return np.asarray(np.log10(scale[:, 0, 0]) + np.log10(np.linalg.norm(g / scale, axis=(-2, -1))))
