"""`cost`: what each activation costs at equal accuracy."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.activations._base import Activation
from actscope.activations._lookup import elementwise
from actscope.costs import latency
from actscope.costs.counts import counts
from actscope.costs.latency import BATCHES, DEFAULT, ROUNDS, RUNTIMES, Timed
from actscope.costs.quantised import kept
from actscope.costs.setup import ARTICLE, TUNED, Setup, points_of
from actscope.costs.sizes import Row, Size, Trainer, Trials, search
from actscope.exports.source import Network, network_of
from actscope.maths.statistics import bootstrap

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu")
PARTNER = "relu"
JUDGED = 8  # trained networks whose accuracy in smaller formats is looked at


@dataclass(frozen=True, eq=False, repr=False)
class Cost:
    """What `cost` found.

    Attributes:
        setup: what was searched over.
        rows: the search, one for each activation, kind of settings and depth.
        chosen: by activation, its smallest size with tuned settings, over all depths; those that
            never reach the target are missing.
        timed: latencies at those sizes.
        kept: by activation, test accuracies of trained networks by number format.
        frontier: one row for each width that was tried with tuned settings: its accuracy and its
            latency in ONNX Runtime at the largest batch.
        bayes: the accuracy of the best classifier there is, or NaN where it is not known.
        linear: the accuracy of logistic regression on the same points.
    """

    setup: Setup
    rows: tuple[Row, ...]
    chosen: dict[str, Size]
    timed: Timed
    kept: dict[str, dict[str, NDArray[np.float64]]]
    frontier: pd.DataFrame
    bayes: float
    linear: float

    def __repr__(self) -> str:
        return (
            f"Cost({len(self.names)} activations, {len(self.chosen)} reach {self.setup.target:g} "
            f"on {self.rows[0].sizes[1].cell.data.label})"
        )

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the reader of the table should know: accuracies that fall, edges of the grid."""
        said = []
        for row in self.sizes.to_dict("records"):
            who = f"{row['activation']}, {row['settings']}, depth {row['depth']}"
            if row["wider_that_fail"]:
                said.append(
                    f"{who}: width {row['width']:g} reaches it, {row['wider_that_fail']} does not"
                )
            if row["inits_left_out"]:
                said.append(f"{who}: init {row['inits_left_out']} does not apply")
        lrs = self.setup.lr
        for name in self.names if len(lrs) > 1 else ():
            smallest = self.smallest(name, TUNED)
            best = (smallest.size or smallest.best).cell.lr
            if best in (min(lrs), max(lrs)):
                edge = "largest" if best == max(lrs) else "smallest"
                said.append(
                    f"{name}: its best lr, {best:g}, is the {edge} of the grid: a wider one may "
                    "find a smaller network"
                )
        return (*said, *self.timed.notes)

    @property
    def floor(self) -> str:
        """What a straight line and the best classifier have, in words."""
        bayes = f"; Bayes {self.bayes:.4g}" if self.bayes == self.bayes else ""
        low = self.linear >= self.setup.target
        enough = ", so it reaches the target too: a higher one tells more" if low else ""
        return f"On these points a straight line has {self.linear:.3g}{enough}{bayes}."

    @property
    def names(self) -> tuple[str, ...]:
        """Every activation's key, in the order given."""
        return tuple(dict.fromkeys(row.activation for row in self.rows))

    def smallest(self, name: str, settings: str) -> Row:
        """The row of the smallest network; where none reaches the target, of the best one."""
        rows = [r for r in self.rows if (r.activation, r.settings) == (name, settings)]
        reached = [r for r in rows if r.size is not None]
        if reached:
            return min(reached, key=lambda r: counts(r.size.cell.net()).multiply_adds)  # type: ignore[union-attr]
        return max(rows, key=lambda r: r.best.level)

    @functools.cached_property
    def sizes(self) -> pd.DataFrame:
        """One row for each activation, kind of settings and depth: the search."""
        import pandas as pd

        return pd.DataFrame([_size_row(row, self.setup) for row in self.rows])

    @functools.cached_property
    def deployed(self) -> pd.DataFrame:
        """One row for each activation, runtime, format and batch: latency, throughput, ratio."""
        import pandas as pd

        return pd.DataFrame(
            [_time_row(*key, found) for key, found in self.timed.taken.items()],
        )

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """The one table: one row an activation."""
        import pandas as pd

        return pd.DataFrame([self._whole_row(name) for name in self.names])

    def _whole_row(self, name: str) -> dict[str, Any]:
        tuned, article = (self.smallest(name, settings) for settings in (TUNED, ARTICLE))
        cell = tuned.best.cell if tuned.size is None else tuned.size.cell
        judged = tuned.best if tuned.size is None else tuned.size
        row: dict[str, Any] = {
            "activation": name,
            "size, tuned": _words(tuned, self.setup),
            "size, article settings": _words(article, self.setup),
            "lr": cell.lr,
            "init": cell.init,
            "seeds that reach it": judged.rate.value,
            "low": judged.rate.low,
            "high": judged.rate.high,
        }
        row |= _work(None if tuned.size is None else tuned.size)
        for (who, runtime, batch), found in self.timed.taken.items():
            if who == name:
                where = f"{' '.join(RUNTIMES[runtime])}, batch {batch:,}"
                row[f"{where}: µs"] = 1e6 * found.seconds.value
                row[f"{where}: over ReLU"] = np.nan if found.ratio is None else found.ratio.value
        for kind, values in self.kept.get(name, {}).items():
            row[f"accuracy, {kind}"] = float(values.mean())
        return row

    def to_json(self) -> str:
        """Everything but the figure."""
        frames = {
            "table": self.table, "sizes": self.sizes, "deployed": self.deployed,
            "kept": self.accuracy_kept, "frontier": self.frontier,
        }  # fmt: skip
        held = {name: json.loads(f.to_json(orient="records")) for name, f in frames.items()}
        about = {"setup": dict(self.setup.record()), "bayes": self.bayes, "linear": self.linear}
        clean = {k: None if v != v else v for k, v in about.items()}
        return json.dumps({**clean, "notes": self.cautions, **held}, indent=1, default=str)

    @functools.cached_property
    def accuracy_kept(self) -> pd.DataFrame:
        """One row for each activation and smaller format: accuracy before and after."""
        import pandas as pd

        return pd.DataFrame(
            [
                _kept_row(name, kind, by_kind["float32"], values)
                for name, by_kind in self.kept.items()
                for kind, values in by_kind.items()
                if kind != "float32"
            ]
        )

    def plot(self) -> Figure:
        """The frontier: accuracy against latency, one curve an activation."""
        import importlib

        # by name, because figures stand on a floor above this one
        return importlib.import_module("actscope.figures.cost").frontier(self)  # type: ignore[no-any-return]

    def _repr_html_(self) -> str:
        import html

        shown = self.table.to_html(index=False, float_format="{:.4g}".format)
        return f"<p>{html.escape(repr(self))}</p>{shown}"


def cost(
    activations: Sequence[str | Activation] = ACTIVATIONS,
    *,
    data: Any = "moons",
    target: float = 0.96,
    runtimes: Sequence[str] = DEFAULT,
    batches: Sequence[int] = BATCHES,
    rounds: int = ROUNDS,
    folder: str | Path | None = None,
    trials: Trials | None = None,
    progress: Callable[[str], object] | None = None,
    **settings: Any,
) -> Cost:
    """What each activation costs at equal accuracy, never at equal size.

    For each activation the smallest width is searched for, by bisection, at which at least 80 %
    of 48 seeds reach the target test accuracy: once "tuned", with the learning rate and init of a
    grid that serve this activation best at this width (chosen on seeds of their own), and once
    with the "article settings", learning rate 0.05 and the article's init. At the tuned size
    follow the counted work, the measured latency beside ReLU's network, and accuracy and speed
    after bfloat16 and int8.

    Args:
        activations: names, typed expressions or records; ReLU is added where it is missing.
        data: a classification of the catalogue, or a mapping of its name and settings.
        target: test accuracy to reach, in (0, 1].
        runtimes: of `latency.RUNTIMES`: "onnx", "onnx-int8", "torch", "torch-bf16", "compiled",
            "compiled-bf16".
        batches: sizes at which latency is measured, one thread.
        rounds: measurements of each.
        folder: where accuracies are kept as they come, so that a search that was stopped goes on.
        trials: instead of training: a function from cells and seeds to test accuracies.
        progress: called with a line of words before each step.
        settings: the fields of `Setup`: share, seeds, tries, lr, init, depths, most, optimiser,
            epochs, batch, norm, residual, points, tests.

    Returns:
        Tables, and a figure by `.plot()`.

    Raises:
        InputError: no classifier reaches the target, or the data are no classification.
        BadSpec, UnknownName: a setting that cannot be.
        MissingExtra: ONNX Runtime or PyTorch is asked for and not installed.

    Example:
        >>> found = cost(["relu", "tanh"], target=0.85, lr=[0.3], init=["gain"], epochs=100,
        ...              most=8, runtimes=["onnx"], batches=[1, 256], rounds=5)
        >>> found
        Cost(2 activations, 2 reach 0.85 on moons)
        >>> bool((found.deployed.us > 0).all())
        True

    Source: own, docs/cost.md; intervals of shares: Wilson 1927.
    """
    setup = Setup(data=data, target=target, **settings)
    records = {a.key: a for a in map(elementwise, dict.fromkeys([*_with_relu(activations)]))}
    latency.check(runtimes, batches)
    law, points = setup.law(), setup.split()
    kept_in = None if folder is None else Path(folder)
    if kept_in is not None:
        kept_in.mkdir(parents=True, exist_ok=True)
    say = progress or (lambda words: None)
    rows = search(list(records.values()), setup, trials or Trainer(kept_in), say)
    bayes = law.bayes_accuracy().accuracy if law.bayes_accuracy is not None else float("nan")
    empty = Cost(setup, tuple(rows), {}, Timed({}), {}, _nothing(), bayes, points.linear)
    chosen = {
        name: row.size
        for name in empty.names
        if (row := empty.smallest(name, TUNED)).size is not None
    }
    trained = {}
    for name, size in chosen.items():
        say(f"training {name} at its smallest size")
        trained[name] = _networks(size, setup.target)
    timed = latency.time_networks(
        {name: networks[0] for name, networks in trained.items()},
        points.x, PARTNER, runtimes=runtimes, batches=batches, rounds=rounds, progress=say,
    )  # fmt: skip
    formats = [k for k in ("bfloat16", "int8") if any(RUNTIMES[r][1] == k for r in runtimes)]
    smaller = {}
    for name, networks in trained.items():
        say(f"{name} in {' and '.join(formats) or 'float32'}")
        smaller[name] = kept(networks, points.x, points.x_test, points.y_test, formats)
    curve = _frontier(empty, points.x, max(batches), rounds, say)
    return Cost(setup, tuple(rows), chosen, timed, smaller, curve, bayes, points.linear)


def _with_relu(activations: Sequence[str | Activation]) -> list[str | Activation]:
    alone = isinstance(activations, (str, Activation))
    given: list[str | Activation] = [activations] if alone else list(activations)  # type: ignore[list-item]
    keys = [elementwise(a).key for a in given]
    return given if PARTNER in keys else [PARTNER, *given]


def _networks(size: Size, target: float) -> list[Network]:
    """Trained networks of a size, of the first judging seeds that reached the target."""
    from actscope.engine.api import train

    seeds = np.flatnonzero(size.accuracies >= target)[:JUDGED].tolist()
    data, cell = points_of(size.cell), size.cell
    points = (data.x, data.y, data.x_test, data.y_test)
    result = train(cell.net(), points, cell.training(), seeds=seeds, init=cell.init)
    return [network_of(result, network=i) for i in range(len(seeds))]


def _frontier(
    found: Cost, points: NDArray[Any], batch: int, rounds: int, say: Callable[[str], object]
) -> pd.DataFrame:
    """Accuracy and latency of every width that was tried with tuned settings, at one batch size."""
    import pandas as pd

    sizes = {
        f"{row.activation}|{row.depth}|{width}": (row, width, size)
        for row in found.rows
        if row.settings == TUNED
        for width, size in row.sizes.items()
    }
    # weights do not change the time, so these networks need not be trained again
    networks = {
        key: network_of(size.cell.net(), init="lecun") for key, (_, _, size) in sizes.items()
    }
    say(f"timing {len(networks)} sizes for the frontier")
    timed = latency.time_networks(
        networks, points, "", runtimes=("onnx",), batches=(batch,), rounds=rounds
    )
    return pd.DataFrame(
        {
            "activation": row.activation,
            "depth": row.depth,
            "width": width,
            "accuracy": size.level,
            "seeds_reaching": size.rate.value,
            "batch": batch,
            "us": 1e6 * timed.taken[key, "onnx", batch].seconds.value,
            "reached": size.level >= found.setup.target,
            "chosen": found.smallest(row.activation, TUNED).size is size,
        }
        for key, (row, width, size) in sizes.items()
    )


def _nothing() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


def _words(row: Row, setup: Setup) -> str:
    """The size in words: "2 × 5", or that the target was not reached."""
    if row.size is None:
        return f"> {setup.most}"
    return f"{row.depth} × {row.found.width}" + ("" if row.found.monotone else " *")


def _work(size: Size | None) -> dict[str, float]:
    if size is None:
        return dict.fromkeys(("parameters", "multiply-adds", "calls", "bytes"), float("nan"))
    work = counts(size.cell.net())
    return {
        "parameters": work.parameters,
        "multiply-adds": work.multiply_adds,
        "calls": work.calls,
        "bytes": work.bytes_moved(1),
    }


def _size_row(row: Row, setup: Setup) -> dict[str, Any]:
    judged = row.best if row.size is None else row.size
    fails = [w for w, reached in row.found.tried.items() if not reached]
    above = [w for w in fails if row.found.width is not None and w > row.found.width]
    return {
        "activation": row.activation,
        "settings": row.settings,
        "depth": row.depth,
        "width": None if row.found.width is None else float(row.found.width),
        "reached": row.size is not None,
        "lr": judged.cell.lr,
        "init": judged.cell.init,
        "judged_width": judged.cell.width,
        "accuracy": judged.level,
        "seeds_reaching": judged.rate.value,
        "low": judged.rate.low,
        "high": judged.rate.high,
        "widths_tried": ", ".join(map(str, sorted(row.found.tried))),
        "wider_that_fail": ", ".join(map(str, sorted(above))),
        "inits_left_out": ", ".join(judged.left_out),
        **_work(row.size),
    }


def _time_row(name: str, runtime: str, batch: int, found: latency.Taken) -> dict[str, Any]:
    ratio = found.ratio
    seconds = found.seconds
    return {
        "activation": name,
        "runtime": RUNTIMES[runtime][0],
        "format": RUNTIMES[runtime][1],
        "batch": batch,
        "us": 1e6 * seconds.value,
        "us_low": 1e6 * seconds.low,
        "us_high": 1e6 * seconds.high,
        "points_per_second": batch / seconds.value,
        "over_relu": np.nan if ratio is None else ratio.value,
        "over_relu_low": np.nan if ratio is None else ratio.low,
        "over_relu_high": np.nan if ratio is None else ratio.high,
    }


def _kept_row(
    name: str, kind: str, before: NDArray[np.float64], after: NDArray[np.float64]
) -> dict[str, Any]:
    lost = before - after
    interval = bootstrap(lost, rng=0) if len(lost) > 1 else None
    return {
        "activation": name,
        "format": kind,
        "networks": len(before),
        "float32": float(before.mean()),
        "accuracy": float(after.mean()),
        "lost": float(lost.mean()),
        "lost_low": float("nan") if interval is None else interval.low,
        "lost_high": float("nan") if interval is None else interval.high,
    }
