"""The logarithm of a softmax, in two steps.

`log(softmax(x))` is −∞ where the softmax underflows (logits 104 apart in float32, 17 in float16),
and its gradient NaN. `log_softmax` is the same number without the underflow.

The evidence: the smallest probability that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for loss in seen.losses:
        if loss.name == "log" and loss.squashed == "softmax":
            yield Found(
                "loss",
                f"log is taken of a softmax's output, whose smallest value is {loss.least:.3g}",
                {"least": loss.least},
            )


RECORD = Rule(
    name="softmax_before_log",
    code="ACT503",
    severity="warning",
    check=_check,
    cause="log and softmax written one after the other",
    todo="use torch.log_softmax, or cross_entropy on the logits",
)
