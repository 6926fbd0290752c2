"""What lies in the folder of studies: studies, their rows, what is damaged; and kept ledgers."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actscope.errors import ActscopeError, InputError, UnknownName
from actscope.study.compare import cell_table
from actscope.study.query import connection
from actscope.study.schema import CELL
from actscope.study.store import RECORD, Damage, Store

if TYPE_CHECKING:
    import pandas as pd

LEDGER = "ledger.json"
MOST_STUDIES, DEEPEST = 500, 3  # folders looked at, levels below the one that was named
MOST_ROWS = 5000  # of a table that the page is sent; the CSV has all
MOST_LEDGER = 50_000_000  # bytes
HIDDEN = ("id", "cell")


@dataclass(frozen=True)
class Found:
    """A study of the folder.

    Attributes:
        name: its path below the folder; "." for the folder itself.
        folder: where it is.
        error: why it cannot be read; empty if it can.
        damaged: its chunk files that cannot be used.
        files: the others.
        record: what study.json says.
    """

    name: str
    folder: Path
    error: str
    damaged: tuple[Damage, ...]
    files: tuple[Path, ...]
    record: dict[str, Any]

    @property
    def stamp(self) -> tuple[Any, ...]:
        """Another one when the study's files are others."""
        return tuple((str(p), p.stat().st_mtime_ns) for p in self.files)


def studies_in(root: Path) -> list[Found]:
    """Every study of a folder, by name: damaged ones too, with what is wrong."""
    return [_read(root, folder) for folder in _folders(root, RECORD)]


def _folders(root: Path, wanted: str) -> list[Path]:
    """The folders that hold a file of this name, not deeper than three levels."""
    found: list[Path] = []

    def walk(folder: Path, depth: int) -> None:
        if len(found) >= MOST_STUDIES:
            return
        if (folder / wanted).is_file():
            found.append(folder)
            return
        if depth < DEEPEST:
            for child in _children(folder):
                walk(child, depth + 1)

    walk(root, 0)
    return found


def _children(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries[:10_000]:
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            yield entry


def _read(root: Path, folder: Path) -> Found:
    """A study as far as it can be read."""
    name = folder.relative_to(root).as_posix()
    store = Store(folder)
    try:
        record = store.record() or {}
        damaged = tuple(store.check())
        bad = {d.path for d in damaged}
        files = tuple(p for p in store.files() if p not in bad)
        store.check_columns(files)
    except (ActscopeError, OSError) as error:
        return Found(name, folder, str(error).replace(str(root), "…"), (), (), {})
    return Found(name, folder, "", damaged, files, record)


def study_of(root: Path, name: str) -> Found:
    """The study of this name.

    Raises:
        UnknownName: the folder holds none; a name is never taken as a path.
    """
    known = {found.name: found for found in studies_in(root)}
    if name not in known:
        raise UnknownName("study", name, known)
    return known[name]


def rows_of(study: Found, kind: str) -> pd.DataFrame:
    """Its cells or its trials, all of them.

    Args:
        study: that can be read.
        kind: "cells": settings, counts, accuracy and failure rate with 95 % intervals, as
            `StudyResult.cells` gives them; "trials": one row a network, as `StudyResult.table`.

    Returns:
        The rows, with the column `key`: the cell's hash or the trial's id.

    Raises:
        InputError: the study cannot be read.
    """
    if study.error:
        raise InputError(study.error)
    return _rows(study.stamp, kind)


@functools.lru_cache(maxsize=8)
def _rows(stamp: tuple[Any, ...], kind: str) -> pd.DataFrame:
    order = ", ".join(CELL)
    with connection([Path(path) for path, _ in stamp]) as con:
        trials: pd.DataFrame = con.execute(
            f"SELECT * FROM trials ORDER BY {order}, noise, seed"
        ).df()
    if kind == "trials":
        return trials.drop(columns=list(HIDDEN)).assign(key=trials["id"])
    if trials.empty:
        return trials.assign(key=trials["cell"]).drop(columns=list(HIDDEN))
    return cell_table(trials).assign(key=trials["cell"].unique())


def trials_of(study: Found, cell: str) -> pd.DataFrame:
    """The trials of one cell.

    Raises:
        UnknownName: the study has no such cell.
    """
    if study.error:
        raise InputError(study.error)
    with connection(list(study.files)) as con:
        found: pd.DataFrame = con.execute(
            "SELECT * FROM trials WHERE cell = ? ORDER BY seed", [cell]
        ).df()
    if found.empty:
        raise UnknownName("cell", cell, [])
    return found


# --- ledgers


def ledgers_in(root: Path) -> list[dict[str, Any]]:
    """Every kept ledger: name, when it was written, its entries, or what is wrong with it."""
    found = []
    for folder in _folders(root, LEDGER):
        path = folder / LEDGER
        name = folder.relative_to(root).as_posix()
        changed = path.stat().st_mtime
        found.append({"name": name, "changed": changed, **_ledger(path, path.stat().st_mtime_ns)})
    return found


@functools.lru_cache(maxsize=8)
def _ledger(path: Path, changed: int) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_LEDGER:
            raise ValueError("it is larger than a ledger is")
        entries = json.loads(path.read_text("utf8"))
        if not isinstance(entries, list) or not all("verdict" in e for e in entries):
            raise ValueError("expected a list of claims with verdicts")
    except (OSError, ValueError, TypeError) as error:
        return {"entries": [], "error": f"{path.parent.name}/{path.name} is no ledger: {error}"}
    return {"entries": entries, "error": ""}


def picture_of(root: Path, ledger: str, claim: str) -> bytes:
    """A claim's figure as the ledger's folder holds it.

    Raises:
        UnknownName: no such ledger, claim or figure.
    """
    known = {f.relative_to(root).as_posix(): f for f in _folders(root, LEDGER)}
    if ledger not in known:
        raise UnknownName("ledger", ledger, known)
    names = {p.stem: p for p in known[ledger].glob("*.png")}
    if claim not in names:
        raise UnknownName("figure", claim, names)
    return names[claim].read_bytes()
