"""Units that are never active.

A unit of a ReLU-like activation is dead when it is silent on every row of every batch: it passes
nothing on and gets no gradient, so it cannot come back. In a healthy deep network a third of the
units can be silent on a batch whose rows are much alike, and a few more rows would wake them. So
the rule counts the units whose input stays far below the point where they would wake: more than
three standard deviations of their own input, and three times the size of the inputs of the units
that live. It speaks if that is a part of at least `deeply` of the units, and at least `units` of
them; and where most of the units are silent (`fraction`), whatever their margin. On fewer than
`rows` rows it does not judge, nor of the latter on fewer than `many_rows`.

The evidence: dead units, deeply dead units, units, rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, percent


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        dead, units = row["dead"], row["units"]
        if not dead > 0 or row["rows"] < limits["rows"]:
            continue
        deeply = row["deeply_dead"]
        many = dead >= limits["fraction"] * units and row["rows"] >= limits["many_rows"]
        if many or deeply >= max(limits["deeply"] * units, limits["units"]):
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
    thresholds={"deeply": 0.05, "units": 2, "fraction": 0.66, "rows": 8, "many_rows": 32},
)
