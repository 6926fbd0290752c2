"""One score out of all signals: ridge regression on them, their kinks and their products.

The fitted numbers are shipped as `predictor.json`; `python benchmarks/predictor.py FOLDER` fits
them again. What is predicted is a cell's place among the cells of its own task, 0 the worst and 1
the best, so tasks of different difficulty can be learnt from together.
"""

from __future__ import annotations

import functools
import importlib.resources
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

# distance_fidelity is left out: it is known for few data sets
USED = (
    "ntk_accuracy", "ntk_loss", "step_size", "gradient_min", "gradient_ratio", "effective_rank",
    "probe_accuracy", "chi", "parameters",
)  # fmt: skip
KNOTS = (0.2, 0.5, 0.8)  # quantiles at which a signal's effect may bend
ENDS = (0.02, 0.98)  # quantiles beyond which it has none
STRENGTH = 0.1  # of the ridge, for each cell
BANDS = 3  # of the score, for each of which the errors are known
LEVEL = 0.8


@dataclass(frozen=True)
class Combination:
    """A fitted score.

    Attributes:
        names: signals, and "depth" (log2).
        low, high, mean, scale: of each; a missing one counts as its lowest value.
        knots: for each quantile of KNOTS, one number a name.
        coefficients: of names, of knots, of products of two names.
        intercept: the score where everything is as on average.
        edges: scores between which errors are alike.
        errors: for each band, how far 80 % of the truths lie below and above a score, on
            activations and tasks that were not fitted on.
        fitted: on what.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    knots: tuple[tuple[float, ...], ...]
    coefficients: tuple[float, ...]
    intercept: float
    edges: tuple[float, ...] = ()
    errors: tuple[tuple[float, float], ...] = ()
    fitted: str = ""

    def score(self, values: Floats) -> Floats:
        """Scores of cells, (cells,), from (cells, names)."""
        z = (np.clip(_filled(values, self.low), self.low, self.high) - self.mean) / self.scale
        return np.asarray(_basis(z, np.array(self.knots)) @ self.coefficients + self.intercept)

    def interval(self, score: float) -> tuple[float, float]:
        """Where 80 % of the cells of this score have their place."""
        if not self.errors:
            return math.nan, math.nan
        below, above = self.errors[int(np.searchsorted(self.edges, score))]
        return float(np.clip(score + below, 0.0, 1.0)), float(np.clip(score + above, 0.0, 1.0))

    def to_json(self) -> str:
        """The numbers, six digits of each."""
        return json.dumps(_short(asdict(self)), indent=1) + "\n"


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


@functools.cache
def shipped() -> Combination:
    """The combination that comes with the package."""
    text = importlib.resources.files("actscope.searches").joinpath("predictor.json").read_text()
    plain: dict[str, Any] = {
        k: tuple(map(_tuple, v)) if isinstance(v, list) else v for k, v in json.loads(text).items()
    }
    return Combination(**plain)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def values_of(seen: Mapping[str, float], depth: int, names: tuple[str, ...]) -> Floats:
    """One row of what a combination takes."""
    return np.array([math.log2(depth) if n == "depth" else seen[n] for n in names])


def table_values(frame: pd.DataFrame, names: tuple[str, ...]) -> Floats:
    """The same of a table of cells."""
    columns = [np.log2(frame.depth) if n == "depth" else frame[n] for n in names]
    return np.stack([np.asarray(c, dtype=np.float64) for c in columns], axis=1)


def places(frame: pd.DataFrame) -> Floats:
    """Each cell's place among those of its task, in (0, 1]."""
    return frame.groupby("task").accuracy.rank(pct=True).to_numpy(dtype=np.float64)


def fit(values: Floats, place: Floats, names: tuple[str, ...]) -> Combination:
    """Fit the score.

    Args:
        values: (cells, names).
        place: (cells,) in [0, 1].
        names: of the columns.
    """
    from sklearn.linear_model import Ridge

    filled = _filled(values, np.nanmin(values, axis=0))
    low, high = np.quantile(filled, ENDS, axis=0)
    clipped = np.clip(filled, low, high)
    mean, scale = clipped.mean(axis=0), np.maximum(clipped.std(axis=0), 1e-9)
    z = (clipped - mean) / scale
    knots = np.quantile(z, KNOTS, axis=0)
    basis = _basis(z, knots)
    middle, spread = basis.mean(axis=0), np.maximum(basis.std(axis=0), 1e-9)
    ridge = Ridge(STRENGTH * len(z)).fit((basis - middle) / spread, place)
    coefficients = ridge.coef_ / spread
    return Combination(
        names=names,
        low=tuple(low.tolist()), high=tuple(high.tolist()), mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()), knots=tuple(map(tuple, knots.tolist())),
        coefficients=tuple(coefficients.tolist()),
        intercept=float(ridge.intercept_ - middle @ coefficients),
    )  # fmt: skip


def _filled(values: Floats, low: Any) -> Floats:
    return np.where(np.isnan(values), low, values)


def _basis(z: Floats, knots: Floats) -> Floats:
    """z, what of it lies above each knot, and the products of two columns: (cells, features)."""
    pairs = [z[:, i] * z[:, j] for i, j in itertools.combinations(range(z.shape[1]), 2)]
    return np.concatenate([z, *(np.maximum(z - k, 0.0) for k in knots), np.stack(pairs, 1)], axis=1)


def bands(score: Floats, place: Floats) -> dict[str, Any]:
    """The edges between bands of the score, and the errors inside each."""
    edges = np.quantile(score, np.arange(1, BANDS) / BANDS)
    band = np.searchsorted(edges, score)
    tails = (0.5 - LEVEL / 2, 0.5 + LEVEL / 2)
    errors = [np.quantile((place - score)[band == b], tails).tolist() for b in range(BANDS)]
    return {"edges": tuple(edges.tolist()), "errors": tuple(map(tuple, errors))}
