"""Some networks in one number format, and what their metrics need, made when it is asked for."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actscope.engine import walk
from actscope.engine.points import Points, loss_of
from actscope.engine.spec import Net, Weights
from actscope.metrics import Metric
from actscope.metrics._base import decomposed
from actscope.metrics._pieces import Layer, Pieces, piecewise_linear

Floats = NDArray[np.float64]
JACOBIAN_POINTS, CURVE_POINTS = 16, 256


class Part:
    """Some networks in one number format, and what their metrics need, computed when asked."""

    def __init__(
        self,
        net: Net,
        weights: Weights,
        given: Points,
        loss: str | None,
        rounding: Any,
        hand_on: bool,
    ) -> None:
        self.net, self.weights, self.given = net, weights, given
        self.loss = loss or loss_of(net, given)
        self.rounding, self.hand_on = rounding, hand_on
        self.count = len(weights.W[0])
        self._spectra: dict[int, tuple[Floats, Floats]] = {}

    def rounded(self, rounding: Any) -> Part:
        """The same networks, their outputs rounded otherwise after a walk that is shared."""
        other = Part(self.net, self.weights, self.given, self.loss, rounding, self.hand_on)
        if not self.hand_on:  # the next layer saw float64 in either
            other.__dict__["_steps"] = self._steps
        return other

    def measure(self, m: Metric, wanted: frozenset[int]) -> Floats:
        """(networks, depth + 1); column 0 is the input; NaN for layers that are not wanted."""
        x, layers = self._clouds(m)
        columns = []
        for l, h in enumerate(layers):
            if l not in wanted:
                columns.append(np.full(self.count, np.nan))
                continue
            if l == 0:  # one cloud for all networks, but a gradient of each
                h = h if m.needs & {"gradient"} else h[:1]
            context = {n: self._need(n, l, len(h)) for n in m.needs - {"curve", "ladder"}}
            if not m.needs & {"curve", "ladder"}:
                context["finite"] = self._finite[l][: len(h)]
            columns.append(np.broadcast_to(m(x, h, **context), self.count))
        return np.stack(columns, axis=1)

    def _clouds(self, m: Metric) -> tuple[Floats, list[Floats]]:
        """The points that the metric looks at, and what each layer makes of them."""
        if "curve" in m.needs:
            return self._curve
        if "ladder" in m.needs:
            assert self.given.ladder is not None
            return self.given.ladder, self._outputs(self.given.ladder)
        return self.given.x, self._data

    @functools.cached_property
    def _steps(self) -> list[walk.Step]:
        carry = self.rounding if self.hand_on else None
        return walk.forward(self.net, self.weights, self.given.x, carry)

    @functools.cached_property
    def _data(self) -> list[Floats]:
        return self._rounded(self.given.x, self._steps)

    @functools.cached_property
    def _finite(self) -> list[NDArray[np.bool_]]:
        return [np.asarray(np.isfinite(h).all(axis=(-2, -1))) for h in self._data]

    def _decomposed(self, l: int) -> tuple[Floats, Floats]:
        """Singular values and coordinates of a layer, made once for all metrics."""
        if l not in self._spectra:
            h = self._data[l] if l else self._data[l][:1]
            h = np.where(self._finite[l][: len(h), None, None], h, 0.0)
            self._spectra[l] = decomposed(h)
        return self._spectra[l]

    @functools.cached_property
    def _curve(self) -> tuple[Floats, list[Floats]]:
        """A circle through the data: its first two principal directions, of their mean spread."""
        x = self.given.x
        mean = x.mean(axis=0)
        _, s, directions = np.linalg.svd(x - mean, full_matrices=False)
        plane = directions[:2] if len(directions) > 1 else np.eye(2, x.shape[1])
        radius = float(np.linalg.norm(s[:2]) / np.sqrt(len(x))) or 1.0
        angle = np.linspace(0.0, 2.0 * np.pi, CURVE_POINTS + 1)
        curve = mean + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane
        curve[-1] = curve[0]
        return curve, self._outputs(curve)

    def _outputs(self, x: Floats) -> list[Floats]:
        carry = self.rounding if self.hand_on else None
        return self._rounded(x, walk.forward(self.net, self.weights, x, carry, slopes=False))

    def _rounded(self, x: Floats, steps: list[walk.Step]) -> list[Floats]:
        clouds = [np.broadcast_to(x, (self.count, *x.shape)), *(s.h for s in steps)]
        if self.rounding is None:
            return clouds
        return [np.asarray(self.rounding(c), dtype=np.float64) for c in clouds]

    def _need(self, name: str, l: int, networks: int) -> Any:
        """What a metric asks for at layer l (0: the input)."""
        if name == "labels":
            return self.given.y
        if name == "distances":
            return self.given.distances
        if name == "slopes":
            return self._steps[l - 1].slopes if l else np.ones((networks, *self.given.x.shape))
        if name == "steepest":
            return steepest(self.net.activations[l - 1]) if l else 1.0
        if name in ("spectrum", "coordinates"):
            both = self._decomposed(l)
            return (both[0] if name == "spectrum" else both[1])[:networks]
        if name == "gradient":  # of the weights that make this layer; the input has none
            return self._gradients[:, l - 1] if l else np.full(self.count, np.nan)
        if name == "last_gradient":
            return self._gradients[:, -1]
        if name == "jacobian":
            return self._jacobians[l][:networks]
        return self._pieces(l, networks) if name == "network" else None

    @functools.cached_property
    def _gradients(self) -> Floats:
        assert self.given.y is not None
        out = walk.logits(self.weights, self._steps[-1].h)
        slope = walk.loss_slope(self.loss, out, self.given.y)
        return walk.gradient_norms(self.net, self.weights, self.given.x, self._steps, slope)

    @functools.cached_property
    def _jacobians(self) -> list[Floats]:
        points = min(JACOBIAN_POINTS, len(self.given.x))
        first = np.broadcast_to(
            np.eye(self.net.inputs), (self.count, points, self.net.inputs, self.net.inputs)
        )
        return [first, *walk.jacobians(self.net, self.weights, self._steps, points)]

    def _pieces(self, l: int, networks: int) -> NDArray[Any]:
        """The first l layers of each network, with a segment and a box that the data span."""
        x = self.given.x
        mean = x.mean(axis=0)
        _, s, directions = np.linalg.svd(x - mean, full_matrices=False)
        reach = 2.0 * float(s[0]) / np.sqrt(len(x)) * directions[0]
        bent = any(
            not piecewise_linear(phi.slope_at, phi.kinks) for phi in self.net.activations[:l]
        )
        smooth = bool(l) and (self.net.norm or bent)
        result = np.empty(networks, dtype=object)
        for i in range(networks):
            layers = tuple(
                Layer(self.weights.W[j][i], self.weights.b[j][i], phi, phi.kinks, skip)
                for j, (phi, skip) in enumerate(
                    zip(self.net.activations[:l], self.net.skips, strict=False)
                )
            )
            box = x.min(axis=0), x.max(axis=0)
            result[i] = Pieces(layers, mean - reach, mean + reach, *box, smooth)
        return result


@functools.lru_cache(maxsize=256)
def steepest(phi: Any) -> float:
    """The largest |φ'| over −50 … 50, on a grid that is fine around 0 and at the kinks.

    Example:
        >>> from actscope.activations import activation
        >>> steepest(activation("sigmoid"))
        0.25
    """
    fine = np.concatenate([np.linspace(-10.0, 10.0, 20_001), np.linspace(-50.0, 50.0, 10_001)])
    beside = [k + s for k in phi.kinks for s in (-1e-6, 1e-6)]
    return float(np.abs(phi.slope_at(np.concatenate([fine, beside]))).max())
