"""What a claim is: a statement, how it is measured, and a rule that can go either way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from actscope.claims._sources import Document
from actscope.maths.statistics import Interval

if TYPE_CHECKING:
    from actscope.claims._bench import Bench

Row = Mapping[str, Any]  # settings in words, numbers


class Outcome(Enum):
    """What became of a claim."""

    HOLDS = "holds"
    ONLY = "holds only under"
    FAILS = "does not hold"
    OPEN = "cannot be decided with this much data"


@dataclass(frozen=True)
class Effect:
    """The number that the verdict hangs on.

    Attributes:
        words: what it is.
        interval: its value, with a 95 % interval; of width 0 for a number without chance.
        unit: "" for a plain number, "%" for a share, "points" for a difference of two shares;
            shares are shown times 100.
        of: what was counted or drawn anew for the interval ("seeds").

    Example:
        >>> Effect("seeds", Interval(0.5, 0.4, 0.6, 0.95, 100), "%").text
        'seeds: 50 % (40 to 60)'
    """

    words: str
    interval: Interval
    unit: str = ""
    of: str = "seeds"

    @property
    def text(self) -> str:
        """The number with its interval, in words."""
        return f"{self.words}: {self.number}"

    @property
    def number(self) -> str:
        """The number with its interval."""
        return show(self.interval, self.unit)


def show(i: Interval, unit: str = "") -> str:
    """A value and its interval: "0.31 (0.29 to 0.33)", "31 % (29 to 33)"; no interval if exact.

    Args:
        i: the number.
        unit: as of an `Effect`.

    Example:
        >>> show(Interval(0.25, 0.25, 0.25, 0.95, 1))
        '0.25'
    """
    scale, after = (100.0, f" {unit}") if unit else (1.0, "")
    value, low, high = (_short(scale * v) for v in (i.value, i.low, i.high))
    if i.low == i.high or math.isnan(i.low):
        return f"{value}{after}"
    return f"{value}{after} ({low} to {high})"


def _short(value: float) -> str:
    """Three significant digits; thousands in full."""
    text = f"{value:.3g}"
    return f"{value:,.0f}" if "e+" in text and abs(value) < 1e6 else text.replace("e-0", "e-")


@dataclass(frozen=True)
class Table:
    """Rows of numbers, all with the same columns."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Drawing:
    """What a figure makes of a verdict's first table.

    Attributes:
        kind: "intervals" (a dot and a bar a row), "lines" (curves with bands) or "bars" (counts).
        x, y: columns; of intervals, x is the number and y its label.
        low, high: columns of the interval's ends, or "".
        series: the column whose values are told apart by colour, or "".
        xlabel, ylabel: with units.
        xlog, ylog: logarithmic axes.
        marks: numbers with words, drawn as lines: thresholds and what the text says. On the
            axis of the measured number: x of intervals and bars, y of lines.
        panels: the column whose values have a panel each, or "".
    """

    kind: str
    x: str
    y: str
    xlabel: str
    ylabel: str = ""
    low: str = ""
    high: str = ""
    series: str = ""
    xlog: bool = False
    ylog: bool = False
    marks: tuple[tuple[float, str], ...] = ()
    panels: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        outcome: holds, holds only under …, does not hold, cannot be decided with this much data.
        under: the condition, of "holds only under" and of no other.
        says: what was found, in sentences with numbers.
        effect: the number that the verdict hangs on.
        tables: the numbers; the first is the one that is drawn.
        drawing: how.
    """

    outcome: Outcome
    says: str
    effect: Effect
    tables: tuple[Table, ...]
    drawing: Drawing
    under: str = ""

    def __post_init__(self) -> None:
        assert bool(self.under) == (self.outcome is Outcome.ONLY), (self.outcome, self.under)

    @property
    def words(self) -> str:
        """The verdict in one phrase."""
        return f"{self.outcome.value} {self.under}" if self.under else self.outcome.value


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of the seed documents, and how it is checked.

    Attributes:
        name: the record's name, equal to its file's.
        statement: what is claimed, in our words.
        source: the documents that say it.
        place: where in them.
        rule: when the verdict is what, in words, with the thresholds.
        measure: makes the numbers, with a bench that keeps what it made.
        judge: a pure function of those numbers.
        also: a command that shows more of it; empty for none.

    Example:
        >>> from actscope.claims import claim
        >>> one = claim("slope_at_most_quarter")
        >>> one.check().words
        'holds'
    """

    name: str
    statement: str
    source: tuple[Document, ...]
    place: str
    rule: str
    measure: Callable[[Bench], Any] = field(repr=False)
    judge: Callable[[Any], Verdict] = field(repr=False)
    also: str = ""

    @property
    def command(self) -> str:
        """The command that shows it."""
        return f"actscope claims {self.name}"

    def check(self, bench: Bench | None = None) -> Verdict:
        """Measure and judge.

        Args:
            bench: what keeps measurements; by default the user's cache folder.

        Raises:
            MissingExtra: the claim trains a study, and DuckDB or PyArrow is not installed.
        """
        from actscope.claims._bench import Bench

        return self.judge(self.measure(bench or Bench()))
