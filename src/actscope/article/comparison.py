"""Hold a run against what the article prints, and against what its own script gives.

Two questions, two answers. Does a number match the article's words? That is judged at the
precision that the article prints. Is the run the published one? That is judged at 1e-9, against
the numbers that the article's own script gives; `published.json` holds both.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from actscope.article.result import ArticleResult, Number
from actscope.article.setup import Setup

Match = Literal["yes", "roughly", "no"]

ABOUT = 0.2
TOLERANCE = 1e-9
RULE = (
    "yes: rounded to the digits printed, it is the printed number or inside the printed band. "
    "roughly: less than one unit of the last printed digit away, or within "
    f"{ABOUT:.0%} where the article says about (~). no: farther."
)


@dataclass(frozen=True)
class Claim:
    """A number that the article prints.

    Attributes:
        claim: what it is the number of, in words.
        activation, quantity, place: which measured Number it speaks of.
        printed: the article's way of writing it.
        low, high: the printed band; equal for a single number.
        step: one unit of the last printed digit.
        about: whether the article says "about".
        note: what a reader should know about it.
    """

    claim: str
    activation: str
    quantity: str
    place: str
    printed: str
    low: float
    high: float
    step: float
    about: bool
    note: str

    def judge(self, measured: float) -> Match:
        """Whether a measured value is what the article prints, by RULE."""
        # a value half a step away rounds to the printed digit; the last term is for rounding
        # errors of the subtraction alone
        away = max(self.low - measured, measured - self.high, 0.0)
        if away <= self.step / 2 * (1 + 1e-9):
            return "yes"
        end = self.low if measured < self.low else self.high
        near = away < self.step or (self.about and away <= ABOUT * end)
        return "roughly" if near else "no"


@dataclass(frozen=True)
class Compared:
    """One claim beside what was measured."""

    claim: Claim
    measured: float
    matches: Match


@dataclass(frozen=True)
class Comparison:
    """A run beside the article.

    Attributes:
        rows: every claim whose activation was run.
        checked: how many numbers were held against the published script's; 0 for another seed
            or other settings, where there is nothing to hold them against.
        worst: the largest difference among them.
        differing: those that differ by more than 1e-9, with the published value.
    """

    rows: tuple[Compared, ...]
    checked: int
    worst: float
    differing: tuple[tuple[Number, float], ...]

    @property
    def reproduced(self) -> bool | None:
        """Whether every number checked is the published script's; None if none was checked."""
        return not self.differing if self.checked else None


@functools.cache
def published() -> dict[str, Any]:
    """The article's title, its claims and the numbers of its own script."""
    text = (
        importlib.resources.files("actscope.article").joinpath("published.json").read_text("utf8")
    )
    content: dict[str, Any] = json.loads(text)
    content["claims"] = tuple(Claim(**entry) for entry in content["claims"])
    content["reference"] = tuple(Number(*entry) for entry in content["reference"])
    return content


def compare(result: ArticleResult) -> Comparison:
    """Hold a run against the article.

    Args:
        result: a run of the experiment. Claims about an activation that it lacks are left out.

    Returns:
        The claims beside the measured values; and, at the published settings, how many numbers
        were held against the published script's and which of them differ by more than 1e-9.

    Example:
        >>> from actscope.article.run import reproduce
        >>> found = compare(reproduce(["sigmoid"]))
        >>> found.rows[0].claim.printed, round(found.rows[0].measured, 4), found.rows[0].matches
        ('~0.28', 0.2875, 'roughly')
        >>> found.reproduced, found.checked
        (True, 23)
    """
    measured = {number[:3]: number.value for number in result.numbers()}
    rows = []
    for claim in published()["claims"]:
        value = measured.get((claim.activation, claim.quantity, claim.place))
        if value is not None:
            rows.append(Compared(claim, value, claim.judge(value)))
    references = published()["reference"] if result.setup == Setup() else ()
    checked = [r for r in references if r[:3] in measured]
    differences = [_difference(measured[r[:3]], r.value) for r in checked]
    differing = tuple(
        (r._replace(value=measured[r[:3]]), r.value)
        for r, d in zip(checked, differences, strict=True)
        if d > TOLERANCE
    )
    return Comparison(tuple(rows), len(checked), max(differences, default=0.0), differing)


def _difference(value: float, reference: float) -> float:
    """|value - reference|; infinite for a value that is no number."""
    away = abs(value - reference)
    return away if math.isfinite(away) else math.inf
