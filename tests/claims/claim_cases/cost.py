"""Claims about zeros, time and width."""

import numpy as np

from actscope.claims import (
    half_zero,
    relu_is_cheaper,
    sigmoid_costs_more,
    sigmoid_needs_more_units,
    sparsity_saves,
)
from actscope.claims._centring import Pace
from claim_cases._made import F, H, O, Q, about


def zeros(before, after, width=0.001):
    at = {"before": before, "after": after}
    return half_zero.Numbers(
        {
            (data, stage, layer): about(at[stage], width)
            for data in half_zero.DATA
            for stage in half_zero.STAGES
            for layer in half_zero.LAYERS
        }
    )


def times(alone, *networks, width=0.001):
    ratios = [about(v, width) for v in networks]
    return relu_is_cheaper.Numbers(
        about(alone, width), dict(zip(relu_is_cheaper.WIDTHS, ratios, strict=True))
    )


def products(half, many, width=0.001):
    z = {"half zero": half, "95 % zero": many}
    return sparsity_saves.Numbers(
        {(way, name): about(v, width) for way in ("dense", "sparse") for name, v in z.items()}
    )


def widths(tuned, article, draws=8, wobble=()):
    """The width that the sigmoid needs; ReLU needs 4."""

    def found(needed):
        each = np.full(draws, float(needed))
        each[: len(wobble)] = wobble or each[: len(wobble)]
        table = {}
        for w in sigmoid_needs_more_units.WIDTHS:
            table["sigmoid", w] = np.where(w >= each, 0.975, 0.8)
            table["relu", w] = np.full(draws, 0.975 if w >= 4 else 0.8)
        return table

    return sigmoid_needs_more_units.Numbers(found(tuned), found(article))


def costs(small, wide, width=0.001):
    at = {p: wide if "wide" in p else small for p in sigmoid_costs_more.PLACES}
    return sigmoid_costs_more.Numbers(
        {"sigmoid": 6, "relu": 4},
        {p: about(v, width) for p, v in at.items()},
        {"sigmoid": 67, "relu": 37},
    )


def pace(tuned, article, width=0.01):
    centred = about(100.0, 0.0)
    return Pace(
        {"plain": tuned * centred * about(1.0, width), "centred": centred},
        {"plain": article * centred * about(1.0, width), "centred": centred},
        {"plain": 1.5, "centred": 0.5},
    )


CASES = {
    "half_zero": {
        H: zeros(0.5, 0.5),
        O: zeros(0.5, 0.7),
        F: zeros(0.2, 0.2),
        Q: zeros(0.59, 0.59, width=0.1),
    },
    "relu_is_cheaper": {
        H: times(10.0, 2.0, 1.5, 1.3),
        O: times(10.0, 2.0, 1.5, 1.02),
        F: times(1.0, 1.0, 1.0, 1.0),
        Q: times(1.5, 1.1, 1.1, 1.1, width=0.5),
    },
    "sparsity_saves": {
        H: products(0.5, 0.1),
        O: products(1.0, 0.2),
        F: products(1.0, 1.0),
        Q: products(0.9, 0.9, width=0.3),
    },
    "sigmoid_needs_more_units": {
        H: widths(8, 8),
        O: widths(4, 8),
        F: widths(4, 4),
        Q: widths(4, 4, wobble=(8, 8, 2, 2)),
    },
    "sigmoid_costs_more": {
        H: costs(1.5, 1.5),
        O: costs(1.5, 1.0),
        F: costs(1.0, 0.9),
        Q: costs(1.1, 1.1, width=0.2),
    },
    "uncentred_slows_training": {
        H: pace(3.0, 8.0),
        O: pace(1.0, 8.0),
        F: pace(1.0, 1.0),
        Q: pace(1.25, 8.0, width=0.5),
    },
    "relu_ignores_centring": {
        H: pace(1.0, 1.0),
        O: pace(2.0, 1.0),
        F: pace(2.0, 2.0),
        Q: pace(1.25, 1.0, width=0.5),
    },
}
