"""Units that sit in the flat part of their activation.

Where the slope is below 1 % of its largest, almost no gradient passes. The rule counts outputs in
the flat tails (`outputs`), and units that are in one tail on 99 % of the rows (`units`); low and
high are told apart. Rectifiers are flat on one side by design: for them only the high side counts.

The evidence: parts of outputs low and high, units low and high.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, percent


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        rectifier = row["dead"] == row["dead"]  # a number: NaN for what does not rectify
        low = 0.0 if rectifier else row["saturated_low"]
        high = row["saturated_high"]
        units_low = 0 if rectifier else row["units_low"]
        units_high, units = row["units_high"], row["units"]
        if not low + high >= 0.0:
            continue
        if low + high >= limits["outputs"] or units_low + units_high >= limits["units"] * units:
            yield Found(
                site,
                f"{percent(low + high)} of the outputs of {row['activation']} are saturated "
                f"({percent(low)} low, {percent(high)} high); {units_low} units always low, "
                f"{units_high} always high, of {units}",
                {
                    "saturated_low": low,
                    "saturated_high": high,
                    "units_low": units_low,
                    "units_high": units_high,
                    "units": units,
                },
            )


RECORD = Rule(
    name="saturation",
    code="ACT103",
    severity="warning",
    check=_check,
    cause="inputs to the activation that are too large: big weights, big biases, unscaled data",
    todo=(
        "scale the inputs, normalise in front of the activation, or use one that does "
        "not saturate (silu, gelu)"
    ),
    thresholds={"outputs": 0.5, "units": 0.1},
)
