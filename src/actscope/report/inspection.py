"""An inspection of a PyTorch model as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actscope.figures.inspection import outputs_through_depth, rank_and_gradient, silent_units
from actscope.report.page import Download, Page, Picture, Section, Table, render_page

if TYPE_CHECKING:
    from actscope.probe.report import Report
    from actscope.probe.tried import Tried

# the columns on the page; all of them are in the downloads
SHOWN = (
    "activation", "kind", "units", "rows", "mean", "std", "zeros", "dead", "nearly_dead",
    "saturated", "rank", "distance_input", "angle_input", "probe", "keeps_bfloat16", "bits",
    "second", "second_expected", "gradient", "gradient_ratio", "share",
)  # fmt: skip


def inspection_page(report: Report) -> bytes:
    """The page: findings first, then outputs, silent units, rank and gradient, the table.

    Args:
        report: of `actscope.inspect`.
    """
    from actscope.probe.findings import counted

    sections = [_findings(report)]
    if report.opaque:
        rows = tuple((o.path or "the root", o.what, o.way_out) for o in report.opaque)
        table = Table(("where", "what", "how to let it be seen"), rows)
        sections.append(Section("Not looked into", tables=(table,)))
    if report.rows:
        sections += _figures(report)
    if report.tried is not None:
        sections.append(_tried(report.tried))
    frame = report.table
    sections.append(Section("Sites", tables=(Table.of(frame[list(SHOWN)]),)))
    downloads = (
        Download("inspection.json", "application/json", report.to_json().encode()),
        Download("sites.csv", "text/csv", frame.to_csv().encode()),
    )
    found = counted(len(report.findings), "finding").capitalize()
    lead = (
        f"{found} at {counted(len(report.rows), 'activation site')}, over "
        f"{counted(report.counts['examples'], 'example')} in "
        f"{counted(report.counts['batches'], 'batch')}."
    )
    return render_page(Page(f"{report.model}, inspected", lead, tuple(sections), downloads))


def _findings(report: Report) -> Section:
    columns = ("code", "severity", "site", "what", "likely cause", "what to do")
    rows = tuple((f.code, f.severity, f.site, f.message, f.cause, f.todo) for f in report.findings)
    if not rows:
        return Section("Findings", ("Every rule was checked; none found anything.",))
    return Section("Findings", tables=(Table(columns, rows),))


def _tried(found: Tried) -> Section:
    headings, lines = found.cells()
    rows = tuple(tuple(v + (f" ({e})" if e else "") for v, e in line) for line in lines)
    return Section(
        "Swaps tried", (f"{found.title}.", found.note), tables=(Table(tuple(headings), rows),)
    )


def _figures(report: Report) -> list[Section]:
    pictures = (
        Picture.of(
            outputs_through_depth(report.rows, report.samples),
            "outputs",
            "One histogram of outputs for every activation site, in the order of the forward pass: "
            "the darker, the more outputs have that value.",
        ),
        Picture.of(
            silent_units(report.rows, report.units),
            "silent",
            "For every site its units, sorted by how often they are silent; black is always.",
        ),
        Picture.of(
            rank_and_gradient(report.rows),
            "rank",
            "Effective rank and gradient norm by site.",
        ),
    )
    titles = ("Outputs through depth", "Silent units", "Rank and gradient")
    return [Section(t, pictures=(p,)) for t, p in zip(titles, pictures, strict=True)]
