"""Successive halving: many candidates at few epochs, the better ones at more."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from actscope.searches.evaluate import Job, Outcome, evaluate
from actscope.searches.setup import Setup
from actscope.study.cell import Cell


@dataclass(frozen=True)
class Rung:
    """How a candidate fared on one rung.

    Attributes:
        epochs: of the rung.
        lrs: learning rates that were tried.
        means: mean validation score of each.
        outcome: everything about them.
    """

    epochs: int
    lrs: tuple[float, ...]
    means: tuple[float, ...]
    outcome: Outcome

    @property
    def lr(self) -> float:
        """The learning rate that did best."""
        return self.lrs[self.outcome.best]

    @property
    def score(self) -> float:
        """Its mean validation score."""
        return self.means[self.outcome.best]


@dataclass(frozen=True)
class Climb:
    """A candidate's rungs, up to where it was dropped, and why it could not be trained."""

    rungs: tuple[Rung, ...]
    error: str | None = None


class Trains(Protocol):
    """Does jobs somewhere, in any order: (its place, what came out)."""

    def __call__(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Outcome]]:
        """One pair for each job."""


def climb(
    setup: Setup,
    cells: Mapping[str, Cell],
    train: Trains,
    note: Callable[[int], object] = lambda networks: None,
    *,
    seeds: range | None = None,
    halve: bool = True,
) -> dict[str, Climb]:
    """Train candidates rung by rung.

    Every rung trains from the start, with the rung's epochs, so what comes out does not depend on
    where a candidate was before. It hands on the best 1/keep of the candidates, and of each one's
    learning rates.

    Args:
        setup: the search.
        cells: candidates by id.
        train: where jobs are done.
        note: called with how many networks a job has trained.
        seeds: of the networks; by default those of the search.
        halve: False keeps all candidates, and trains them on the last rung alone.
    """
    chosen = range(setup.seeds) if seeds is None else seeds
    lrs = dict.fromkeys(cells, setup.lrs)
    rungs: dict[str, list[Rung]] = {name: [] for name in cells}
    errors: dict[str, str] = {}
    alive = list(cells)
    plan = setup.epochs_at if halve else setup.epochs_at[-1:]
    for place, epochs in enumerate(plan):
        jobs = [
            Job(dataclasses.replace(cells[name], epochs=epochs), lrs[name], tuple(chosen),
                setup.validation_share, bits=True)
            for name in alive
        ]  # fmt: skip
        for i, outcome in train(jobs):
            name = alive[i]
            note(len(jobs[i].lrs) * len(jobs[i].seeds))
            if outcome.error is not None:
                errors[name] = outcome.error
                continue
            rungs[name].append(Rung(epochs, lrs[name], outcome.means, outcome))
        alive = [name for name in alive if name not in errors]
        if place < len(plan) - 1:
            alive = _better(alive, rungs, setup.keep)
            lrs |= {name: _better_lrs(rungs[name][-1], setup.keep) for name in alive}
    return {name: Climb(tuple(rungs[name]), errors.get(name)) for name in cells}


def _better(alive: list[str], rungs: Mapping[str, list[Rung]], keep: int) -> list[str]:
    """The best 1/keep of the candidates, in their own order; earlier ones first among equals."""
    order = sorted(range(len(alive)), key=lambda i: (-rungs[alive[i]][-1].score, i))
    return [alive[i] for i in sorted(order[: -(-len(alive) // keep)])]


def _better_lrs(rung: Rung, keep: int) -> tuple[float, ...]:
    """The best 1/keep of the learning rates, ascending."""
    pairs = sorted(zip(rung.means, rung.lrs, strict=True), key=lambda pair: (-pair[0], pair[1]))
    return tuple(sorted(lr for _, lr in pairs[: -(-len(pairs) // keep)]))


def work(item: tuple[int, Job], threads: int) -> Outcome:
    """One job with its place, as executors take it."""
    return evaluate(item[1], threads)


def on(executor: Any, workers: int | None, address: str | None) -> Trains:
    """Jobs done by an executor of studies."""
    cores = executor.workers(address)
    task = functools.partial(work, threads=max(1, cores // (workers or cores)))

    def train(jobs: Sequence[Job]) -> Iterator[tuple[int, Outcome]]:
        for (place, _), outcome in executor.run(task, list(enumerate(jobs)), workers, address):
            yield place, outcome

    return train
