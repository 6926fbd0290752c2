"""Table: the user's own points from a CSV, Parquet or NPZ file."""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from actscope.datasets._base import Dataset, Floats, Param, Points, choose
from actscope.errors import InputError

MOST_CLASSES = 100  # whole-numbered labels with more distinct values are a regression


def draw(n: int | None, rng: np.random.Generator, path: str = "", label: str = "") -> Points:
    """That many rows without replacement, or all in the file's order.

    Args:
        n: how many, or None for all.
        rng: a NumPy generator.
        path: a .csv (also .tsv), .parquet or .npz file. A CSV's first line is a header if none
            of its cells is a number. An NPZ holds arrays `x` (n, dim) and `y` (n,).
        label: the name of the label's column; empty for the last one.

    Returns:
        x (n, dim); y: whole numbers 0, 1, … for labels that are words or at most 100 distinct
        whole numbers (in ascending order), float64 for any others, a regression.

    Raises:
        InputError: the file is missing, is no table of numbers, or has no such column; the
            message names the line and the column.
    """
    x, y, _ = _load(path, label)
    chosen = choose(n, len(y), rng, "table")
    return x[chosen], y[chosen]


def _load(path: str, label: str) -> tuple[Floats, NDArray[Any], int]:
    """Points, labels and the number of classes, read again only when the file has changed."""
    file = Path(path).expanduser()
    if not path or not file.is_file():
        raise InputError(
            f"table: no file {path!r}: pass dataset('table', path='points.csv'), a .csv, .tsv, "
            ".parquet or .npz file"
        )
    return _read(file, label, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _read(file: Path, label: str, changed: int) -> tuple[Floats, NDArray[Any], int]:
    readers = {".csv": _csv, ".tsv": _csv, ".parquet": _parquet, ".npz": _npz}
    if file.suffix.lower() not in readers:
        raise InputError(
            f"table: {file.name}: expected a name that ends in {', '.join(sorted(readers))}"
        )
    x, labels = readers[file.suffix.lower()](file, label)
    if not len(x) or not x.shape[1]:
        raise InputError(f"table: {file.name} holds no points: expected rows of numbers, a label")
    y, classes = _labels(labels)
    return x, y, classes


def _labels(labels: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Labels as 0, 1, … with their count, or as float64 with 0."""
    if labels.dtype.kind in "fiub":
        numbers = labels.astype(np.float64)
        if (numbers != np.rint(numbers)).any() or len(np.unique(numbers)) > MOST_CLASSES:
            return numbers, 0
    names, y = np.unique(labels, return_inverse=True)
    return y.astype(np.int64), len(names)


def _column(file: Path, names: list[str], label: str) -> int:
    """The place of the label's column."""
    if not label:
        return len(names) - 1
    if label not in names:
        shown = ", ".join(names[:20])
        raise InputError(f"table: {file.name} has no column {label!r}: it has {shown}")
    return names.index(label)


def _csv(file: Path, label: str) -> tuple[Floats, NDArray[Any]]:
    """A CSV or TSV file, every line checked."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text, delimiter="\t" if file.suffix.lower() == ".tsv" else ",")
            lines = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"table: {file.name} is no text table in UTF-8: {error}") from error
    if not lines:
        raise InputError(f"table: {file.name} is empty: expected lines of numbers and a label")
    first = lines[0][1]
    if any(_number(cell) is not None for cell in first):
        names = [str(i + 1) for i in range(len(first))]
    else:
        names, lines = [cell.strip() for cell in first], lines[1:]
    at = _column(file, names, label)
    rows, labels = [], []
    for line, row in lines:
        if len(row) != len(names):
            raise InputError(
                f"table: {file.name}, line {line}: {len(row)} cells: expected {len(names)}, as in "
                "the first line"
            )
        rows.append([_cell(file, line, names[i], c) for i, c in enumerate(row) if i != at])
        labels.append(row[at].strip())
    numbers = [_number(cell) for cell in labels]
    words = any(value is None for value in numbers)
    x = np.array(rows, dtype=np.float64).reshape(len(rows), len(names) - 1)
    return x, np.array(labels if words else numbers)


def _number(cell: str) -> float | None:
    """The cell as a finite number, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _cell(file: Path, line: int, name: str, cell: str) -> float:
    value = _number(cell)
    if value is None:
        raise InputError(
            f"table: {file.name}, line {line}, column {name!r}: {cell!r} is not a finite number; "
            "words are allowed in the label's column only (name it with label=…)"
        )
    return value


def _parquet(file: Path, label: str) -> tuple[Floats, NDArray[Any]]:
    """A Parquet file through pandas."""
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
    except ImportError as error:
        raise InputError(
            "table: reading Parquet needs pyarrow: pip install pyarrow, or give a CSV file"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"table: {file.name} is no Parquet file: {error}") from error
    names = [str(name) for name in frame.columns]
    if not names:
        raise InputError(f"table: {file.name} has no columns")
    at = _column(file, names, label)
    columns = [
        _numbers(file, name, frame.iloc[:, i].to_numpy()) for i, name in enumerate(names) if i != at
    ]
    x = np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))
    labels = frame.iloc[:, at]
    if labels.isna().any():
        row = int(np.flatnonzero(labels.isna())[0])
        raise InputError(f"table: {file.name}, row {row}: the label {names[at]!r} is missing")
    values = labels.to_numpy()
    return x, values if values.dtype.kind in "fiub" else values.astype(str)


def _numbers(file: Path, name: str, values: NDArray[Any]) -> Floats:
    """One column as float64."""
    if values.dtype.kind not in "fiub":
        raise InputError(f"table: {file.name}, column {name!r} holds {values.dtype}, not numbers")
    numbers = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise InputError(f"table: {file.name}, row {bad[0]}, column {name!r}: not a finite number")
    return numbers


def _npz(file: Path, label: str) -> tuple[Floats, NDArray[Any]]:
    """An NPZ file with arrays x and y (or the label's name)."""
    wanted = ("x", label or "y")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in wanted if name not in arrays.files]
            held = ", ".join(arrays.files) or "nothing"
            x, y = (None, None) if missing else (arrays["x"], arrays[wanted[1]])
    except (OSError, ValueError, TypeError, AttributeError, BadZipFile) as error:
        raise InputError(f"table: {file.name} is no NPZ file of plain arrays") from error
    if x is None or y is None:
        raise InputError(f"table: {file.name} has no array {missing[0]!r}: it holds {held}")
    if x.ndim != 2 or y.shape != (len(x),) or x.dtype.kind not in "fiub":
        raise InputError(
            f"table: {file.name}: x {x.shape} {x.dtype} and y {y.shape}: expected numbers (n, dim) "
            "and (n,)"
        )
    columns = [_numbers(file, f"x[:, {i}]", x[:, i]) for i in range(x.shape[1])]
    if y.dtype.kind in "fiub":
        _numbers(file, wanted[1], y)
    return np.stack(columns, axis=1) if columns else np.empty((len(x), 0)), y


def shape(path: str, label: str) -> tuple[int, int]:
    """(dim, classes) of the file."""
    x, _, classes = _load(path, label)
    return x.shape[1], classes


RECORD = Dataset(
    name="table",
    label="Table",
    summary="your own points from a CSV, Parquet or NPZ file",
    draw=draw,
    dim=0,
    classes=-1,
    params=(
        Param("path", "", "the file"),
        Param("label", "", "the label's column; empty for the last"),
    ),
    shape=shape,
    source="the user",
)
