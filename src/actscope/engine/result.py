"""What `train` gives back: losses and weights of every network, as arrays and as a table."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine.spec import Floats, Net, Training, Weights
from actscope.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


# what a cell's networks share: everything but the seed
CELL = (
    "net", "activation", "norm", "residual", "loss_function", "optimiser", "lr", "epochs", "dtype",
    "init",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Group:
    """The networks that share a shape and a training setting: what is stored together.

    Attributes:
        rows: which networks of the result they are, ascending.
        weights: after the last epoch, leading axis len(rows).
        snapshots: one Weights for each of the result's `snapshots_at`.
    """

    rows: NDArray[np.int64]
    weights: Weights
    snapshots: tuple[Weights, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Every network that one call of `train` trained, in the order in which they were given.

    Where networks of one call differ in their number of epochs or layers, the arrays have the
    room for the largest and the rest is NaN.

    Attributes:
        nets, trainings, seeds: what each network was, one for each.
        init: the name of the rule that drew the first weights, or "given".
        loss: (networks, epochs), the running loss: the unweighted mean of the epoch's
            mini-batch losses, each taken before its own update.
        epochs_at: the epochs of the next four.
        train_loss, train_accuracy, test_loss, test_accuracy: (networks, epochs_at), over the
            whole set, at the end of that epoch; test is NaN without a test set.
        traces_at: the epochs of the next three; 0 is before training.
        gradient_norm: (networks, traces_at, layers), the norm of the gradient of the training
            loss in each layer's W.
        activation_mean, activation_std: (networks, traces_at, hidden layers), the mean |h| and
            the standard deviation of h over the training set.
        snapshots_at: the epochs of which `weights(i, epoch)` knows the weights.
        diverged_at: (networks,), the epoch in which a network met a NaN or an infinity, or −1.
        seconds: how long the call took.
    """

    nets: tuple[Net, ...]
    trainings: tuple[Training, ...]
    seeds: NDArray[np.uint64]
    init: str
    loss: Floats
    epochs_at: tuple[int, ...]
    train_loss: Floats
    train_accuracy: Floats
    test_loss: Floats
    test_accuracy: Floats
    traces_at: tuple[int, ...]
    gradient_norm: Floats
    activation_mean: Floats
    activation_std: Floats
    snapshots_at: tuple[int, ...]
    diverged_at: NDArray[np.int64]
    seconds: float
    groups: tuple[Group, ...]

    def __len__(self) -> int:
        return len(self.nets)

    def __repr__(self) -> str:
        lost = int((self.diverged_at >= 0).sum())
        shapes = ", ".join(sorted({net.shape for net in set(self.nets)}))
        return f"Result({len(self)} networks, {shapes}, {lost} diverged, {self.seconds:.3g} s)"

    @functools.cached_property
    def _places(self) -> NDArray[np.int64]:
        """For each network its group and its place there, (networks, 2)."""
        places = np.empty((len(self), 2), dtype=np.int64)
        for g, group in enumerate(self.groups):
            places[group.rows] = np.stack(np.broadcast_arrays(g, np.arange(len(group.rows))), 1)
        return places

    def weights(self, i: int, epoch: int | None = None) -> Weights:
        """The weights of network i after training, or as they were at the end of `epoch`.

        Args:
            i: which network; negative numbers count from the end.
            epoch: one of `snapshots_at`, or None for the last epoch.

        Raises:
            InputError: there is no such network, or no snapshot of that epoch.
        """
        if not -len(self) <= i < len(self):
            raise InputError(f"network {i}: expected one of 0 to {len(self) - 1}")
        g, place = (int(n) for n in self._places[i])
        if epoch is None or epoch == self.trainings[i].epochs:
            return self.groups[g].weights.network(place)
        if epoch not in self.snapshots_at:
            known = ", ".join(map(str, self.snapshots_at)) or "none"
            raise InputError(
                f"no weights of epoch {epoch} were kept (kept: {known}): "
                f"ask for them with train(…, snapshots=[{epoch}])"
            )
        kept = self.groups[g].snapshots[self.snapshots_at.index(epoch)]
        return kept.network(place)

    def _final(self, scores: Floats) -> Floats:
        """Each network's score at the end of its own last epoch."""
        columns = [self.epochs_at.index(t.epochs) for t in self.trainings]
        return np.asarray(scores[np.arange(len(self)), columns])

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """One row a network: what it was, how it ended, the epoch of divergence (NA: none)."""
        import pandas as pd

        last = np.array([t.epochs for t in self.trainings]) - 1
        return pd.DataFrame(
            {
                "net": [n.shape for n in self.nets],
                "activation": [n.phi for n in self.nets],
                "norm": [n.norm for n in self.nets],
                "residual": [n.residual for n in self.nets],
                "loss_function": [t.loss for t in self.trainings],
                "optimiser": [t.optimiser for t in self.trainings],
                "lr": [t.lr for t in self.trainings],
                "epochs": last + 1,
                "dtype": [t.dtype for t in self.trainings],
                "init": self.init,
                "seed": self.seeds,
                "loss": self.loss[np.arange(len(self)), last],
                "train_loss": self._final(self.train_loss),
                "test_loss": self._final(self.test_loss),
                "train_accuracy": self._final(self.train_accuracy),
                "test_accuracy": self._final(self.test_accuracy),
                "diverged_at": pd.array(
                    np.where(self.diverged_at < 0, np.nan, self.diverged_at), dtype="Int64"
                ),
            }
        ).rename_axis("network")

    @functools.cached_property
    def summary(self) -> pd.DataFrame:
        """One row for all networks that differ only in their seed: medians and failures."""
        return (
            self.table.groupby(list(CELL), sort=False)
            .agg(
                networks=("seed", "size"),
                loss=("loss", "median"),
                train_loss=("train_loss", "median"),
                test_loss=("test_loss", "median"),
                train_accuracy=("train_accuracy", "median"),
                test_accuracy=("test_accuracy", "median"),
                diverged=("diverged_at", "count"),
            )
            .reset_index()
        )

    def _repr_html_(self) -> str:
        import html

        shown = self.summary.to_html(index=False, float_format="{:.4g}".format, max_rows=20)
        return f"<p>{html.escape(repr(self))}; medians over the seeds:</p>{shown}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the running loss by epoch: the median network, and the middle 90 %.

        Args:
            ax: where to draw; a new figure by default.

        Returns:
            The axes, with one line for all networks that differ only in their seed; its label
            names the activations, and whatever else differs among the lines.
        """
        import matplotlib.pyplot as plt

        axes = plt.subplots(figsize=(7, 4.5), layout="constrained")[1] if ax is None else ax
        cells: dict[tuple[Any, ...], list[int]] = {}
        for i, cell in enumerate(self.table[list(CELL)].itertuples(index=False, name=None)):
            cells.setdefault(cell, []).append(i)
        differ = [k for k, values in enumerate(zip(*cells, strict=True)) if len(set(values)) > 1]
        epochs = np.arange(1, self.loss.shape[1] + 1)
        # by name, because figures stand on a floor above this one
        colours = importlib.import_module("actscope.figures.colours")
        styles = colours.series_styles([cell[1] for cell in cells])
        for style, (cell, rows) in zip(styles, cells.items(), strict=True):
            words = [cell[1], *(f"{CELL[k]} {cell[k]}" for k in differ if CELL[k] != "activation")]
            low, middle, high = _quantiles(self.loss, np.array(rows))
            name = f"{', '.join(words)} ({len(rows)})"
            axes.plot(epochs, middle, color=style.colour, linestyle=style.linestyle, label=name)
            axes.fill_between(epochs, low, high, color=style.colour, alpha=0.2, linewidth=0)
        axes.set(xlabel="epoch", ylabel="running training loss", xlim=(1, None))
        axes.set_title("median network and middle 90 %", loc="left", fontsize="medium")
        axes.legend(frameon=False)
        return axes


def _quantiles(loss: Floats, rows: NDArray[np.int64], step: int = 32) -> Floats:
    """The 5 %, 50 % and 95 % quantiles of every epoch; a diverged network counts as worst."""
    bands = np.empty((3, loss.shape[1]))
    for start in range(0, loss.shape[1], step):  # a few epochs at a time, to copy little
        part = loss[rows, start : start + step]
        part = np.where(np.isnan(part), np.inf, part)
        levels = np.quantile(part, (0.05, 0.5, 0.95), axis=0, method="inverted_cdf")
        bands[:, start : start + step] = levels
    return np.where(np.isfinite(bands), bands, np.nan)
