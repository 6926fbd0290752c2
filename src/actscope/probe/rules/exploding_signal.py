"""The signal grows without bound on the way.

The root mean square of a site is more than `ratio` times the first site's.

The evidence: both, and their ratio. One finding for the first site where it happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    rows = [(site, row) for site, row in seen.on_the_way() if row["second"] == row["second"]]
    if not rows or not rows[0][1]["second"] > 0.0:
        return
    first = rows[0][1]["second"] ** 0.5
    for site, row in rows[1:]:
        size = row["second"] ** 0.5
        if size > limits["ratio"] * first:
            yield Found(
                site,
                f"the root mean square is {size:.3g}, {size / first:.3g} times the first site's "
                f"({first:.3g})",
                {"size": size, "first": first, "ratio": size / first},
            )
            return


RECORD = Rule(
    name="exploding_signal",
    code="ACT202",
    severity="warning",
    check=_check,
    cause="weights above the critical gain of the activation, layer upon layer",
    todo="initialise with the gain of the activation (actscope show), or normalise",
    thresholds={"ratio": 1000.0},
)
