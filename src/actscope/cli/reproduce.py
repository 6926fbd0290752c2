"""Run the article's experiment and hold every number against what it prints."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actscope.cli._complete import some_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from actscope.article.comparison import Comparison
    from actscope.article.result import ArticleResult
    from actscope.article.seeds import SeedStudy

DEFAULT_ACTIVATIONS = "sigmoid,relu"
DEFAULT_OUT = Path("actscope-reproduce")


def command(
    activations: Annotated[
        str,
        typer.Option(
            autocompletion=some_of("activations"),
            help="Names or typed expressions, separated by commas; at most 8.",
        ),
    ] = DEFAULT_ACTIVATIONS,
    seed: Annotated[int, typer.Option(help="Seed of the networks; the published one is 42.")] = 42,
    out: Annotated[
        Path, typer.Option(help="Folder for the page, the figures and the numbers.")
    ] = DEFAULT_OUT,
    seeds: Annotated[
        int, typer.Option(help="Train so many other seeds too, and show how typical this one is.")
    ] = 0,
) -> None:
    """Run the article's experiment and hold every number against what it prints.

    Trains one network for each activation, draws the five figures (PNG and SVG), writes them, a
    page with everything and the numbers (CSV, JSON) to the folder, and prints the article's
    claims beside what was measured. Files of the same names in the folder are replaced.

    Exit code: 0; 1 if a number differs by more than 1e-9 from what the article's own script
    gives (sigmoid and ReLU at seed 42; other runs have nothing to differ from); 2 for input that
    cannot be used; 130 after Ctrl-C. A "no" in the table is about the article's words and does
    not change the exit code.

    Examples: actscope reproduce · actscope reproduce --activations relu,gelu,silu --seed 7 ·
    actscope reproduce --seeds 1000
    """
    from actscope.article.comparison import compare
    from actscope.article.run import find_activations, reproduce
    from actscope.article.seeds import check_seeds, seed_studies
    from actscope.article.setup import Setup
    from actscope.cli._shared import progress_bar, split_names
    from actscope.report.files import ready_folder, write_files

    found = find_activations(split_names(activations))
    setup = Setup(seed=seed)
    if seeds:
        check_seeds(seeds)
    folder = ready_folder(out)
    per_figure = setup.epochs // 4  # a figure takes about as long as so many epochs
    total = len(found) * (setup.epochs + 4 * seeds) + 5 * per_figure
    studies: Sequence[SeedStudy] = ()
    with progress_bar("training", total) as step:
        result = reproduce(found, setup=setup, progress=step)
        if seeds:
            step(0, f"training {seeds} seeds")
            studies = seed_studies(result, seeds, lambda done: step(4 * done))
        step(0, "drawing")
        comparison = compare(result)
        again = _again(activations, seed, seeds)
        write_files(folder, _files(result, comparison, studies, again, lambda: step(per_figure)))
    _show(result, comparison, studies)
    typer.echo(f"Pictures and numbers: {folder}")
    typer.echo(f"Everything on one page: {folder / 'index.html'}")
    if comparison.reproduced is False:
        _complain(comparison)
        raise typer.Exit(1)


def _files(
    result: ArticleResult,
    comparison: Comparison,
    studies: Sequence[SeedStudy],
    again: str,
    done: Callable[[], object],
) -> dict[str, bytes]:
    """Every file of the run, by name."""
    from actscope.report.reproduction import reproduction_files
    from actscope.report.seeds import seed_report

    if not studies:
        return reproduction_files(result, comparison, again, done)
    section, files = seed_report(studies, result.setup.seed)
    return {**reproduction_files(result, comparison, again, done, [section]), **files}


def _again(activations: str, seed: int, seeds: int) -> str:
    """The command line that gives this run again."""
    line = f"actscope reproduce --activations {shlex.quote(activations)} --seed {seed}"
    return f"{line} --seeds {seeds}" if seeds else line


def _show(result: ArticleResult, comparison: Comparison, studies: Sequence[SeedStudy]) -> None:
    """Print the claims beside the measured values, the accuracies, the verdict, the seeds."""
    from rich.console import Console

    from actscope.article.comparison import RULE
    from actscope.report.reproduction import LOOSE, OTHER_RUN, accuracies, verdict

    console = Console(highlight=False, markup=False)
    if comparison.rows:
        _claims(console, comparison)
        console.print(RULE, style="dim")
        if not comparison.checked:
            console.print(OTHER_RUN, style="dim")
    console.print(accuracies(result))
    console.print(verdict(comparison))
    if comparison.reproduced and any(row.matches == "no" for row in comparison.rows):
        console.print(LOOSE)
    if studies:
        _seeds(console, studies)


def _claims(console: Console, comparison: Comparison) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("claim", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("article", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("matches")
    for row in comparison.rows:
        share = "%" in row.claim.printed
        measured = f"{row.measured:.1%}" if share else f"{row.measured:.4f}"
        words = row.matches + (f": {row.claim.note}" if row.claim.note else "")
        matches = Text(words, style="bold" if row.matches == "no" else "")
        table.add_row(row.claim.claim, row.claim.printed, measured, matches)
    console.print(table)


def _seeds(console: Console, studies: Sequence[SeedStudy]) -> None:
    """Print how typical the run is among many seeds."""
    from rich import box
    from rich.table import Table

    from actscope.report.page import show_cell
    from actscope.report.seeds import TITLE, seed_rows

    rows = seed_rows(studies)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=TITLE, title_justify="left")
    for i, name in enumerate(rows.columns):
        table.add_column(name, justify="right" if i else "left")
    for row in rows.rows:
        table.add_row(*(show_cell(cell) for cell in row))
    console.print(table)


def _complain(comparison: Comparison) -> None:
    """Name every number that is not the published script's."""
    for number, reference in comparison.differing:
        place = "" if number.place == "end" else f" at {number.place}"
        typer.echo(
            f"differs: {number.activation} {number.quantity}{place}: "
            f"{number.value!r}, the article's script gives {reference!r}",
            err=True,
        )
