"""What samples of a site tell of geometry: ranks, distances, number formats, a probe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actscope.errors import InputError
from actscope.maths.clouds import distances
from actscope.maths.formats import FORMATS as BINARY
from actscope.maths.formats import round_mantissa, round_to, spacing
from actscope.maths.meanfield import correlation_map, maps
from actscope.maths.spectra import effective_rank, participation_ratio
from actscope.probe.identity import Identity
from actscope.probe.moments import compiled
from actscope.probe.samples import Pairs

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

FORMATS = {
    "bfloat16": "bfloat16",
    "float16": "float16",
    "fp8_e4m3": "fp8_e4m3",
    "fp8_e5m2": "fp8_e5m2",
    "int8": "int8",
}
KEPT = 0.95  # of the distances' variation: what a format has to keep
QUICK = 4096  # numbers whose quantiles are worked out in a quick look
CLOUD = 192  # rows whose distances are compared after rounding


def ranks(rows: Singles, unit: float = 0.0) -> tuple[float, float]:
    """Effective rank and participation ratio of rows about their mean; NaN for a constant cloud.

    Through the eigenvalues of the smaller Gram matrix, in float64: a singular value below 1e-8
    of the largest is noise, and weighs less than that in both.

    Args:
        rows: (n, d).
        unit: rounding unit of the type that they were worked out in, where that is coarse: what
            rounding alone can make of the singular values counts as 0.
    """
    n = len(rows)
    if n < 2:
        return math.nan, math.nan
    apart = compiled().about_mean(rows)
    x, mean = apart[:n], apart[n]
    if not np.isfinite(mean).all():
        return math.nan, math.nan
    gram = x @ x.T if n <= x.shape[1] else x.T @ x
    size = math.sqrt(gram.trace() + n * (mean @ mean))  # of all numbers together
    # torch's LAPACK takes four fifths of the time of NumPy's here
    squares = torch.linalg.eigvalsh(torch.from_numpy(gram)).numpy()[::-1]
    values = np.sqrt(np.maximum(squares, 0.0))
    # four times the largest singular value of a matrix of rounding errors: weights are rounded too
    noise = 4.0 * unit * size / math.sqrt(rows.size) * sum(map(math.sqrt, rows.shape))
    if values[0] <= max(1e-6 * size, noise):
        return math.nan, math.nan  # no spread beyond rounding
    values = np.where(values > max(1e-7 * values[0], noise), values, 0.0)
    return float(effective_rank(values)), float(participation_ratio(values))


def quantiles(rows: Singles, parts: Sequence[float], full: bool = True) -> list[float]:
    """Quantiles of all numbers in rows together; NaN where one of them is not finite.

    Args:
        rows: (n, d).
        parts: which, each 0 … 1.
        full: False takes every k-th row, of some 4,096 numbers, so that it costs little.
    """
    if not full and rows.size > QUICK:
        rows = rows[:: -(-rows.size // QUICK)]
    values = np.sort(rows, axis=None)  # NaN comes last
    if not (np.isfinite(values[0]) and np.isfinite(values[-1])):
        return [math.nan] * len(parts)
    place = np.asarray(parts) * (values.size - 1)
    below = place.astype(int)
    above = np.minimum(below + 1, values.size - 1)
    low, high = values[below].astype(np.float64), values[above].astype(np.float64)
    return (low + (place - below) * (high - low)).tolist()  # type: ignore[no-any-return]


def agreement(a: Floats, b: Floats) -> float:
    """Pearson correlation of two lists of numbers; NaN where one of them is constant.

    Pairs in which one number is not finite are left out.
    """
    return float(compiled().agreement(a, b))


def preserved(site: Pairs, other: Pairs) -> tuple[float, float]:
    """How well distances and angles between examples agree with another place's, each −1 … 1."""
    mine, theirs, angle, other_angle = site.against(other)
    return agreement(mine, theirs), agreement(angle, other_angle)


def kept_in(rows: Floats, rounded: NDArray[np.floating[Any]]) -> float:
    """R² between the distances of rows and those of their rounded copies; NaN for one point."""
    exact, after = distances(rows), distances(rounded)
    if not np.ptp(exact) > 0.0:
        return math.nan
    if not np.isfinite(after).all() or not np.ptp(after) > 0.0:
        return 0.0
    return max(agreement(exact, after), 0.0) ** 2


def kept_before(rows: Floats, name: str) -> float:
    """R² between the distances of rows and those before they were rounded to a format; estimated.

    The numbers before are gone. A second error of the size of the first, uniform over half a step
    of the format to either side, gives r = R² between the distances without and with it. If the
    exact distances vary by S and an error adds N, then r = (S + N)/(S + 2N) and S/(S + N), which
    is asked for, is 2 − 1/r. Against rows whose exact values were known it is right to .02 above
    .95, .04 above .9 and .1 above .8; below it is low.

    Args:
        rows: (n, d), numbers of the format.
        name: of the format.

    Source: Spearman 1904, the correction for attenuation.
    """
    rng = np.random.default_rng(0)
    r = kept_in(rows, rows + spacing(rows, name) * rng.uniform(-0.5, 0.5, rows.shape))
    return max(0.0, 2.0 - 1.0 / r) if r > 0.0 else r


def formats(rows: Floats, own: str = "") -> dict[str, float]:
    """What each number format keeps of the distances between rows, and the bits they need.

    Args:
        rows: (n, d), as the model computed them.
        own: the coarse format that it computed them in, whose R² is that of `kept_before`.

    Returns:
        R² for each format, and "bits": the smallest stored mantissa that keeps 95 %; one more than
        `own` has where that does not.
    """
    cloud = (
        rows[np.linspace(0, len(rows) - 1, min(len(rows), CLOUD)).astype(int)]
        if len(rows)
        else rows
    )
    names = {f"keeps_{name}": math.nan for name in FORMATS} | {"bits": math.nan}
    if len(cloud) < 3 or not np.isfinite(cloud).all() or not np.ptp(distances(cloud)) > 0.0:
        return names
    with np.errstate(over="ignore"):
        for name, known in FORMATS.items():
            rounded = kept_in(cloud, round_to(cloud, known))
            names[f"keeps_{name}"] = rounded if name != own else kept_before(cloud, name)
    low, high = 0, 24
    while low < high:  # fewer bits never keep more, but for noise below the threshold
        middle = (low + high) // 2
        if kept_in(cloud, round_mantissa(cloud, middle)) >= KEPT:
            high = middle
        else:
            low = middle + 1
    if own and names[f"keeps_{own}"] < KEPT:
        low = max(low, BINARY[own].mantissa + 1)
    names["bits"] = float(low)
    return names


def probe(features: Floats, labels: Any, folds: int = 5) -> float:
    """Accuracy of a ridge classifier on the features, cross-validated; NaN where it cannot be.

    Args:
        features: (n, d).
        labels: (n,), whole numbers.
        folds: of the cross-validation; fewer where a class has fewer examples.

    Raises:
        InputError: the labels are not one number an example.
    """
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) < len(features):
        raise InputError(
            f"labels have shape {labels.shape} for {len(features)} examples: expected (n,)"
        )
    labels = labels[: len(features)]
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < 2 or not np.isfinite(features).all():
        return math.nan
    model = make_pipeline(StandardScaler(), RidgeClassifier())
    split = StratifiedKFold(int(min(folds, counts.min())), shuffle=True, random_state=0)
    return float(np.mean(cross_val_score(model, features, labels, cv=split)))


def second_moment(rows: Floats) -> float:
    """Mean of the squares."""
    return float(np.mean(rows**2)) if rows.size else math.nan


def correlation(rows: Floats) -> float:
    """Mean over pairs of rows of their inner product, over the mean square."""
    n = len(rows)
    square = float(np.sum(rows**2))
    if n < 2 or not square > 0.0:
        return math.nan
    total = rows.sum(0)
    return (float(total @ total) - square) / (n - 1) / square


def predicted(identity: Identity, rows_in: Floats) -> tuple[float, float]:
    """What mean field expects of the output: its second moment and the correlation of rows.

    Inputs are taken as normal with the variance and correlation measured in front of the
    activation. NaN for functions outside the catalogue.

    Args:
        identity: what the site computes.
        rows_in: (n, d), inputs.
    """
    q, c = second_moment(rows_in), correlation(rows_in)
    if identity.record is None or not 1e-12 < q < 1e12 or not np.isfinite(c):
        return math.nan, math.nan
    record = identity.record
    m = maps(record, record.slope_at, record.kinks, q=q)
    return m.q_out, float(correlation_map(m, np.clip(c, -1.0, 1.0)).uncentred)
