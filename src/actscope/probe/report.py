"""What an inspection found, as a table, text, JSON and HTML."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.probe.findings import Finding, as_dicts, counted, jsonable
from actscope.probe.origins import Origin
from actscope.probe.sarif import sarif
from actscope.probe.table import COLUMNS
from actscope.probe.tracker import Opaque
from actscope.probe.tried import Tried

BARS = "▁▂▃▄▅▆▇█"
# the columns of the terminal's table, in the order in which they get a place:
# (column, heading, format)
SHOWN = (
    ("activation", "activation", "{}"),
    ("units", "units", "{:.0f}"),
    ("dead", "dead", "{:.0f}"),
    ("saturated", "sat.", "{:.0%}"),
    ("std", "std", "{:.3g}"),
    ("gradient_ratio", "grad", "{:.2g}"),
    ("rank", "rank", "{:.1f}"),
    ("mean", "mean", "{:.3g}"),
    ("distance_input", "dist.", "{:.2f}"),
    ("bits", "bits", "{:.0f}"),
    ("probe", "probe", "{:.2f}"),
    ("zeros", "zeros", "{:.0%}"),
    ("share", "time", "{:.0%}"),
)
SITE = 40  # characters of a site's name on one line, of a wide terminal


def sparkline(values: Any, width: int = 12) -> str:
    """A histogram as a row of bars, the tallest full; "" for nothing.

    Example:
        >>> sparkline([0.0, 0.0, 0.0, 1.0, 2.0, 2.0], 3)
        '█▄▆'
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return ""
    counts = np.histogram(values, bins=width)[0]
    tall = np.ceil(counts / counts.max() * (len(BARS) - 1)).astype(int)
    return "".join(BARS[t] if c else " " for t, c in zip(tall, counts, strict=True))


@dataclass(frozen=True)
class Report:
    """What an inspection found.

    Attributes:
        model: the model's class.
        rows: {site: {column: value}}; `table.COLUMNS` says what each column is.
        units: {site: {name: (units,)}}: mean, var, least, most, low, high.
        findings: worst first.
        opaque: what may hold activations and could not be looked into, with the way to.
        counts: batches and examples.
        samples: {site: (rows, units)} sampled outputs.
        tried: what other activations gave (`try_swaps`), where they were tried.
        origins: {site: file and line} of sites with findings, where they are in the user's code.
    """

    model: str
    rows: Mapping[str, Mapping[str, Any]]
    units: Mapping[str, Mapping[str, NDArray[np.float64]]]
    findings: tuple[Finding, ...]
    opaque: tuple[Opaque, ...]
    counts: Mapping[str, int]
    samples: Mapping[str, NDArray[np.float32]]
    tried: Tried | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def table(self) -> Any:
        """A pandas DataFrame, one row a site, in the order of the forward pass."""
        import pandas as pd

        frame = pd.DataFrame.from_dict(dict(self.rows), orient="index", columns=list(COLUMNS))
        frame.index.name = "site"
        return frame

    def to_json(self) -> str:
        """Everything but the samples, as JSON; NaN and infinities are null."""
        return json.dumps(
            {
                "model": self.model,
                "counts": dict(self.counts),
                "sites": {s: {k: jsonable(v) for k, v in r.items()} for s, r in self.rows.items()},
                "findings": as_dicts(self.findings),
                "opaque": [
                    {"path": o.path, "what": o.what, "way_out": o.way_out} for o in self.opaque
                ],
                **({"tried": self.tried.as_dict()} if self.tried is not None else {}),
            },
            ensure_ascii=False,
            indent=1,
            allow_nan=False,
        )

    def to_sarif(self, name: str = "", made: Origin | None = None) -> str:
        """The findings as a SARIF 2.1.0 log, which code hosts show beside a change.

        Args:
            name: of the model, to keep several of one repository apart; its class if empty.
            made: where the model is made, for sites that are not in the user's own code.
        """
        log = sarif(self.findings, self.origins, name or self.model, made)
        return json.dumps(log, ensure_ascii=False, indent=1, allow_nan=False)

    def summary(self, width: int | None = None) -> str:
        """The terminal's report as plain text.

        Args:
            width: columns of the terminal; its own if None.
        """
        from rich.console import Console

        console = Console(width=width, record=True, file=io.StringIO(), force_terminal=False)
        self.print(console)
        return console.export_text()

    def print(self, console: Any = None) -> None:
        """Print the report: a table with sparklines, what is opaque, the findings."""
        from rich.console import Console
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        console = console or Console()
        sites = counted(len(self.rows), "activation site")
        title = f"{self.model}: {sites}, {counted(self.counts['examples'], 'example')}"
        shown = Table(title=title, title_justify="left", pad_edge=False)
        columns = self._columns(console.width)
        shown.add_column("site", overflow="fold", max_width=self._site_width(console.width))
        for name, heading, _ in columns:
            shown.add_column(heading, justify="left" if name == "activation" else "right")
        shown.add_column("outputs", no_wrap=True)
        for site, row in self.rows.items():
            cells = [_cell(row, c, form) for c, _, form in columns]
            shown.add_row(*map(Text, [site, *cells, sparkline(self.samples[site])]))
        console.print(shown)
        for one in self.opaque:
            console.print(
                Text(f"not looked into: {one.what} at {one.path or 'the root'}; {one.way_out}")
            )
        for f in self.findings:
            colour = {"error": "red", "warning": "yellow"}.get(f.severity, "cyan")
            console.print(
                Text.assemble((f"{f.code} {f.severity}", colour), f" {f.site}: {f.message}")
            )
            for line in (f"likely cause: {f.cause}", f"what to do: {f.todo}"):
                console.print(Padding(Text(line), (0, 0, 0, 4)))
        if not self.findings:
            console.print(Text("no findings"))
        if self.tried is not None:
            console.print()
            self.tried.print(console)

    def _site_width(self, width: int) -> int:
        """Characters of a line for the names of sites: a quarter of it, or what they need."""
        longest = max((len(site) for site in self.rows), default=0)
        return min(longest, SITE, max(20, width // 4))

    def _columns(self, width: int) -> list[tuple[str, str, str]]:
        """The columns that are known somewhere and fit, most important first."""
        left = width - self._site_width(width) - 18
        kept = []
        for column, heading, form in SHOWN:
            if not any(_known(r[column]) for r in self.rows.values()):
                continue
            cells = [_cell(r, column, form) for r in self.rows.values()]
            left -= max(len(heading), *map(len, cells)) + 3
            if left < 0:
                break
            kept.append((column, heading, form))
        return kept

    def _repr_html_(self) -> str:
        """For notebooks: the table, what is opaque, the findings."""
        columns = self._columns(10_000)
        head = "".join(f"<th>{html.escape(h)}</th>" for _, h, _ in columns)
        body = []
        for site, row in self.rows.items():
            cells = "".join(
                f"<td>{html.escape(_cell(row, c, form))}</td>" for c, _, form in columns
            )
            bars = html.escape(sparkline(self.samples[site]))
            body.append(f"<tr><th>{html.escape(site)}</th>{cells}<td><code>{bars}</code></td></tr>")
        notes = [
            f"<li>not looked into: {html.escape(o.what)} at {html.escape(o.path or 'the root')}; "
            f"{html.escape(o.way_out)}</li>"
            for o in self.opaque
        ]
        notes += [
            f"<li><b>{html.escape(f.code)} {f.severity}</b> {html.escape(f.site)}: "
            f"{html.escape(f.message)}. {html.escape(f.cause)}; {html.escape(f.todo)}.</li>"
            for f in self.findings
        ]
        return (
            f"<table><caption>{html.escape(self.model)}</caption><thead><tr><th>site</th>{head}"
            f"<th>outputs</th></tr></thead><tbody>{''.join(body)}</tbody></table>"
            f"<ul>{''.join(notes) or '<li>no findings</li>'}</ul>"
            f"{self.tried._repr_html_() if self.tried is not None else ''}"
        )

    def __str__(self) -> str:
        return self.summary(120)


def _cell(row: Mapping[str, Any], column: str, form: str) -> str:
    return form.format(row[column]) if _known(row[column]) else "·"


def _known(value: Any) -> bool:
    return bool(value == value)  # not NaN
