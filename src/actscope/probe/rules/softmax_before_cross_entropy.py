"""A softmax in front of a loss that applies one itself.

`cross_entropy` takes logits and applies log-softmax itself. Given probabilities it flattens them:
with ten classes the loss cannot fall below 1.46, and the gradient is a tenth of what it should be.
(log-softmax in front of it does no harm: it is its own log-softmax.)

The evidence: the loss, the range of its input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for loss in seen.losses:
        if loss.name == "cross_entropy" and loss.squashed in {"softmax", "sigmoid"}:
            yield Found(
                "loss",
                f"the input of {loss.name} is a {loss.squashed}'s output ({loss.least:.3g} … "
                f"{loss.most:.3g})",
                {"loss": loss.name, "least": loss.least, "most": loss.most},
            )


RECORD = Rule(
    name="softmax_before_cross_entropy",
    code="ACT502",
    severity="error",
    check=_check,
    cause="the softmax is applied twice",
    todo="drop the softmax in training; apply it where probabilities are read",
)
