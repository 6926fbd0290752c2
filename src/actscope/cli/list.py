"""Show the catalogue of activations as a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

NARROW = 22  # columns for a formula in a terminal of 80
ROOM_FOR_USE = 130  # columns of a terminal from which the use of each fits on its line


def command(
    csv: Annotated[bool, typer.Option("--csv", help="Every column, for a program.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/catalogue.md.")
    ] = False,
) -> None:
    """Show the catalogue of activations as a table.

    Example: actscope list
    """
    from actscope.activations._table import catalogue, catalogue_page

    if markdown:
        typer.echo(catalogue_page(), nl=False)
        return
    table = catalogue()
    if csv:
        typer.echo(table.to_csv(), nl=False)
        return
    from rich.console import Console

    console = Console()
    console.print(_elementwise(table, console.width >= ROOM_FOR_USE), highlight=False)
    console.print(_vectors(), highlight=False)
    console.print(
        f"{len(table)} activations. Centred: E[f(z)] = 0 for z ~ N(0, 1). Rising: f never falls.\n"
        "Naive, stable: two forms of one function, at logits 1000 and 999.\n"
        "One in full: actscope show gelu",
        style="dim",
        highlight=False,
        markup=False,
    )


def _elementwise(table: pd.DataFrame, wide: bool) -> Table:
    """The catalogue; with room for it, what each activation is used for."""
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("name", no_wrap=True, style="bold")
    shown.add_column("formula", overflow="fold", ratio=1)
    shown.add_column("range", no_wrap=True)
    shown.add_column("kinks", no_wrap=True)
    shown.add_column("centred", justify="center")
    shown.add_column("rising", justify="center")
    if wide:
        shown.add_column("use")
    for row in table.reset_index().to_dict("records"):
        ticks = ("✓" if row[fact] else "–" for fact in ("zero_centred", "monotonic"))
        formula = row["formula"] if wide else _broken(row["formula"], NARROW)
        cells = (row["name"], formula, row["range"], row["kinks"].replace("none", "–"))
        shown.add_row(*cells, *ticks, *([row["use_case"]] if wide else []))
    return shown


def _broken(formula: str, width: int) -> str:
    r"""A formula in lines of at most `width` letters, broken behind a space, * or /.

    Example:
        >>> _broken("log1p(exp(beta*x))/beta", 22)
        'log1p(exp(beta*x))/\nbeta'
    """
    lines = [""]
    for piece in re.findall(r"(?:\*\*|[^ */])*[ */]?", formula):
        if len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _vectors() -> Table:
    """The activations of whole vectors: the formula, and both forms at a logit of 1000."""
    from rich import box
    from rich.table import Table

    from actscope.activations._lookup import VECTORS

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("of vectors", "component i", "range", "naive", "stable"):
        shown.add_column(column)
    for record in VECTORS:
        both = record.compare([1000.0, 999.0])
        forms = (", ".join(f"{v:.4g}" for v in both[form]) for form in ("naive", "stable"))
        shown.add_row(f"[bold]{record.name}", record.formula, str(record.range), *forms)
    return shown
