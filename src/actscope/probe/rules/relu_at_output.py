"""A ReLU at the output of a model whose targets can be negative.

The model ends in an activation that cannot go below 0, and some targets are below 0: they cannot
be met, and where the output is 0 no gradient says so.

The evidence: the smallest output, the smallest target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    row = seen.rows.get(seen.output_site)
    if row is None or seen.targets_least is None:
        return
    bounded = row["dead"] == row["dead"]  # it rectifies
    if bounded and seen.targets_least < 0.0 and row["least"] > seen.targets_least:
        yield Found(
            seen.output_site,
            f"the model ends in {row['activation']}, whose smallest output is {row['least']:.3g}; "
            f"the smallest target is {seen.targets_least:.3g}",
            {"least": row["least"], "target": seen.targets_least},
        )


RECORD = Rule(
    name="relu_at_output",
    code="ACT402",
    severity="error",
    check=_check,
    cause="an activation put after every layer, the last one too",
    todo="leave the last layer linear",
)
