"""Networks of piecewise-linear activations, followed exactly: along a segment, over a box.

A region is a set of inputs with one activation pattern: the unit pieces that are in use. The
network is affine on each; two neighbours may, rarely, have the same affine map.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_REGIONS = 200_000


@dataclass(frozen=True)
class Layer:
    """h = φ(h_prev @ W + b), and + h_prev where `skip` says so.

    Attributes:
        W: (fan_in, fan_out).
        b: (fan_out,).
        phi: elementwise, affine between kinks.
        kinks: ascending.
        skip: whether the input is added to the output.
    """

    W: Floats
    b: Floats
    phi: Callable[[Floats], Any]
    kinks: tuple[float, ...]
    skip: bool = False


@dataclass(frozen=True)
class Pieces:
    """The layers up to one, and where to follow them.

    Attributes:
        layers: in order.
        start, end: (d,), a segment of inputs.
        low, high: (d,), a box of inputs; counted where d is 2.
        smooth: some layer is not piecewise linear (a smooth φ, layer norm): nothing to count.
    """

    layers: tuple[Layer, ...]
    start: Floats
    end: Floats
    low: Floats
    high: Floats
    smooth: bool = False


def piecewise_linear(slope_at: Callable[[Floats], Any], kinks: Sequence[float]) -> bool:
    """Whether the slope is constant between the kinks, looked at around 0 and around each kink.

    Example:
        >>> piecewise_linear(lambda x: np.heaviside(x, 0.0), (0.0,))
        True
        >>> piecewise_linear(lambda x: x, ())
        False
    """
    steps = np.geomspace(1e-3, 1e3, 61)
    around = [c + sign * steps for c in (0.0, *kinks) for sign in (-1.0, 1.0)]
    places = np.setdiff1d(np.concatenate(around), np.asarray(kinks))
    slopes, piece = np.asarray(slope_at(places)), np.searchsorted(np.asarray(kinks), places)
    return all(
        float(np.ptp(slopes[piece == i])) <= 1e-12 * (1.0 + float(np.abs(slopes).max()))
        for i in np.unique(piece)
    )


def crossed(pieces: Pieces) -> int:
    """How many regions the segment crosses: 1 and one for each point where a unit changes piece."""
    t = np.array([0.0, 1.0])
    h = np.stack([pieces.start, pieces.end])
    for layer in pieces.layers:
        z = h @ layer.W + layer.b
        places = [_crossings(t, z - kink) for kink in layer.kinks]
        fresh = np.setdiff1d(np.concatenate(places), t) if places else np.empty(0)
        if len(fresh):
            t, z, h = _insert(t, fresh, z, h)
        h = np.asarray(layer.phi(z)) + (h if layer.skip else 0.0)
    return len(t) - 1


def _crossings(t: Floats, z: Floats) -> Floats:
    """Where a unit's value, affine between neighbours of t, changes sign inside an interval."""
    below, above = z[:-1], z[1:]
    at, unit = np.nonzero(below * above < 0.0)
    share = below[at, unit] / (below[at, unit] - above[at, unit])
    return np.asarray(t[at] + share * (t[at + 1] - t[at]))


def _insert(t: Floats, fresh: Floats, *tables: Floats) -> tuple[Floats, ...]:
    """The places with the fresh ones, and every table interpolated there."""
    after = np.searchsorted(t, fresh)
    share = ((fresh - t[after - 1]) / (t[after] - t[after - 1]))[:, None]
    merged = np.concatenate([t, fresh])
    order = np.argsort(merged, kind="stable")
    grown = [np.concatenate([v, v[after - 1] * (1 - share) + v[after] * share]) for v in tables]
    return (merged[order], *(v[order] for v in grown))


def count_in_box(pieces: Pieces) -> float:
    """How many regions the box of a two-dimensional input holds: polygons cut line by line.

    NaN for inputs of other dimensions; infinite beyond 200,000 regions.
    """
    if len(pieces.low) != 2:
        return math.nan
    (a, c), (b, d) = pieces.low, pieces.high
    corners = np.array([[a, c], [b, c], [b, d], [a, d]])
    # a region: its corners (m, 2), and h = x @ A + v on it
    regions = [(corners, np.eye(2), np.zeros(2))]
    for layer in pieces.layers:
        grown = []
        for polygon, A, v in regions:
            slopes, heights = A @ layer.W, v @ layer.W + layer.b
            cells = [polygon]
            for unit, kink in itertools.product(range(len(heights)), layer.kinks):
                cells = [
                    part
                    for cell in cells
                    for part in _cut(cell, slopes[:, unit], heights[unit] - kink)
                ]
            for cell in cells:
                rate, value = _affine(layer, cell.mean(axis=0) @ slopes + heights)
                skip = (A, v) if layer.skip else (0.0, 0.0)
                grown.append((cell, slopes * rate + skip[0], heights * rate + value + skip[1]))
            if len(grown) > MOST_REGIONS:
                return math.inf
        regions = grown
    return float(len(regions))


def _affine(layer: Layer, z: Floats) -> tuple[Floats, Floats]:
    """Slope and height of φ on the piece that holds z, from two points inside the piece."""
    edges = np.array([-np.inf, *layer.kinks, np.inf])
    after = np.searchsorted(edges, z)
    low, high = edges[np.maximum(after - 1, 0)], edges[np.minimum(after, len(edges) - 1)]
    step = np.where(
        z - low < high - z, np.minimum(1.0, high - z) / 2, -np.minimum(1.0, z - low) / 2
    )
    first, second = np.asarray(layer.phi(z)), np.asarray(layer.phi(z + step))
    rate = (second - first) / step
    return rate, first - rate * z


def _cut(polygon: Floats, normal: Floats, height: Any) -> list[Floats]:
    """The parts of a convex polygon on the two sides of normal·x + height = 0."""
    side = polygon @ normal + height
    scale = 1e-12 * (np.abs(polygon).max() * np.abs(normal).sum() + abs(float(height)))
    if not (side > scale).any() or not (side < -scale).any():
        return [polygon]
    parts: tuple[list[Floats], list[Floats]] = ([], [])
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        here, there = side[i], side[j]
        if here >= 0.0:
            parts[0].append(polygon[i])
        if here <= 0.0:
            parts[1].append(polygon[i])
        if here * there < 0.0:
            point = polygon[i] + here / (here - there) * (polygon[j] - polygon[i])
            parts[0].append(point)
            parts[1].append(point)
    return [np.array(part) for part in parts]


def most_regions(inputs: int, units: int) -> int:
    """The regions that n hyperplanes in general position cut R^d into: Σ_{j≤d} C(n, j).

    Example:
        >>> most_regions(2, 8)
        37

    Source: Zaslavsky 1975, Facing up to arrangements.
    """
    return sum(math.comb(units, j) for j in range(inputs + 1))


def least_most_regions(inputs: int, widths: Sequence[int]) -> int:
    """What some ReLU network of these widths reaches: Π⌊nᵢ/n₀⌋^n₀ (all but the last) · Σ C(n_L, j).

    Example:
        >>> least_most_regions(2, (4, 4))
        44

    Source: Montúfar et al. 2014, On the number of linear regions of deep neural networks.
    """
    folds = int(math.prod((w // inputs) ** inputs for w in widths[:-1]))
    return folds * most_regions(inputs, widths[-1])


def each(network: Any, lead: tuple[int, ...], measure: Callable[[Pieces], float]) -> Floats:
    """The measure of every network, (...); NaN for smooth ones."""
    nets = [network] if isinstance(network, Pieces) else list(np.asarray(network).ravel())
    values = [math.nan if n.smooth else measure(n) for n in nets]
    return np.array(values, dtype=np.float64).reshape(lead)
