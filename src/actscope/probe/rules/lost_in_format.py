"""Distances between rows do not survive rounding to bfloat16.

After rounding the outputs to bfloat16 less than `keeps` of the variation of the distances between
rows is left (R²). The outputs differ by less than the format can tell apart, usually because they
sit on a large constant. Gates, which multiply something, and the output are not looked at.

Where a site works in bfloat16 already, its numbers are those after rounding, and R² is estimated:
by how much one more rounding error, of the same size, moves the distances. What is lost before
(inside a layer, where sums are rounded) is not counted, and rows that rounding has made equal
cannot be told from rows that were: there `constant_part` speaks.

The evidence: R² in bfloat16 and other formats, the bits needed. One finding for sites one behind
the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actscope.probe.rules._base import Found, Rule, Seen, and_behind, is_gate, runs

NUMBERS = ("keeps_bfloat16", "keeps_float16", "keeps_int8", "bits")


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    sites = (
        (s, r)
        for s, r in seen.on_the_way()
        if s != seen.output_site and not is_gate(r) and r["rows"] >= limits["rows"]
    )
    ill = {s for s, r in seen.rows.items() if r["keeps_bfloat16"] < limits["keeps"]}
    for run in runs(sites, ill):
        site, row = run[0]
        yield Found(
            site, _said(row) + and_behind(run), {n: row[n] for n in NUMBERS} | {"sites": len(run)}
        )


def _said(row: Mapping[str, Any]) -> str:
    kept = f"{row['keeps_bfloat16']:.2g} of the distances between rows (R²)"
    if row["dtype"] == "bfloat16":
        return (
            f"rounding to bfloat16, which it works in, has left about {kept}; more than the 7 bits "
            "of its mantissa are needed"
        )
    return (
        f"bfloat16 keeps {kept}; {row['bits']:.0f} bits of mantissa are needed, bfloat16 stores 7"
    )


RECORD = Rule(
    name="lost_in_format",
    code="ACT401",
    severity="warning",
    check=_check,
    cause="a small spread on a large mean: what is lost is the difference, not the value",
    todo="centre or normalise before this layer, or keep it in float32",
    thresholds={"keeps": 0.9, "rows": 16},
)
