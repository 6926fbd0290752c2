"""What a metric is: a number for a layer, from the points that go in and those that come out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import InputError

Floats = NDArray[np.float64]
Measure = Callable[..., Any]  # f(x (n, d), h (..., n, k), **needs) -> (...)

# What a metric may need beside the two clouds, and what each is.
NEEDS = {
    "labels": "(n,) the points' classes, 0, 1, …",
    "distances": "(n,) the points' signed distances to the true boundary",
    "slopes": "(..., n, k) φ' at the layer's pre-activations",
    "steepest": "(...) or a number: the largest |φ'| there is",
    "gradient": "(...) the norm of the loss's gradient in the layer's weights",
    "last_gradient": "(...) the same of the output layer",
    "jacobian": "(..., points, k, d) the layer's output differentiated in the network's input",
    "curve": "nothing more: x and h are consecutive points of a closed curve, the first repeated",
    "ladder": "nothing more: x and h are m points of the boundary, then the same moved by 5, then "
    "by 50, along the normal",
    "spectrum": "nothing more: (..., min(n, k)) the singular values of h about its mean",
    "coordinates": "nothing more: (..., n, r) orthonormal coordinates of h, see `decomposed`",
    "network": "a `Pieces`: the layers up to this one, to be followed exactly",
}
# What a metric may be blind to: a change of h after which it stays what it was.
CHANGES = ("rotation", "scaling", "shift", "affine", "permutation")


@dataclass(frozen=True)
class Bounds:
    """The closed interval that a metric's values lie in.

    Example:
        >>> Bounds(0.0, 1.0).hold([0.5, float("nan"), 1.2]).tolist()
        [True, True, False]
    """

    low: float = -math.inf
    high: float = math.inf

    def hold(self, values: ArrayLike, slack: float = 1e-9) -> NDArray[np.bool_]:
        """Which values lie inside, or are NaN."""
        v = np.asarray(values, dtype=np.float64)
        return np.asarray(~((v < self.low - slack) | (v > self.high + slack)))


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that says something of a layer's geometry.

    Calling a record checks the arguments and measures: one network, or many at once with leading
    axes on h and on what it needs.

    Attributes:
        name: the record's name, equal to its file's.
        label: the name in figures and tables ("Effective rank").
        summary: what it says, one line.
        account: "exact" (what a reader could recover in float64), "format" (what a number format
            leaves) or "optimiser" (what gradient descent sees).
        f: `f(x, h, **needs)`: x (n, d) is what went into the network, h (..., n, k) what the
            layer hands on; returns (...). Arguments are checked before.
        needs: names out of NEEDS, handed to f as keywords.
        bounds: where the values lie for any clouds.
        perfect: the value on the identity map of points whose distances and labels are linear in
            them; None where it depends on the points.
        blind_to: the names out of CHANGES that leave the value as it was.
        source: the paper that introduced it.
        least: how many points it needs; with fewer it is NaN.
        cheap: whether thousands of layers take seconds.

    Example:
        >>> from actscope.metrics import metric
        >>> x = np.random.default_rng(0).standard_normal((200, 3))
        >>> round(float(metric("cka")(x, 2.0 * x + 1.0)), 12)
        1.0
    """

    name: str
    label: str
    summary: str
    account: str
    f: Measure
    needs: frozenset[str] = frozenset()
    bounds: Bounds
    perfect: float | None
    blind_to: frozenset[str]
    source: str
    least: int = 1
    cheap: bool = True

    def __call__(self, x: ArrayLike, h: ArrayLike, **context: Any) -> Floats:
        """Measure.

        Args:
            x: (n, d), the points that went into the network.
            h: (..., n, k), what the layer makes of them.
            context: what `needs` names; anything more is ignored. `spectrum` and `coordinates`
                follow from h and are made here where they are not given; so is `finite`, (...),
                which layers hold no NaN and no infinity.

        Returns:
            (...) float64. NaN, as data, for a layer whose output (or slope, gradient, Jacobian)
            holds a NaN or an infinity, for too few points, and where the measure is undefined,
            such as the rank of a layer that gives every point the same output.

        Raises:
            InputError: the shapes do not fit, or something needed is missing.
        """
        points, out = np.asarray(x, dtype=np.float64), np.asarray(h, dtype=np.float64)
        if points.ndim != 2 or out.ndim < 2 or out.shape[-2] != len(points):
            raise InputError(
                f"metric {self.name!r}: x {points.shape} and h {out.shape}: expected (n, d) and "
                "(..., n, k), the same points in both"
            )
        wanted = self.needs - {"curve", "ladder"}  # these speak of x and h themselves
        missing = sorted(wanted - context.keys() - {"spectrum", "coordinates"})
        if missing:
            says = "; ".join(f"{name}={NEEDS[name]}" for name in missing)
            raise InputError(f"metric {self.name!r} needs {says}")
        lead = out.shape[:-2]
        if len(points) < self.least or not points.shape[1] or not out.shape[-1]:
            return np.full(lead, np.nan)
        finite = context.get("finite")
        good = np.isfinite(out).all(axis=(-2, -1)) if finite is None else np.asarray(finite)
        good = np.asarray(good & np.isfinite(points).all())
        if not good.all():
            out = np.where(good[..., None, None], out, 0.0)
        given = {name: context[name] for name in wanted & context.keys()}
        if wanted - given.keys():
            spectrum, coordinates = decomposed(out)
            given |= {
                n: spectrum if n == "spectrum" else coordinates for n in wanted - given.keys()
            }
        for name in {"slopes", "jacobian", "gradient", "last_gradient"} & given.keys():
            value = np.asarray(given[name], dtype=np.float64)
            fit = np.isfinite(value).all(axis=tuple(range(len(lead), value.ndim)))
            given[name] = value if fit.all() else np.where(np.isfinite(value), value, 0.0)
            good = good & fit
        for name in {"labels", "distances"} & given.keys():
            given[name] = self._one_each(name, given[name], len(points))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            values = np.asarray(self.f(np.nan_to_num(points), out, **given), dtype=np.float64)
        return np.where(good, np.broadcast_to(values, lead), np.nan)

    def _one_each(self, name: str, values: ArrayLike, n: int) -> NDArray[Any]:
        """Values as an array of one finite number a point."""
        array = np.asarray(values)
        if array.shape != (n,) or array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise InputError(
                f"metric {self.name!r}: {name} of shape {array.shape}: expected {NEEDS[name]}, all "
                "finite numbers"
            )
        return array


def decomposed(h: Floats) -> tuple[Floats, Floats]:
    """Singular values (..., min(n, k)) of clouds about their means, and their coordinates.

    The coordinates (..., n, min(n, k)) are the left singular vectors: orthonormal columns, which
    an affine map of the cloud only rotates. A column whose direction rounding alone fills is 0.

    Args:
        h: (..., n, k), finite.
    """
    eps = np.finfo(np.float64).eps
    n, k = h.shape[-2:]
    reach = np.abs(h).max(axis=(-2, -1), initial=0.0)
    huge = reach > 1e150  # whose sums and squares would overflow
    if huge.any():
        s, u = decomposed(np.where(huge[..., None, None], h * 2.0**-540, h))
        with np.errstate(over="ignore"):
            return s * np.where(huge, 2.0**540, 1.0)[..., None], u
    u, s, _ = np.linalg.svd(h - h.mean(axis=-2, keepdims=True), full_matrices=False)
    floor = eps * np.maximum(max(n, k) * s.max(axis=-1, initial=0.0), 4.0 * n**0.5 * reach)
    kept = s > floor[..., None]
    return np.where(kept, s, 0.0), np.asarray(u * kept[..., None, :])
