"""Assess an activation: does it keep the geometry that deeper layers need?"""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actscope.cli._complete import one_of

if TYPE_CHECKING:
    from rich.table import Table

    from actscope.assessment.assess import Assessment

# column of the table -> heading and form in the terminal
COLUMNS = {
    "fidelity float64": ("R²", ".2f"),
    "fidelity bfloat16": ("bf16", ".2f"),
    "fidelity int8": ("int8", ".2f"),
    "bits_needed": ("bits", ".3g"),
    "effective_rank": ("rank", ".2f"),
    "gradient_ratio": ("grad.", ".2g"),
    "dead_fraction": ("dead", ".0%"),
    "saturated_fraction": ("flat", ".0%"),
}


def command(
    name: Annotated[
        str,
        typer.Argument(
            autocompletion=one_of("activations"), help="A catalogue name or a typed expression."
        ),
    ],
    depth: Annotated[str, typer.Option(help="Numbers of hidden layers, with commas.")] = "2,8,32",
    width: Annotated[int, typer.Option(help="Units of every hidden layer.")] = 16,
    data: Annotated[
        str,
        typer.Option(autocompletion=one_of("datasets"), help="A data set whose boundary is known."),
    ] = "moons",
    precision: Annotated[
        str, typer.Option(help="Number formats beside float64, with commas.")
    ] = "float32,bfloat16,fp8_e4m3,int8",
    seeds: Annotated[int, typer.Option(help="Untrained networks of each kind.")] = 8,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a page with figures and numbers.")
    ] = None,
) -> None:
    """Assess an activation: does it keep the geometry that deeper layers need?

    Prints its properties, what theory says, what untrained networks do to the distance of a point
    from the boundary (in float64, in each number format, and as the optimiser sees it), what a
    call costs, ReLU, tanh and GELU beside it, and a verdict in three sentences.

    Examples: actscope assess sigmoid · actscope assess "x*sigmoid(1.7*x)" --depth 2,8 --out page
    """
    from actscope.activations._lookup import elementwise
    from actscope.assessment.assess import PEERS, assess
    from actscope.cli._shared import progress_bar, split_names
    from actscope.report.files import ready_folder, write_files

    one = elementwise(name)
    folder = None if out is None else ready_folder(out)
    with progress_bar("measuring", len(PEERS) + 1) as step:
        found = assess(
            one,
            depths=[_whole(d) for d in split_names(depth)],
            width=width,
            data=data,
            formats=split_names(precision),
            seeds=seeds,
            progress=step,
        )
    if json:
        typer.echo(found.to_json())
    else:
        _show(found)
    if folder is not None:
        from actscope.report.assessment import assessment_files

        again = f"actscope assess {shlex.quote(name)} --depth {depth} --width {width} "
        again += f"--data {data} --precision {precision} --seeds {seeds}"
        write_files(folder, assessment_files(found, again))
        typer.echo(f"Everything on one page: {folder / 'index.html'}", err=json)


def _whole(text: str) -> int:
    from actscope.errors import InputError

    try:
        return int(text)
    except ValueError:
        raise InputError(
            f"--depth: {text!r}: expected whole numbers with commas, as in 2,8,32"
        ) from None


def _show(found: Assessment) -> None:
    """Facts, measurements and verdict in the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from actscope.report.assessment import facts
    from actscope.report.page import show_cell

    console = Console(highlight=False, markup=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for subject in found.subjects:
        table.add_column(subject.activation.label, justify="right", overflow="fold")
    columns = [facts(subject) for subject in found.subjects]
    for fact in columns[0]:
        table.add_row(fact, *(show_cell(column[fact]) for column in columns))
    console.print(table)
    console.print(_measured(found))
    console.print(
        f"Untrained networks on {found.setup.data}, width {found.setup.width}: medians of "
        f"{found.setup.seeds}. R²: how well a linear reader finds the distance to the boundary, "
        "in float64 and rounded. Bits: mantissa that keeps 95 % of it. Grad.: gradient of the "
        "first layer over the last one's. Flat: slopes under 1 % of the largest.\n",
        style="dim",
    )
    for sentence in found.verdict:
        console.print(sentence)


def _measured(found: Assessment) -> Table:
    """The three accounts by activation, init and depth."""
    from rich import box
    from rich.table import Table

    from actscope.figures.labels import shorten

    frame = found.table
    shown = {column: how for column, how in COLUMNS.items() if column in frame}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for words in ("", "init"):
        table.add_column(words, no_wrap=True)
    for words in ("depth", *(words for words, _ in shown.values())):
        table.add_column(words, justify="right")
    for subject in found.subjects:
        name, before = shorten(subject.activation.label, 16), None
        for row in frame[frame["activation"] == subject.activation.key].to_dict("records"):
            init = row["init"] if row["init"] != before else ""
            cells = (_cell(row[column], form) for column, (_, form) in shown.items())
            table.add_row(name, init, str(row["depth"]), *cells)
            name, before = "", row["init"]
        table.add_section()
    return table


def _cell(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)
