"""The end of a search: the best candidates ranked on fresh seeds, then shown the test set."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actscope.maths.statistics import Interval, bootstrap
from actscope.searches.evaluate import Job
from actscope.searches.halving import Climb, Trains, climb
from actscope.searches.setup import FINAL_SEED, RANKING_SEED, Setup
from actscope.searches.space import Choice

RESAMPLES = 2_000


@dataclass(frozen=True, eq=False)
class Final:
    """One network of the ranking.

    Attributes:
        record: what the search found of it.
        baseline: whether it is what the others are held against.
        score: mean validation score on the ranking's seeds, with its interval.
        failures: of them.
        bits: mantissa bits needed, median over those seeds.
        scores: by seed.
    """

    record: dict[str, Any]
    baseline: bool
    score: Interval
    failures: int
    bits: float
    scores: tuple[float, ...]

    @property
    def choice(self) -> Choice:
        """The point of the space."""
        return choice_of(self.record)


def choice_of(record: dict[str, Any]) -> Choice:
    """The point of the space that a record is about."""
    return Choice(tuple(record["activations"]), record["init"], record["norm"], record["residual"])


def best_of(records: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The best different candidates that had all epochs; the quicker one among equals."""
    whole = {r["cell"]: r for r in reversed(records) if r["last"]}
    order = sorted(whole.values(), key=lambda r: (-r["score"], r["latency_ns"], r["trial"]))
    return order[:count]


def baseline(
    setup: Setup,
    train: Trains,
    record: Callable[[Choice, str, Climb], dict[str, Any]],
    note: Callable[[int], object],
) -> dict[str, Any]:
    """The plain network of one activation, with the init and learning rate that suit it best.

    It has all learning rates at all epochs, so what it is held against has had no more.

    Args:
        setup: the search, with a baseline.
        train: where it is trained.
        record: makes a record of what was found.
        note: called with how many networks were trained.
    """
    assert setup.baseline is not None
    space = setup.space
    choices = [Choice((setup.baseline,) * space.depth, init) for init in space.inits]
    cells = {setup.cell(c).id: c for c in choices}
    found = climb(setup, {k: setup.cell(c) for k, c in cells.items()}, train, note, halve=False)
    records = [record(cells[name], name, climbed) for name, climbed in found.items()]
    good = [r for r in records if r["score"] is not None]
    return max(good or records, key=lambda r: -1.0 if r["score"] is None else r["score"])


def ranking(
    setup: Setup, records: Sequence[dict[str, Any]], train: Trains, note: Callable[[int], object]
) -> list[Final]:
    """Train each at its learning rate on fresh seeds; the best mean validation score first."""
    fresh = tuple(range(RANKING_SEED, RANKING_SEED + setup.final_seeds))
    good = [(i, r) for i, r in enumerate(records) if r["score"] is not None]
    jobs = [
        Job(setup.cell(choice_of(r)), (r["lr"],), fresh, setup.validation_share, bits=True)
        for _, r in good
    ]
    finals = []
    for place, outcome in train(jobs):
        i, record = good[place]
        note(len(fresh))
        if outcome.error is not None or outcome.bits is None:
            continue
        scores = outcome.scores[0]
        last = setup.baseline is not None and i == len(records) - 1
        interval = bootstrap(scores, rng=0, resamples=RESAMPLES)
        finals.append(Final(record, last, interval, sum(outcome.failed[0]), outcome.bits, scores))
    return sorted(finals, key=_order)


def _order(f: Final) -> tuple[float, float, str, bool]:
    """The best score first; the quicker one among equals, a finalist before the baseline."""
    return -f.score.value, f.record["latency_ns"], f.record["cell"], f.baseline


def tested(
    setup: Setup, ranked: Sequence[Final], folder: Path, where: dict[str, Any]
) -> tuple[tuple[Final, ...], Any]:
    """Train the ranked ones on all training points, on fresh seeds, and test them.

    Returns:
        The ranked ones, and one row for each network of the test, as a study's.
    """
    if not ranked:
        return (), None
    grid = [{**f.choice.fields(), "lr": f.record["lr"]} for f in ranked]
    seeds = {"start": FINAL_SEED, "count": setup.final_seeds}
    study = setup.study(ranked[0].choice, seeds=seeds, name="final", grid=grid)
    ids = "".join(sorted(c.id for c in study.plan().cells))
    home = folder / f"final-{hashlib.sha256(ids.encode()).hexdigest()[:12]}"
    result = study.run(home, **where)
    table = result.table()
    for old in folder.glob("final-*"):
        if old != home:
            shutil.rmtree(old, ignore_errors=True)
    return tuple(ranked), table
