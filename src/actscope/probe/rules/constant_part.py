"""The outputs are nearly the same for every input.

Most of the mean square is a constant that all rows share (the square of each unit's mean). The
part that differs is what carries information; the constant eats the digits of low-precision
formats and the next layer's learning rate. Units that are always at an end of their range are left
to the rule on saturation. Gates, which multiply something, and the output are
not looked at, nor anything on fewer than `rows` rows.

The evidence: the constant part, the spread over rows. One finding for sites one behind the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from actscope.probe.rules._base import Found, Rule, Seen, and_behind, is_gate, percent, runs

STUCK = 0.99  # of the rows: such a unit counts as always at an end


def _part(seen: Seen, site: str, row: Mapping[str, Any]) -> float:
    """The constant part of the units that are not always at an end of their range."""
    units = seen.units.get(site, {})
    if not row["constant"] > 0.0 or "low" not in units:
        return float(row["constant"])
    moving = (units["low"] < STUCK) & (units["high"] < STUCK)
    mean, var = units["mean"][moving] ** 2, units["var"][moving]
    whole = float(np.sum(mean + var))
    return float(np.sum(mean)) / whole if whole > 0.0 else 0.0


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    sites = (
        (s, r)
        for s, r in seen.on_the_way()
        if s != seen.output_site and not is_gate(r) and r["rows"] >= limits["rows"]
    )
    parts = {s: _part(seen, s, r) for s, r in seen.rows.items()}
    for run in runs(sites, {s for s, part in parts.items() if part >= limits["part"]}):
        site, row = run[0]
        yield Found(
            site,
            f"{percent(parts[site])} of the mean square is the same for every row (spread over "
            f"rows {row['spread']:.3g}){and_behind(run)}",
            {"constant": parts[site], "spread": row["spread"], "sites": len(run)},
        )


RECORD = Rule(
    name="constant_part",
    code="ACT302",
    severity="warning",
    check=_check,
    cause="an activation that is not centred (sigmoid, ReLU) in a deep stack, or large biases",
    todo=(
        "centre the activation, normalise behind it, or use one with a mean near 0 "
        "(tanh, silu, gelu)"
    ),
    thresholds={"part": 0.995, "rows": 16},
)
