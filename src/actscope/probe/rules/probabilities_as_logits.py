"""Probabilities where a loss expects logits, or their logarithms.

The input of `cross_entropy` or `nll_loss` is nowhere negative and its rows sum to 1 (within `sum`:
in bfloat16 they are off by a hundredth), or the input of `binary_cross_entropy_with_logits` lies
between 0 and 1 throughout: it looks like probabilities, made in a way that could not be followed
(where softmax or sigmoid was seen before a loss that applies one itself, other rules speak).
`nll_loss` of probabilities instead of `log_softmax` is their negative mean: it falls below 0.

The evidence: range of the input, the largest distance of a row's sum from 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for loss in seen.losses:
        known = loss.squashed is not None and loss.name != "nll_loss"
        if known or not 0.0 <= loss.least < loss.most <= 1.0:
            continue
        several = math.prod(loss.shape) >= limits["numbers"]
        rows = loss.name in ("cross_entropy", "nll_loss") and loss.row_sum <= limits["sum"]
        single = loss.name == "binary_cross_entropy_with_logits" and several
        if rows or single:
            yield Found(
                "loss",
                f"the input of {loss.name} lies between {loss.least:.3g} and {loss.most:.3g}"
                + (", and its rows sum to 1" if rows else ""),
                {"loss": loss.name, "least": loss.least, "most": loss.most, "sum": loss.row_sum},
            )


RECORD = Rule(
    name="probabilities_as_logits",
    code="ACT504",
    severity="warning",
    check=_check,
    cause="the model gives probabilities, the loss expects logits (nll_loss: their log_softmax)",
    todo="give the loss the numbers before softmax or sigmoid; nll_loss those of log_softmax",
    thresholds={"sum": 0.02, "numbers": 32},
)
