"""What a study measures of every layer, and when."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from actscope.engine.checks import flag, whole
from actscope.errors import BadSpec, UnknownName
from actscope.maths.formats import NAMES
from actscope.metrics._lookup import SHELF

# measured at the output layer, with weights and layers rounded; not a metric of the shelf
ACCURACY = "test_accuracy"


@dataclass(frozen=True)
class Trace:
    """Layer traces: metrics by name, on a schedule of epochs.

    Args:
        metrics: names of metrics; "test_accuracy" is the accuracy on the test set of the network
            run in each format, weights and layers rounded, as layer depth + 1.
        every: epochs between two traces; 0 is before training and at the end only. The start
            (epoch 0) and the end are always traced.
        formats: number formats that a layer's output is rounded to before it is measured.
        points: how many training points are looked at, the first ones.
        hand_on: whether the next layer sees the rounded output too.
        weights: whether the weights are rounded to the format too. With `hand_on` this is what
            inference in the format sees; "test_accuracy" is always measured so, its inputs
            rounded as well.

    Raises:
        BadSpec: a field that cannot be; the message names it.

    Example:
        >>> Trace(("effective_rank", "spread"), every=400).epochs(1000)
        (0, 400, 800, 1000)
    """

    metrics: tuple[str, ...]
    every: int = 0
    formats: tuple[str, ...] = ("float64",)
    points: int = 300
    hand_on: bool = False
    weights: bool = False

    def __post_init__(self) -> None:
        known = (*SHELF.names(), ACCURACY)
        fields = {
            "metrics": _names("metrics", self.metrics, known, "metric"),
            "every": whole("Study.trace.every", self.every, 0),
            "formats": _names("formats", self.formats, NAMES, "number format"),
            "points": whole("Study.trace.points", self.points, 8, 100_000),
            "hand_on": flag("Study.trace.hand_on", self.hand_on),
            "weights": flag("Study.trace.weights", self.weights),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def epochs(self, last: int) -> tuple[int, ...]:
        """The epochs that are traced of a training with so many; 0 is before training."""
        between = range(self.every, last, self.every) if self.every else ()
        return (0, *between, last)

    def content(self) -> dict[str, Any]:
        """What a trial's id is made of; the order of names means nothing."""
        return {
            "metrics": sorted(self.metrics),
            "every": self.every,
            "formats": sorted(self.formats),
            "points": self.points,
            "hand_on": self.hand_on,
            **({"weights": True} if self.weights else {}),  # ids from before there was this stay
        }

    def spec(self) -> dict[str, Any]:
        """The fields as TOML and JSON hold them."""
        plain = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


def _names(key: str, value: Any, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
    """Different names out of `known`."""
    given = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    if not given:
        raise BadSpec(f"Study.trace.{key}", [], f"at least one {kind}")
    for i, name in enumerate(given):
        place = f"Study.trace.{key}[{i}]"
        if name not in known:
            raise BadSpec(place, name, f"a {kind} ({UnknownName(kind, str(name), known)})")
        if name in given[:i]:
            raise BadSpec(place, name, "names that differ")
    return tuple(given)
