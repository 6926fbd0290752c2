"""Questions to a study folder, in SQL: DuckDB over the chunk files, read-only."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actscope.errors import InputError
from actscope.guests import need
from actscope.study.schema import CELL, LISTS, schema
from actscope.study.store import Store

if TYPE_CHECKING:
    import pandas as pd

MEASURED = ("trials", "cells", "curves", "traces")


def query(store: Store, sql: str) -> pd.DataFrame:
    """The answer of one SELECT over a study's tables.

    Tables: `trials` (one row a trial), `cells` (one row a cell: counts and means), `curves` (id,
    epoch, loss, accuracy), `traces` (id, epoch, layer, metric, format, value). Each of the last
    two also has the cell's hash and the seed.

    Args:
        store: the folder.
        sql: one statement that reads; DuckDB's dialect.

    Raises:
        InputError: not one statement that reads, an error in it, or a damaged chunk file.
        MissingExtra: DuckDB or PyArrow is not installed.
    """
    if store.record() is None:
        raise InputError(
            f"{store.shown} is no study folder: expected one that `actscope study FILE.toml` wrote"
        )
    need("study")
    import duckdb

    with connection(store.sound()) as con:
        try:
            statements = con.extract_statements(sql)
            kinds = {s.type for s in statements}
            if len(statements) != 1 or not kinds <= {duckdb.StatementType.SELECT}:
                raise InputError(f"{_short(sql)}: expected one SELECT; the study is not changed")
            answer: pd.DataFrame = con.execute(statements[0]).df()
        except duckdb.Error as error:
            raise InputError(f"{_short(sql)}: {error}. Tables: {', '.join(MEASURED)}") from None
    return answer


@contextlib.contextmanager
def connection(files: Sequence[Path]) -> Iterator[Any]:
    """A read-only DuckDB connection that sees these files and nothing else of the machine.

    Args:
        files: chunk files, whole.
    """
    need("study")
    import duckdb

    with tempfile.TemporaryDirectory(prefix="actscope-") as place:
        book = str(Path(place) / "views.duckdb")
        empty = Path(place) / "empty.parquet"
        _write_empty(empty)  # an empty study has tables too
        paths = [str(empty), *(str(p.resolve()) for p in files)]
        with duckdb.connect(book) as writing:
            for statement in _views(paths):
                writing.execute(statement)
        con = duckdb.connect(book, read_only=True)
        try:
            con.execute(f"SET allowed_paths = [{_listed(paths)}]")
            con.execute("SET enable_external_access = false")
            con.execute("SET enable_progress_bar = false")
            con.execute("SET lock_configuration = true")
            yield con
        finally:
            con.close()


def _views(paths: list[str]) -> Iterator[str]:
    """The statements that make the tables."""
    plain = ", ".join(c for c in schema().names if c not in LISTS)
    cell = ", ".join(f"any_value({c}) AS {c}" for c in (*CELL, "noise"))
    yield f"CREATE VIEW files AS SELECT * FROM read_parquet([{_listed(paths)}])"
    yield f"CREATE VIEW trials AS SELECT {plain} FROM files"
    yield (
        f"CREATE VIEW cells AS SELECT cell, {cell}, count(*) AS trials, count(error) AS errors, "
        "count(diverged_at) AS diverged, avg(test_accuracy) AS test_accuracy, "
        "avg(train_accuracy) AS train_accuracy, median(train_loss) AS train_loss, "
        "median(test_loss) AS test_loss, avg(failed::INT) AS failure_rate, "
        "any_value(linear_floor) AS linear_floor FROM files GROUP BY cell"
    )
    for view, column in (("curves", "curve"), ("traces", "trace")):
        yield (
            f"CREATE VIEW {view} AS SELECT id, cell, seed, activation, item.* FROM "
            f"(SELECT id, cell, seed, activation, unnest({column}) AS item FROM files)"
        )


def _listed(paths: list[str]) -> str:
    """Paths as SQL strings."""
    return ", ".join("'" + p.replace("'", "''") + "'" for p in paths)


def _write_empty(path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(schema().empty_table(), path)


def _short(sql: str) -> str:
    one = " ".join(sql.split())
    return repr(one if len(one) <= 80 else one[:77] + "…")
