"""Units that all do the same.

The sampled outputs of these units are equal, number for number, to another unit's. Units that
start equal and get equal gradients stay equal: the layer is narrower than it looks.

The evidence: how many units repeat another, of how many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        # a saturated unit is 0 or 1: two of them are soon equal by chance
        if row["duplicates"] >= max(1.0, limits["fraction"] * row["units"]) and not (
            row["saturated_high"] > 0.5
        ):
            yield Found(
                site,
                f"{row['duplicates']} of {row['units']} units repeat another unit",
                {"duplicates": row["duplicates"], "units": row["units"]},
            )


RECORD = Rule(
    name="duplicate_units",
    code="ACT303",
    severity="warning",
    check=_check,
    cause="weights that all start at the same number, or copied units",
    todo="initialise with random weights; when growing a layer, add noise to the copies",
    thresholds={"fraction": 0.01},
)
