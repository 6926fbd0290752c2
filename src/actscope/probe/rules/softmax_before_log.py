"""The logarithm of a softmax or a sigmoid, in two steps.

`log(softmax(x))` is −∞ where the softmax underflows (logits 104 apart in float32, 17 in float16),
and its gradient NaN. A small number against it, `log(softmax(x) + 1e-8)` or a clamp, keeps it
finite, and stops the gradient of what it covers: of the examples that are most wrong.
`log_softmax` is the same number without the underflow; for a sigmoid `logsigmoid`.

The evidence: the smallest number that the logarithm was taken of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.functions import LOGS, PROBABILITIES
from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for loss in seen.losses:
        if loss.name in LOGS and loss.squashed in PROBABILITIES:
            yield Found(
                "loss",
                f"{loss.name} is taken of a {loss.squashed}'s output; its smallest argument is "
                f"{loss.least:.3g}",
                {"squashed": loss.squashed, "least": loss.least},
            )


RECORD = Rule(
    name="softmax_before_log",
    code="ACT503",
    severity="warning",
    check=_check,
    cause="log and softmax (or sigmoid) written one after the other",
    todo="use torch.log_softmax (F.logsigmoid), or a loss on the logits: cross_entropy, "
    "binary_cross_entropy_with_logits",
)
