"""The ledger as files: one page with a figure for each claim, the figures, the numbers."""

from __future__ import annotations

from collections.abc import Callable

from actscope.claims._base import Verdict
from actscope.claims._ledger import Entry, Ledger
from actscope.claims._sources import Document
from actscope.figures.claims import claim_figure, overview
from actscope.figures.sheet import render
from actscope.report.page import Cell, Download, Page, Picture, Section, Table, render_page

PAGE = "index.html"
TITLE = "The claims, checked"


def ledger_files(
    ledger: Ledger, command: str, done: Callable[[], object] = lambda: None
) -> dict[str, bytes]:
    """Every file of a ledger, by name: the page, a figure a claim as PNG and SVG, the numbers.

    Args:
        ledger: claims and verdicts.
        command: the command line that gives it again; stands on the page.
        done: called after each figure.
    """
    files: dict[str, bytes] = {}
    sections = [_overview(ledger, files)]
    for entry in ledger:
        sections.append(_section(entry, files))
        done()
    sections += [_documents(ledger), Section("How to run it again", (command,))]
    files["ledger.json"] = ledger.to_json().encode()
    files["ledger.csv"] = ledger.table.to_csv(index=False).encode()
    downloads = (
        Download("ledger.json", "application/json", files["ledger.json"]),
        Download("ledger.csv", "text/csv", files["ledger.csv"]),
    )
    page = Page(TITLE, f"{ledger.summary}.", tuple(sections), downloads)
    return {PAGE: render_page(page), **files}


def _overview(ledger: Ledger, files: dict[str, bytes]) -> Section:
    """All verdicts in one table and one figure."""
    figure = overview(ledger)
    files["ledger.png"], files["ledger.svg"] = render(figure, "png"), render(figure, "svg")
    words = "How many claims of each document hold, hold only under a condition, do not hold, "
    rows = tuple(
        (e.claim.statement, e.claim.source[0].short, e.verdict.words, e.verdict.effect.text,
         e.claim.command) for e in ledger
    )  # fmt: skip
    table = Table(("claim", "document", "verdict", "effect (95 % interval)", "command"), rows)
    picture = Picture("ledger", files["ledger.svg"], words + "or cannot be decided.")
    text = (
        "Each verdict follows from numbers by a rule whose thresholds are fixed and stand in the "
        "claim's file with their reasons; each rule can come out the other way. An effect without "
        "an interval has no chance in it.",
    )
    return Section("All verdicts", text, (picture,), (table,))


def _section(entry: Entry, files: dict[str, bytes]) -> Section:
    """One claim: statement, verdict, figure, numbers, rule."""
    one, verdict = entry.claim, entry.verdict
    figure = claim_figure(one, verdict)
    files[f"{one.name}.png"], files[f"{one.name}.svg"] = (
        render(figure, "png"),
        render(figure, "svg"),
    )
    picture = Picture(one.name, files[f"{one.name}.svg"], described(verdict))
    says = "; ".join(f"{d.short}" for d in one.source)
    text = (
        one.statement,
        f"Verdict: {verdict.words}. {verdict.effect.text}.",
        verdict.says,
        f"The rule: {one.rule}",
        f"Said in: {says} ({one.place}). Shown by: {one.command}"
        + (f"; see also {one.also}." if one.also else "."),
    )
    drawn = verdict.drawing.kind == "bars" or len(verdict.tables[0].rows) > 60
    tables = tuple(table_of(t.title, t.rows) for t in verdict.tables[1 if drawn else 0 :])
    return Section(one.name, text, (picture,), tables)


def described(verdict: Verdict) -> str:
    """A figure in words."""
    d = verdict.drawing
    against = {"lines": f"{d.ylabel} against {d.xlabel}", "bars": f"{d.ylabel} by {d.xlabel}"}
    marks = ", ".join(words for _, words in d.marks if words)
    return (
        f"{verdict.tables[0].title}: {against.get(d.kind, d.xlabel)}"
        + (f"; dashed: {marks}" if marks else "")
        + "."
    )


def table_of(title: str, rows: tuple[object, ...]) -> Table:
    """A verdict's table as the page shows it, its columns renamed where they need it."""
    listed: list[dict[str, Cell]] = [dict(r) for r in rows]  # type: ignore[call-overload]
    hidden = {"width"} | ({"series"} if any("label" in r for r in listed) else set())
    names = [c for c in dict.fromkeys(k for r in listed for k in r) if c not in hidden]
    words = [c for c in ("label", "series") if c in names]  # what a row is of stands first
    front = [*words, *(c for c in names if c not in (*words, "value", "low", "high", "n"))]
    ordered = [*front, *(c for c in ("value", "low", "high", "n") if c in names)]
    return Table(
        tuple("" if c in ("label", "series") else c for c in ordered),
        tuple(tuple(r.get(c) for c in ordered) for r in listed),
        title,
    )


def _documents(ledger: Ledger) -> Section:
    """The documents by the short name and the full one."""
    used = {d for e in ledger for d in e.claim.source}
    rows = tuple((d.short, d.value) for d in Document if d in used)
    return Section("The documents", tables=(Table(("short", "title"), rows),))


def ledger_markdown(ledger: Ledger) -> str:
    """The ledger as a Markdown page: a line a claim, then each with its numbers."""
    lines = [
        "# The claims, checked", "",
        "Written by `make ledger`, which measures everything; the times are this machine's. "
        f"{ledger.summary}.", "",
        "Each verdict follows from numbers by a rule that stands in the claim's file; "
        "`actscope claims NAME` runs one again, `--out FOLDER` draws it.", "",
        "| claim | verdict | effect (95 % interval) |", "|---|---|---|",
    ]  # fmt: skip
    for e in ledger:
        lines.append(f"| [{e.claim.name}](#{e.claim.name}) | {_cell(e.verdict.words)} "
                     f"| {_cell(e.verdict.effect.text)} |")  # fmt: skip
    for e in ledger:
        source = "; ".join(f"*{d.value}*" for d in e.claim.source)
        lines += [
            "", f"## {e.claim.name}", "", f"> {e.claim.statement}", "",
            f"**{e.verdict.words[0].upper()}{e.verdict.words[1:]}.** {_escaped(e.verdict.says)}",
            "", f"Rule: {_escaped(e.claim.rule)}", "", f"Said in {source} ({e.claim.place}).",
        ]  # fmt: skip
        for table in e.verdict.tables:
            if e.verdict.drawing.kind == "bars" or len(table.rows) > 40:
                continue
            lines += ["", *_markdown_table(table_of(table.title, table.rows))]
    return "\n".join(lines) + "\n"


def _markdown_table(table: Table) -> list[str]:
    from actscope.report.page import show_cell

    head = "| " + " | ".join(table.columns) + " |"
    body = ["| " + " | ".join(_cell(show_cell(c)) for c in row) + " |" for row in table.rows]
    return [f"{table.caption}:", "", head, "|" + "---|" * len(table.columns), *body]


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Words whose signs Markdown would take for its own."""
    return text.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")
