"""The differences between rows die out on the way.

The spread of a site over rows (root mean variance of its units) is smaller than `ratio` times the
first site's. What is left is below the noise of low-precision formats, and layers behind cannot
tell the inputs apart. Sites of another kind of activation are compared all the same: no
activation shrinks its input by such a factor once. A branch that a factor of 0 keeps closed for one
step, by design, is left out (see zero_gradient).

The evidence: both spreads and their ratio. One finding for the first site where it happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    rows = [(site, row) for site, row in seen.on_the_way() if row["spread"] == row["spread"]]
    if not rows or not rows[0][1]["spread"] > 0.0:
        return
    first = rows[0][1]["spread"]
    for site, row in rows[1:]:
        if row["spread"] < limits["ratio"] * first and not seen.waits(site):
            yield Found(
                site,
                f"the spread over rows is {row['spread']:.3g}, {row['spread'] / first:.2g} of the "
                f"first site's ({first:.3g})",
                {"spread": row["spread"], "first": first, "ratio": row["spread"] / first},
            )
            return


RECORD = Rule(
    name="vanishing_signal",
    code="ACT201",
    severity="warning",
    check=_check,
    cause="weights below the critical gain of the activation, layer upon layer",
    todo=(
        "initialise with the gain of the activation (actscope show), add normalisation "
        "or residual connections"
    ),
    thresholds={"ratio": 0.001},
)
