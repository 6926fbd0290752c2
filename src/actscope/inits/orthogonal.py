"""Orthogonal: random rotations, scaled by the fixed-point gain."""

from __future__ import annotations

import itertools

import numpy as np

from actscope.inits._base import Drawn, Floats, Init, Phi, Sizes, fixed_point_gain


def rotation(fan_in: int, fan_out: int, rng: np.random.Generator) -> Floats:
    """A (fan_in, fan_out) matrix, uniform (Haar) among those with orthonormal columns or rows.

    Times √max(1, fan_out/fan_in), so that a unit's variance is always |x|²/fan_in.
    """
    tall = rng.standard_normal((max(fan_in, fan_out), min(fan_in, fan_out)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))  # without the signs the draw is not uniform
    matrix: Floats = q if fan_in >= fan_out else q.T * (fan_out / fan_in) ** 0.5
    return matrix


def draw(
    sizes: Sizes, activations: tuple[Phi, ...], rng: np.random.Generator, data: Floats | None
) -> Drawn:
    """A rotation a layer, times the gain of the activation below (1 for the inputs)."""
    gains = [1.0, *(fixed_point_gain(phi) for phi in activations)]
    pairs = zip(itertools.pairwise(sizes), gains, strict=True)
    weights = [g * rotation(i, o, rng) for (i, o), g in pairs]
    return weights, [np.zeros(n) for n in sizes[1:]]


RECORD = Init(
    name="orthogonal",
    label="Orthogonal",
    summary="random rotations times the gain of the activation below, zero biases",
    rule=draw,
    source="Saxe, McClelland & Ganguli 2014, Exact solutions to the nonlinear dynamics of learning",
)
