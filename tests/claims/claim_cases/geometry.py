"""Claims about what layers do to distances."""

import itertools

import numpy as np

from actscope.claims import far_looks_near, relu_keeps_magnitude, spread_shows_loss
from actscope.claims._accounts import DEPTHS, INITS, KEYS, Accounts
from claim_cases._made import F, H, O, Q, about


def accounts(sigmoid, relu=0.9, tanh=0.9, base=1.0, width=0.001):
    """One number for all places, or by (init, depth) for the sigmoid."""
    value, held = {}, {}
    for key, init, depth in itertools.product(KEYS, INITS, DEPTHS):
        given = {"sigmoid": sigmoid, "relu": relu, "tanh": tanh}[key]
        at = given.get((init, depth), given["else"]) if isinstance(given, dict) else given
        value[key, init, depth] = at * about(1.0, width)
        held[key, init, depth] = base * about(1.0, 0.0)
    return Accounts(value, held)


LAST = {("article", 32): 0.01, "else": 0.95}


def walks(far, near, relu=1.0, width=0.001):
    return far_looks_near.Numbers(
        0.0067,
        {"sigmoid": about(far, width), "relu": about(relu), "tanh": about(0.02)},
        {"sigmoid": about(near, width), "relu": about(0.8), "tanh": about(0.5)},
    )


def layer(spread, changed=0.0, width=0.0):
    return relu_keeps_magnitude.Numbers(
        changed, about(spread, width), about(0.05), about(1.0, 0.3, 100)
    )


def spread_and_fidelity(slope, noise, n=60):
    rng = np.random.default_rng(0)
    x = {k: np.arange(n) / n for k in ("sigmoid", "relu", "tanh")}
    y = {k: slope * v + noise * rng.standard_normal(n) for k, v in x.items()}
    return spread_shows_loss.Numbers(x, y, {k: about(-0.02) for k in x})


CASES = {
    "distance_lost_exact": {
        H: accounts(0.1),
        O: accounts(LAST),
        F: accounts(0.95),
        Q: accounts(0.5, width=0.3),
    },
    "distance_lost_in_format": {
        H: accounts(0.1),
        O: accounts(LAST),
        F: accounts(0.95),
        Q: accounts(0.5, width=0.3),
    },
    "distance_lost_to_optimiser": {
        H: accounts(1e-6),
        O: accounts({("article", 8): 1e-5, "else": 0.5}),
        F: accounts(0.5),
        Q: accounts(1e-3, width=0.5),
    },
    "far_looks_near": {
        H: walks(0.03, 0.05),
        O: walks(0.03, 0.5),
        F: walks(0.9, 0.9),
        Q: walks(0.1, 0.5, width=0.2),
    },
    "relu_keeps_magnitude": {
        H: layer(0.001),
        O: layer(0.15),
        F: layer(0.15, changed=0.1),
        Q: layer(0.01, width=0.02),
    },
    "spread_shows_loss": {
        H: spread_and_fidelity(1.0, 0.05),
        F: spread_and_fidelity(0.0, 1.0),
        Q: spread_and_fidelity(1.0, 0.4),
    },
}
