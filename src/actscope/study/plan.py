"""From a grid to trials: `Study` says what, `Plan` lists the cells."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actscope.datasets._base import Dataset
from actscope.datasets._lookup import dataset
from actscope.engine.checks import whole
from actscope.engine.spec import DTYPES, MAX_DEPTH, MAX_WIDTH, OPTIMISERS
from actscope.errors import BadSpec, UnknownName
from actscope.inits._lookup import SHELF as INITS
from actscope.study import fields
from actscope.study.cell import Cell
from actscope.study.fields import ALL, Named
from actscope.study.traces import ACCURACY, Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from actscope.study.progress import Progress
    from actscope.study.result import StudyResult

MOST_CELLS, MOST_TRIALS = 100_000, 10_000_000


@dataclass(frozen=True)
class Study:
    """A grid of trainings: every combination of the values given, each from every seed.

    Every field that takes a list also takes one value. The data are standardised on the training
    set; a classification has a logistic loss, a regression mean squared error.

    Args:
        activation: names, typed expressions, {"name": …, parameters}; or lists with one for each
            layer, which are used at the depth of their own length.
        depth: hidden layers, 1 to 64.
        width: units in each, 1 to 512.
        init: names of inits.
        optimiser: "sgd", "momentum", "adam", "adamw".
        lr: learning rates, ≥ 0.
        epochs: passes over the training points.
        batch: points in a step.
        weight_decay: ≥ 0.
        data: names of data sets, or {"name": …, parameters}.
        noise: instead of the data sets' own noise; all of them must have that parameter.
        points: how many are drawn, for training and testing together; "all" of a set of fixed
            size.
        test_share: of the points, in (0, 1).
        data_seed: of the draw of points and of the split.
        norm: layer normalisation.
        residual: skip connections.
        dtype: "float32", "float64".
        seeds: how many (0, 1, …), a list, or {"start": …, "count": …}; of weights and orders.
        trace: a `Trace`, or its fields as a mapping: metrics, every, formats, points, hand_on.
        curve: at how many epochs loss and accuracy are stored; 0 for none.
        name: of the study.
        grid: mappings that each say some of the lists anew; the study is then the union of these
            grids, a cell that two of them have once. What a mapping leaves out is as above. So
            each activation can have learning rates of its own.

    Raises:
        BadSpec: a field that cannot be, or a combination; the message names it.

    Example:
        >>> study = Study(activation=["relu", "sigmoid"], lr=[0.05, 0.5], epochs=60, seeds=20)
        >>> study.plan()
        Plan(4 cells, 80 trials)
        >>> result = study.run()
        >>> len(result.table())
        80
        >>> Study(lr=0.1, grid=[{"activation": "sigmoid", "lr": [1, 10]}, {}]).plan()
        Plan(3 cells, 60 trials)

    Source: own, docs/studies.md; intervals: Efron 1987, bootstrap with BCa.
    """

    activation: Any = "relu"
    depth: Any = 2
    width: Any = 8
    init: Any = "article"
    optimiser: Any = "sgd"
    lr: Any = 0.05
    epochs: Any = 800
    batch: Any = 64
    weight_decay: Any = 0.0
    data: Any = "moons"
    noise: Any = ()
    points: Any = 400
    test_share: float = 0.25
    data_seed: Any = 0
    norm: Any = False
    residual: Any = False
    dtype: Any = "float32"
    seeds: Any = 20
    trace: Any = None
    curve: int = 20
    name: str = "study"
    grid: Any = ()

    @staticmethod
    def builtin(name: str) -> Study:
        """A study that comes with the package; `actscope study --builtin NAME` runs it.

        Raises:
            UnknownName: there is none of this name; the message lists all.

        Example:
            >>> Study.builtin("hybrid").plan().cells[1].activation
            'relu'
        """
        from actscope.study.file import builtin

        return builtin(name)

    def __post_init__(self) -> None:
        given = self.noise
        none = given is None or (isinstance(given, (list, tuple)) and not given)
        canonical = {
            "activation": fields.activations(self.activation),
            "depth": fields.wholes("depth", self.depth, 1, MAX_DEPTH),
            "width": fields.wholes("width", self.width, 1, MAX_WIDTH),
            "init": fields.choices("init", self.init, INITS.names()),
            "optimiser": fields.choices("optimiser", self.optimiser, OPTIMISERS),
            "lr": fields.reals("lr", self.lr),
            "epochs": fields.wholes("epochs", self.epochs, 1, 1_000_000),
            "batch": fields.wholes("batch", self.batch, 1),
            "weight_decay": fields.reals("weight_decay", self.weight_decay),
            "data": fields.data_sets(self.data),
            "noise": () if none else fields.reals("noise", given),
            "points": fields.points(self.points),
            "test_share": fields.share("test_share", self.test_share),
            "data_seed": fields.wholes("data_seed", self.data_seed, 0, 2**63 - 1),
            "norm": fields.flags("norm", self.norm),
            "residual": fields.flags("residual", self.residual),
            "dtype": fields.choices("dtype", self.dtype, DTYPES),
            "seeds": fields.seeds(self.seeds),
            "trace": _trace(self.trace),
            "curve": whole("Study.curve", self.curve, 0, 1000),
            "name": fields.text("name", self.name),
            "grid": _grid(self.grid),
        }
        for key, value in canonical.items():
            object.__setattr__(self, key, value)
        self._check_together()

    def _check_together(self) -> None:
        """What one field alone cannot say."""
        parts = self.parts()  # each of them has been through here if there are several
        count = sum(part._upper_bound() for part in parts)
        if count > MOST_CELLS or count * len(self.seeds) > MOST_TRIALS:
            shown = f"{count:,} cells of {len(self.seeds):,} seeds"
            most = f"at most {MOST_CELLS:,} cells and {MOST_TRIALS:,} trials"
            raise BadSpec("Study", shown, f"{most}: shorten a list, or make several studies")
        if self.grid:
            return
        for i, entry in enumerate(self.activation):
            if len(entry) > 1 and len(entry) not in self.depth:
                what = [a.label for a in entry]
                depths = ", ".join(map(str, self.depth))
                raise BadSpec(
                    f"Study.activation[{i}]", what, f"one for each layer; depth is {depths}"
                )
        for i, law in enumerate(self.laws()):
            if law.dim > MAX_WIDTH:
                raise BadSpec(f"Study.data[{i}]", law.name, f"at most {MAX_WIDTH} numbers a point")
            if self.trace is not None:
                _check_trace(self.trace, law)

    def _upper_bound(self) -> int:
        axes = (getattr(self, axis) for axis in AXES if axis != "noise")
        lengths = [len(axis) for axis in axes]
        return functools.reduce(lambda a, b: a * b, lengths, max(1, len(self.noise)))

    def parts(self) -> tuple[Study, ...]:
        """One study for each mapping of `grid`, with what the mapping says; without any, itself.

        Raises:
            BadSpec: a mapping that cannot be; the message says which.
        """
        if not self.grid:
            return (self,)
        spec = self.spec()
        return tuple(_part(i, spec, given) for i, given in enumerate(spec.pop("grid")))

    def laws(self) -> list[Dataset]:
        """The data sets, with the noise where it is an axis.

        Raises:
            BadSpec: noise is given twice, or a data set has none.
        """
        return [dataset(d.name, **dict(d.settings)) for d in self._data()]

    def _data(self) -> list[Named]:
        if not self.noise:
            return list(self.data)
        found = []
        for entry in self.data:
            law = dataset(entry.name, **dict(entry.settings))
            default = {p.name: p.default for p in law.params}.get("noise")
            if default is None:
                raise BadSpec(
                    "Study.noise",
                    list(self.noise),
                    f"data sets with noise; {entry.name} has none: leave noise out, and write "
                    f'data = [{{name = "moons", noise = 0.1}}, "{entry.name}"]',
                )
            if law.settings["noise"] != default:
                raise BadSpec(
                    "Study.noise", self.noise, f"noise in one place; {entry.label} has its own"
                )
            found += [fields.named(law.with_params(noise=noise)) for noise in self.noise]
        return found

    def plan(self) -> Plan:
        """The cells and trials of the grid."""
        return Plan(self)

    def spec(self) -> dict[str, Any]:
        """The study as a mapping that TOML and JSON can hold; `Study(**spec)` is the study."""
        spec: dict[str, Any] = {"name": self.name}
        spec |= {axis: _plain(axis, getattr(self, axis)) for axis in AXES}
        if isinstance(self.seeds, range):
            spec["seeds"] = {"start": self.seeds.start, "count": len(self.seeds)}
        else:
            spec["seeds"] = list(self.seeds)
        spec |= {"test_share": self.test_share, "curve": self.curve}
        if self.trace is not None:
            spec["trace"] = self.trace.spec()
        if self.grid:
            spec["grid"] = [dict(given) for given in self.grid]
        return {k: v for k, v in spec.items() if k != "noise" or v}

    def run(
        self,
        out: str | Path | None = None,
        *,
        executor: str = "local",
        workers: int | None = None,
        address: str | None = None,
        progress: Callable[[Progress], object] | None = None,
        retry_errors: bool = False,
    ) -> StudyResult:
        """Train what is not stored yet, and give everything back.

        Args:
            out: the study's folder; trials that it holds are not trained again. None keeps the
                trials in a temporary folder that goes with the result.
            executor: the name of an executor: where the work is done.
            workers: chunks that run at once; all cores by default.
            address: of a cluster, for executors that have one.
            progress: called now and then with a `Progress`.
            retry_errors: whether stored trials that ended in an error are trained again; without
                it an error is a result like any other.

        Raises:
            OutputError: the folder cannot be written to, or another process holds it, or it is
                a URL: studies are written to folders of this machine.
            InputError: the folder holds another study.
        """
        from actscope.study.run import run

        return run(self, out, executor, workers, address, progress, retry_errors=retry_errors)


AXES = (
    "activation",
    "depth",
    "width",
    "init",
    "optimiser",
    "lr",
    "epochs",
    "batch",
    "weight_decay",
    "data",
    "noise",
    "points",
    "data_seed",
    "norm",
    "residual",
    "dtype",
)


ONE_FOR_ALL = ("seeds", "test_share", "curve", "name", "trace", "grid")


class Plan:
    """A study's cells in the order of the grid, each different one once.

    Example:
        >>> plan = Study(activation=["relu", ["relu", "relu"]], depth=[2, 3], seeds=5).plan()
        >>> plan
        Plan(2 cells, 10 trials)
        >>> plan.cells[0].trial_id(0)
        '...'
    """

    def __init__(self, study: Study) -> None:
        self.study, self.seeds = study, study.seeds
        kept: dict[str, Cell] = {}
        for cell in _cells(study):
            kept.setdefault(cell.id, cell)
        self.cells = tuple(kept.values())

    @functools.cached_property
    def varying(self) -> frozenset[str]:
        """The settings in which cells differ."""
        names = [f.name for f in dataclasses.fields(Cell)]
        return frozenset(n for n in names if len({getattr(c, n) for c in self.cells}) > 1)

    @property
    def trials(self) -> int:
        """How many trainings the plan has."""
        return len(self.cells) * len(self.seeds)

    def ids(self) -> Iterator[str]:
        """Every trial's id."""
        return (cell.trial_id(seed) for cell in self.cells for seed in self.seeds)

    def __repr__(self) -> str:
        return f"Plan({len(self.cells):,} cells, {self.trials:,} trials)"


def _plain(axis: str, values: tuple[Any, ...]) -> list[Any]:
    """An axis as TOML and JSON hold it."""
    if axis == "activation":
        return [e[0].to_toml() if len(e) == 1 else [a.to_toml() for a in e] for e in values]
    if axis == "data":
        return [d.to_toml() for d in values]
    if axis == "points":
        return ["all" if n == ALL else n for n in values]
    return list(values)


def _grid(value: Any) -> tuple[dict[str, Any], ...]:
    """The mappings of a union of grids, their keys checked; values are checked by `_part`."""
    if value is None:
        return ()
    if isinstance(value, Mapping) or not isinstance(value, (list, tuple)):
        raise BadSpec("Study.grid", value, "a list of mappings: [[grid]] in a file, once for each")
    for i, given in enumerate(value):
        if not isinstance(given, Mapping):
            raise BadSpec(
                f"Study.grid[{i}]", given, "a mapping, such as {activation = …, lr = […]}"
            )
        for key in given:
            if key not in AXES:
                near = UnknownName("key", str(key), AXES).nearest
                hint = f"did you mean {near!r}? " if near else ""
                one = "one value for the whole study" if key in ONE_FOR_ALL else "no such key"
                known = f"{one}. {hint}Keys of a grid: {', '.join(AXES)}"
                raise BadSpec(f"Study.grid[{i}].{key}", given[key], known)
    return tuple(dict(given) for given in value)


def _part(i: int, spec: Mapping[str, Any], given: Mapping[str, Any]) -> Study:
    """The study that mapping number i of a union makes of the rest."""
    try:
        return Study(**{**spec, **given})
    except BadSpec as error:
        key = error.field.removeprefix("Study").removeprefix(".")
        if re.split(r"[.\[]", key)[0] in given:  # else the rest of the study is to blame
            error.args = (str(error).replace("Study.", f"Study.grid[{i}].", 1),)
            error.field = f"Study.grid[{i}].{key}"
        raise


def _cells(whole: Study) -> Iterator[Cell]:
    for study in whole.parts():
        yield from _product(study)


def _product(study: Study) -> Iterator[Cell]:
    s, data = study, study._data()
    grid = itertools.product(
        data, s.points, s.data_seed, s.activation, s.depth, s.width, s.norm, s.residual,
        s.init, s.optimiser, s.epochs, s.batch, s.weight_decay, s.dtype, s.lr,
    )  # fmt: skip
    for d, n, draw, entry, depth, width, norm, residual, *rest in grid:
        if len(entry) not in (1, depth):
            continue
        init, optimiser, epochs, batch, decay, dtype, lr = rest
        yield Cell(
            activations=entry * depth if len(entry) == 1 else entry,
            entry=entry, depth=depth, width=width, init=init, optimiser=optimiser, lr=lr,
            epochs=epochs, batch=batch, weight_decay=decay, data=d, points=n,
            test_share=s.test_share, data_seed=draw, norm=norm, residual=residual, dtype=dtype,
            trace=s.trace, curve=s.curve,
        )  # fmt: skip


def _trace(value: Any) -> Trace | None:
    """A Trace, from one or from a mapping of its fields."""
    if value is None or isinstance(value, Trace):
        return value
    known = [f.name for f in dataclasses.fields(Trace)]
    if not isinstance(value, Mapping) or "metrics" not in value:
        raise BadSpec("Study.trace", value, f"metrics = [names], and any of {', '.join(known[1:])}")
    for key in value:
        if key not in known:
            raise BadSpec(f"Study.trace.{key}", value[key], f"one of the keys {', '.join(known)}")
    return Trace(**value)


def _check_trace(trace: Trace, law: Dataset) -> None:
    """Raise BadSpec if a metric needs what the data set cannot tell."""
    from actscope.metrics._lookup import metric

    for i, name in enumerate(trace.metrics):
        needs = frozenset({"labels"}) if name == ACCURACY else metric(name).needs
        place = f"Study.trace.metrics[{i}]"
        if needs & {"distances", "ladder"} and law.boundary is None:
            raise BadSpec(
                place, name, f"a metric that needs no known boundary; {law.name} has none"
            )
        if "labels" in needs and law.classes < 2:
            raise BadSpec(
                place, name, f"a metric that needs no classes; {law.name} is a regression"
            )
