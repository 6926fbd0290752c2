"""Puts what blocks of networks gave back into arrays over all networks of a call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import Floats, Net, Raw, Schedule, Training, Weights

SCORES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


class Sheet:
    """The arrays of a Result while they fill; what no network fills stays NaN.

    Args:
        nets: every network of the call, in order.
        trainings: one for each.
        plans: every schedule in use.
    """

    def __init__(
        self, nets: Sequence[Net], trainings: Sequence[Training], plans: Iterable[Schedule]
    ) -> None:
        plans = list(plans)
        count, depth = len(nets), max(n.depth for n in set(nets))
        kinds = set(trainings)
        wide = any(t.dtype == "float64" for t in kinds)
        self.dtype = np.dtype("float64" if wide else "float32")
        self.epochs_at = tuple(sorted({e for p in plans for e in p.losses_at}))
        self.traces_at = tuple(sorted({e for p in plans for e in p.traces_at}))
        checks, traces = len(self.epochs_at), len(self.traces_at)
        self.arrays = {
            "loss": self._empty(count, max(t.epochs for t in kinds)),
            **{name: self._empty(count, checks) for name in SCORES},
            "gradient_norm": self._empty(count, traces, depth + 1),
            "activation_mean": self._empty(count, traces, depth),
            "activation_std": self._empty(count, traces, depth),
        }
        self.diverged_at = np.full(count, -1, dtype=np.int64)

    def _empty(self, *shape: int) -> Floats:
        return np.full(shape, np.nan, dtype=self.dtype)

    def write(self, rows: NDArray[np.int64], raw: Raw, plan: Schedule) -> None:
        """Put what networks `rows` gave back, recorded by `plan`, in its place."""
        checks = np.searchsorted(self.epochs_at, plan.losses_at)
        traces = np.searchsorted(self.traces_at, plan.traces_at)
        with np.errstate(over="ignore"):  # a loss past float32 is an infinity
            for name, array in self.arrays.items():
                part = getattr(raw, name)
                if name == "loss":
                    array[rows, : part.shape[1]] = part
                elif name in SCORES:
                    array[np.ix_(rows, checks)] = part
                else:
                    array[np.ix_(rows, traces, np.arange(part.shape[2]))] = part
        self.diverged_at[rows] = raw.diverged_at


def joined(parts: Sequence[Weights]) -> Weights:
    """Weights of several runs of networks of one shape, one after the other."""
    if len(parts) == 1:
        return parts[0]
    kinds = zip(*((p.W, p.b, p.gamma, p.beta) for p in parts), strict=True)
    return Weights(*(tuple(np.concatenate(a) for a in zip(*kind, strict=True)) for kind in kinds))
