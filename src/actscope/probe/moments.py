"""Moments of a site's outputs per unit, added up batch by batch in constant memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actscope.probe.identity import Tail

Floats = NDArray[np.float64]


def unit_dim(shape: tuple[int, ...], told: int | None) -> int:
    """The dimension that a site's units lie on.

    Args:
        shape: of the output.
        told: what the layer before says, if any: after the batch for a convolution or a batch
            norm, the last for a matrix product, an embedding or a layer norm.

    Returns:
        `told`, or else 1 for images (four or five dimensions) and the last for anything else.
    """
    if told is not None and -len(shape) <= told < len(shape):
        return told % len(shape)
    return 1 if len(shape) in (4, 5) else len(shape) - 1


class Moments:
    """Sums over rows, per unit: what mean, variance, range and counts are made from.

    The sums are taken about the first batch's mean, so that the variance is right where the mean
    is large beside the spread, and are kept in float64 (float32 where a device has no float64).

    Args:
        low, high: the activation's flat tails, whose outputs are counted.
    """

    FIELDS = ("sum", "square", "low", "high")

    def __init__(self, low: Tail | None = None, high: Tail | None = None) -> None:
        self.low, self.high = low, high
        self.rows = 0
        self.units = 0
        self.shift: Any = None
        self.totals: Any = None  # (4, units): FIELDS
        self.least: Any = None
        self.most: Any = None
        self.zeros: Any = 0.0

    def add(self, y: Any, dim: int) -> None:
        """Add a batch.

        Args:
            y: floats of any shape; an empty batch adds nothing.
            dim: the dimension of the units; every other is rows.
        """
        units = y.shape[dim]
        if y.numel() == 0:
            return
        if y.dtype in (torch.float16, torch.bfloat16):
            y = y.float()
        over = tuple(i for i in range(y.ndim) if i != dim)
        view = [1] * y.ndim
        view[dim] = units
        if self.totals is None or units != self.units:
            self._start(y, over, units)
        if not over:
            y, over, view = y.reshape(1, -1), (0,), [1, units]
        shifted = y - self.shift.view(view)
        self.totals[0] += shifted.sum(over)
        self.totals[1] += (shifted * shifted).sum(over)
        self._count(y, over)
        torch.minimum(self.least, y.amin(over), out=self.least)
        torch.maximum(self.most, y.amax(over), out=self.most)
        self.rows += y.numel() // units

    def _start(self, y: Any, over: tuple[int, ...], units: int) -> None:
        """Fresh sums; a site whose number of units changes begins again."""
        wide = torch.float32 if y.device.type == "mps" else torch.float64
        self.units, self.rows = units, 0
        shift = y.mean(over) if over else y.clone()
        self.shift = torch.nan_to_num(shift, nan=0.0, posinf=0.0, neginf=0.0)
        self.totals = torch.zeros((4, units), dtype=wide, device=y.device)
        self.least = torch.full((units,), torch.inf, dtype=y.dtype, device=y.device)
        self.most = -self.least
        self.zeros = torch.zeros((), dtype=wide, device=y.device)

    def _count(self, y: Any, over: tuple[int, ...]) -> None:
        """Count outputs in the tails: a comparison written as floats and summed, which is fast."""
        exact = self.low is not None and self.low.limit == 0.0 and self.low.within == 0.0
        for row, tail in ((2, self.low), (3, self.high)):
            if tail is not None:
                self.totals[row] += _inside(y, tail).sum(over)
        if not exact:  # else the low tail is zero itself
            self.zeros += y.numel() - y.abs().sign_().sum()

    @property
    def zero_fraction(self) -> float:
        """The part of all outputs that is exactly 0."""
        if self.rows == 0:
            return float("nan")
        if self.low is not None and self.low.limit == 0.0 and self.low.within == 0.0:
            return float(self.totals[2].sum()) / (self.rows * self.units)
        return float(self.zeros) / (self.rows * self.units)

    def numbers(self) -> dict[str, Floats]:
        """Per unit, each (units,): mean, var, least, most, and the fractions low and high."""
        names = ("mean", "var", "least", "most", "low", "high")
        if self.rows == 0:
            return {name: np.empty(0) for name in names}
        total = self.totals.double().cpu().numpy()
        n = self.rows
        mean = total[0] / n
        var = np.maximum(total[1] / n - mean**2, 0.0)
        values = (
            self.shift.double().cpu().numpy() + mean,
            np.where(np.isnan(total[1]), np.nan, var),
            self.least.double().cpu().numpy(),
            self.most.double().cpu().numpy(),
            total[2] / n,
            total[3] / n,
        )
        return dict(zip(names, values, strict=True))

    def state(self) -> dict[str, Any]:
        """Everything measured, as NumPy, to be sent to another process."""
        if self.totals is None:
            return {"rows": 0}
        return {
            "rows": self.rows,
            "shift": self.shift.double().cpu().numpy(),
            "totals": self.totals.double().cpu().numpy(),
            "least": self.least.cpu().numpy(),
            "most": self.most.cpu().numpy(),
            "zeros": float(self.zeros),
        }

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another process measured: its sums are moved to this one's shift."""
        if not state["rows"]:
            return
        if self.totals is not None and len(state["shift"]) != self.units:
            return  # another number of units: the sums do not add up
        if self.totals is None:
            self.units, self.rows = len(state["shift"]), state["rows"]
            self.shift = torch.as_tensor(state["shift"])
            self.totals = torch.as_tensor(state["totals"].copy())
            self.least = torch.as_tensor(state["least"].copy())
            self.most = torch.as_tensor(state["most"].copy())
            self.zeros = torch.as_tensor(state["zeros"])
            return
        n, device = state["rows"], self.totals.device
        apart = torch.as_tensor(state["shift"], device=device) - self.shift
        theirs = torch.as_tensor(state["totals"], device=device)
        self.totals[1] += theirs[1] + 2 * apart * theirs[0] + n * apart**2
        self.totals[0] += theirs[0] + n * apart
        self.totals[2:] += theirs[2:]
        self.least = torch.minimum(self.least, torch.as_tensor(state["least"], device=device))
        self.most = torch.maximum(self.most, torch.as_tensor(state["most"], device=device))
        self.zeros = self.zeros + state["zeros"]
        self.rows += n


def _inside(y: Any, tail: Tail) -> Any:
    """1 where an output lies in the tail, else 0, as floats."""
    flags = torch.empty_like(y)
    if tail.side == "below":
        return torch.le(y, tail.limit + tail.within, out=flags)
    if tail.side == "above":
        return torch.ge(y, tail.limit - tail.within, out=flags)
    return torch.le((y - tail.limit).abs_(), tail.within, out=flags)
