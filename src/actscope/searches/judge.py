"""How well predictors rank cells that they were not made on, beside what is known already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actscope.searches.combination import USED, fit, places, table_values
from actscope.searches.signals import SIGNALS

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

TOP = 2 / 3  # quantile of the accuracy from which a cell counts among the top third
RESAMPLES, SPLITS = 200, 20
NAMES = (*USED, "depth")
UNSEEN = {
    "activation": "combination, activation unseen",
    "task": "combination, task unseen",
    "both": "combination, both unseen",
}
LOOKUP, CHI_1, CEILING = "depth × init look-up", "|ln χ₁|", "seed-noise ceiling"


def held_out(frame: pd.DataFrame, unseen: str) -> Floats:
    """Scores of every cell from a combination that was fitted without it.

    Args:
        frame: of `measured`.
        unseen: "activation", "task", or "both": then neither any cell of its activation nor any
            of its task was fitted on.
    """
    values, place = table_values(frame, NAMES), places(frame)
    task, phi = frame.task.to_numpy(), frame.activation.to_numpy()
    score = np.empty(len(frame))
    for t, a in _held(task, phi, unseen):
        same_task, same_phi = task == t, phi == a
        out = {"activation": same_phi, "task": same_task, "both": same_task & same_phi}[unseen]
        known = ~(same_task | same_phi) if unseen == "both" else ~out
        score[out] = fit(values[known], place[known], NAMES).score(values[out])
    return score


def _held(
    task: NDArray[np.object_], phi: NDArray[np.object_], unseen: str
) -> Iterator[tuple[str, str]]:
    """What is left out, one after the other."""
    tasks, phis = np.unique(task), np.unique(phi)
    if unseen == "both":
        yield from ((t, a) for t in tasks for a in phis)
    elif unseen == "task":
        yield from ((t, "") for t in tasks)
    else:
        yield from (("", a) for a in phis)


def lookup(frame: pd.DataFrame) -> Floats:
    """For each cell the mean place of the other tasks' cells of its depth and init."""
    place = places(frame)
    score = np.empty(len(frame))
    for task in frame.task.unique():
        here = (frame.task == task).to_numpy()
        known = frame[~here].assign(place=place[~here]).groupby(["depth", "init"]).place.mean()
        keys = zip(frame[here].depth, frame[here].init, strict=True)
        score[here] = [known[key] for key in keys]
    return score


def scores_of(frame: pd.DataFrame) -> dict[str, Floats]:
    """Every predictor's scores, more being better, by name."""
    found = {
        name: sign * frame[name].to_numpy(dtype=np.float64) for name, (_, sign) in SIGNALS.items()
    }
    found[CHI_1] = -frame.chi_1.to_numpy(dtype=np.float64)
    found[LOOKUP] = lookup(frame)
    return found | {words: held_out(frame, unseen) for unseen, words in UNSEEN.items()}


def ranks(values: Floats) -> Floats:
    """Ranks along the last axis, ties averaged."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=-1))


def spearman(score: Floats, truth: Floats) -> float:
    """Spearman's ρ; NaN where one side is constant."""
    a, b = ranks(score), ranks(truth)
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0.0 else np.nan


def kendall(score: Floats, truth: Floats) -> float:
    """Kendall's τ-b; NaN where one side is constant."""
    from scipy.stats import kendalltau

    return float(kendalltau(score, truth).statistic)


def auc(score: Floats, truth: Floats) -> float:
    """How often a cell of the better half is scored above one of the worse half."""
    good = truth > np.median(truth)
    n, m = int(good.sum()), int((~good).sum())
    if not n or not m:
        return np.nan
    return float((ranks(score)[good].sum() - n * (n + 1) / 2) / (n * m))


MEASURES: Mapping[str, Callable[[Floats, Floats], float]] = {
    "spearman": spearman,
    "kendall": kendall,
    "auc": auc,
}


def judged(frame: pd.DataFrame, scores: Mapping[str, Floats]) -> pd.DataFrame:
    """Spearman, Kendall and AUC of every predictor, over all cells and in the top third.

    Each is found within every task, then averaged over the tasks on which the predictor is known.
    Intervals are 95 %: percentiles of the average over resamples of the cells of each task.

    Args:
        frame: of `measured`.
        scores: by predictor, (cells,), more being better; NaN where unknown.

    Returns:
        One row for each predictor and part ("all", "top third"): predictor, part, tasks, and for
        each measure its value, low, high.
    """
    import pandas as pd

    truth, rows = frame.accuracy.to_numpy(dtype=np.float64), []
    for name, score in scores.items():
        for part in ("all", "top third"):
            groups = list(_groups(frame, truth, score, part))
            row: dict[str, object] = {"predictor": name, "part": part, "tasks": len(groups)}
            for measure, f in MEASURES.items():
                value, low, high = _with_interval(groups, f)
                row |= {measure: value, f"{measure}_low": low, f"{measure}_high": high}
            rows.append(row)
    return pd.DataFrame(rows)


def _groups(
    frame: pd.DataFrame, truth: Floats, score: Floats, part: str
) -> Iterator[tuple[Floats, Floats]]:
    """Scores and truths of each task's cells for which the predictor is known."""
    for task in frame.task.unique():
        rows = (frame.task == task).to_numpy() & np.isfinite(score)
        if rows.sum() < 10:
            continue
        here = rows & (truth >= np.quantile(truth[rows], TOP)) if part != "all" else rows
        yield score[here], truth[here]


def _with_interval(
    groups: list[tuple[Floats, Floats]], f: Callable[[Floats, Floats], float]
) -> tuple[float, float, float]:
    """The average over the tasks, and the middle 95 % of its resamples."""
    rng = np.random.default_rng(0)
    value = float(np.mean([f(*group) for group in groups]))
    drawn = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        each = []
        for score, truth in groups:
            rows = rng.integers(0, len(score), len(score))
            each.append(f(score[rows], truth[rows]))
        drawn[i] = np.nanmean(each)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return value, float(low), float(high)


def ceiling(frame: pd.DataFrame) -> dict[str, float]:
    """Spearman that a predictor of the true means would reach against these seeds' means.

    The means of two halves of the seeds correlate by r; those of all seeds are reliable by
    2r/(1 + r) (Spearman-Brown), and the truth correlates with them by its root.
    """
    found = {}
    for part in ("all", "top third"):
        each = []
        for task in frame.task.unique():
            here = frame[frame.task == task]
            if part != "all":
                here = here[here.accuracy >= here.accuracy.quantile(TOP)]
            seeds = np.stack(here.accuracies.to_list())
            halves = [_halves(seeds, i) for i in range(SPLITS)]
            r = max(0.0, float(np.mean(halves)))
            each.append(np.sqrt(2.0 * r / (1.0 + r)))
        found[part] = float(np.mean(each))
    return found


def _halves(seeds: Floats, i: int) -> float:
    order = np.random.default_rng(i).permutation(seeds.shape[1])
    half = len(order) // 2
    return spearman(seeds[:, order[:half]].mean(axis=1), seeds[:, order[half:]].mean(axis=1))
