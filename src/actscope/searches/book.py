"""What a search has found so far, in Optuna's storage: asked, stored, told, gone on with."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from actscope.errors import InputError
from actscope.guests import guest
from actscope.searches.setup import Setup

NAME = "search"
DATABASE = "search.db"
FOUND, SETUP, PRICES = "found", "setup", "prices"
# what NSGA-II weighs, and which way each is better
OBJECTIVES = {"score": "maximize", "latency_ns": "minimize", "bits": "minimize"}


def optuna() -> Any:
    """Optuna.

    Raises:
        MissingExtra: it is not installed.
    """
    return guest("optuna", "search")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Optuna without its log lines and its notes on experimental arguments."""
    library = optuna()
    before = library.logging.get_verbosity()
    library.logging.set_verbosity(library.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=library.exceptions.ExperimentalWarning)
            yield
    finally:
        library.logging.set_verbosity(before)


class Book:
    """The trials of one search.

    A candidate's record is stored before Optuna is told, for a whole batch first, so that a kill
    at any moment loses at most the batch in flight, and that one comes out the same again.

    Args:
        setup: the search.
        folder: where the database is made.
        storage: an address of another database, as Optuna takes it.

    Raises:
        InputError: the database holds another search.
        MissingExtra: Optuna is not installed.
    """

    def __init__(self, setup: Setup, folder: Path, storage: str | None = None) -> None:
        library = optuna()
        self.setup, self.several = setup, setup.sampler == "nsga2"
        address = storage or f"sqlite:///{folder / DATABASE}"
        directions = list(OBJECTIVES.values()) if self.several else ["maximize"]
        self.kept = library.storages.RDBStorage(address)
        self.study = library.create_study(
            study_name=NAME, storage=self.kept, directions=directions, load_if_exists=True
        )
        self._check(address)
        if SETUP not in self.study.user_attrs:
            self.study.set_user_attr(SETUP, setup.content())
        self._settle(self.trials())

    def _check(self, address: str) -> None:
        """Refuse another search's database."""
        known, mine = self.study.user_attrs.get(SETUP), self.setup.content()
        if known is None or known == mine:
            return
        differs = [k for k in mine if known.get(k) != mine[k]]
        raise InputError(
            f"{address} holds another search: it differs in {', '.join(differs)}. A search may "
            "grow (trials, finalists, final_seeds), but not change: name another folder"
        )

    def prices(self) -> dict[str, float]:
        """What was measured of activations before."""
        return dict(self.study.user_attrs.get(PRICES, {}))

    def keep_prices(self, prices: dict[str, float]) -> None:
        """Store them, so that a search that goes on reckons as it began."""
        if prices != self.prices():
            self.study.set_user_attr(PRICES, prices)

    def trials(self) -> list[Any]:
        """All trials that were asked for, by number."""
        states = optuna().trial.TrialState
        return [t for t in self.study.get_trials(deepcopy=False) if t.state != states.WAITING]

    def done(self) -> int:
        """How many are finished."""
        return sum(t.state.is_finished() for t in self.trials())

    def records(self) -> list[dict[str, Any]]:
        """What was found of every trial that is finished, with its number."""
        return [
            {"trial": t.number, **t.user_attrs[FOUND]}
            for t in self.trials()
            if t.state.is_finished() and FOUND in t.user_attrs
        ]

    def ask(self) -> list[Any]:
        """The trials of the next batch: those in flight when the last run ended, then new ones."""
        setup, known = self.setup, self.trials()
        open_now = [t.number for t in known if not t.state.is_finished()]
        start = open_now[0] if open_now else len(known)
        end = min(setup.trials, (start // setup.together + 1) * setup.together)
        for number in range(len(known), end):
            self._ask(number)
        return [t for t in self.trials() if not t.state.is_finished()]

    def _ask(self, number: int) -> None:
        """A new trial. Its number alone decides its random numbers."""
        distribution = optuna().distributions.CategoricalDistribution
        variables = self.setup.space.variables()
        uniform = self.setup.space.activations
        if number < len(uniform):  # every activation alone comes first
            self.study.enqueue_trial(self.setup.space.uniform(uniform[number]), skip_if_exists=True)
        self.study.sampler = self._sampler(number)
        self.study.ask({name: distribution(allowed) for name, allowed in variables.items()})

    def _sampler(self, number: int) -> Any:
        samplers = optuna().samplers
        seed = int(np.random.SeedSequence([self.setup.seed, number]).generate_state(1)[0])
        if self.setup.sampler == "random":
            return samplers.RandomSampler(seed=seed)
        if self.several:
            return samplers.NSGAIISampler(seed=seed, population_size=self.setup.together)
        return samplers.TPESampler(
            seed=seed, multivariate=True, constant_liar=True, n_startup_trials=self.setup.together
        )

    def _settle(self, known: Sequence[Any]) -> None:
        """Tell what a kill left untold, and give up trials that were not asked for in full."""
        whole = len(self.setup.space.names())
        for t in known:
            if t.state.is_finished():
                continue
            if FOUND in t.user_attrs and all(
                FOUND in o.user_attrs or o.state.is_finished() for o in known
            ):
                self._tell(t.number, t.user_attrs[FOUND])
            elif len(t.params) < whole:
                self.study.tell(t.number, state=optuna().trial.TrialState.FAIL)

    def store(self, found: dict[int, dict[str, Any]]) -> None:
        """Keep the records of a batch, then tell Optuna."""
        for number, record in found.items():
            self.kept.set_trial_user_attr(self._id(number), FOUND, record)
        for number, record in found.items():
            self._tell(number, record)

    def _tell(self, number: int, record: dict[str, Any]) -> None:
        states = optuna().trial.TrialState
        if record["score"] is None:
            self.study.tell(number, state=states.FAIL)
        elif self.several:
            self.study.tell(number, [record[name] for name in OBJECTIVES])
        elif record["last"]:
            self.study.tell(number, record["score"])
        else:
            for rung in record["rungs"]:
                best = max(rung["means"])
                self.kept.set_trial_intermediate_value(self._id(number), rung["epochs"], best)
            self.study.tell(number, state=states.PRUNED)

    def _id(self, number: int) -> int:
        study = self.kept.get_study_id_from_name(NAME)
        return int(self.kept.get_trial_id_from_study_id_trial_number(study, number))
