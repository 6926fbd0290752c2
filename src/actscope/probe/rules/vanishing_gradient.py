"""The gradient does not reach the first layers.

The norm of the gradient at a site's output is smaller than `ratio` times the last site's: the
layers in front learn at that fraction of the speed of those behind. Gates are left out: in a
recurrent cell theirs are small at the first steps in health too; and branches that begin small by
design, as with LayerScale (see zero_gradient). Needs a loss.

The evidence: the norm, its ratio to the last site's. One finding for the site where it is worst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    low = [entry for entry in seen.gradients() if entry[0] < limits["ratio"]]
    if low:
        ratio, site, row = min(low, key=lambda entry: entry[0])
        yield Found(
            site,
            f"the gradient's norm is {row['gradient']:.3g}, {ratio:.2g} of the last site's "
            f"({len(low)} sites are below {limits['ratio']:g})",
            {"gradient": row["gradient"], "ratio": ratio, "sites": len(low)},
        )


RECORD = Rule(
    name="vanishing_gradient",
    code="ACT203",
    severity="error",
    check=_check,
    cause="saturated activations, or weights below the critical gain",
    todo="another activation or gain, residual connections, normalisation",
    thresholds={"ratio": 0.001},
)
