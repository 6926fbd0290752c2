"""Write the trials of a study as one CSV or Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    csv: Annotated[Path | None, typer.Option(help="The CSV file to write.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="The Parquet file to write.")] = None,
    table: Annotated[
        str, typer.Option(help="What to write: trials, cells, curves or traces.")
    ] = "trials",
) -> None:
    """Write the trials of a study as one CSV or Parquet file.

    A file of the same name is replaced, once the new one is whole.

    Examples: actscope export rescue-study --csv rescue.csv ·
    actscope export rescue-study --parquet layers.parquet --table traces
    """
    from actscope.errors import InputError, UnknownName
    from actscope.study.query import MEASURED
    from actscope.study.result import StudyResult

    if csv is None and parquet is None:
        raise InputError("nothing to write: give --csv FILE, --parquet FILE, or both")
    if table not in MEASURED:
        raise UnknownName("table", table, MEASURED)
    result = StudyResult(study)
    rows = result.table() if table == "trials" else result.query(f"SELECT * FROM {table}")
    if csv is not None:
        _write(csv, rows.to_csv(index=False).encode("utf8"), len(rows), table)
    if parquet is not None:
        _write(parquet, rows.to_parquet(index=False, engine="pyarrow"), len(rows), table)


def _write(path: Path, content: bytes, rows: int, table: str) -> None:
    from actscope.study.store import write_whole

    write_whole(path, content)
    typer.echo(f"{rows:,} rows of {table}: {path}")
