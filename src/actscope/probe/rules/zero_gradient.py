"""No gradient arrives at all.

The gradient at a site's output is exactly 0 on every row of every batch: nothing in front of it
learns from this loss. Calls of which some are gates are left out: the first one of a recurrent
cell multiplies a state of zeros, and gets none. Nor is anything said of the branch in a block
where a factor is 0 by design (its last batch norm, ReZero, in every block of its kind) and gets a
gradient itself: it opens with the first step. A site that no gradient is sent to (its output is
detached, or not used) has none rather than 0, and nothing is said of it. Needs a loss.

The evidence: the norm and the part of the gradient that is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, is_gate


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    gates = {site.partition("#")[0] for site, row in seen.hidden() if is_gate(row)}
    for site, row in seen.hidden():
        if row["gradient"] == 0.0 and site.partition("#")[0] not in gates and not seen.waits(site):
            yield Found(
                site,
                "the gradient is exactly 0 everywhere",
                {"gradient": 0.0, "zeros": row["gradient_zeros"]},
            )


RECORD = Rule(
    name="zero_gradient",
    code="ACT205",
    severity="error",
    check=_check,
    cause="a layer behind it with zero weights, or with all units dead or saturated",
    todo="look at the sites behind it; check for weights that are 0",
)
