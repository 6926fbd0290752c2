"""The three accounts, measured layer by layer on untrained networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actscope.activations._base import Activation, Floats
from actscope.engine.part import Part
from actscope.engine.points import Points
from actscope.engine.spec import Net
from actscope.engine.starts import draw
from actscope.engine.trace import rounding_to
from actscope.inits import _lookup as inits
from actscope.metrics import metric

# beside distance_fidelity, which is measured in every format
EXACT = ("probe_accuracy", "effective_rank", "cka")
# beside gradient_ratio, which is measured at every depth
OPTIMISER = (
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
    points: Points,
    *,
    depths: Sequence[int],
    width: int,
    formats: Sequence[str],
    seeds: Sequence[int],
    every_layer: bool = True,
) -> Accounts:
    """Measure the three accounts on untrained networks of constant width.

    Args:
        activation: of every hidden layer.
        init: a name from the inits shelf.
        points: what to look at, with labels and distances to the true boundary.
        depths: numbers of hidden layers, ascending.
        width: units of every hidden layer.
        formats: number formats beside float64.
        seeds: one network each.
        every_layer: whether fidelity and the exact account are measured at every layer, or only
            at the first and at `depths`, which is quicker.

    Raises:
        InputError: the init does not apply to the activation.
        UnknownName: no such init or format.
    """
    outputs = 1 if points.classes <= 2 else points.classes
    rule, drawn = inits.init(init), np.asarray(seeds, dtype=np.uint64)
    parts: dict[int, Part] = {}
    for depth in depths:
        net = Net(points.x.shape[1], (width,) * depth, outputs, activation)
        weights = draw(net, rule, drawn, points.x)
        parts[depth] = Part(net, weights, points, None, None, False)
    deepest = max(depths)
    whole, asked = parts[deepest], frozenset(depths)
    layers = frozenset(range(deepest + 1)) if every_layer else asked | {1}
    kinds = dict.fromkeys((WHOLE, *formats))
    read = {kind: whole if kind == WHOLE else whole.rounded(rounding_to(kind)) for kind in kinds}
    distance = metric("distance_fidelity")
    return Accounts(
        key=activation.key,
        init=init,
        depths=tuple(depths),
        fidelity={kind: part.measure(distance, layers) for kind, part in read.items()},
        exact={name: whole.measure(metric(name), layers) for name in EXACT},
        bits_needed=whole.measure(metric("bits_needed"), asked)[:, list(depths)],
        gradients={
            d: part.measure(metric("gradient_ratio"), frozenset(range(d + 1)))
            for d, part in parts.items()
        },
        optimiser={name: whole.measure(metric(name), layers) for name in OPTIMISER},
    )
