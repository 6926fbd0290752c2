"""What a study gives back: its folder, asked in tables."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actscope.errors import InputError
from actscope.study.query import query
from actscope.study.remote import readable
from actscope.study.schema import CELL
from actscope.study.store import Store

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from actscope.study.plan import Study


class StudyResult:
    """A study's folder.

    Args:
        store: the folder, its path, or an fsspec URL of one ("s3://…", "zip://study::a.zip").
        temporary: whether the folder goes with the result.

    Example:
        >>> from actscope.study import Study
        >>> result = Study(epochs=40, seeds=20).run()
        >>> result
        StudyResult(study, 20 of 20 trials)
        >>> result.query("SELECT count(*) AS trials, min(seed) AS first FROM trials")
           trials  first
        0      20      0
    """

    def __init__(
        self,
        store: Store | str | Path,
        temporary: bool = False,
    ) -> None:
        self.store = store if isinstance(store, Store) else readable(store)
        record = self.store.record()
        if record is None:
            raise InputError(
                f"{self.where} is no study folder: expected one that `actscope study` wrote"
            )
        self._record = record
        if temporary:
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """Where it is; of a URL, the folder of the copies."""
        return self.store.folder

    @property
    def where(self) -> str:
        """The folder or URL, as one would type it."""
        return self.store.shown

    @property
    def planned(self) -> int:
        """How many trials the study has when it is done."""
        return int(self._record["trials"])

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self._record.get("name", "study"))

    @property
    def runs(self) -> list[dict[str, Any]]:
        """A record of every run: when, with what versions, on what machine, from what commit."""
        return list(self._record["runs"])

    @property
    def study(self) -> Study:
        """The study as it was asked for, to run it again."""
        from actscope.study.plan import Study

        return Study(**self._record["spec"])

    def query(self, sql: str) -> pd.DataFrame:
        """The answer of one SELECT; see `actscope.study.query.query` for the tables.

        Raises:
            InputError: the statement is no SELECT or has an error, or a chunk file is damaged.
        """
        return query(self.store, sql)

    def table(self) -> pd.DataFrame:
        """One row a trial: its settings and what came out, sorted by settings and seed."""
        return self.query(f"SELECT * FROM trials ORDER BY {', '.join(CELL)}, noise, seed")

    def traces(self) -> pd.DataFrame:
        """One row for each layer, metric, format, epoch and trial that was traced."""
        return self.query(
            "SELECT * FROM traces ORDER BY activation, cell, seed, epoch, metric, format, layer"
        )

    def cells(self, resamples: int = 2000) -> pd.DataFrame:
        """One row a cell, with intervals; see `actscope.study.compare.cell_table`."""
        from actscope.study.compare import cell_table

        return cell_table(self.table(), resamples=resamples)

    def compare(
        self,
        axis: str = "activation",
        score: str = "test_accuracy",
        *,
        best_over: Iterable[str] = (),
        resamples: int = 9_999,
    ) -> pd.DataFrame:
        """Paired tests between the values of an axis; see `actscope.study.compare.compare`."""
        from actscope.study.compare import compare

        return compare(self.table(), axis, score, best_over=best_over, resamples=resamples)

    def __len__(self) -> int:
        return int(self.query("SELECT count(*) AS n FROM trials").n[0])

    def __repr__(self) -> str:
        return f"StudyResult({self.name}, {len(self):,} of {self.planned:,} trials)"

    def _repr_html_(self) -> str:
        import html

        cells = self.query(
            "SELECT * EXCLUDE (cell) FROM cells ORDER BY test_accuracy DESC LIMIT 20"
        )
        shown = cells.to_html(index=False, float_format="{:.4g}".format)
        return f"<p>{html.escape(repr(self))}; the first 20 cells by accuracy:</p>{shown}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each cell's mean accuracy with its 95 % interval, by activation.

        Args:
            ax: where to draw; a new figure by default.
        """
        import matplotlib.pyplot as plt
        import numpy as np

        axes = plt.subplots(figsize=(7, 4.5), layout="constrained")[1] if ax is None else ax
        cells = self.cells()
        names = list(dict.fromkeys(cells.activation))
        for i, name in enumerate(names):
            mine = cells[cells.activation == name].sort_values("accuracy")
            at = i + np.linspace(-0.3, 0.3, len(mine)) if len(mine) > 1 else np.array([float(i)])
            ends = [mine.accuracy - mine.accuracy_low, mine.accuracy_high - mine.accuracy]
            axes.errorbar(at, mine.accuracy, yerr=ends, fmt="o", markersize=3, linewidth=1)
        axes.set_xticks(range(len(names)), names)
        axes.set(ylabel="test accuracy, mean and 95 % interval", xlabel="activation")
        axes.set_title(f"{self.name}: one point a cell", loc="left", fontsize="medium")
        return axes
