"""The outputs are nearly the same for every input.

Most of the mean square is a constant that all rows share (the square of each unit's mean). The
part that differs is what carries information; the constant eats the digits of low-precision
formats and the next layer's learning rate.

The evidence: the constant part, the spread over rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, percent


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        if row["constant"] >= limits["part"] and site != seen.output_site:
            yield Found(
                site,
                f"{percent(row['constant'])} of the mean square is the same for every row (spread "
                f"over rows {row['spread']:.3g})",
                {"constant": row["constant"], "spread": row["spread"]},
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
    thresholds={"part": 0.99},
)
