"""Bounded samples of a site: rows for spectra and quantiles, whole examples for distances."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actscope.probe.moments import compiled

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

UNITS = 1024  # columns kept of a row: every k-th unit of a wider layer
CHUNK = 64  # examples of one batch whose pairs are compared


@functools.lru_cache(maxsize=256)
def _evenly(shape: tuple[int, ...], most: int) -> tuple[NDArray[np.int64], ...]:
    """Places spread evenly over an array of this shape, at most so many; one list a dimension."""
    index = np.linspace(0, math.prod(shape) - 1, most).astype(np.int64)
    return np.unravel_index(index, shape)


def kept_units(units: int) -> NDArray[np.int64]:
    """The units whose columns `take_rows` keeps: all, or every k-th of more than UNITS."""
    return _evenly((units,), UNITS)[0] if units > UNITS else np.arange(units)


def take_rows(y: Any, dim: int, most: int) -> Singles:
    """Up to `most` rows spread evenly over all dimensions but `dim`, (rows, units), copied."""
    flat = y.detach().reshape(1) if y.ndim == 0 else y.detach().movedim(dim, -1)
    shape, units = tuple(flat.shape[:-1]), flat.shape[-1]
    if flat.is_cpu and flat.dtype in (torch.float32, torch.float64):
        flat = flat.resolve_neg().numpy()
    if math.prod(shape) > most:
        flat = flat[_evenly(shape, most)]
    picked = flat.reshape(-1, units) if units else flat.reshape(math.prod(shape), 0)
    if units > UNITS:
        picked = picked[:, kept_units(units)]
    if isinstance(picked, torch.Tensor):
        picked = picked.to("cpu", torch.float32).numpy()
    return picked.astype(np.float32, copy=True)  # type: ignore[no-any-return]


def _spread(rows: Singles, most: int) -> Singles:
    """At most so many of the rows, evenly."""
    return rows if len(rows) <= most else rows[_evenly((len(rows),), most)[0]]


class Rows:
    """A sample of at most `most` rows of all batches together.

    Each batch fills the place that is left, and then takes the place of rows drawn at random: as
    many as its rows are of all so far, so that it does not matter where batches are cut.

    Args:
        most: rows kept.
        seed: of the draws; the random state of torch and NumPy is not touched.
    """

    def __init__(self, most: int, seed: int = 0) -> None:
        self.most, self.seed = most, seed
        self.rng: np.random.Generator | None = None  # made when a draw is due
        self.kept: Singles | None = None
        self.seen = 0  # rows that the sample stands for

    def add(self, rows: Singles, of: int = 0) -> None:
        """Add rows of one batch, (rows, units).

        Args:
            rows: spread evenly over the batch.
            of: how many the batch has; as many as these if 0.
        """
        of = of or len(rows)
        if len(rows) == 0:
            return
        if self.kept is None or self.kept.shape[1] != rows.shape[1]:
            self.kept, self.seen = _spread(rows, self.most), of
            return
        self.seen += of
        free = self.most - len(self.kept)
        if len(rows) > free:
            self.rng = self.rng or np.random.default_rng(self.seed)
            wanted = int(self.most * of / self.seen + self.rng.random())
            rows = _spread(rows, max(free, wanted))
            places = self.rng.choice(len(self.kept), max(0, len(rows) - free), replace=False)
            self.kept[places], rows = rows[free:][self.rng.permutation(len(places))], rows[:free]
        if len(rows):
            self.kept = np.concatenate([self.kept, rows])

    def array(self) -> Singles:
        """(rows, units), as they were kept."""
        return np.empty((0, 0), np.float32) if self.kept is None else self.kept


def inner_products(y: Any, batch: int, most: int = CHUNK) -> Floats | None:
    """Inner products of the first examples of a batch about their mean, and with that mean.

    Args:
        y: the output; its dimension of size `batch` (the first such of the first two) counts
            examples, everything else is flattened.
        batch: examples in the network's input.
        most: examples compared.

    Returns:
        (n + 1, n + 1), the mean last: distances keep their digits about it. None where no
        dimension counts examples.
    """
    where = next((i for i in (0, 1) if y.ndim > i and y.shape[i] == batch), None)
    if where is None or batch < 2:
        return None
    flat = y.detach().movedim(where, 0)[:most].reshape(min(batch, most), -1)
    if flat.is_cpu and flat.dtype in (torch.float32, torch.float64):
        apart = torch.from_numpy(compiled().about_mean(flat.resolve_neg().contiguous().numpy()))
    else:
        wide = flat.to(torch.float32 if flat.device.type == "mps" else torch.float64)
        mean = wide.mean(0, keepdim=True)
        apart = torch.cat([wide - mean, mean])
    return np.asarray((apart @ apart.T).cpu().numpy(), dtype=np.float64)


def pairs_of(products: Floats) -> tuple[Floats, Floats]:
    """Distances and cosines of all pairs of examples, each (n·(n − 1)/2,).

    Args:
        products: (n + 1, n + 1) from `inner_products`.
    """
    distance, cosine = compiled().pairs(products)
    return distance, cosine


class Pairs:
    """Distances and cosines between examples, added batch by batch up to a bound.

    Args:
        most: pairs kept.
    """

    def __init__(self, most: int = 4096) -> None:
        self.most = most
        self.parts: dict[int, tuple[Floats, Floats]] = {}

    def add(self, batch: int, products: Floats | None) -> None:
        """Add the pairs of one batch, under the batch's number."""
        if products is None or sum(a.size for a, _ in self.parts.values()) >= self.most:
            return
        self.parts[batch] = pairs_of(products)

    def against(self, other: Pairs) -> tuple[Floats, Floats, Floats, Floats]:
        """This one's and the other's distances, then cosines, of the pairs that both have."""
        both = [
            (self.parts[k], other.parts[k])
            for k in self.parts
            if k in other.parts and self.parts[k][0].size == other.parts[k][0].size
        ]
        if not both:
            return (np.empty(0),) * 4
        mine, theirs = zip(*both, strict=True)
        put: Callable[[Any, int], Floats] = lambda side, i: (
            side[0][i] if len(side) == 1 else np.concatenate([p[i] for p in side])
        )
        return put(mine, 0), put(theirs, 0), put(mine, 1), put(theirs, 1)
