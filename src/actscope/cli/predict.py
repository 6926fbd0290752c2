"""Predict which networks of a grid will train well, without training any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actscope.cli._complete import one_of, some_of

if TYPE_CHECKING:
    from actscope.searches.predict import Prediction

# column of the table -> heading and form in the terminal
COLUMNS = {
    "ntk_accuracy": ("NTK", ".2f"),
    "step_size": ("log step", ".1f"),
    "gradient_min": ("log grad", ".1f"),
    "chi": ("Σ|ln χ|", ".1f"),
}


def command(
    file: Annotated[
        Path | None, typer.Argument(help="A study: a TOML file. Without one, the options say it.")
    ] = None,
    activations: Annotated[
        str,
        typer.Option(
            autocompletion=some_of("activations"), help="Names or typed expressions, with commas."
        ),
    ] = "relu,leaky_relu,elu,gelu,silu,tanh,sigmoid,sin",
    data: Annotated[
        str, typer.Option(autocompletion=one_of("datasets"), help="A data set.")
    ] = "moons",
    depth: Annotated[str, typer.Option(help="Numbers of hidden layers, with commas.")] = "4",
    width: Annotated[int, typer.Option(help="Units of every hidden layer.")] = 16,
    inits: Annotated[
        str, typer.Option(autocompletion=some_of("inits"), help="Inits, with commas.")
    ] = "article,critical",
    lr: Annotated[str, typer.Option(help="Learning rates, with commas.")] = "0.1",
    epochs: Annotated[int, typer.Option(help="Passes over the training points.")] = 100,
    points: Annotated[str, typer.Option(help='How many points; or "all".')] = "1000",
    networks: Annotated[int, typer.Option(help="Untrained networks drawn for each cell.")] = 3,
    top: Annotated[int, typer.Option(help="How many cells are shown.")] = 20,
    csv: Annotated[Path | None, typer.Option(help="Write every cell to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Every cell as JSON.")] = False,
) -> None:
    """Predict which networks of a grid will train well, without training any.

    Each cell is scored from a few untrained networks and its first mini-batches: where a kernel
    gradient flow with the training's budget ends, whether the learning rate is stable, the
    gradients, the last layer's geometry, χ. The score is the expected place among all cells of the
    task, 0 the worst and 1 the best; docs/predictor.md says how often it is right.

    Examples: actscope predict --data spirals --depth 2,8 --lr 0.02,0.2 · actscope predict
    rescue.toml --csv scores.csv
    """
    from actscope.cli._shared import progress_bar, split_names
    from actscope.report.files import ready_folder, write_files
    from actscope.searches.predict import predict
    from actscope.study.file import load
    from actscope.study.plan import Study

    if file is not None:
        study = load(file)
    else:
        fields: dict[str, Any] = {
            "activation": split_names(activations), "data": data,
            "depth": [_number("--depth", d, int) for d in split_names(depth)], "width": width,
            "init": split_names(inits), "lr": [_number("--lr", v, float) for v in split_names(lr)],
            "epochs": epochs, "batch": 32,
            "points": points if points == "all" else _number("--points", points, int),
        }  # fmt: skip
        study = Study(**fields)
    folder = None if csv is None else ready_folder(csv.parent)
    with progress_bar("looking", len(study.plan().cells)) as step:
        found = predict(study, networks=networks, progress=step)
    if folder is not None and csv is not None:
        write_files(folder, {csv.name: found.table.to_csv(index=False).encode()})
    if json:
        typer.echo(found.table.to_json(orient="records", indent=2))
    else:
        show(found, top)


def _number(option: str, text: str, kind: type[Any]) -> Any:
    from actscope.errors import BadSpec

    try:
        return kind(text)
    except ValueError:
        form = "whole numbers" if kind is int else "numbers"
        raise BadSpec(option, text, f"{form} with commas") from None


def show(found: Prediction, top: int) -> None:
    """The best cells in the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from actscope.figures.labels import shorten
    from actscope.searches.predict import SETTINGS

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), collapse_padding=True)
    frame = found.table
    varied = [name for name in SETTINGS if frame[name].nunique() > 1] or ["activation"]
    for name in varied:
        table.add_column(name, no_wrap=True)
    for words in ("score", "80 %", *(w for w, _ in COLUMNS.values())):
        table.add_column(words, justify="right", no_wrap=True)
    for row in frame.head(top).to_dict("records"):
        known = row["error"] is None
        score = f"{row['score']:.2f}" if known else "–"
        band = f"{row['low']:.2f} – {row['high']:.2f}" if known else "–"
        cells = (_cell(row[name], form) for name, (_, form) in COLUMNS.items())
        settings = (shorten(_text(row[name]), 20) for name in varied)
        table.add_row(*settings, score, band, *cells)
    console = Console(highlight=False, markup=False)
    console.print(table)
    hidden = len(frame) - min(top, len(frame))
    console.print(
        f"{len(frame)} cells{f', {hidden} not shown' if hidden else ''}. Score: expected place "
        "among all cells of the task, 0 to 1, and where 80 % of unseen cells of that score lay. "
        "NTK: held-back accuracy of the kernel flow. Log step: log10 of lr over the stable one. "
        "Log grad: of the smallest layer's gradient norm.",
        style="dim",
    )
    for error in frame.error.dropna().unique()[:3]:
        console.print(f"could not be looked at: {error}")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(value: float, form: str) -> str:
    return "–" if value != value else format(value, form)
