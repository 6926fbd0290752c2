"""What a search found: candidates, the ranking, the front, the best network as a study."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.errors import InputError
from actscope.maths.statistics import bootstrap, paired_permutation, wilson
from actscope.searches.finals import RESAMPLES, Final
from actscope.searches.setup import Setup

if TYPE_CHECKING:
    import pandas as pd

    from actscope.study.plan import Study

COLUMNS = (
    "trial", "label", "phi", "init", "norm", "residual", "lr", "score", "failures", "bits",
    "latency_ns", "multiply_adds", "last", "front", "error", "cell",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult:
    """A search that has come to its end.

    Attributes:
        setup: what was asked for.
        candidates: one row a candidate, in order of trial: label; phi (activations, runs folded);
            init; norm; residual; lr (the best of those tried); score (mean validation accuracy on
            the last rung that it reached; for a regression 1 − mse/variance); failures (seeds
            that diverged or did no better than a straight line); bits (mantissa that keeps 95 %
            of what was learnt); latency_ns (a point, estimated); multiply_adds; last (whether it
            had all epochs); front (whether no other with all epochs is better in score, latency
            and bits at once); error.
        finals: the ranked ones and the baseline, best first.
        trials: one row a network of the test: as a study's.
    """

    setup: Setup
    candidates: pd.DataFrame
    finals: tuple[Final, ...]
    trials: pd.DataFrame | None

    @functools.cached_property
    def ranking(self) -> pd.DataFrame:
        """One row for each finalist and the baseline, best validation score first.

        Columns: place (0 for the baseline), label, lr; score, low, high (validation, fresh seeds,
        95 %), failures of them; test_accuracy (for a regression test_loss), test_low, test_high,
        test_failures, seeds, failure_rate, failure_low, failure_high; difference to the baseline
        on the same seeds and its p-value (permutation); latency_ns, multiply_adds, parameters,
        bits; activations.
        """
        import pandas as pd

        return pd.DataFrame(list(self._rows()))

    def _rows(self) -> Any:
        assert self.trials is not None
        column = "test_accuracy" if self.setup.law.classes else "test_loss"
        groups = {str(k): g.sort_values("seed") for k, g in self.trials.groupby("cell")}
        held = next((f for f in self.finals if f.baseline), None)
        against = None if held is None else self._scores(groups, held, column)
        place = 0
        for f in self.finals:
            place += not f.baseline
            values = self._scores(groups, f, column)
            group = groups[self._cell(f)]
            failed = int(group.failed.sum())
            rate, test = wilson(failed, len(group)), bootstrap(values, rng=0, resamples=RESAMPLES)
            row = {
                "place": 0 if f.baseline else place, "label": f.choice.label,
                "lr": f.record["lr"], "score": f.score.value, "low": f.score.low,
                "high": f.score.high, "failures": f.failures, column: test.value,
                "test_low": test.low, "test_high": test.high, "test_failures": failed,
                "seeds": len(group), "failure_rate": rate.value, "failure_low": rate.low,
                "failure_high": rate.high, "difference": np.nan, "p": np.nan,
                "latency_ns": f.record["latency_ns"],
                "multiply_adds": f.record["multiply_adds"],
                "parameters": int(group.parameters.iloc[0]), "bits": f.bits,
                "activations": list(f.choice.activations),
            }  # fmt: skip
            if against is not None and not f.baseline:
                test_of = paired_permutation(values, against, rng=0)
                row |= {"difference": test_of.difference, "p": test_of.p}
            yield row

    def _cell(self, f: Final) -> str:
        return self.setup.cell(f.choice, f.record["lr"]).id

    def _scores(self, groups: Any, f: Final, column: str) -> NDArray[np.float64]:
        """By seed; a loss that is no number counts as a large one."""
        values = groups[self._cell(f)][column].to_numpy(dtype=float, na_value=np.nan)
        worst = 0.0 if column == "test_accuracy" else 1e6
        return np.asarray(np.nan_to_num(values, nan=worst, posinf=1e6), dtype=np.float64)

    @property
    def winner(self) -> Final:
        """The best one found.

        Raises:
            InputError: no candidate could be trained.
        """
        for f in self.finals:
            if not f.baseline:
                return f
        raise InputError("the search found nothing: no candidate could be trained")

    @property
    def best(self) -> Study:
        """The best network, as a study of one cell: for study, export and to_torch."""
        return self.study_of(self.winner)

    def study_of(self, final: Final) -> Study:
        """A ranked network as a study of one cell, with as many seeds as it was tested on."""
        seeds = self.setup.final_seeds
        return self.setup.study(final.choice, final.record["lr"], seeds=seeds, name="best")

    @property
    def spec(self) -> str:
        """The best network as TOML."""
        from actscope.study.file import dumps

        return dumps(self.best)

    def says(self) -> str:
        """One sentence: the best one beside the baseline, and no more than the seeds allow."""
        table, place = self.ranking, self.finals.index(self.winner)
        row = table.iloc[place]
        column = "test_accuracy" if "test_accuracy" in table else "test_loss"
        base = table[table.place == 0]
        seeds = int(row.seeds)
        text = (
            f"{row.label} at lr {row.lr:g}: {column.replace('_', ' ')} {row[column]:.4f} "
            f"({row.test_low:.4f} to {row.test_high:.4f}), {int(row.test_failures)} of {seeds} "
            "seeds fail"
        )
        if not len(base):
            return text
        other = base.iloc[0]
        told = "apart" if row.p < 0.05 else "not to be told apart"
        return (
            f"{text}; {other.label} at lr {other.lr:g}: {other[column]:.4f}, "
            f"{int(other.test_failures)} fail ({told}, p = {row.p:.2g})"
        )

    def plot(self) -> Any:
        """Score against latency, the front drawn, as a matplotlib Figure."""
        # by name, because figures stand on a floor above this one
        return importlib.import_module("actscope.figures.search").search_front(self)

    def __repr__(self) -> str:
        count = len(self.candidates)
        return f"SearchResult({count} candidates, best: {self.winner.choice.label})"

    def _repr_html_(self) -> str:
        import html

        shown = self.ranking.drop(columns="activations").to_html(
            index=False, float_format="{:.4g}".format
        )
        return f"<p>{html.escape(self.says())}</p>{shown}"


def candidates(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The records of a search as a table, with the front marked."""
    import pandas as pd

    table = pd.DataFrame([{name: r.get(name) for name in COLUMNS} for r in records])
    if not len(table):
        return pd.DataFrame(columns=list(COLUMNS))
    for name in ("lr", "score", "bits"):
        table[name] = table[name].astype(float)
    whole = table["last"].to_numpy(dtype=bool)
    front = np.zeros(len(table), dtype=bool)
    costs = np.stack([-table.score, table.latency_ns, table.bits], axis=1)
    front[whole] = pareto(costs[whole])
    table["front"] = front
    return table


def pareto(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points no other is at least as good as in every cost, and better in one.

    Args:
        costs: (n, k), less is better.

    Example:
        >>> pareto(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]])).tolist()
        [True, True, False]
    """
    no_worse = (costs[:, None] <= costs[None]).all(axis=-1)
    better = (costs[:, None] < costs[None]).any(axis=-1)
    return np.asarray(~(no_worse & better).any(axis=0))
