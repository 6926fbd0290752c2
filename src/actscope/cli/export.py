"""Write the trials of a study as one file, or the network of a spec as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    source: Annotated[
        str,
        typer.Argument(
            help="A study's folder, or an fsspec URL of one; for --onnx also a study file of one "
            "cell."
        ),
    ],
    csv: Annotated[Path | None, typer.Option(help="The CSV file to write.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="The Parquet file to write.")] = None,
    table: Annotated[
        str, typer.Option(help="What --csv and --parquet write: trials, cells, curves or traces.")
    ] = "trials",
    onnx: Annotated[
        Path | None,
        typer.Option(help="The ONNX file to write: the study's one network, trained for it."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="With --onnx: of the training; the study's first by default.")
    ] = None,
    output: Annotated[
        str, typer.Option(help="With --onnx: logits, or softmax, sigmoid, … of them.")
    ] = "logits",
) -> None:
    """Write the trials of a study as one CSV or Parquet file, or a network as an ONNX file.

    A file of the same name is replaced, once the new one is whole. For --onnx the network that a
    study of one cell describes is trained, written with ONNX's own operators where there are
    some, and run with ONNX Runtime: its outputs are the engine's to 1e-6 of the largest.

    Examples: actscope export rescue-study --csv rescue.csv ·
    actscope export depth-study --parquet layers.parquet --table traces ·
    actscope export best.toml --onnx best.onnx --seed 3
    """
    from actscope.errors import InputError

    if csv is None and parquet is None and onnx is None:
        raise InputError("nothing to write: give --csv FILE, --parquet FILE, --onnx FILE")
    if csv is not None or parquet is not None:
        _rows(source, table, csv, parquet)
    if onnx is not None:
        _network(Path(source), onnx, seed, output)


def _rows(source: str, table: str, csv: Path | None, parquet: Path | None) -> None:
    """Write a table of a study's folder."""
    from actscope.errors import InputError, UnknownName
    from actscope.study.query import MEASURED
    from actscope.study.result import StudyResult

    if Path(source).is_file():
        raise InputError(
            f"{source} is a file: --csv and --parquet write the trials of a study's folder, which "
            f"`actscope study {source}` makes"
        )
    if table not in MEASURED:
        raise UnknownName("table", table, MEASURED)
    result = StudyResult(source)
    rows = result.table() if table == "trials" else result.query(f"SELECT * FROM {table}")
    if csv is not None:
        _write(csv, rows.to_csv(index=False).encode("utf8"), len(rows), table)
    if parquet is not None:
        _write(parquet, rows.to_parquet(index=False, engine="pyarrow"), len(rows), table)


def _write(path: Path, content: bytes, rows: int, table: str) -> None:
    from actscope.study.store import write_whole

    write_whole(path, content)
    typer.echo(f"{rows:,} rows of {table}: {path}")


def _network(source: Path, path: Path, seed: int | None, output: str) -> None:
    """Train the network of a study of one cell and write it."""
    from actscope.exports.onnx_file import export
    from actscope.exports.source import only_cell, train_cell
    from actscope.guests import need
    from actscope.study.file import load
    from actscope.study.result import StudyResult

    need("onnx")
    study = StudyResult(source).study if source.is_dir() else load(source)
    cell = only_cell(study)
    result = train_cell(cell, study.seeds[0] if seed is None else seed)
    export(result, path, output=output)
    row = result.table.iloc[0]
    score = "test_accuracy" if cell.law().classes else "test_loss"
    typer.echo(
        f"{result.nets[0]} on {cell.data.label}, seed {row.seed}: "
        f"{score.replace('_', ' ')} {row[score]:.4g}; {path}"
    )
