"""All rows lie along one direction.

The effective rank of the sampled rows, behind the activation or in front of it, is at most
`rank`, although the network's input has more. A layer behind it sees one number an input. (In
front counts too: a ReLU bends a line, and so gives one direction a rank of two or three.) A little
above 1 is what the last layer of a good classifier of two classes has, and no fault. Gates are not
looked at, nor samples whose rank could not be `possible`.

The evidence: effective rank behind and in front, the input's. One finding for sites one behind the
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, and_behind, is_gate, runs


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    sites = (
        (s, r) for s, r in seen.hidden() if r["rank_most"] >= limits["possible"] and not is_gate(r)
    )
    most = limits["rank"]
    low = {s for s, r in seen.rows.items() if r["rank"] <= most or r["rank_in"] <= most}
    for run in runs(sites, low):
        if seen.input_rank <= 2.5 * most:
            return
        site, row = run[0]
        yield Found(
            site,
            f"the effective rank is {row['rank']:.2f} behind and {row['rank_in']:.2f} in front "
            f"of the activation, of {row['rank_most']} possible{and_behind(run)}",
            {"rank": row["rank"], "rank_in": row["rank_in"], "input": seen.input_rank}
            | {"sites": len(run)},
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
    thresholds={"rank": 1.2, "possible": 8},
)
