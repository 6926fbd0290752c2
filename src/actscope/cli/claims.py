"""Check the statements of the seed documents: what holds, under what, and what does not."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actscope.cli._complete import one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType

    from actscope.claims._base import Claim
    from actscope.claims._ledger import Entry, Ledger

CTRL_C = 130
MOST_ROWS = 60  # a longer table is in the JSON and on the page
WIDE = 110  # columns from which every field of the ledger has a column of its own
STYLES = {"holds": "green", "holds only under": "yellow", "does not hold": "red"}


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(autocompletion=one_of("claims"), help="Claims to check; all without any."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a page with a figure for each claim.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The ledger as a Markdown page.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Names and statements only; nothing is measured.")
    ] = False,
    studies: Annotated[
        list[Path] | None,
        typer.Option(help="A study folder whose trials are used where they fit; repeatable."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure everything anew, and keep nothing.")
    ] = False,
) -> None:
    """Check the statements of the seed documents.

    Prints each statement, the document that makes it, the verdict (holds, holds only under …,
    does not hold, cannot be decided with this much data), the number that decides with its 95 %
    interval, and the command that shows it. With names, also what was found, the rule and the
    numbers. All claims take minutes the first time and seconds afterwards: measurements are kept
    in ACTSCOPE_CACHE (by default the user's cache folder), and Ctrl-C loses none.

    Exit code: 0 whatever the verdicts; 2 for input that cannot be used; 130 after Ctrl-C.

    Examples: actscope claims · actscope claims plateau_is_inherent far_looks_near ·
    actscope claims --out ledger
    """
    from actscope.claims._ledger import ledger
    from actscope.claims._lookup import SHELF, claim
    from actscope.errors import InputError
    from actscope.guests import need
    from actscope.report.files import ready_folder, write_files

    if json and markdown:
        raise InputError("--json and --markdown: one of them at a time")
    chosen = [claim(name) for name in dict.fromkeys(names or SHELF.names())]
    if list_:
        _list(chosen)
        return
    if not names:  # some of all of them train studies: said before the first is measured
        need("study")
    folder = None if out is None else ready_folder(out)
    with _bar(len(chosen)) as step:
        try:
            found = ledger(
                [c.name for c in chosen],
                studies=studies or (),
                cache=None if fresh else "user",
                progress=step,
            )
        except KeyboardInterrupt:
            kept = "nothing is kept" if fresh else "the same command goes on from here"
            typer.echo(f"stopped: {kept}", err=True)
            raise typer.Exit(CTRL_C) from None
    if json:
        typer.echo(found.to_json())
    elif markdown:
        from actscope.report.claims import ledger_markdown

        typer.echo(ledger_markdown(found), nl=False)
    else:
        _show(found, details=bool(names))
    if folder is not None:
        from actscope.report.claims import ledger_files

        again = shlex.join(["actscope", "claims", *(names or []), "--out", str(out)])
        write_files(folder, ledger_files(found, again))
        typer.echo(f"Everything on one page: {folder / 'index.html'}", err=json or markdown)


def _bar(total: int) -> Any:
    """A bar on stderr that says which claim is measured; nothing where that is no terminal."""
    import contextlib
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    @contextlib.contextmanager
    def bar() -> Iterator[Callable[[int, str, float], object]]:
        if not sys.stderr.isatty():
            yield lambda done, words, share: None
            return
        columns = (
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=total)
            yield lambda done, words, share: progress.update(
                task, completed=done + share, description=words
            )

    return bar()


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _list(chosen: list[Claim]) -> None:
    """Names and statements."""
    from rich import box
    from rich.table import Table

    table = Table("claim", "statement", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[0].no_wrap = True
    for one in chosen:
        table.add_row(one.name, one.statement)
    console = _console()
    console.print(table)
    console.print(f"{len(chosen)} claims. Check one: actscope claims {chosen[0].name}", style="dim")


def _show(found: Ledger, details: bool) -> None:
    """The ledger, and with names what each verdict hangs on."""
    console = _console()
    console.print(_wide(found) if console.width >= WIDE else _narrow(found))
    if details:
        for entry in found:
            _detail(console, entry)
    else:
        for document in dict.fromkeys(d for e in found for d in e.claim.source):
            console.print(f"{document.short}: {document.value}", style="dim")
    console.print(f"{found.summary}.")


def _verdict(entry: Entry) -> Any:
    from rich.text import Text

    style = STYLES.get(entry.verdict.outcome.value, "")
    return Text(entry.verdict.words, style=f"bold {style}".strip())


def _wide(found: Ledger) -> RenderableType:
    """A column a field."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=False)
    table.add_column("statement", ratio=7)
    table.add_column("document", ratio=2)
    table.add_column("verdict", ratio=4)
    table.add_column("effect (95 % interval)", ratio=4)
    table.add_column("command", min_width=28, overflow="fold")
    for entry in found:
        one = entry.claim
        table.add_row(
            one.statement,
            Text(one.source[0].short, style="dim"),
            _verdict(entry),
            entry.verdict.effect.text,
            Text(one.command, style="dim"),
        )
        table.add_section()
    return table


def _narrow(found: Ledger) -> RenderableType:
    """Two columns: the statement with its document and command, the verdict with its effect."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("statement, document, command", ratio=5)
    table.add_column("verdict, effect (95 % interval)", ratio=4)
    for entry in found:
        one = entry.claim
        left = Text.assemble(
            one.statement, "\n", (one.source[0].short, "dim"), "\n", (one.command, "dim")
        )
        right = Text.assemble(_verdict(entry), "\n", entry.verdict.effect.text)
        table.add_row(left, right)
        table.add_section()
    return table


def _detail(console: Console, entry: Entry) -> None:
    """What was found, the rule, the numbers."""
    from rich import box
    from rich.table import Table

    from actscope.report.claims import table_of
    from actscope.report.page import show_cell

    console.print(f"{entry.claim.name}: {entry.verdict.words}", style="bold")
    console.print(entry.verdict.says)
    console.print(f"Rule: {entry.claim.rule}", style="dim")
    says = "; ".join(d.value for d in entry.claim.source)
    console.print(f"Said in: {says} ({entry.claim.place})", style="dim")
    if entry.claim.also:
        console.print(f"See also: {entry.claim.also}", style="dim")
    for given in entry.verdict.tables:
        if entry.verdict.drawing.kind == "bars" or len(given.rows) > MOST_ROWS:
            continue
        shown = table_of(given.title, given.rows)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=shown.caption,
                      title_justify="left")  # fmt: skip
        for i, name in enumerate(shown.columns):
            number = isinstance(shown.rows[0][i], (int, float)) if shown.rows else False
            table.add_column(name, justify="right" if number else "left")
        for cells in shown.rows:
            table.add_row(*(show_cell(c) for c in cells))
        console.print(table)
    console.print()
