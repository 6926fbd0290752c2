"""What swaps of a model's activations gave: the table of `try_swaps`."""

from __future__ import annotations

import html
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.maths.statistics import bootstrap
from actscope.probe.findings import jsonable

if TYPE_CHECKING:
    from actscope.probe.report import Report

# measure -> what it says
MEASURES = {
    "findings": "findings of an inspection",
    "dead": "dead units of all sites",
    "saturated": "saturated part of the outputs, mean over the sites",
    "rank": "effective rank at the last swapped site",
    "distance": "correlation of distances there with those of the input",
    "gradient_ratio": "gradient at the first site over that at the last",
    "loss": "mean loss on the data, in eval mode",
    "accuracy": "part of the data told right, in eval mode",
}
# in the order in which they get a place in a terminal
ORDER = (
    "loss", "accuracy", "findings", "dead", "gradient_ratio", "rank", "distance", "saturated",
)  # fmt: skip
HEADINGS = {"distance": "dist.", "gradient_ratio": "grad", "saturated": "sat.", "accuracy": "acc."}
FORMS = {
    "findings": "{:.3g}",
    "dead": "{:.2g}",
    "saturated": "{:.0%}",
    "rank": "{:.0f}",
    "distance": "{:.2f}",
    "gradient_ratio": "{:.2g}",
    "loss": "{:.3g}",
    "accuracy": "{:.0%}",
}


@dataclass(frozen=True)
class Tried:
    """What each swap gave.

    Attributes:
        rows: {name: {column: number}}; the first is the model as it is. Columns are those of
            MEASURES, with `_after` after training, and with `_low` and `_high` the ends of the
            95 % interval where there are several seeds; `diverged` counts the seeds whose loss
            was no number after training, which are left out of the means.
        runs: {name: one {column: number} a seed}.
        reports: {name: the report before training, first seed}.
        steps: of training; 0 for none.
        seeds: which.
        at: what was swapped out.
        reinit: of the swapped models.
    """

    rows: Mapping[str, Mapping[str, float]]
    runs: Mapping[str, Sequence[Mapping[str, float]]]
    reports: Mapping[str, Report]
    steps: int
    seeds: tuple[int, ...]
    at: str
    reinit: str | None

    @property
    def table(self) -> Any:
        """A pandas DataFrame, one row a model."""
        import pandas as pd

        frame = pd.DataFrame.from_dict(dict(self.rows), orient="index")
        frame.index.name = "activations"
        return frame

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold: NaN and infinities are None."""
        return {
            "at": self.at,
            "reinit": self.reinit,
            "steps": self.steps,
            "seeds": list(self.seeds),
            "rows": {name: _plain(row) for name, row in self.rows.items()},
            "runs": {name: [_plain(run) for run in runs] for name, runs in self.runs.items()},
        }

    def to_json(self) -> str:
        """Everything but the reports, as JSON."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=1, allow_nan=False)

    @property
    def title(self) -> str:
        """One sentence: what was compared."""
        many = f", {len(self.seeds)} seeds: mean and 95 % interval" if len(self.seeds) > 1 else ""
        trained = f", before → after {self.steps} steps of training" if self.steps else ""
        return f"{self.at} swapped for others{trained}{many}"

    @property
    def note(self) -> str:
        """What the reader has to know of the weights."""
        if self.reinit is None:
            return "All models start from the model's own weights."
        own = self.reports[next(iter(self.rows))]
        there = {str(r["activation"]) for r in own.rows.values()}
        hint = "" if there & set(self.rows) else (
            " Try the model's own activation too, to tell the weights' part from the activation's."
        )  # fmt: skip
        return (
            "The first row has the model's own weights; in the others those in front of "
            f"activations are drawn anew ({self.reinit}).{hint}"
        )

    def cells(self) -> tuple[list[str], list[list[tuple[str, str]]]]:
        """The table as text: headings, and lines of (value, interval) before and after training.

        Measures that no model has are left out; intervals are "" for one seed.
        """
        shown = [m for m in ORDER if any(_known(r, m) for r in self.rows.values())]
        lines = []
        for name, row in self.rows.items():
            lines.append([(name, ""), *(_texts(row, m, m) for m in shown)])
            if self.steps:
                lost = f", {row['diverged']:.0f} diverged" if row["diverged"] else ""
                after = f"  after {self.steps} steps{lost}"
                lines.append([(after, ""), *(_texts(row, m, f"{m}_after") for m in shown)])
        return ["activations", *(HEADINGS.get(m, m) for m in shown)], lines

    def print(self, console: Any = None) -> None:
        """Print the table; on a narrow terminal without the measures that do not fit."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = console or Console()
        headings, lines = self.cells()
        wide = [max(len(h), *(len(t) for x in lines for t in x[i])) for i, h in enumerate(headings)]
        fit = [i for i in range(len(wide)) if sum(wide[: i + 1]) + 3 * (i + 1) <= console.width]
        shown = Table(title=self.title, title_justify="left", pad_edge=False)
        for i in fit or [0]:
            shown.add_column(headings[i], justify="right" if i else "left", no_wrap=True)
        for n, line in enumerate(lines):
            last = n % 2 == 1 or not self.steps
            cells = (Text("\n".join(filter(None, line[i]))) for i in fit or [0])
            shown.add_row(*cells, end_section=last and bool(self.steps or len(self.seeds) > 1))
        console.print(shown)
        if len(fit) < len(headings):
            left = ", ".join(headings[len(fit) :])
            console.print(Text(f"On a wider terminal, in JSON and on the page also: {left}"))
        console.print(Text(self.note))

    def summary(self, width: int | None = None) -> str:
        """The terminal's table as plain text.

        Args:
            width: columns of the terminal; its own if None.
        """
        from rich.console import Console

        console = Console(width=width, record=True, file=io.StringIO(), force_terminal=False)
        self.print(console)
        return console.export_text()

    def __str__(self) -> str:
        return self.summary(120)

    def _repr_html_(self) -> str:
        """For notebooks: the table."""
        headings, lines = self.cells()
        head = "".join(f"<th>{html.escape(h)}</th>" for h in headings)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_html(*t)}</td>" for t in line) + "</tr>" for line in lines
        )
        return (
            f"<table><caption>{html.escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{html.escape(self.note)}</p>"
        )


def _plain(row: Mapping[str, float]) -> dict[str, Any]:
    return {k: jsonable(v) for k, v in row.items()}


def _html(value: str, ends: str) -> str:
    return html.escape(value) + (f"<br><small>{html.escape(ends)}</small>" if ends else "")


def _known(row: Mapping[str, float], measure: str) -> bool:
    return any(not math.isnan(row.get(m, math.nan)) for m in (measure, f"{measure}_after"))


def _texts(row: Mapping[str, float], measure: str, column: str) -> tuple[str, str]:
    """A value and its interval as text."""
    value, form = row.get(column, math.nan), FORMS[measure]
    if math.isnan(value):
        return "·", ""
    low, high = row.get(f"{column}_low", math.nan), row.get(f"{column}_high", math.nan)
    if math.isnan(low) or (low == value == high):
        return form.format(value), ""
    return form.format(value), f"{form.format(low)}–{form.format(high)}"


def tried(
    runs: Mapping[str, Sequence[Mapping[str, float]]],
    reports: Mapping[str, Report],
    steps: int,
    seeds: tuple[int, ...],
    at: str,
    reinit: str | None,
) -> Tried:
    """The table over the runs of each model."""
    rows = {name: _row(found, steps) for name, found in runs.items()}
    return Tried(rows, runs, reports, steps, seeds, at, reinit)


def _row(runs: Sequence[Mapping[str, float]], steps: int) -> dict[str, float]:
    """Means over seeds, with intervals from two on; of one seed its numbers."""
    lost = [bool(steps) and _diverged(r) for r in runs]
    kept = [r for r, gone in zip(runs, lost, strict=True) if not gone]
    row: dict[str, float] = {}
    for column in runs[0]:
        own = kept if column.endswith("_after") else runs
        values = np.array([r[column] for r in own], dtype=np.float64)
        good = values[~np.isnan(values)]
        row[column] = float(good.mean()) if good.size and good.size == values.size else math.nan
        if len(runs) == 1:
            row[column] = float(runs[0][column])
        elif good.size == values.size > 1 and np.isfinite(good).all():
            interval = bootstrap(good, rng=0)
            row[f"{column}_low"], row[f"{column}_high"] = interval.low, interval.high
    if steps:
        row["diverged"] = float(sum(lost))
    return row


def _diverged(run: Mapping[str, float]) -> bool:
    """Whether the loss was a number before training and is none after it."""
    before, after = run["loss"], run["loss_after"]
    return math.isfinite(before) and not math.isfinite(after)
