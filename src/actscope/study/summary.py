"""What a page says of a study: problems, best cells, crossings of settings, bands, layer traces.

Everything here is a table made of a study's tables. Where one cell stands for several, it is the
one with the highest mean training accuracy (lowest mean training loss for a regression); the test
set plays no part in the choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.maths.statistics import bootstrap, wilson
from actscope.study.compare import SETTINGS
from actscope.study.result import StudyResult

if TYPE_CHECKING:
    import pandas as pd

POSED = ("data", "points", "data_seed")  # settings that make another problem of it
TRIED = (
    "depth", "width", "init", "optimiser", "lr", "epochs", "batch", "weight_decay", "norm",
    "residual", "dtype",
)  # fmt: skip
RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Problem:
    """The trials on one set of points.

    Attributes:
        label: the data set, with what tells it from the study's other problems.
        trials: rows of the study.
        cells: one row a cell; see `cell_means`.
        score: "test_accuracy", or for a regression "test_loss".
        floor: what a linear model reaches; NaN where no trial says it.
        varying: the settings besides the problem's own that have several values.
    """

    label: str
    trials: pd.DataFrame
    cells: pd.DataFrame
    score: str
    floor: float
    varying: tuple[str, ...]

    @property
    def regression(self) -> bool:
        """Whether the score is a loss, so that less is better."""
        return self.score == "test_loss"

    def values(self, setting: str) -> list[Any]:
        """Its different values, numbers ascending, names in the order of the study."""
        found = list(dict.fromkeys(self.cells[setting]))
        return sorted(found) if all(isinstance(v, (int, float)) for v in found) else found


def problems(result: StudyResult) -> list[Problem]:
    """One for each set of points of a study, its cells in the order of the plan."""
    trials, plan = result.table(), result.study.plan()
    place = {cell.id: i for i, cell in enumerate(plan.cells)}
    filled = trials.assign(points=trials.points.astype(float), place=trials.cell.map(place))
    filled = filled.sort_values(["place", "seed"], kind="stable").drop(columns="place")
    found = []
    for _, mine in filled.groupby(list(POSED), sort=False, dropna=False):
        cells = cell_means(mine)
        measured = mine.error.isna().any()
        regression = measured and mine.test_accuracy.isna().all()
        floors = mine.linear_floor.dropna()
        varying = [s for s in ("activation", *TRIED) if cells[s].nunique(dropna=False) > 1]
        found.append(
            Problem(
                _label(mine, filled),
                mine,
                cells,
                "test_loss" if regression else "test_accuracy",
                float(floors.iloc[0]) if len(floors) else np.nan,
                tuple(varying),
            )
        )
    return found


def _label(mine: pd.DataFrame, whole: pd.DataFrame) -> str:
    """A problem's data set, and what else is needed to know it."""
    first = mine.iloc[0]
    words, same = [str(first["data"])], whole[whole["data"] == first["data"]]
    if same.points.nunique(dropna=False) > 1:
        words.append("all points" if np.isnan(first.points) else f"{first.points:.0f} points")
    if same.data_seed.nunique() > 1:
        words.append(f"draw {first.data_seed}")
    return ", ".join(words)


def cell_means(trials: pd.DataFrame) -> pd.DataFrame:
    """One row a cell, best in training first.

    Columns: the settings; trials; errors; right and lost (mean training accuracy, 0 for an error,
    and mean training loss, infinite for a trial that has none); score (mean test accuracy, or
    test loss where there is no accuracy, of the trials that have a finite one); failures.
    """
    score = trials.test_accuracy.astype(float).fillna(trials.test_loss.astype(float))
    graded = trials.assign(
        right=trials.train_accuracy.astype(float).fillna(0.0),
        lost=trials.train_loss.astype(float).fillna(np.inf),
        score=score.where(np.isfinite(score)),
        wrong=trials.error.notna(),
        failures=trials.failed.astype(int),
    )
    settings = {name: (name, "first") for name in SETTINGS if name != "cell"}
    cells: pd.DataFrame = (
        graded.groupby("cell", sort=False)
        .agg(
            **settings,
            trials=("seed", "size"),
            errors=("wrong", "sum"),
            right=("right", "mean"),
            lost=("lost", "mean"),
            score=("score", "mean"),
            failures=("failures", "sum"),
        )
        .reset_index()
    )
    return cells


def best(cells: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """The cell that trained best, for each combination of some settings.

    Args:
        cells: as `cell_means` gives them.
        by: the settings; none for the best of all.

    Returns:
        Rows of `cells` in their order, with `tried`: among how many each was the best.
    """
    ranked = cells.sort_values(["right", "lost"], ascending=[False, True], kind="stable")
    if not by:
        return ranked.head(1).assign(tried=len(cells))
    groups = ranked.groupby(list(by), sort=False, dropna=False)
    first = ranked.assign(tried=groups.cell.transform("size"))[~ranked.duplicated(list(by))]
    return first.sort_index()


def best_table(problem: Problem, by: Sequence[str] = ("activation",)) -> pd.DataFrame:
    """The best cell of each activation, with 95 % intervals.

    Returns:
        The settings of `by` and those that vary; score with low and high (bootstrap over seeds);
        failure_rate with failure_low and failure_high (Wilson) of the cell; trials; tried (cells
        of which it is the best); failed_of_all (share of failures over all of those).
    """
    import pandas as pd

    rows = []
    chosen = best(problem.cells, by)
    for row in chosen.to_dict("records"):
        mine = problem.trials[problem.trials.cell == row["cell"]]
        score = mine[problem.score].astype(float).to_numpy()
        score = score[np.isfinite(score)]
        low, high = np.nan, np.nan
        if len(score) > 1:
            interval = bootstrap(score, rng=0, resamples=RESAMPLES)
            low, high = interval.low, interval.high
        rate = wilson(int(row["failures"]), int(row["trials"]))
        peers = problem.cells
        for name in by:
            peers = peers[peers[name] == row[name]]
        rows.append(
            {name: row[name] for name in dict.fromkeys((*by, "depth", *problem.varying))}
            | {"score": row["score"], "low": low, "high": high}
            | {"failure_rate": rate.value, "failure_low": rate.low, "failure_high": rate.high}
            | {"trials": row["trials"], "tried": row["tried"]}
            | {"failed_of_all": peers.failures.sum() / peers.trials.sum(), "cell": row["cell"]}
        )
    table = pd.DataFrame(rows)
    return table.sort_values("score", ascending=problem.regression, kind="stable")


@dataclass(frozen=True, eq=False)
class Crossing:
    """Two (groups of) settings against each other; each entry the best cell of the rest.

    Attributes:
        title: what this panel shows.
        rows, columns: labels.
        score: (rows, columns), NaN where there is no such cell or no score.
        failed: (rows, columns), share of that cell's trials that failed; NaN without a cell.
        floor: what a linear model reaches.
        worst: the worst score of the whole problem, so that its panels share their colours.
        regression: whether less is better.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    score: np.ndarray
    failed: np.ndarray
    floor: float
    worst: float
    regression: bool


def crossing(
    problem: Problem, rows: Sequence[str], columns: Sequence[str], title: str = ""
) -> Crossing:
    """Cross some settings with others.

    Args:
        problem: whose cells.
        rows: names of settings; those that do not vary are left out of the labels.
        columns: likewise.
        title: of the panel.
    """
    chosen = best(problem.cells, (*rows, *columns))
    down, across = (_labels(problem, chosen, names) for names in (rows, columns))
    up, over = _order(problem, chosen, rows), _order(problem, chosen, columns)
    score, failed = np.full((2, len(up), len(over)), np.nan)
    for row in chosen.to_dict("records"):
        at = (
            up.index(tuple(row[n] for n in rows)),
            over.index(tuple(row[n] for n in columns)),
        )
        score[at], failed[at] = row["score"], row["failures"] / row["trials"]
    return Crossing(
        title,
        tuple(down[key] for key in up),
        tuple(across[key] for key in over),
        score,
        failed,
        problem.floor,
        float(problem.cells.score.max() if problem.regression else problem.cells.score.min()),
        problem.regression,
    )


def _order(problem: Problem, chosen: pd.DataFrame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The combinations that there are, in the order of the settings' values."""
    places = [{v: i for i, v in enumerate(problem.values(name))} for name in names]
    found = set(chosen[list(names)].itertuples(index=False, name=None))
    return sorted(found, key=lambda c: [p[v] for p, v in zip(places, c, strict=True)])


def _labels(
    problem: Problem, chosen: pd.DataFrame, names: Sequence[str]
) -> dict[tuple[Any, ...], str]:
    shown = [name in problem.varying for name in names]
    shown = shown if any(shown) else [True, *shown[1:]]
    labels = {}
    for row in chosen.to_dict("records"):
        key = tuple(row[name] for name in names)
        words = (in_short(row[n], row["depth"]) if n == "activation" else _word(n, row[n])
                 for n, s in zip(names, shown, strict=True) if s)  # fmt: skip
        labels[key] = " ".join(words)
    return labels


def _word(name: str, value: Any) -> str:
    """A value as a label; numbers alone, flags with their name."""
    if isinstance(value, (bool, np.bool_)):
        return name if value else f"no {name}"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def in_short(name: str, depth: int) -> str:
    """An activation's label with equal neighbours counted: relu ×6 → sigmoid ×2.

    Example:
        >>> in_short("relu/relu/sigmoid", 3), in_short("x/2", 3)
        ('relu ×2 → sigmoid', 'x/2')
    """
    parts = name.split("/")
    if len(parts) != depth or depth < 2:
        return name
    runs: list[list[Any]] = []
    for part in parts:
        if runs and runs[-1][0] == part:
            runs[-1][1] += 1
        else:
            runs.append([part, 1])
    return " → ".join(part if count == 1 else f"{part} ×{count}" for part, count in runs)


def label_of(row: Any) -> str:
    """The short label of a cell, given as a row with `activation` and `depth`."""
    return in_short(str(row.activation), int(row.depth))


def bands(result: StudyResult, cells: Iterable[str]) -> pd.DataFrame:
    """Curves of some cells with 95 % bands over their seeds.

    Returns:
        One row a cell and epoch: cell, epoch, and for loss (running mean of the epoch) and
        accuracy (on the test set) the mean over the seeds that have a finite one, with _low and
        _high (bootstrap over seeds).
    """
    import pandas as pd

    listed = ", ".join(f"'{c}'" for c in cells)
    drawn = result.query(
        f"SELECT cell, epoch, loss, accuracy FROM curves WHERE cell IN ({listed}) ORDER BY ALL"
    )
    rows = []
    for (cell, epoch), group in drawn.groupby(["cell", "epoch"], sort=False):
        row: dict[str, Any] = {"cell": cell, "epoch": epoch}
        for name in ("loss", "accuracy"):
            values = group[name].to_numpy(dtype=float)
            row |= _band(name, values[np.isfinite(values)])
        rows.append(row)
    names = [f"{n}{end}" for n in ("loss", "accuracy") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["cell", "epoch", *names])


def _band(name: str, values: Any) -> dict[str, float]:
    if len(values) < 2:
        value = float(values[0]) if len(values) else np.nan
        return {name: value, f"{name}_low": np.nan, f"{name}_high": np.nan}
    found = bootstrap(values, rng=0, resamples=500)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def layers(result: StudyResult, cells: Iterable[str]) -> pd.DataFrame:
    """Layer traces of some cells: medians and quartiles over the seeds.

    Returns:
        One row a cell, epoch, metric, format and layer: value, low, high; NaN where no network
        has a value.
    """
    listed = ", ".join(f"'{c}'" for c in cells)
    finite = "FILTER (WHERE isfinite(value))"
    return result.query(
        "SELECT cell, epoch, metric, format, layer, "
        f"coalesce(median(value) {finite}, 'NaN') AS value, "
        f"coalesce(quantile_cont(value, 0.25) {finite}, 'NaN') AS low, "
        f"coalesce(quantile_cont(value, 0.75) {finite}, 'NaN') AS high "
        f"FROM traces WHERE cell IN ({listed}) GROUP BY ALL ORDER BY ALL"
    )
