"""`search`: asks for candidates, has them trained in batches, ranks and tests the best."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actscope.engine.checks import whole
from actscope.errors import BadSpec, OutputError
from actscope.guests import need
from actscope.searches.book import Book, quiet
from actscope.searches.finals import Final, baseline, best_of, ranking, tested
from actscope.searches.halving import Climb, Trains, climb, on
from actscope.searches.latency import Prices, multiply_adds, prices
from actscope.searches.result import SearchResult, candidates
from actscope.searches.setup import Setup
from actscope.searches.space import PALETTE, Choice, Space
from actscope.study.executors._lookup import executor as find_executor
from actscope.study.lock import locked


@dataclass(frozen=True)
class Moment:
    """How far a search is.

    Attributes:
        done: candidates finished.
        trials: candidates in all.
        networks: trained by this run.
        stage: "searching", "ranking" or "testing".
        best: the best candidate so far in words, or "".
        score: its validation score, or NaN.
    """

    done: int
    trials: int
    networks: int
    stage: str
    best: str = ""
    score: float = float("nan")


def search(
    data: Any = "moons",
    *,
    depth: int = 4,
    width: int = 16,
    activations: Sequence[str] = PALETTE,
    inits: Sequence[str] = ("article", "critical", "orthogonal"),
    norm: Sequence[bool] = (False, True),
    residual: Sequence[bool] = (False, True),
    grammar: bool = True,
    hybrid: bool = True,
    optimiser: str = "sgd",
    lrs: Sequence[float] = (),
    epochs: int = 100,
    batch: int = 32,
    weight_decay: float = 0.0,
    points: int | str = 1000,
    test_share: float = 0.25,
    validation_share: float = 0.25,
    data_seed: int = 0,
    seeds: int = 8,
    final_seeds: int = 20,
    trials: int = 96,
    together: int = 32,
    rungs: int = 3,
    keep: int = 2,
    finalists: int = 5,
    sampler: str = "tpe",
    seed: int = 0,
    baseline: str | None = "relu",
    out: str | Path | None = None,
    storage: str | None = None,
    executor: str = "local",
    workers: int | None = None,
    address: str | None = None,
    elements: Mapping[str, float] | None = None,
    progress: Callable[[Moment], object] | None = None,
) -> SearchResult:
    """Search for the network, layer by layer, that does best on a data set.

    Candidates come from Optuna in batches, are trained on the engine at every learning rate and
    seed at once, and halved rung by rung on validation data. The best are ranked on fresh seeds,
    and only then trained on all training points and shown the test set, on fresh seeds again.

    Args:
        data: a data set, by name or as {"name": …, parameters}.
        depth: hidden layers, 1 to 64.
        width: units in each.
        activations: what a layer may have: names, keys ("silu(beta=1.7)") or typed expressions.
        inits: names of inits.
        norm: layer normalisation: the values that it may have.
        residual: skip connections: the same.
        grammar: whether a candidate may have one expression join(left(x), right(scale·x)) besides.
        hybrid: an activation for every layer; False has one for all of them.
        optimiser: "sgd", "momentum", "adam" or "adamw".
        lrs: learning rates; every candidate is tried at all of them, and its best one counts.
            By default five that suit the optimiser, for sgd 0.01 to 1.
        epochs: of a whole training.
        batch: points in a step.
        weight_decay: ≥ 0.
        points: how many are drawn; "all" of a set of fixed size.
        test_share: of the points, for the final figures alone.
        validation_share: of the rest, for choosing.
        data_seed: of the draw and the split.
        seeds: networks for each candidate and learning rate.
        final_seeds: networks for each finalist in the ranking, and as many again in the test.
        trials: candidates.
        together: candidates that are asked for and halved together.
        rungs: of the halving; rung i of R has epochs/keep^(R − i).
        keep: a rung hands on 1/keep of the candidates and of each one's learning rates.
        finalists: how many are ranked and tested.
        sampler: "tpe", "random"; or "nsga2", which weighs accuracy, latency and bits needed.
        seed: of the sampler. The same seed gives the same search.
        baseline: an activation whose plain network, at its own best init and learning rate, is
            ranked and tested too; None for none.
        out: a folder that keeps the search; the same call goes on with it. None keeps nothing.
        storage: address of another database than the folder's SQLite, as Optuna takes it.
        executor: where candidates are trained: an executor of studies.
        workers: candidates at once; all cores by default.
        address: of a cluster, for executors that have one.
        elements: ns of one element by activation, instead of measuring them ("multiply_add" is a
            price too); makes an NSGA-II search repeatable.
        progress: called now and then with a `Moment`.

    Returns:
        The candidates, the ranking with its test figures, and the best network as a study.

    Raises:
        BadSpec: a setting that cannot be; the message names it.
        UnknownName, BadExpression: no such activation, init or data set.
        InputError: the folder holds another search.
        MissingExtra: Optuna is not installed.

    Example:
        >>> found = search("moons", depth=2, width=4, points=100, epochs=4, seeds=2, trials=4,
        ...                activations=("relu", "tanh"), grammar=False, finalists=1, final_seeds=2)
        >>> found.best.plan()
        Plan(1 cells, 2 trials)

    Source: TPE: Bergstra et al. 2011; NSGA-II: Deb et al. 2002; successive halving: Jamieson &
    Talwalkar 2016; Optuna: Akiba et al. 2019.
    """
    space = Space(
        depth, tuple(activations), tuple(inits), tuple(norm), tuple(residual), grammar, hybrid
    )
    setup = Setup(
        space=space, data=data, width=width, optimiser=optimiser, lrs=tuple(lrs), epochs=epochs,
        batch=batch, weight_decay=weight_decay, points=points, test_share=test_share,
        validation_share=validation_share, data_seed=data_seed, seeds=seeds,
        final_seeds=final_seeds, trials=trials, together=together, rungs=rungs, keep=keep,
        finalists=finalists, sampler=sampler, seed=seed, baseline=baseline,
    )  # fmt: skip
    return run(setup, out, storage, executor, workers, address, elements, progress)


def run(
    setup: Setup,
    out: str | Path | None = None,
    storage: str | None = None,
    executor: str = "local",
    workers: int | None = None,
    address: str | None = None,
    elements: Mapping[str, float] | None = None,
    progress: Callable[[Moment], object] | None = None,
) -> SearchResult:
    """The search of a Setup; arguments as for `search`."""
    record = find_executor(executor)
    need("search", "study", *record.extras)
    if address is not None and not record.addressed:
        raise BadSpec("address", address, f"nothing: the executor {executor!r} has no address")
    if workers is not None:
        whole("workers", workers, 1, 1024)
    with _folder(out) as folder, locked(folder), quiet(), record.session(address):
        book = Book(setup, folder, storage)
        driver = Driver(setup, book, on(record, workers, address), elements, progress)
        driver.run()
        chosen = driver.finals(folder, executor, workers, address)
        return SearchResult(setup, candidates(book.records()), *chosen)


@contextmanager
def _folder(out: str | Path | None) -> Iterator[Path]:
    """The search's folder; a temporary one goes with the block."""
    if out is not None:
        folder = Path(out)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make {folder}: {error.strerror}. Name a folder that can be written to"
            ) from None
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="actscope-search-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


class Driver:
    """One run of a search: batches until all candidates are finished, then the finals."""

    def __init__(
        self,
        setup: Setup,
        book: Book,
        train: Trains,
        elements: Mapping[str, float] | None,
        progress: Callable[[Moment], object] | None,
    ) -> None:
        self.setup, self.book, self.train = setup, book, train
        self.progress, self.networks = progress, 0
        self.stage, self.done = "searching", book.done()
        law = setup.law
        self.ends = law.dim, law.classes if law.classes > 2 else 1
        self.prices: Prices = prices(setup.width, {**book.prices(), **(elements or {})})
        self.prices.measure(setup.space.activations)
        self.known = {r["cell"]: r for r in book.records()}

    def run(self) -> None:
        """Search."""
        while self.done < self.setup.trials:
            self._say("searching")
            self._batch()
            self.done = self.book.done()
            self.book.keep_prices(
                {**self.prices.elements, "multiply_add": self.prices.multiply_add}
            )

    def _batch(self) -> None:
        """Ask for a batch, train it, keep it; a candidate that was tried before is not again."""
        trials = self.book.ask()
        if not trials:
            return
        choices = {t.number: self.setup.space.choice(t.params) for t in trials}
        cells = {number: self.setup.cell(choice) for number, choice in choices.items()}
        new = {c.id: c for c in cells.values() if c.id not in self.known}
        climbs = climb(self.setup, new, self.train, self._note)
        found = {}
        for number, cell in cells.items():
            if cell.id in climbs:
                record = self._record(choices[number], cell.id, climbs[cell.id])
                self.known.setdefault(cell.id, record)
            found[number] = self.known[cell.id]
        self.book.store(found)

    def _record(self, choice: Choice, cell: str, climbed: Climb) -> dict[str, Any]:
        """What is kept of a candidate: plain values."""
        last = climbed.rungs[-1] if climbed.rungs and climbed.error is None else None
        inputs, outputs = self.ends
        depth, width = self.setup.space.depth, self.setup.width
        adds = multiply_adds(depth, width, inputs, outputs)
        found: dict[str, Any] = {
            "cell": cell, "phi": choice.phi, "activations": list(choice.activations),
            "init": choice.init, "norm": choice.norm, "residual": choice.residual,
            "label": choice.label, "error": climbed.error, "score": None, "last": False,
            "multiply_adds": adds,
            "latency_ns": self.prices.nanoseconds(choice, inputs, outputs),
            "rungs": [
                {"epochs": r.epochs, "lrs": list(r.lrs), "means": list(r.means)}
                for r in climbed.rungs
            ],
        }  # fmt: skip
        if last is not None:
            best = last.outcome.best
            found |= {
                "lr": last.lr,
                "score": last.score,
                "scores": list(last.outcome.scores[best]),
                "failures": sum(last.outcome.failed[best]),
                "bits": last.outcome.bits,
                "last": last.epochs == self.setup.epochs_at[-1],
            }
        return found

    def finals(
        self, folder: Path, executor: str, workers: int | None, address: str | None
    ) -> tuple[tuple[Final, ...], Any]:
        """Rank the best on fresh seeds, then test them on fresh seeds."""
        self._say("ranking")
        chosen = best_of(self.book.records(), self.setup.finalists)
        if self.setup.baseline is not None:
            chosen.append(baseline(self.setup, self.train, self._record, self._note))
        ranked = ranking(self.setup, chosen, self.train, self._note)
        self._say("testing")
        where = {"executor": executor, "workers": workers, "address": address}
        return tested(self.setup, ranked, folder, where)

    def _note(self, networks: int) -> None:
        self.networks += networks
        self._say(self.stage)

    def _say(self, stage: str) -> None:
        self.stage = stage
        if self.progress is None:
            return
        good = [r for r in self.known.values() if r["last"]]
        best = max(good, key=lambda r: r["score"], default=None)
        words = (best["label"], best["score"]) if best else ("", float("nan"))
        self.progress(Moment(self.done, self.setup.trials, self.networks, stage, *words))
