"""Run the article's experiment and hold every number against what it prints."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from actscope.article.compare import Comparison

DEFAULT_ACTIVATIONS = "sigmoid,relu"
DEFAULT_OUT = Path("actscope-reproduce")
COLOURS = {"yes": "", "roughly": "", "no": "bold"}


def command(
    activations: Annotated[
        str, typer.Option(help="Names or typed expressions, separated by commas; at most 8.")
    ] = DEFAULT_ACTIVATIONS,
    seed: Annotated[int, typer.Option(help="Seed of the networks; the published one is 42.")] = 42,
    out: Annotated[
        Path, typer.Option(help="Folder for the page, the figures and the numbers.")
    ] = DEFAULT_OUT,
) -> None:
    """Run the article's experiment and hold every number against what it prints.

    Trains one network for each activation, draws the five figures (PNG and SVG), writes them, a
    page with everything and the numbers (CSV, JSON) to the folder, and prints the article's
    claims beside what was measured. Files of the same names in the folder are replaced.

    Exit code: 0; 1 if a number differs by more than 1e-9 from what the article's own script
    gives (sigmoid and ReLU at seed 42; other runs have nothing to differ from); 2 for input that
    cannot be used; 130 after Ctrl-C. A "no" in the table is about the article's words and does
    not change the exit code.

    Examples: actscope reproduce · actscope reproduce --activations relu,gelu,silu --seed 7
    """
    from actscope.article.compare import compare
    from actscope.article.run import find_activations, reproduce
    from actscope.article.setup import Setup
    from actscope.cli._shared import progress_bar, split_names
    from actscope.report.files import ready_folder, write_files

    found = find_activations(split_names(activations))
    setup = Setup(seed=seed)
    folder = ready_folder(out)
    again = f"actscope reproduce --activations {shlex.quote(activations)} --seed {seed}"
    epochs = len(found) * setup.epochs
    per_figure = setup.epochs // 4  # a figure takes about as long as so many epochs
    with progress_bar("training", epochs + 5 * per_figure) as step:
        result = reproduce(found, setup=setup, progress=step)
        step(0, "drawing")
        from actscope.report.reproduction import reproduction_files

        comparison = compare(result)
        files = reproduction_files(result, comparison, again, lambda: step(per_figure, "drawing"))
        write_files(folder, files)
    _show(comparison, published_seed=setup == Setup())
    typer.echo(f"Pictures and numbers: {folder}")
    typer.echo(f"Everything on one page: {folder / 'index.html'}")
    if comparison.reproduced is False:
        _complain(comparison)
        raise typer.Exit(1)


def _show(comparison: Comparison, published_seed: bool) -> None:
    """Print the claims beside the measured values, the rule, and the verdict."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from actscope.article.compare import RULE
    from actscope.report.reproduction import LOOSE, verdict

    console = Console(highlight=False, markup=False)
    if comparison.rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, side in (("claim", "left"), ("article", "right"), ("measured", "right")):
            table.add_column(name, justify=side)  # type: ignore[arg-type]
        table.add_column("matches")
        for row in comparison.rows:
            share = "%" in row.claim.printed
            measured = f"{row.measured:.1%}" if share else f"{row.measured:.4f}"
            words = row.matches + (f": {row.claim.note}" if row.claim.note else "")
            cells = (row.claim.claim, row.claim.printed, measured)
            table.add_row(*cells, Text(words, style=COLOURS[row.matches]))
        console.print(table)
        console.print(RULE, style="dim")
        if not published_seed:
            console.print("The article's numbers are those of seed 42.", style="dim")
    console.print(verdict(comparison))
    if comparison.reproduced and any(row.matches == "no" for row in comparison.rows):
        console.print(LOOSE)


def _complain(comparison: Comparison) -> None:
    """Name every number that is not the published script's."""
    for number, reference in comparison.differing:
        place = "" if number.place == "end" else f" at {number.place}"
        typer.echo(
            f"differs: {number.activation} {number.quantity}{place}: "
            f"{number.value!r}, the article's script gives {reference!r}",
            err=True,
        )
