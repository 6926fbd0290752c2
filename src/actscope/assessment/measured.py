"""The three accounts, measured layer by layer on untrained networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actscope.activations._base import Activation, Floats

EXACT = ("distance_fidelity", "probe_accuracy", "effective_rank", "cka")
OPTIMISER = (
    "gradient_ratio",
    "jacobian_log_mean",
    "jacobian_log_spread",
    "dead_fraction",
    "saturated_fraction",
    "spread",
    "mean_magnitude",
)
WHOLE = "float64"


@dataclass(frozen=True, eq=False)
class Accounts:
    """One activation with one init, measured on several untrained networks.

    Every array of measurements is (networks, deepest + 1): column 0 is the input, column l the
    output of hidden layer l. A NaN is a measurement that has no meaning there.

    Attributes:
        key: the activation.
        init: the rule that drew the weights.
        depths: the depths asked for, ascending.
        fidelity: by number format, the R² with which a linear reader finds the distance to the
            boundary in the rounded output.
        exact: probe_accuracy, effective_rank and cka, by name, in float64.
        bits_needed: (networks, depths), mantissa bits that keep 95 % of the float64 fidelity;
            NaN where float64 has none to keep.
        gradients: by depth, (networks, depth + 1): the norm of the loss's gradient in each
            layer's weights over the last layer's; column l is the layer that makes output l.
        optimiser: the other measures of that account, by name.
    """

    key: str
    init: str
    depths: tuple[int, ...]
    fidelity: dict[str, Floats]
    exact: dict[str, Floats]
    bits_needed: Floats
    gradients: dict[int, Floats]
    optimiser: dict[str, Floats]


def measure(
    activation: Activation,
    init: str,
    *,
    depths: Sequence[int],
    width: int,
    data: str,
    formats: Sequence[str],
    seeds: Sequence[int],
    bits: bool = True,
) -> Accounts:
    """Measure the three accounts on untrained networks of constant width.

    Args:
        activation: of every hidden layer.
        init: a name from the inits shelf.
        depths: numbers of hidden layers, ascending.
        width: units of every hidden layer.
        data: a data set whose true boundary is known, such as "moons".
        formats: number formats beside float64.
        seeds: one network each.
        bits: whether to find the bits needed, the slow part; NaN if not.

    Raises:
        InputError: the data set's boundary is not known, or the init does not apply.
        UnknownName: no such init, data set or format.
    """
    from actscope.datasets._lookup import dataset
    from actscope.engine.spec import Net
    from actscope.engine.trace import trace

    law = dataset(data)
    outputs = 1 if law.classes <= 2 else law.classes

    def traced(depth: int, *names: str, **options: object) -> dict[tuple[str, str], Floats]:
        net = Net(law.dim, (width,) * depth, outputs, activation)
        return trace(net, law, names, init=init, seeds=seeds, **options).values  # type: ignore[arg-type]

    deepest = max(depths)
    kinds = (WHOLE, *(f for f in formats if f != WHOLE))
    fidelity = traced(deepest, "distance_fidelity", formats=kinds)
    exact = traced(deepest, *EXACT[1:])
    optimiser = traced(deepest, *OPTIMISER[1:])
    gradients = {d: traced(d, "gradient_ratio")["gradient_ratio", WHOLE] for d in depths}
    needed = np.full((len(seeds), len(depths)), np.nan)
    if bits:
        at = traced(deepest, "bits_needed", layers=tuple(depths))["bits_needed", WHOLE]
        needed = at[:, list(depths)]
    return Accounts(
        key=activation.key,
        init=init,
        depths=tuple(depths),
        fidelity={kind: fidelity["distance_fidelity", kind] for kind in kinds},
        exact={name: exact[name, WHOLE] for name in EXACT[1:]},
        bits_needed=needed,
        gradients=gradients,
        optimiser={name: optimiser[name, WHOLE] for name in OPTIMISER[1:]},
    )
