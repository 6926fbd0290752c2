"""The emitted program that trains, evaluates and traces blocks of networks.

`emit(plan)` writes four functions, each of a frame (see layout.py):

- train(frame, first, last): epochs first … last − 1.
- score(frame): loss and number of right points over all of x, y as they lie.
- predict(frame): the logits of all of x.
- trace(frame): the full gradient in `gradient`, and each hidden layer's moments.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actscope.activations._base import Activation
from actscope.engine import layers
from actscope.engine.emit import INT32, INT64, Code, Fields, Int, Pointer, Words
from actscope.engine.lanes import LaneType
from actscope.engine.layout import FRAME, LAYER, MOMENTS, SETTINGS, SUMS, Kind
from actscope.engine.losses import LOSSES
from actscope.engine.multiply import Blocking
from actscope.engine.optimisers import rates, step
from actscope.engine.orders import GOLDEN, MIX

LOSS, RIGHT, SCALE = range(len(SUMS))


@dataclass(frozen=True)
class Plan:
    """All that a program depends on.

    Attributes:
        lanes: the SIMD type.
        kinds: the kinds of layers, the first layer's first.
        activations: those that the kinds refer to.
        loss, optimiser: names.
        decay, epsilon: whether weight decay and loss_epsilon are in use.
        shared: whether all lanes see the data in one order.
        blocking: how products are written.
    """

    lanes: LaneType
    kinds: tuple[Kind, ...]
    activations: tuple[Activation, ...]
    loss: str
    optimiser: str
    decay: bool
    epsilon: bool
    shared: bool
    blocking: Blocking

    @property
    def inputs(self) -> int:
        """Numbers of x for a point."""
        return self.kinds[0].fan_in

    @property
    def outputs(self) -> int:
        """Logits for a point."""
        return next(k.fan_out for k in self.kinds if k.phi < 0)

    @property
    def targets(self) -> int:
        """Numbers of y for a point."""
        return 1 if self.loss == "cross_entropy" else self.outputs

    @property
    def plain(self) -> bool:
        """Whether the net has neither norm nor skips."""
        return not any(k.norm or k.skip for k in self.kinds)


def emit(plan: Plan) -> str:
    """The program as the text of an LLVM module."""
    return str(_Writer(plan).code)


class _Writer:
    """Writes the functions of a program, each calling those written before it."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.lanes = plan, plan.lanes
        self.code = Code("program")
        self.side = 1 if plan.shared else plan.lanes.count  # orders of their own in a block
        # while training, lanes have points of their own unless the order is shared
        self.own = plan.lanes.broadcast if plan.shared else plan.lanes
        # in a shared order a tile's points lie as the data do, so the same functions take both
        self.passes = {"data": "data", "own": "data" if plan.shared else "own"}
        inputs = {"data": plan.lanes.broadcast, self.passes["own"]: self.own}
        self.short = [
            layers.emit_phi(self.code, f"phi_{i}", activation, plan.lanes, plan.blocking.flight)
            <= plan.blocking.fused
            for i, activation in enumerate(plan.activations)
        ]
        for name, element in inputs.items():
            for i, kind in enumerate(plan.kinds):
                if kind.first or name == "data":
                    self._forward(f"forward_{name}_{i}", kind, element)
                    self._backward(f"backward_{name}_{i}", kind, element)
            self._forward_pass(name)
            self._backward_pass(name)
            self._loss(f"loss_{name}", element)
        for i, kind in enumerate(plan.kinds):
            if kind.phi >= 0:
                self._moments(i, kind)
        self._gather()
        self._order()
        self._tiles("data")
        self._tiles("own")
        self._step()
        self._train()
        self._score()
        self._predict()
        self._trace()

    def _frame(self, at: Pointer) -> Fields:
        return Fields(at, FRAME)

    def _forward(self, name: str, kind: Kind, element: Any) -> None:
        with self.code.function(name, "pppppi", exported=False) as (*at, rows):
            tile, weights, layer, x, logits = at
            activation = self.plan.activations[kind.phi] if kind.phi >= 0 else None
            places = (
                tile.to(self.lanes),
                weights.to(self.lanes),
                Fields(layer, LAYER),
                x.to(element if kind.first else self.lanes),
                logits.to(self.lanes),
            )
            short = kind.phi >= 0 and self.short[kind.phi]
            settings = activation, short, self.plan.blocking
            layers.forward(self.code, kind, *settings, places, rows)

    def _backward(self, name: str, kind: Kind, element: Any) -> None:
        with self.code.function(name, "pppppppppi", exported=False) as (*at, rows):
            tile, weights, gradient, x, *deltas, layer, below = at
            places = (
                *(p.to(self.lanes) for p in (tile, weights, gradient)),
                x.to(element if kind.first else self.lanes),
                *(p.to(self.lanes) for p in deltas),
            )
            rows_of = Fields(layer, LAYER), Fields(below, LAYER)
            plan = self.plan
            layers.backward(self.code, kind, plan.plain, plan.blocking, places, rows_of, rows)

    def _each_kind(self, number: Int, call: Any) -> None:
        """Emit a branch to `call(i)` for the kind whose number is i."""
        for i, kind in enumerate(self.plan.kinds):
            if not kind.first:
                with self.code.when(number.is_equal(i)):
                    call(i)

    def _forward_pass(self, name: str) -> None:
        """All layers forward for one tile whose points are at `x`."""
        code = self.code
        with code.function(f"forward_{name}", "ppi", exported=False) as (at, x, rows):
            frame = self._frame(at)
            fixed = frame.to("tile", self.lanes), frame.to("weights", self.lanes)
            table, logits = frame.to("layers", INT64), frame.to("logits", self.lanes)
            code.call(f"forward_{name}_0", *fixed, table, x, logits, rows)
            with code.loop(frame.count, 1) as l:
                row = table + l * len(LAYER)
                h = fixed[0] + Fields(table + (l - 1) * len(LAYER), LAYER).h
                number = Fields(row, LAYER).kind
                self._each_kind(
                    number, lambda i: code.call(f"forward_data_{i}", *fixed, row, h, logits, rows)
                )

    def _backward_pass(self, name: str) -> None:
        """All layers back. Gradients pass from one of `delta`'s parts to the other and back."""
        code = self.code
        with code.function(f"backward_{name}", "ppi", exported=False) as (at, x, rows):
            frame = self._frame(at)
            tile = frame.to("tile", self.lanes)
            fixed = tile, frame.to("weights", self.lanes), frame.to("gradient", self.lanes)
            table, last = frame.to("layers", INT64), frame.count - 1
            delta, size = frame.to("delta", self.lanes), frame.delta_size
            with code.loop(last) as back:
                l = last - back
                row, below = table + l * len(LAYER), table + (l - 1) * len(LAYER)
                h = tile + Fields(below, LAYER).h
                here, there = delta + (back & 1) * size, delta + ((back + 1) & 1) * size
                deltas = here, there, delta + size * 2
                self._each_kind(
                    Fields(row, LAYER).kind,
                    lambda i: code.call(f"backward_data_{i}", *fixed, h, *deltas, row, below, rows),
                )
            ends = delta + (last & 1) * size, delta, delta + size * 2
            code.call(f"backward_{name}_0", *fixed, x, *ends, table, table, rows)

    def _loss(self, name: str, element: Any) -> None:
        """Losses of a tile added to `sums`; the gradient in the logits, scaled, in `delta`."""
        code, plan, lanes = self.code, self.plan, self.lanes
        with code.function(name, "ppi", exported=False) as (at, targets, rows):
            frame = self._frame(at)
            targets = targets.to(element)
            sums, logits = frame.to("sums", lanes), frame.to("logits", lanes)
            delta, scale = frame.to("delta", lanes), sums[SCALE]
            epsilon = None
            if plan.epsilon:
                epsilon = frame.to("settings", lanes.broadcast)[SETTINGS.index("epsilon")]
            totals = code.variable(sums[LOSS]), code.variable(sums[RIGHT])
            with code.loop(rows) as r:
                out = delta + r * plan.outputs
                found = LOSSES[plan.loss](
                    code,
                    logits + r * plan.outputs,
                    targets + r * plan.targets,
                    plan.outputs,
                    epsilon,
                    lambda j, value: out.__setitem__(j, value * scale),
                )
                for total, term in zip(totals, found, strict=True):
                    total.set(total.get() + term)
            sums[LOSS], sums[RIGHT] = totals[0].get(), totals[1].get()

    def _moments(self, i: int, kind: Kind) -> None:
        with self.code.function(f"moments_{i}", "pppi", exported=False) as (*at, rows):
            tile, layer, into = at
            tile, into = tile.to(self.lanes), into.to(self.lanes)
            layers.moments(self.code, kind, tile, Fields(layer, LAYER), into, rows)

    def _gather(self) -> None:
        """Copy the points of `order[first : first + rows]` into the tile."""
        code, plan, side = self.code, self.plan, self.side
        with code.function("gather", "pii", exported=False) as (at, first, rows):
            frame = self._frame(at)
            alone = self.lanes.alone
            order = frame.to("order", INT32) + first * side
            sets = [
                (frame.to(source, alone), frame.to(target, alone), width)
                for source, target, width in (
                    ("x", "inputs", plan.inputs),
                    ("y", "targets", plan.targets),
                )
            ]
            with code.loop(rows) as r:
                for lane in range(side):
                    point = order[r * side + lane]
                    for source, target, width in sets:
                        read, write = source + point * width, target + (r * (width * side) + lane)
                        for j in code.few(width):
                            write[j * side] = read[j]

    def _order(self) -> None:
        """The order of one epoch: as it lies, as given, or drawn as in orders.py."""
        code, side = self.code, self.side
        with code.function("order", "pi", exported=False) as (at, epoch):
            frame = self._frame(at)
            points, given = frame.points, frame.given
            order = frame.to("order", INT32)
            with code.loop(points) as i:
                for lane in range(side):
                    order[i * side + lane] = i
            with code.when(given > 0):
                source = frame.to("given", INT64) + (epoch - frame.base) * points
                with code.loop(points) as i:
                    for lane in range(side):
                        order[i * side + lane] = source[frame.given_step * lane + i]
            with code.when(given.is_equal(0)):
                self._shuffle(frame, order, epoch)

    def _shuffle(self, frame: Fields, order: Pointer, epoch: Int) -> None:
        """Fisher-Yates in every lane: words for all lanes at once, then lane after lane."""
        code, side, points = self.code, self.side, frame.points
        words = Words(side)

        def mixed(z: Any) -> Any:
            for shift, factor in MIX:
                z = (z ^ (z >> shift)) * factor
            return z

        key = mixed(frame.to("seeds", words)[0] + words.splat(code, (epoch + 1) * GOLDEN))
        picks = code.variable(key)
        each = Pointer(code, picks.place, INT64)
        with code.loop(points - 1) as back:
            i = points - 1 - back
            size = words.splat(code, i + 1)
            word = mixed(key + size * GOLDEN) >> 32
            picks.set((word * size) >> 32)
            for lane in range(side):
                here, there = order + (i * side + lane), order + (each[lane] * side + lane)
                here[0], there[0] = there[0], here[0]

    def _tiles(self, name: str) -> None:
        """The mean loss of some points, in `sums`, and its gradient, added to `gradient`.

        The points are those of the order from `first` on, or of the data as they lie.
        """
        code, plan, lanes = self.code, self.plan, self.lanes
        with code.function(f"gradient_{name}", "pii", exported=False) as (at, first, rows):
            frame = self._frame(at)
            sums, full = frame.to("sums", lanes), frame.tile_rows
            outputs = 1 if plan.loss == "cross_entropy" else plan.outputs
            share = 1.0 / lanes.lane(code, rows * outputs)
            sums[LOSS], sums[RIGHT], sums[SCALE] = 0.0, 0.0, share
            with code.loop((rows + (full - 1)) // full) as t:
                start = t * full
                height = (rows - start).least(full)
                x, y = self._points(name, frame, start + first, height)
                for part in ("forward", "loss", "backward"):
                    points = y if part == "loss" else x
                    code.call(f"{part}_{self.passes[name]}", at, points, height)
            sums[LOSS] = sums[LOSS] * share

    def _points(self, name: str, frame: Fields, first: Int, rows: Int) -> tuple[Pointer, Pointer]:
        if name == "own":
            self.code.call("gather", frame._at, first, rows)
            return frame.to("inputs", self.own), frame.to("targets", self.own)
        alone = self.lanes.alone
        return (
            frame.to("x", alone) + first * self.plan.inputs,
            frame.to("y", alone) + first * self.plan.targets,
        )

    def _step(self) -> None:
        """One step of the optimiser; leaves the gradient at zero."""
        code, plan, lanes = self.code, self.plan, self.lanes
        with code.function("step", "p", exported=False) as (at,):
            frame = self._frame(at)
            names = "weights", "gradient", "first", "second"
            w, g, first, second = (frame.to(name, lanes) for name in names)
            r = rates(code, lanes, frame, plan.decay, plan.optimiser.startswith("adam"))
            with code.loop(frame.parameters) as i:
                w[i] = step(plan.optimiser, r, w[i], g[i], first, second, i)
                g[i] = 0.0

    def _train(self) -> None:
        code, lanes = self.code, self.lanes
        with code.function("train", "pii") as (at, start, stop):
            frame = self._frame(at)
            points, batch = frame.points, frame.batch
            batches = (points + (batch - 1)) // batch
            sums, w = frame.to("sums", lanes), frame.to("weights", lanes)
            share = 1.0 / lanes.lane(code, batches)
            zero = share.same(0.0)
            with code.loop(stop, start) as epoch:
                code.call("order", at, epoch)
                total = code.variable(zero)
                with code.loop(batches) as k:
                    rows = (points - k * batch).least(batch)
                    code.call("gradient_own", at, k * batch, rows)
                    total.set(total.get() + sums[LOSS])
                    code.call("step", at)
                mean = total.get() * share
                frame.to("loss", lanes)[epoch - frame.base] = mean
                # 0·w is NaN for a weight that is not finite
                finite = code.variable(mean * 0.0)
                with code.loop(frame.parameters) as i:
                    finite.set(w[i].times_plus(0.0, finite.get()))
                diverged = frame.to("diverged", lanes)
                now = (finite.get() != finite.get()) & (diverged[0] < 0.0)
                diverged[0] = now.choose(lanes.lane(code, epoch + 1), diverged[0])

    def _score(self) -> None:
        """The mean loss and the share of right points of the data as they lie, in `sums`."""
        code, lanes = self.code, self.lanes
        with code.function("score", "p") as (at,):
            frame = self._frame(at)
            sums, full, points = frame.to("sums", lanes), frame.tile_rows, frame.points
            outputs = 1 if self.plan.loss == "cross_entropy" else self.plan.outputs
            sums[LOSS], sums[RIGHT], sums[SCALE] = 0.0, 0.0, 0.0
            with code.loop((points + (full - 1)) // full) as t:
                height = (points - t * full).least(full)
                x, y = self._points("data", frame, t * full, height)
                code.call("forward_data", at, x, height)
                code.call("loss_data", at, y, height)
            sums[LOSS] = sums[LOSS] / lanes.lane(code, points * outputs)
            sums[RIGHT] = sums[RIGHT] / lanes.lane(code, points)

    def _predict(self) -> None:
        """The logits of the data as they lie."""
        code, outputs = self.code, self.plan.outputs
        with code.function("predict", "p") as (at,):
            frame = self._frame(at)
            full, points = frame.tile_rows, frame.points
            logits, answers = (frame.to(name, self.lanes) for name in ("logits", "answers"))
            with code.loop((points + (full - 1)) // full) as t:
                height = (points - t * full).least(full)
                x, _ = self._points("data", frame, t * full, height)
                code.call("forward_data", at, x, height)
                into = answers + t * (full * outputs)
                with code.loop(height * outputs) as i:
                    into[i] = logits[i]

    def _trace(self) -> None:
        """The gradient over the data as they lie, in `gradient`, and the layers' moments."""
        code, lanes = self.code, self.lanes
        with code.function("trace", "p") as (at,):
            frame = self._frame(at)
            tile, into = frame.to("tile", lanes), frame.to("moments", lanes)
            table, full, points = frame.to("layers", INT64), frame.tile_rows, frame.points
            code.call("gradient_data", at, 0, points)
            with code.loop((points + (full - 1)) // full) as t:
                height = (points - t * full).least(full)
                x, _ = self._points("data", frame, t * full, height)
                code.call("forward_data", at, x, height)
                with code.loop(frame.count - 1) as l:
                    row = table + l * len(LAYER)
                    layer = Fields(row, LAYER)
                    place = into + l * len(MOMENTS)
                    with code.when(t.is_equal(0)):
                        place[0] = (tile + layer.h)[0]
                    for i, kind in enumerate(self.plan.kinds):
                        if kind.phi >= 0:
                            with code.when(layer.kind.is_equal(i)):
                                code.call(f"moments_{i}", tile, row, place, height)
