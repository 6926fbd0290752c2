"""No gradient arrives at all.

The gradient at a site's output is exactly 0 on every row of every batch: nothing in front of it
learns from this loss. Gates are left out: one that multiplies a state of zeros gets none. Needs a
loss.

The evidence: the norm and the part of the gradient that is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen, is_gate


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for site, row in seen.hidden():
        if row["gradient"] == 0.0 and not is_gate(row):
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
    cause=(
        "a layer behind it with zero weights or all units dead or saturated, or a detached branch"
    ),
    todo="look at the sites behind it; check for weights that are 0 and for detach()",
)
