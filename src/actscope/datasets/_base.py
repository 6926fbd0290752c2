"""What a data set is: a law to draw points from and, where its density is known, the truth."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actscope.errors import BadParameter, InputError

Floats = NDArray[np.float64]
Numbers = float | Floats  # one number, or one for each coordinate
Points = tuple[Floats, NDArray[Any]]
Draw = Callable[..., Points]  # draw(n, rng, **params) -> x (n, dim), y (n,)
Distance = Callable[..., Floats]  # boundary(x, **params) -> (n,)


class Bayes(NamedTuple):
    """The accuracy of the best classifier there is, and how far off the number may be."""

    accuracy: float
    error: float


@dataclass(frozen=True)
class Param:
    """A setting of a data set: its default, the numbers allowed, what it means.

    The default's type is the setting's: a string takes any string, an int whole numbers.
    """

    name: str
    default: float | int | str | bool
    meaning: str
    low: float = -math.inf
    high: float = math.inf

    def check(self, owner: str, value: Any) -> None:
        """Raise BadParameter unless the value is allowed."""
        if isinstance(self.default, str | bool):
            good = isinstance(value, type(self.default))
            expected = "a string" if isinstance(self.default, str) else "True or False"
        else:
            whole = isinstance(self.default, int)
            kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
            good = isinstance(value, kinds) and not isinstance(value, bool)
            good = good and bool(np.isfinite(value)) and self.low <= float(value) <= self.high
            expected = f"{'a whole' if whole else 'a'} number from {self.low:g} to {self.high:g}"
        if not good:
            raise BadParameter(
                f"{owner}: {self.name} = {value!r} is not allowed: expected {expected} "
                f"({self.meaning}; default {self.default!r})"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A law that points are drawn from.

    The functions take the parameters by name; `with_params` checks and binds them. `boundary`
    and `contour` also take `mean` and `std`: they then speak of the coordinates (x − mean)/std,
    which `scaled` binds.

    Attributes:
        name: the record's name, equal to its file's.
        label: the name in figures and tables ("Two moons").
        summary: what it is, one line.
        draw: `draw(n, rng, **params) -> (x, y)`: x (n, dim) float64; y (n,) whole numbers from
            0 to classes − 1, or float64 for a regression. A set of fixed size takes n = None for
            all its points.
        dim: how many numbers a point has; 0 where only the user's file tells.
        classes: how many classes; 0 for a regression, −1 where only the user's file tells.
        source: where it comes from.
        boundary: `boundary(x) -> (n,)`, signed Euclidean distance of each point to the Bayes
            boundary, off by at most 1e-3; positive on the side of class 1. None where the density
            is not known, or where there are more than two classes.
        bayes_accuracy: `bayes_accuracy() -> Bayes(accuracy, error)`, or None.
        contour: `contour() -> (m, 2)`, the Bayes boundary of a planar law as an ordered line, a
            row of NaN between two lines; or None.
        params: what draw, boundary, bayes_accuracy and contour take.
        shape: `shape(**params) -> (dim, classes)` where the parameters decide it.
        values: of the parameters, in their order.
        scale: (mean, std), the coordinates that the points are in.
        law: the record as its file holds it; None on that record itself.

    Example:
        >>> from actscope.datasets import dataset
        >>> x, y = dataset("xor", noise=0.1).draw(4, np.random.default_rng(0))
        >>> x.shape, sorted(y.tolist())
        ((4, 2), [0, 0, 1, 1])
        >>> dataset("xor").boundary([[0.5, -2.0], [0.5, 2.0]])
        array([ 0.5, -0.5])
    """

    name: str
    label: str
    summary: str
    draw: Draw
    dim: int
    classes: int
    source: str
    boundary: Distance | None = None
    bayes_accuracy: Callable[..., Bayes] | None = None
    contour: Callable[..., Floats] | None = None
    params: tuple[Param, ...] = ()
    shape: Callable[..., tuple[int, int]] | None = None
    values: tuple[Any, ...] = ()
    scale: tuple[Floats, Floats] | None = None
    law: Dataset | None = None

    def __post_init__(self) -> None:
        if not self.values:
            object.__setattr__(self, "values", tuple(p.default for p in self.params))

    @property
    def settings(self) -> MappingProxyType[str, Any]:
        """The parameters' values by name."""
        pairs = zip(self.params, self.values, strict=True)
        return MappingProxyType({p.name: value for p, value in pairs})

    @property
    def key(self) -> str:
        """The name together with every parameter that is not at its default."""
        changed = [p for p in self.params if self.settings[p.name] != p.default]
        shown = ", ".join(f"{p.name}={self.settings[p.name]!r}" for p in changed)
        return f"{self.name}({shown})" if changed else self.name

    def with_params(self, **settings: Any) -> Dataset:
        """The same law with these parameters, in the same coordinates.

        Raises:
            BadParameter: the law has no such parameter, or its value is not allowed.
        """
        known = {p.name: p for p in self.params}
        for name, value in settings.items():
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                raise BadParameter(f"{self.name} has no parameter {name!r}: {takes}")
            known[name].check(self.name, value)
        return self._bound({**self.settings, **settings}, self.scale)

    def scaled(self, mean: ArrayLike, std: ArrayLike) -> Dataset:
        """The same law in the coordinates (x − mean)/std, with the distances of that space.

        Where the axes scale differently, distances do not scale by one number: the boundary is
        carried over and measured anew. Scaling a scaled law composes both.

        Args:
            mean: a number or (dim,).
            std: a number or (dim,), above 0.

        Raises:
            InputError: mean or std has another shape, or a std is not a positive number.

        Example:
            >>> from actscope.datasets import dataset
            >>> dataset("xor").scaled(mean=0.0, std=[2.0, 1.0]).boundary([[0.5, -2.0]])
            array([0.5])
        """
        size = (self.dim,) if self.dim else np.broadcast_shapes(np.shape(mean), np.shape(std), (1,))
        try:
            shift = np.broadcast_to(np.asarray(mean, dtype=np.float64), size)
            width = np.broadcast_to(np.asarray(std, dtype=np.float64), size)
        except ValueError as error:
            raise InputError(
                f"{self.name}: mean of shape {np.shape(mean)} and std of shape {np.shape(std)}: "
                f"expected a number or {size} each"
            ) from error
        if not (np.isfinite(shift).all() and np.isfinite(width).all() and (width > 0.0).all()):
            raise InputError(f"{self.name}: mean and std must be finite, and std above 0")
        if self.scale is not None:
            shift, width = self.scale[0] + self.scale[1] * shift, self.scale[1] * width
        return self._bound(dict(self.settings), (shift, width))

    def standardised(self, x: ArrayLike) -> tuple[Floats, Dataset]:
        """Give x mean 0 and standard deviation 1 in every column, and the law in that space.

        As scikit-learn's StandardScaler does it: biased variance; a constant column is centred.

        Args:
            x: (n, dim), drawn from this law.

        Returns:
            (the scaled points (n, dim), this law in their coordinates).
        """
        points = as_points(x, self.dim, self.name)
        mean, std = points.mean(axis=0), points.std(axis=0)
        std = np.where(std > 0.0, std, 1.0)
        return (points - mean) / std, self.scaled(mean, std)

    def _bound(self, settings: dict[str, Any], scale: tuple[Floats, Floats] | None) -> Dataset:
        """The law with these settings, in these coordinates."""
        law = self.law or self
        dim, classes = law.shape(**settings) if law.shape else (law.dim, law.classes)
        where = {} if scale is None else {"mean": scale[0], "std": scale[1]}
        two = classes == 2  # with more classes there is no one signed distance
        draw = functools.partial(law.draw, **settings)
        return dataclasses.replace(
            law,
            draw=draw if scale is None else functools.partial(_draw_scaled, draw, *scale),
            boundary=_bind(law.boundary if two else None, {**settings, **where}),
            bayes_accuracy=_bind(law.bayes_accuracy, settings),
            contour=_bind(law.contour if two else None, {**settings, **where}),
            dim=dim,
            classes=classes,
            values=tuple(settings[p.name] for p in law.params),
            scale=scale,
            law=law,
        )


def _bind(function: Callable[..., Any] | None, settings: dict[str, Any]) -> Any:
    """The function with these settings, or None."""
    return None if function is None else functools.partial(function, **settings)


def _draw_scaled(
    draw: Draw, mean: Floats, std: Floats, n: int | None, rng: np.random.Generator, **params: Any
) -> Points:
    """Draw, then scale the points."""
    x, y = draw(n, rng, **params)
    return (x - mean) / std, y


def as_points(x: ArrayLike, dim: int, owner: str) -> Floats:
    """The points as (n, dim) float64.

    Raises:
        InputError: x has another shape.
    """
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 2 or (dim and points.shape[1] != dim):
        raise InputError(
            f"{owner}: points of shape {points.shape}: expected (n, {dim or 'dim'}), a row each"
        )
    return points


def check_count(n: Any, owner: str) -> int:
    """The number of points as an int of at least 1.

    Raises:
        InputError: it is not.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"{owner}: n = {n!r}: expected a whole number of points, at least 1")
    return int(n)


def choose(n: int | None, total: int, rng: np.random.Generator, owner: str) -> NDArray[np.int64]:
    """The places of n of `total` points, drawn without replacement; n = None takes all in order.

    Raises:
        InputError: there are not so many.
    """
    if n is None:
        return np.arange(total)
    if check_count(n, owner) > total:
        raise InputError(f"{owner}: n = {n}: it holds {total} points; give n = None for all")
    return rng.permutation(total)[:n]


def halves(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Labels 0 and 1 in random order, ⌈n/2⌉ of class 0."""
    labels = (np.arange(n) >= (n + 1) // 2).astype(np.int64)
    rng.shuffle(labels)
    return labels
