"""Units that are active on fewer than 1 % of the rows.

Such a unit is alive but learns from almost nothing. A few are normal; a quarter of a layer is not.

The evidence: nearly dead units, units, rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, percent


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        few, units = row["nearly_dead"], row["units"]
        if few > 0 and few >= limits["fraction"] * units:
            yield Found(
                site,
                f"{few} of {units} units ({percent(few / units)}) are active on fewer than 1 % of "
                f"{row['rows']} rows",
                {"nearly_dead": few, "units": units, "rows": row["rows"]},
            )


RECORD = Rule(
    name="nearly_dead_units",
    code="ACT102",
    severity="warning",
    check=_check,
    cause="biases that drifted down, or inputs with a large common part",
    todo="look at more rows first; then a lower learning rate, or leaky_relu, gelu or silu",
    thresholds={"fraction": 0.2},
)
