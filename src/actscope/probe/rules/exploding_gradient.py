"""The gradient grows on its way back.

The norm of the gradient at a site's output is more than `ratio` times the last site's. Gates are
left out. Needs a loss.

The evidence: the norm, its ratio to the last site's. One finding for the site where it is worst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    high = [entry for entry in seen.gradients() if entry[0] > limits["ratio"]]
    if high:
        ratio, site, row = max(high, key=lambda entry: entry[0])
        yield Found(
            site,
            f"the gradient's norm is {row['gradient']:.3g}, {ratio:.3g} times the last site's "
            f"({len(high)} sites are above {limits['ratio']:g})",
            {"gradient": row["gradient"], "ratio": ratio, "sites": len(high)},
        )


RECORD = Rule(
    name="exploding_gradient",
    code="ACT204",
    severity="error",
    check=_check,
    cause="weights above the critical gain of the activation",
    todo="initialise with the gain of the activation, normalise, or clip gradients",
    thresholds={"ratio": 1000.0},
)
