"""Claims about dead units."""

from actscope.claims import (
    cold_bias_kills,
    dead_relu_stays_dead,
    he_keeps_alive,
    high_rate_kills,
    leaky_relu_recovers,
)
from actscope.claims._dead import CASES as KINDS
from actscope.claims._dead import FRESH
from actscope.claims._studies import RATES
from claim_cases._made import F, H, O, Q, about, flags

RELU = [*(c.label for c in KINDS if c.key == "relu"), FRESH]
LEAKY = [c.label for c in KINDS if c.key == "leaky_relu"]


def recovered(plain, others, n=2000):
    return dead_relu_stays_dead.Numbers(
        {c: flags(plain if dead_relu_stays_dead.plain(c) else others, n) for c in RELU}
    )


def leaky(learns, fires, n=500):
    each = fires if isinstance(fires, tuple) else (fires,) * len(LEAKY)
    return leaky_relu_recovers.Numbers(
        {c: flags(learns, n) for c in LEAKY},
        {c: flags(v, n) for c, v in zip(LEAKY, each, strict=True)},
        {c: flags(0.0, n) for c in LEAKY},
    )


def silent(*at_minus_3, width=0.001):
    share = dict(zip(cold_bias_kills.INPUTS, at_minus_3, strict=True))
    return cold_bias_kills.Numbers(
        {
            (k, b): about(v if b == -3.0 else 0.1, width)
            for k, v in share.items()
            for b in cold_bias_kills.BIASES
        }
    )


def alive(before, after, shallow=None, width=0.001):
    at = {"before": before, "after": after}
    return he_keeps_alive.Numbers(
        {
            (data, d, s): about(at[s] if shallow is None or d > 2 else shallow, width)
            for data in he_keeps_alive.DATA
            for d in he_keeps_alive.DEPTHS
            for s in he_keeps_alive.STAGES
        }
    )


def by_rate(highest, width=0.001):
    return high_rate_kills.Numbers(
        {lr: about(highest, width) if lr == max(RATES) else about(0.05) for lr in RATES}
    )


CASES = {
    "dead_relu_stays_dead": {
        H: recovered(0.0, 0.0),
        O: recovered(0.0, 0.3),
        F: recovered(0.3, 0.3),
        Q: recovered(0.0, 0.0, n=40),
    },
    "leaky_relu_recovers": {
        H: leaky(1.0, 0.9),
        O: leaky(1.0, (0.1, 0.9)),
        F: leaky(0.0, 0.0),
        Q: leaky(1.0, 0.5),
    },
    "cold_bias_kills": {
        H: silent(0.5, 0.4, 0.3, 1.0),
        O: silent(0.4, 0.3, 0.01, 1.0),
        F: silent(0.1, 0.1, 0.0, 0.2),
        Q: silent(0.5, 0.25, 0.3, 1.0, width=0.2),
    },
    "he_keeps_alive": {
        H: alive(0.9, 0.8),
        O: alive(0.9, 0.3),
        F: alive(0.3, 0.3),
        Q: alive(0.9, 0.5, width=0.3),
    },
    "high_rate_kills": {H: by_rate(0.9), F: by_rate(0.05), Q: by_rate(0.15, width=0.5)},
}
