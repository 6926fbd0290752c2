"""Distances between rows do not survive rounding to bfloat16.

After rounding the outputs to bfloat16 less than `keeps` of the variation of the distances between
rows is left (R²), or the outputs need more mantissa than the type they are computed in. The
outputs differ by less than the format can tell apart, usually because they sit on a large constant.

The evidence: R² in bfloat16 and other formats, the bits needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        if row["keeps_bfloat16"] < limits["keeps"] and site != seen.output_site:
            yield Found(
                site,
                f"bfloat16 keeps {row['keeps_bfloat16']:.2g} of the distances between rows (R²); "
                f"{row['bits']:.0f} bits of mantissa are needed, bfloat16 stores 7",
                {
                    name: row[name]
                    for name in ("keeps_bfloat16", "keeps_float16", "keeps_int8", "bits")
                },
            )


RECORD = Rule(
    name="lost_in_format",
    code="ACT401",
    severity="warning",
    check=_check,
    cause="a small spread on a large mean: what is lost is the difference, not the value",
    todo="centre or normalise before this layer, or keep it in float32",
    thresholds={"keeps": 0.9},
)
