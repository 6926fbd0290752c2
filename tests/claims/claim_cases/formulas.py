"""Claims about softmax and GELU."""

import math

import numpy as np

from actscope.claims import (
    gelu_tanh_close,
    gelu_tanh_trains_alike,
    log_softmax_is_stable,
    softmax_overflows,
)
from claim_cases._made import F, H, O, Q, about

NEVER = math.inf


def overflow(half, single=88.75, stable=NEVER):
    kinds = softmax_overflows.KINDS
    return softmax_overflows.Numbers(
        dict(zip(kinds, (half, single, single), strict=True)), dict.fromkeys(kinds, stable)
    )


def logs(stable, other):
    gaps = log_softmax_is_stable.GAPS
    return log_softmax_is_stable.Numbers(dict.fromkeys(gaps, stable), dict.fromkeys(gaps, other))


def errors(value, slope):
    x = np.linspace(-8.0, 8.0, 161)
    forms = ("tanh form", "sigmoid form")
    return gelu_tanh_close.Numbers(
        x, dict.fromkeys(forms, value + 0.0 * x), dict.fromkeys(forms, slope + 0.0 * x),
        {"float32": 0.9},
    )  # fmt: skip


def trained(shallow, deep, width=0.0005):
    at = dict(zip(gelu_tanh_trains_alike.DEPTHS, (shallow, deep), strict=True))
    return gelu_tanh_trains_alike.Numbers(
        {(k, d): about(v, width) for k in gelu_tanh_trains_alike.FORMS for d, v in at.items()}
    )


CASES = {
    "softmax_overflows": {
        H: overflow(11.25),
        O: overflow(11.25, single=NEVER),
        F: overflow(NEVER, single=NEVER),
    },
    "log_softmax_is_stable": {H: logs(1e-8, NEVER), F: logs(0.1, NEVER)},
    "gelu_tanh_close": {H: errors(5e-4, 9e-4), O: errors(5e-4, 0.1), F: errors(0.1, 0.1)},
    "gelu_tanh_trains_alike": {
        H: trained(0.0, 0.0),
        O: trained(0.0, -0.05),
        F: trained(-0.05, -0.05),
        Q: trained(0.0, 0.005, width=0.01),
    },
}
