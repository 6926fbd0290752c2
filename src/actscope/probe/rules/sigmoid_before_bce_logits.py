"""A sigmoid in front of a loss that applies one itself.

`binary_cross_entropy_with_logits` takes logits and applies the sigmoid itself. Given the output of
a sigmoid it sees logits between 0 and 1: probabilities between .5 and .73, whatever the model does.

The evidence: the loss, the range of its input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actscope.probe.rules._base import Found, Rule, Seen


def _check(seen: Seen, limits: Mapping[str, float]) -> Iterator[Found]:
    for loss in seen.losses:
        if loss.name == "binary_cross_entropy_with_logits" and loss.squashed == "sigmoid":
            yield Found(
                seen.output_site or "loss",
                f"the input of {loss.name} is a sigmoid's output ({loss.least:.3g} … "
                f"{loss.most:.3g})",
                {"loss": loss.name, "least": loss.least, "most": loss.most},
            )


RECORD = Rule(
    name="sigmoid_before_bce_logits",
    code="ACT501",
    severity="error",
    check=_check,
    cause="the sigmoid is applied twice",
    todo="drop the sigmoid, or use binary_cross_entropy",
)
