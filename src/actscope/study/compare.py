"""What a study's numbers say: cells with intervals, and paired tests between settings.

The accuracy of a cell is the mean over its seeds, with a bootstrap interval; its failure rate the
share of trials that diverged or did no better than a linear model, with Wilson's interval. Values
of one axis are compared on the same seeds, all other settings equal, by a permutation test whose
p-values are corrected (Holm) for all comparisons of the table. A sentence says that something is
higher only where that p-value is below 0.05 and the interval of the difference leaves out 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.errors import InputError, UnknownName
from actscope.maths.statistics import Interval, bootstrap, holm, paired_permutation, wilson
from actscope.study.schema import CELL

if TYPE_CHECKING:
    import pandas as pd

SCORES = ("test_accuracy", "train_accuracy", "test_loss", "train_loss", "loss")
SIGNIFICANT = 0.05
FEWEST_PAIRS = 6  # five pairs cannot give a p below 1/16
SETTINGS = (*CELL, "noise")


def cell_table(trials: pd.DataFrame, resamples: int = 2000) -> pd.DataFrame:
    """One row a cell: how many trials, accuracy and failure rate with 95 % intervals.

    Args:
        trials: rows of a study, as `StudyResult.table()` gives them.
        resamples: of the bootstrap.

    Returns:
        The settings, then trials, errors, diverged, accuracy, accuracy_low, accuracy_high (of
        trials that are no error; NaN for a regression or fewer than 2), test_loss (median),
        failures, failure_rate, failure_low, failure_high (of all trials), linear_floor.
    """
    import pandas as pd

    rows = []
    for _, group in trials.groupby("cell", sort=False):
        first = {name: group[name].dropna().iloc[0] if group[name].notna().any() else None
                 for name in SETTINGS}  # fmt: skip
        right = group.test_accuracy.dropna().to_numpy(dtype=float)
        accuracy = _interval(right, resamples)
        failed = int(group.failed.sum())
        rate = wilson(failed, len(group))
        floors = group.linear_floor.dropna()
        rows.append(
            first
            | {
                "trials": len(group),
                "errors": int(group.error.notna().sum()),
                "diverged": int(group.diverged_at.notna().sum()),
                "accuracy": accuracy.value,
                "accuracy_low": accuracy.low,
                "accuracy_high": accuracy.high,
                "test_loss": float(group.test_loss.astype(float).fillna(np.inf).median()),
                "failures": failed,
                "failure_rate": rate.value,
                "failure_low": rate.low,
                "failure_high": rate.high,
                "linear_floor": float(floors.iloc[0]) if len(floors) else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _interval(values: NDArray[np.float64], resamples: int) -> Interval:
    if len(values) < 2:
        value = float(values[0]) if len(values) else np.nan
        return Interval(value, np.nan, np.nan, 0.95, len(values))
    return bootstrap(values, rng=0, resamples=resamples)


def compare(
    trials: pd.DataFrame,
    axis: str = "activation",
    score: str = "test_accuracy",
    *,
    best_over: Iterable[str] = (),
    resamples: int = 9_999,
) -> pd.DataFrame:
    """Every pair of values of an axis, on the same seeds, all else equal.

    Args:
        trials: rows of a study.
        axis: the setting whose values are compared ("activation", "init", "lr", …).
        score: "test_accuracy", "train_accuracy", "test_loss", "train_loss" or "loss".
        best_over: settings that are chosen for each value before the comparison, such as ("lr",
            "optimiser"): those with the highest mean training accuracy (lowest mean training loss
            for a regression). The test set plays no part in the choice.
        resamples: of bootstrap and permutation test.

    Returns:
        One row for each pair and each combination of the other settings: those that vary; a, b;
        pairs (seeds that both have); left_out (seeds for which one has no finite score); mean_a,
        mean_b, difference (a − b) with low and high (95 %), p, p_holm (corrected for all rows),
        told (whether the two can be told apart), says (a sentence).

    Raises:
        InputError: no such axis, or it has only one value.
        UnknownName: no such score.
    """
    import pandas as pd

    chosen = tuple(best_over)
    _check(trials, axis, score, chosen)
    others = [
        c for c in SETTINGS if c not in (axis, *chosen) and trials[c].nunique(dropna=False) > 1
    ]
    if axis == "data":
        others = [c for c in others if c != "noise"]
    strata = trials.groupby(others, sort=False, dropna=False) if others else [((), trials)]
    rows = []
    for key, stratum in strata:
        settings = dict(zip(others, key, strict=True)) if others else {}
        columns = {
            value: _column(_chosen(group, chosen), score)
            for value, group in stratum.groupby(axis, sort=False)
        }
        for a, b in itertools.combinations(columns, 2):
            rows.append(settings | _pair(axis, a, b, columns[a], columns[b], resamples))
    if not rows:
        raise InputError(f"compare: no two values of {axis!r} share the other settings")
    table = pd.DataFrame(rows)
    table["p_holm"] = np.nan
    tested = table.p.notna()
    if tested.any():
        table.loc[tested, "p_holm"] = holm(table.p[tested].to_numpy())
    records = table.to_dict("records")
    table["told"] = [_apart(row) for row in records]
    table["says"] = [_sentence(row, score) for row in records]
    return table


def _check(trials: pd.DataFrame, axis: str, score: str, chosen: tuple[str, ...]) -> None:
    if score not in SCORES:
        raise UnknownName("score", score, SCORES)
    for name in (axis, *chosen):
        if name not in SETTINGS:
            raise UnknownName("setting", name, SETTINGS)
    if axis in chosen:
        raise InputError(f"compare: {axis!r} cannot be compared and chosen at once")
    if trials[axis].nunique(dropna=False) < 2:
        raise InputError(f"compare: the study has only one value of {axis!r}: expected two or more")


def _chosen(group: pd.DataFrame, chosen: tuple[str, ...]) -> pd.DataFrame:
    """The trials of the cell that trained best; all of them where nothing is chosen."""
    if not chosen or group.cell.nunique() == 1:
        return group
    graded = group.assign(
        _right=group.train_accuracy.astype(float).fillna(0.0),
        _loss=group.train_loss.astype(float).fillna(np.inf),
    )
    means = graded.groupby("cell", sort=False).agg(right=("_right", "mean"), loss=("_loss", "mean"))
    best = means.sort_values(["right", "loss"], ascending=[False, True], kind="stable").index[0]
    kept: pd.DataFrame = group[group.cell == best]
    return kept


def _column(group: pd.DataFrame, score: str) -> pd.Series:
    """A score by seed."""
    column: pd.Series = group.set_index("seed")[score].astype(float)
    if column.index.has_duplicates:
        raise InputError("compare: several trials of one seed where all settings are equal")
    return column


def _pair(
    axis: str, a: Any, b: Any, left: pd.Series, right: pd.Series, resamples: int
) -> dict[str, Any]:
    """The test of one pair."""
    seeds = left.index.intersection(right.index)
    x, y = left[seeds].to_numpy(), right[seeds].to_numpy()
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    row: dict[str, Any] = {"a": a, "b": b, "pairs": int(good.sum()), "left_out": int((~good).sum())}
    row |= dict.fromkeys(("mean_a", "mean_b", "difference", "low", "high", "p"), np.nan)
    if len(x) >= 2:
        between = bootstrap(x - y, rng=0, resamples=resamples)
        test = paired_permutation(x, y, rng=0, resamples=resamples)
        row |= {"mean_a": float(x.mean()), "mean_b": float(y.mean()), "difference": between.value}
        row |= {"low": between.low, "high": between.high, "p": test.p}
    return row


def _apart(row: Mapping[Any, Any]) -> bool:
    """Whether corrected p-value and interval both say that there is a difference."""
    enough = row["pairs"] >= FEWEST_PAIRS and row["p_holm"] < SIGNIFICANT
    return bool(enough and not row["low"] <= 0.0 <= row["high"])


def _sentence(row: Mapping[Any, Any], score: str) -> str:
    """What may be said of a pair, and no more."""
    words, tail = score.replace("_", " "), ""
    if row["left_out"]:
        tail = f"; {row['left_out']} of {row['left_out'] + row['pairs']} seeds had no finite score"
    if row["pairs"] < FEWEST_PAIRS:
        return f"{row['pairs']} pairs are too few to tell {row['a']} from {row['b']}{tail}"
    if not _apart(row):
        return f"no difference in {words} can be told between {row['a']} and {row['b']}{tail}"
    high, low = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
    ends = sorted((abs(row["low"]), abs(row["high"])))
    return (
        f"{high} has a higher {words} than {low}, by {abs(row['difference']):.4g} "
        f"({ends[0]:.4g} to {ends[1]:.4g}) on {row['pairs']} seeds{tail}"
    )
