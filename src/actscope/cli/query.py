"""Ask a study folder in SQL; nothing in it is changed."""

from __future__ import annotations

from typing import Annotated

import typer

MOST_ROWS = 200  # that a terminal is given


def command(
    study: Annotated[str, typer.Argument(help="The study's folder, or an fsspec URL of one.")],
    sql: Annotated[str, typer.Argument(help="One SELECT, in DuckDB's dialect.")],
    csv: Annotated[bool, typer.Option("--csv", help="Every row, for a program.")] = False,
) -> None:
    """Ask a study folder in SQL; nothing in it is changed.

    Tables: trials (one row a trial), cells (one row a cell: counts and means), curves (loss and
    accuracy by epoch), traces (layer by layer). DESCRIBE trials lists the columns.

    Example: actscope query rescue-study "SELECT activation, max(test_accuracy) FROM cells GROUP
    BY ALL"
    """
    from actscope.study.result import StudyResult

    result = StudyResult(study)
    answer = result.query(sql)
    if csv:
        typer.echo(answer.to_csv(index=False), nl=False)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in answer.columns:
        shown.add_column(str(name), overflow="fold")
    for row in answer.head(MOST_ROWS).itertuples(index=False):
        shown.add_row(*(_cell(value) for value in row))
    Console().print(shown, highlight=False, markup=False)
    if len(answer) > MOST_ROWS:
        typer.echo(f"{MOST_ROWS} of {len(answer):,} rows; --csv gives all")


def _cell(value: object) -> str:
    """A value of a table."""
    if value is None or value != value:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
