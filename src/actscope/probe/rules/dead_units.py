"""Units that are never active.

A unit of a ReLU-like activation is dead when it is silent on every row of every batch: it passes
nothing on and gets no gradient, so it cannot come back. A unit that is silent here because few
rows were looked at is not what this rule is about: it counts the units whose input stays four
standard deviations below the point where they would wake (`deeply`), or a large part of all units
silent (`fraction`), whatever their margin.

The evidence: dead units, deeply dead units, units, rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, percent


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        dead, units = row["dead"], row["units"]
        if not dead > 0:
            continue
        deeply = row["deeply_dead"]
        many = dead >= limits["fraction"] * units
        if many or deeply >= limits["deeply"] * units:
            yield Found(
                site,
                f"{dead} of {units} units ({percent(dead / units)}) are silent on all "
                f"{row['rows']} rows",
                {"dead": dead, "deeply_dead": deeply, "units": units, "rows": row["rows"]},
            )


RECORD = Rule(
    name="dead_units",
    code="ACT101",
    severity="error",
    check=_check,
    cause="a learning rate that was too high, a large negative bias, or weights set to zero",
    todo=(
        "lower the learning rate or start it slowly, initialise biases at 0, or use "
        "leaky_relu, gelu or silu"
    ),
    thresholds={"fraction": 0.25, "deeply": 0.05},
)
