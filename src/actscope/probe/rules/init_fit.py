"""Weights whose size does not fit the activation.

For each activation there is a gain, the σw = std(W)·√fan_in that keeps a signal of variance 1:
E[φ(z)²]^(−1/2) for a standard normal z (√2 for ReLU, 1.59 for tanh). The product over layers of
σw over the gain says by what factor the signal changes through the network. The rule looks at
sites whose input comes straight from a weight, without normalisation between; it reports where
the product is beyond `factor` and the measured inputs have changed by at least `measured` too.

PyTorch's default init of Linear and Conv (σw = 0.577) is the usual reason in plain deep networks.

The evidence: the product, the change of the measured root mean square, the layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actscope.activations import activation
from actscope.errors import ActscopeError
from actscope.maths.lengths import gain
from actscope.probe.rules._base import Found, Rule, Seen


def _gain(name: str) -> float:
    """The gain of an activation of the catalogue; NaN where it has none."""
    try:
        record = activation(name)
        return gain(record, record.kinks)
    except ActscopeError:
        return float("nan")


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    chain: list[tuple[str, Mapping[str, Any], float]] = []
    for site, row in seen.on_the_way():
        if row["sigma_w"] == row["sigma_w"] and row["second_in"] > 0.0:
            ratio = row["sigma_w"] / _gain(row["activation"].split("(")[0])
            if ratio == ratio:
                chain.append((site, row, ratio))
    if len(chain) < limits["layers"]:
        return
    product = 1.0
    for _, _, ratio in chain[1:]:
        product *= ratio
    change = (chain[-1][1]["second_in"] / chain[0][1]["second_in"]) ** 0.5
    factor, measured = limits["factor"], limits["measured"]
    if (product < 1 / factor and change < 1 / measured) or (product > factor and change > measured):
        yield Found(
            chain[-1][0],
            f"over {len(chain)} layers the weights' size against the activation's gain multiplies "
            f"to {product:.2g}; the inputs of the activations change by {change:.2g}",
            {"product": product, "change": change, "layers": len(chain)},
        )


RECORD = Rule(
    name="init_fit",
    code="ACT601",
    severity="warning",
    check=_check,
    cause="an initialisation made for another activation",
    todo=(
        "initialise with the gain of the activation: actscope show, or "
        'actscope.swap(…, reinit="critical")'
    ),
    thresholds={"layers": 3, "factor": 100.0, "measured": 10.0},
)
