"""`assess`: does an activation preserve or destroy the geometry that deeper layers need?"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from actscope.activations._base import Activation
from actscope.assessment.elementwise import Cost
from actscope.assessment.measured import Accounts
from actscope.assessment.properties import Properties
from actscope.assessment.theory import Theory
from actscope.assessment.verdict import middle

if TYPE_CHECKING:
    import pandas as pd

    from actscope.engine.points import Points

PEERS = ("relu", "tanh", "gelu")
FORMATS = ("float32", "bfloat16", "fp8_e4m3", "int8")
SEEDS = 8
POINTS = 400


@dataclass(frozen=True)
class Setup:
    """What an assessment measures on.

    Attributes:
        depths: numbers of hidden layers, ascending.
        width: units of every hidden layer.
        data: a data set whose true boundary is known.
        formats: number formats beside float64.
        seeds: untrained networks an activation and init.
        inits: the article's rule, and the one that theory recommends.
    """

    depths: tuple[int, ...] = (2, 8, 32)
    width: int = 16
    data: str = "moons"
    formats: tuple[str, ...] = FORMATS
    seeds: int = SEEDS
    inits: tuple[str, ...] = ("critical", "article")


@dataclass(frozen=True, eq=False)
class Subject:
    """Everything found about one activation.

    Attributes:
        activation: the record.
        properties: what needs no network.
        theory: what mean-field theory says.
        accounts: the measurements, by init; of the peers at the first layer and `depths` only.
        cost: one call beside ReLU.
    """

    activation: Activation
    properties: Properties
    theory: Theory
    accounts: dict[str, Accounts]
    cost: Cost


@dataclass(frozen=True, eq=False)
class Assessment:
    """An activation assessed, beside the ones it is compared with.

    Attributes:
        setup: what was measured on.
        subjects: the activation first, then its peers.
        verdict: three sentences, one for each account: exact, format, optimiser.
    """

    setup: Setup
    subjects: tuple[Subject, ...]
    verdict: tuple[str, str, str]

    @property
    def subject(self) -> Subject:
        """The activation that was asked about."""
        return self.subjects[0]

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row for each activation, init and depth; medians over the networks.

        Columns: activation, init, depth; fidelity in each format; probe_accuracy, effective_rank,
        cka; bits_needed; gradient_ratio (first layer over last); jacobian_log_mean,
        jacobian_log_spread, dead_fraction, saturated_fraction, spread, mean_magnitude.
        """
        import pandas as pd

        return pd.DataFrame([row for s in self.subjects for row in _rows(s)])

    def to_json(self) -> str:
        """Everything as JSON; NaN and infinities become null and "inf"."""
        return json.dumps(_plain(self.to_dict()), indent=2, ensure_ascii=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, the measurements as `table` has them."""
        return {
            "setup": dataclasses.asdict(self.setup),
            "verdict": list(self.verdict),
            "activations": [
                {
                    "key": s.activation.key,
                    "formula": s.activation.formula,
                    "properties": dataclasses.asdict(s.properties),
                    "theory": dataclasses.asdict(s.theory),
                    "cost": dataclasses.asdict(s.cost),
                }
                for s in self.subjects
            ],
            "measured": self.table.to_dict("records"),
        }

    def plot(self) -> Any:
        """The four pictures on one sheet, as a matplotlib Figure."""
        import importlib

        # by name, because figures stand on a floor above this one
        return importlib.import_module("actscope.figures.assessment").assessment_sheet(self)

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{s}</p>" for s in self.verdict)
        return sentences + str(self.table.to_html(index=False, float_format="{:.3g}".format))


def assess(
    name: str | Activation,
    *,
    depths: Sequence[int] = (2, 8, 32),
    width: int = 16,
    data: str = "moons",
    formats: Sequence[str] = FORMATS,
    seeds: int = SEEDS,
    compare: Sequence[str | Activation] = PEERS,
    progress: Callable[[int], object] = lambda steps: None,
) -> Assessment:
    """Assess an activation: properties, theory, the three measured accounts, cost, a verdict.

    The measurements are on untrained networks of constant width, drawn by the article's init and
    by the recommended one (the centred edge of chaos where there is one).

    Args:
        name: a catalogue name, a typed expression or an Activation.
        depths: numbers of hidden layers, 1 to 64, at least one.
        width: units of every hidden layer, 1 to 512.
        data: a data set whose true boundary is known ("moons", "circles", "xor", …).
        formats: number formats beside float64.
        seeds: how many networks, 2 to 1000.
        compare: activations to set beside it.
        progress: called with 1 after each of `steps(compare)` pieces of work.

    Returns:
        An Assessment; `.verdict` says it in three sentences.

    Raises:
        InputError: a depth, width, data set or format that cannot be; the message names it.
        UnknownName, BadExpression: no such activation.

    Example:
        >>> found = assess("tanh", depths=(2,), seeds=2, compare=())
        >>> found.verdict[2].split(" (")[0]
        'As the optimiser sees it, with critical and article weights the gradient arrives'

    Source: Poole et al. 2016 and Schoenholz et al. 2017 for the theory; the three accounts are
    own, docs/mathematics.md.
    """
    from actscope.activations._lookup import elementwise
    from actscope.assessment.elementwise import elementwise_cost
    from actscope.assessment.properties import properties
    from actscope.assessment.theory import theory
    from actscope.assessment.verdict import verdict
    from actscope.datasets._lookup import dataset
    from actscope.engine.points import look
    from actscope.engine.spec import Net
    from actscope.maths.blas import ONE_BLAS_THREAD

    first = elementwise(name)
    peers = [p for p in map(elementwise, compare) if p.key != first.key]
    setup = _setup(depths, width, data, formats, seeds)
    costs = elementwise_cost([first, *peers], elementwise("relu"))
    law = dataset(setup.data)
    points = look(law, Net(law.dim), POINTS, seed=0)

    def subject(one: Activation, cost: Cost) -> Subject:
        facts = properties(one)
        beliefs = theory(one, setup.depths, facts.lipschitz)
        accounts = _accounts(one, beliefs, setup, points, every_layer=one is first)
        return Subject(one, facts, beliefs, accounts, cost)

    with ONE_BLAS_THREAD, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = [pool.submit(subject, *pair) for pair in zip([first, *peers], costs, strict=True)]
        try:
            for done in as_completed(waiting):
                done.result()
                progress(1)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    subjects = tuple(done.result() for done in waiting)
    return Assessment(setup, subjects, verdict(subjects[0].accounts))


def _accounts(
    one: Activation, beliefs: Theory, setup: Setup, points: Points, every_layer: bool
) -> dict[str, Accounts]:
    """The measurements by init: the recommended one first."""
    from actscope.assessment.measured import measure

    inits = dict.fromkeys([beliefs.recommended.init, *setup.inits[1:]])
    return {
        init: measure(
            one,
            init,
            points,
            depths=setup.depths,
            width=setup.width,
            formats=setup.formats,
            seeds=range(setup.seeds),
            every_layer=every_layer,
        )
        for init in inits
    }


def _setup(
    depths: Sequence[int], width: int, data: str, formats: Sequence[str], seeds: int
) -> Setup:
    """The settings, checked before any work."""
    from actscope.datasets._lookup import dataset
    from actscope.engine.checks import whole
    from actscope.engine.spec import MAX_DEPTH, MAX_WIDTH
    from actscope.errors import InputError
    from actscope.maths.formats import round_to

    if not depths:
        raise InputError("depths: expected at least one, such as 2,8,32")
    ascending = sorted({whole("depths", d, 1, MAX_DEPTH) for d in depths})
    if dataset(data).boundary is None:
        raise InputError(
            f"data set {data!r} has no known boundary to measure distances from: choose moons, "
            "circles, spirals, xor or blobs"
        )
    for kind in formats:
        if kind != "int8":
            round_to(np.zeros(1), kind)
    return Setup(
        depths=tuple(ascending),
        width=whole("width", width, 1, MAX_WIDTH),
        data=data,
        formats=tuple(formats),
        seeds=whole("seeds", seeds, 2, 1000),
    )


def _rows(s: Subject) -> list[dict[str, Any]]:
    """The rows of the table for one activation."""
    rows = []
    for init, a in s.accounts.items():
        for i, depth in enumerate(a.depths):
            row: dict[str, Any] = {"activation": s.activation.key, "init": init, "depth": depth}
            row |= {f"fidelity {kind}": middle(v[:, depth]) for kind, v in a.fidelity.items()}
            row |= {name: middle(v[:, depth]) for name, v in a.exact.items()}
            row |= {"bits_needed": middle(a.bits_needed[:, i])}
            row |= {"gradient_ratio": middle(a.gradients[depth][:, 1])}
            row |= {name: middle(v[:, depth]) for name, v in a.optimiser.items()}
            rows.append(row)
    return rows


def _plain(value: Any) -> Any:
    """Arrays as lists, NaN as None, infinities as text: what JSON can hold."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
