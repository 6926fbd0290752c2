"""A layer on lanes: forward with the activation and its slope, and back.

The emitted functions know the layer's kind; where its arrays lie they read from its row of the
layer table (`layer`, a Fields of LAYER). `tile`, `weights` and `gradient` are Pointers to lanes.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

from typing import Any

import numpy as np

from actscope.activations._base import Activation
from actscope.engine.emit import Code, Pointer
from actscope.engine.lanes import UFUNCS, Lane, LaneType
from actscope.engine.layout import Kind
from actscope.engine.multiply import Blocking, Strided, column_sums, multiply
from actscope.engine.spec import NORM_EPSILON
from actscope.engine.specials import on_lanes
from actscope.errors import InputError


def phi(activation: Activation, x: Lane) -> tuple[Lane, Lane]:
    """The activation and its slope. What they share is computed once: LLVM sees to it.

    Raises:
        InputError: a formula does what lanes cannot.
    """
    f, df = on_lanes(activation.f), on_lanes(activation.df)
    try:
        return x.same(f(x, *activation.values)), x.same(df(x, *activation.values))
    except TypeError as error:
        known = ", ".join(sorted(u.__name__ for u in UFUNCS))
        raise InputError(
            f"activation {activation.name!r} cannot run on SIMD lanes ({error}): expected + - * /, "
            f"comparisons and {known}, all from NumPy"
        ) from error


def emit_phi(code: Code, name: str, activation: Activation, lanes: LaneType, flight: int) -> int:
    """Emit name(h, slope, count): z in `slope` becomes f(z) in `h` and f'(z) in `slope`.

    `flight` vectors are worked on at once: a long formula is a long chain of operations that
    wait for each other, and the CPU looks ahead only so far for others to do meanwhile.

    Returns:
        How many instructions the two are.
    """
    size = 0
    with code.function(name, "ppi", exported=False) as (h, slope, count):
        done = (count // flight) * flight
        for n, first, last in ((flight, 0, count // flight), (1, done, count)):
            kind = lanes.times(n)
            values, slopes = h.to(kind), slope.to(kind)
            with code.loop(last, first) as i:
                before = len(code.builder.block.instructions)
                values[i], slopes[i] = phi(activation, slopes[i])
                size = len(code.builder.block.instructions) - before
    return size


def forward(
    code: Code,
    kind: Kind,
    activation: Activation | None,
    short: bool,
    blocking: Blocking,
    places: tuple[Pointer, Pointer, Any, Pointer, Pointer],
    rows: Any,
) -> None:
    """Emit a layer's way forward.

    Args:
        code: where to.
        kind: the layer's kind.
        activation: of a hidden layer; None for the output layer.
        short: whether it is applied to the accumulators; else `phi_…` is called.
        blocking: how products are written.
        places: tile, weights, layer, the input (rows, fan_in), the logits (rows, outputs).
        rows: how many points.
    """
    tile, weights, layer, x, logits = places
    width = kind.fan_out
    bias = weights + layer.b
    if activation is None:
        h = slope = logits
    else:
        h, slope = tile + layer.h, tile + layer.slope
    fuse = activation is not None and not kind.norm and short

    def apply(place: Any, z: Lane) -> None:
        assert activation is not None
        value, slope[place] = phi(activation, z)
        h[place] = value + x[place] if kind.skip else value

    def store(row: Any, column: Any, z: Lane) -> None:
        if fuse:
            apply(row * width + column, z)
        else:
            slope[row * width + column] = z

    multiply(
        code,
        Strided(x, kind.fan_in, 1),
        Strided(weights + layer.W, width, 1),
        (rows, width, kind.fan_in),
        lambda row, column: bias[column],
        store,
        blocking,
    )
    if activation is not None and not fuse:
        if kind.norm:
            _normalise(code, kind, tile, weights, layer, rows)
        code.call(f"phi_{kind.phi}", h, slope, rows * width)
        if kind.skip:
            with code.loop(rows * width) as i:
                h[i] = h[i] + x[i]


def _normalise(
    code: Code, kind: Kind, tile: Pointer, weights: Pointer, layer: Any, rows: Any
) -> None:
    """Turn z (in `slope`) into gamma·(z − mean)/sqrt(var + ε) + beta, over each row's units."""
    width = kind.fan_out
    z, centred, inverse = tile + layer.slope, tile + layer.centred, tile + layer.inverse
    gamma, beta = weights + layer.gamma, weights + layer.beta
    with code.loop(rows) as r:
        row, out = z + r * width, centred + r * width
        mean = _mean(code, width, lambda j: row[j])
        variance = _mean(code, width, lambda j: np.square(row[j] - mean))
        scale = 1.0 / (variance + NORM_EPSILON).sqrt()
        inverse[r] = scale
        with code.loop(width) as j:
            value = (row[j] - mean) * scale
            out[j] = value
            row[j] = value.times_plus(gamma[j], beta[j])


def _mean(code: Code, width: int, term: Any) -> Lane:
    total = code.variable(term(0))
    with code.loop(width, 1) as j:
        total.set(total.get() + term(j))
    return total.get() * (1.0 / width)


def backward(
    code: Code,
    kind: Kind,
    plain: bool,
    blocking: Blocking,
    places: tuple[Pointer, ...],
    layers: tuple[Any, Any],
    rows: Any,
) -> None:
    """Emit a layer's way back: add to the gradients of its W, b, gamma, beta, pass the rest on.

    In a plain net (no norm, no skips) what is passed from layer to layer is the gradient in z,
    so that the product with the slope below is taken before the store; otherwise it is the
    gradient in h.

    Args:
        code: where to.
        kind: the layer's kind.
        plain: whether the net has neither norm nor skips.
        blocking: how products are written.
        places: tile, weights, gradient, the input (rows, fan_in), the incoming gradient
            (rows, fan_out), the outgoing one (rows, fan_in), room for (rows, fan_out).
        layers: this layer's and the lower one's row of the table.
        rows: how many points.
    """
    tile, weights, gradient, x, incoming, outgoing, room = places
    layer, below = layers
    fan_in, width = kind.fan_in, kind.fan_out
    d = incoming
    if not plain and kind.phi >= 0:
        d = room
        slope = tile + layer.slope
        with code.loop(rows * width) as i:
            d[i] = incoming[i] * slope[i]
        if kind.norm:
            _normalise_back(code, kind, (tile, weights, gradient, d), layer, rows)
    into = gradient + layer.W
    multiply(
        code,
        Strided(x, 1, fan_in),
        Strided(d, width, 1),
        (fan_in, width, rows),
        lambda row, column: into[row * width + column],
        lambda row, column, value: into.__setitem__(row * width + column, value),
        blocking,
    )
    column_sums(code, d, rows, width, gradient + layer.b)
    if kind.first:
        return
    slope = tile + below.slope

    def store(row: Any, column: Any, value: Lane) -> None:
        place = row * fan_in + column
        outgoing[place] = value * slope[place] if plain else value

    multiply(
        code,
        Strided(d, width, 1),
        Strided(weights + layer.W, 1, width),
        (rows, fan_in, width),
        lambda row, column: incoming[row * width + column] if kind.skip else d[0].same(0.0),
        store,
        blocking,
    )


def _normalise_back(
    code: Code, kind: Kind, places: tuple[Pointer, ...], layer: Any, rows: Any
) -> None:
    """Turn the gradient in the normalised, scaled z (in `d`) into that in z."""
    tile, weights, gradient, d = places
    width = kind.fan_out
    centred, inverse = tile + layer.centred, tile + layer.inverse
    gamma, to_gamma, to_beta = (
        weights + layer.gamma,
        gradient + layer.gamma,
        gradient + layer.beta,
    )
    column_sums(code, d, rows, width, to_beta)
    with code.loop(rows) as r:
        row, c = d + r * width, centred + r * width
        with code.loop(width) as j:
            to_gamma[j] = row[j].times_plus(c[j], to_gamma[j])
            row[j] = row[j] * gamma[j]
        mean = _mean(code, width, lambda j: row[j])
        along = _mean(code, width, lambda j: row[j] * c[j])
        scale = inverse[r]
        with code.loop(width) as j:
            row[j] = (row[j] - mean - c[j] * along) * scale


def moments(code: Code, kind: Kind, tile: Pointer, layer: Any, into: Pointer, rows: Any) -> None:
    """Add Σ|h|, Σ(h − a), Σ(h − a)² of a layer to `into`, whose first vector is the anchor a.

    The anchor is a value of the layer, so the squares of a layer whose values hardly differ do
    not cancel.
    """
    h = tile + layer.h
    anchor = into[0]
    totals = [code.variable(into[i]) for i in (1, 2, 3)]
    with code.loop(rows * kind.fan_out) as i:
        from_anchor = h[i] - anchor
        terms = abs(h[i]), from_anchor, from_anchor * from_anchor
        for total, term in zip(totals, terms, strict=True):
            total.set(total.get() + term)
    for i, total in enumerate(totals):
        into[i + 1] = total.get()
