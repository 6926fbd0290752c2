"""All rows lie along one direction.

The effective rank of the sampled rows, behind the activation or in front of it, is at most
`rank`, although the network's input has more. A layer behind it sees one number an input. (In
front counts too: a ReLU bends a line, and so gives one direction a rank of two or three.)

The evidence: effective rank behind and in front, the input's, the largest possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        if row["units"] < 4 or not row["rank_most"] >= 4:
            continue
        collapsed = row["rank"] <= limits["rank"] or row["rank_in"] <= limits["rank"]
        if collapsed and not seen.input_rank <= 2.0 * limits["rank"]:
            yield Found(
                site,
                f"the effective rank is {row['rank']:.2f} behind and {row['rank_in']:.2f} in front "
                f"of the activation, of {row['rank_most']} possible",
                {"rank": row["rank"], "rank_in": row["rank_in"], "input": seen.input_rank},
            )


RECORD = Rule(
    name="rank_collapse",
    code="ACT301",
    severity="error",
    check=_check,
    cause="a weight matrix of rank 1, or inputs that have become all alike (correlation near 1)",
    todo=(
        "look at the singular values of the weight before; orthogonal init, residual "
        "connections or normalisation"
    ),
    thresholds={"rank": 1.5},
)
