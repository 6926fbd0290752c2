"""A sigmoid or tanh between layers where it hurts.

A saturating activation between layers is a choice that can be right. It is reported where it is
seen to cost: in a chain of at least `depth` such sites, the gradient in front is smaller than
`gradient` times the one behind, or bfloat16 keeps less than `keeps` of the distances. Gates and
the output are not looked at.

The evidence: sites in the chain, the gradient's ratio, what bfloat16 keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import SQUASHING, Found, Rule, Seen, is_gate


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    chain = [
        (site, row)
        for site, row in seen.on_the_way()
        if row["activation"] in SQUASHING and not is_gate(row) and site != seen.output_site
    ]
    if len(chain) < limits["depth"]:
        return
    (first, start), end = chain[0], chain[-1][1]
    ratio = start["gradient"] / end["gradient"] if end["gradient"] > 0 else float("nan")
    worst = min((row["keeps_bfloat16"] for _, row in chain), default=float("nan"))
    if ratio < limits["gradient"] or worst < limits["keeps"]:
        yield Found(
            first,
            f"{len(chain)} sites of {start['activation']} in a row: the gradient at the first is "
            f"{ratio:.2g} of the last one's, bfloat16 keeps {worst:.2g} of the distances",
            {"sites": len(chain), "gradient_ratio": ratio, "keeps_bfloat16": worst},
        )


RECORD = Rule(
    name="hidden_squash",
    code="ACT104",
    severity="warning",
    check=_check,
    cause="every such layer shrinks differences between inputs, forward and backward",
    todo=(
        "use relu, gelu or silu between layers; or scale the weights to the critical "
        "gain (actscope show sigmoid)"
    ),
    thresholds={"depth": 3, "gradient": 0.01, "keeps": 0.9},
)
