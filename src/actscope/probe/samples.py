"""Bounded samples of a site: rows for spectra and quantiles, whole examples for distances."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UNITS = 1024  # columns kept of a row: every k-th unit of a wider layer
CHUNK = 64  # examples of one batch whose pairs are compared


def take_rows(y: Any, dim: int, most: int) -> Any:
    """Up to `most` rows spread evenly over all dimensions but `dim`, (rows, units)."""
    if y.ndim == 0:
        y = y.reshape(1)
    flat = y.detach().movedim(dim, -1)
    rows = flat.numel() // max(1, flat.shape[-1])
    if rows > most:
        index = np.linspace(0, rows - 1, most).astype(np.int64)
        places = np.unravel_index(index, tuple(flat.shape[:-1]))
        picked = flat[tuple(torch.as_tensor(p, device=y.device) for p in places)]
    else:
        picked = flat.reshape(rows, flat.shape[-1])
    if picked.shape[1] > UNITS:
        step = np.linspace(0, picked.shape[1] - 1, UNITS).astype(np.int64)
        picked = picked[:, torch.as_tensor(step, device=y.device)]
    return picked.to("cpu", torch.float32, copy=True)


class Rows:
    """A sample of at most `most` rows of all batches together.

    Each batch fills the place that is left, and then takes the place of rows drawn at random, so
    that every batch has its share (a reservoir over batches).

    Args:
        most: rows kept.
        seed: of the draws; the random state of torch and NumPy is not touched.
    """

    def __init__(self, most: int, seed: int = 0) -> None:
        self.most, self.seed = most, seed
        self.rng: np.random.Generator | None = None  # made when a draw is due
        self.kept: Any = None
        self.filled = self.batches = 0

    def add(self, rows: Any) -> None:
        """Add the rows of one batch, (rows, units) on the CPU."""
        if rows.shape[0] == 0:
            return
        if self.kept is None or self.kept.shape[1] != rows.shape[1]:
            self.kept, self.filled, self.batches = rows[: self.most], 0, 0
            self.filled = self.kept.shape[0]
            self.batches = 1
            return
        self.batches += 1
        free = self.most - self.filled
        if free > 0:
            self.kept = torch.cat([self.kept[: self.filled], rows[:free]])
            self.filled = self.kept.shape[0]
            rows = rows[free:]
        share = min(rows.shape[0], self.most // self.batches)
        if share:
            self.rng = self.rng or np.random.default_rng(self.seed)
            places = self.rng.choice(self.filled, share, replace=False)
            self.kept[torch.as_tensor(places)] = rows[:share]

    def array(self) -> Floats:
        """(rows, units) in float64."""
        if self.kept is None:
            return np.empty((0, 0))
        return np.asarray(self.kept[: self.filled].numpy(), dtype=np.float64)


def inner_products(y: Any, batch: int, most: int = CHUNK) -> Floats | None:
    """Inner products of the first examples of a batch, (n, n) in float64.

    Args:
        y: the output; its dimension of size `batch` (the first such of the first two) counts
            examples, everything else is flattened.
        batch: examples in the network's input.
        most: examples compared.

    Returns:
        None where no dimension counts examples.
    """
    where = next((i for i in (0, 1) if y.ndim > i and y.shape[i] == batch), None)
    if where is None or batch < 2:
        return None
    flat = y.detach().movedim(where, 0)[:most].reshape(min(batch, most), -1)
    wide = flat.to(torch.float32 if flat.device.type == "mps" else torch.float64)
    mean = wide.mean(0)
    apart = wide - mean  # distances keep their digits about the mean
    gram, cross = apart @ apart.T, apart @ mean
    full = gram + cross[:, None] + cross[None, :] + mean @ mean
    return np.stack([np.asarray(gram.cpu(), float), np.asarray(full.cpu(), float)])


@functools.lru_cache(maxsize=64)
def _upper(n: int) -> Any:
    """The places above the diagonal of an (n, n) matrix, counted row by row."""
    i, j = np.triu_indices(n, 1)
    return i * n + j


def pairs_of(products: Floats) -> tuple[Floats, Floats]:
    """Distances and cosines of all pairs of examples, each (n·(n − 1)/2,).

    Args:
        products: (2, n, n) from `inner_products`: about the mean, and about the origin.
    """
    gram, full = products
    places = _upper(len(gram))
    square, norm = np.diag(gram), np.sqrt(np.maximum(np.diag(full), 0.0))
    apart = (square[:, None] + square - 2.0 * gram).take(places)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = full.take(places) / (norm[:, None] * norm).take(places)
    return np.sqrt(np.maximum(apart, 0.0)), np.clip(cosine, -1.0, 1.0)


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
        put: Callable[[Any, int], Floats] = lambda side, i: np.concatenate([p[i] for p in side])
        return put(mine, 0), put(theirs, 0), put(mine, 1), put(theirs, 1)
